// Owns the binaries: builds each family of Go tools once and keeps them in the cache.
// Promises that a directory below <cache>/bin is whole or absent, whoever was interrupted, and named after what it was built from.
// Does not choose versions (versions.ts) or write go.mod files (kubernetes-module.ts).

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { attempt, type CommandOptions, clock, run, runScript, say } from './commands.ts'
import { kubernetesModule } from './kubernetes-module.ts'
import { cacheDirectory } from './layout.ts'
import { withLock } from './lock.ts'
import { type Family, families, kubernetesVersion, type ToolName, toolFamily, toolNamed } from './versions.ts'

export const modulesDirectory = join(import.meta.dirname, 'modules')

/** The path of every binary by its name, e.g. `kubelet`; builds what is not there yet. */
export async function buildAll(version: string): Promise<Record<string, string>> {
  const binaries: Record<string, string> = {}
  for (const family of families(version)) Object.assign(binaries, pathsIn(await build(family), family))
  return binaries
}

/** The path of every binary of a tool that only some tests need; builds them when they are first asked for. */
export async function buildTool(name: ToolName): Promise<Record<string, string>> {
  const family = toolFamily(name)
  return pathsIn(await build(family), family)
}

/** The same where they are built already; undefined where they are not, or there is no Go to tell. */
export async function builtTool(name: ToolName): Promise<Record<string, string> | undefined> {
  if ((await attempt('go', ['env', 'GOVERSION'])).code !== 0) return undefined
  const family = toolFamily(name)
  const { directory } = await placeOf(family)
  return existsSync(directory) ? pathsIn(directory, family) : undefined
}

/** The directory in which the files that a tool comes with lie, by their paths in its module. */
export const toolFiles = (name: ToolName): Promise<string> => build(toolFamily(name))

const pathsIn = (directory: string, { binaries }: Family): Record<string, string> =>
  Object.fromEntries(binaries.map((binary) => [binary, join(directory, binary)]))

/** The directory of one family's binaries. */
export async function build(family: Family): Promise<string> {
  const { module, directory } = await placeOf(family)
  if (existsSync(directory)) return directory
  return withLock(`build of ${family.name}`, async () => {
    if (!existsSync(directory)) await buildInto(directory, family, module)
    return directory
  })
}

async function placeOf(family: Family): Promise<{ module: string; directory: string }> {
  const module =
    family.name === 'kubernetes'
      ? await kubernetesModule(family.version)
      : join(modulesDirectory, family.name)
  const name = `${family.name}-${family.version}-${await fingerprint(family, module)}`
  return { module, directory: join(cacheDirectory(), 'bin', name) }
}

async function buildInto(directory: string, family: Family, module: string): Promise<void> {
  say(`building ${family.name} v${family.version} (about ${family.firstBuild} the first time)…`)
  const started = clock.monotonicMs()
  const temporary = join(cacheDirectory(), 'bin', `unfinished-${family.name}`)
  // Left by a build that was killed: we hold the lock of this family.
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true })
  try {
    if (family.name === 'otelcol') await buildCollector(temporary, family, module)
    else if (family.binaries.length > 0) await buildTools(temporary, family, module)
    for (const [built, name] of Object.entries(family.renamed ?? {}))
      await rename(join(temporary, built), join(temporary, name))
    if (family.files) await copyFiles(temporary, family, family.files, module)
    await rename(temporary, directory)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  say(`built ${family.name} in ${((clock.monotonicMs() - started) / 1000).toFixed(0)} s`)
}

async function buildTools(output: string, family: Family, module: string): Promise<void> {
  await run(
    'go',
    ['build', '-trimpath', ...family.buildFlags, '-o', `${output}/`, 'tool'],
    goOptions(family, module),
  )
}

/** From the module cache, where the build has put them, if there was one. */
async function copyFiles(
  output: string,
  family: Family,
  files: NonNullable<Family['files']>,
  module: string,
): Promise<void> {
  await run('go', ['mod', 'download', files.module], goOptions(family, module))
  const list = ['list', '-m', '-f', '{{.Dir}}', files.module]
  const source = (await run('go', list, goOptions(family, module))).trim()
  for (const directory of files.directories)
    await cp(join(source, directory), join(output, directory), { recursive: true })
}

/** The Collector's own builder writes a main package from a list of components, and compiles it. */
async function buildCollector(output: string, family: Family, module: string): Promise<void> {
  const options = goOptions(family, module)
  const work = join(output, 'work')
  await run('go', ['build', '-trimpath', '-o', `${work}/`, 'tool'], options)
  const manifest = join(work, 'builder.yaml')
  await cp(join(module, 'builder.yaml'), manifest)
  const generated = join(work, 'source')
  await run(join(work, 'builder'), ['--config', manifest, '--skip-compilation'], {
    ...options,
    env: { ...options.env, 'dist.output_path': generated },
    cwd: work,
  })
  await run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', join(output, 'otelcol'), '.'], {
    ...options,
    cwd: generated,
  })
  await rm(work, { recursive: true })
}

function goOptions(family: Family, module: string): CommandOptions & { env: Record<string, string> } {
  return { cwd: module, env: { CGO_ENABLED: family.cgo ? '1' : '0', GOWORK: 'off' }, showProgress: true }
}

/** What a build depends on besides the sources, which go.sum pins. */
async function fingerprint(family: Family, module: string): Promise<string> {
  const hash = createHash('sha256').update(await run('go', ['env', 'GOVERSION']))
  hash.update(JSON.stringify([family.buildFlags, family.cgo]))
  if (family.files) hash.update(JSON.stringify(family.files))
  for (const file of ['go.mod', 'go.sum', 'builder.yaml'])
    if (existsSync(join(module, file))) hash.update(await readFile(join(module, file)))
  return hash.digest('hex').slice(0, 8)
}

/** Run as a script, it only builds, the cluster or the tools that are named: CI does so before it takes the time of anything. */
if (import.meta.main)
  runScript(async () => {
    const names = process.argv.slice(2)
    if (names.length === 0) await buildAll(kubernetesVersion())
    for (const name of names) await buildTool(toolNamed(name))
  })
