// Owns the go.mod of the kubernetes family, whose staging modules must all be replaced by the same version.
// Promises the committed module for the default version, and a generated one in the cache for any other.
// Does not rewrite the committed module, except when run as a script: `node kubernetes-module.ts VERSION DIRECTORY`.

import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, runScript, say } from './commands.ts'
import { cacheDirectory } from './layout.ts'
import { withLock } from './lock.ts'
import { defaultKubernetesVersion, kubernetesTools } from './versions.ts'

/** The directory whose go.mod builds this version of Kubernetes. */
export async function kubernetesModule(version: string): Promise<string> {
  if (version === defaultKubernetesVersion) return join(import.meta.dirname, 'modules', 'kubernetes')
  const directory = join(cacheDirectory(), 'modules', `kubernetes-${version}`)
  if (await hasTools(directory)) return directory
  return withLock('go.mod of kubernetes', async () => {
    if (await hasTools(directory)) return directory
    const temporary = join(cacheDirectory(), 'modules', 'unfinished')
    await rm(temporary, { recursive: true, force: true })
    await mkdir(temporary, { recursive: true })
    await writeModule(version, temporary)
    await rm(directory, { recursive: true, force: true })
    await rename(temporary, directory)
    return directory
  })
}

/** One that was made for fewer tools than are wanted now is made anew. */
async function hasTools(directory: string): Promise<boolean> {
  const file = join(directory, 'go.mod')
  if (!existsSync(file)) return false
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim())
  return kubernetesTools.every((tool) => lines.includes(tool))
}

/** Writes go.mod and go.sum: Kubernetes at this version, with the etcd that it is tested with. */
async function writeModule(version: string, directory: string): Promise<void> {
  say(`resolving the modules of kubernetes v${version}…`)
  const upstream = await upstreamGoMod(version, directory)
  const staging = [...upstream.matchAll(/^\t(k8s\.io\/\S+) => \.\/staging\//gm)].map((match) => match[1])
  const stagingVersion = version.replace(/^1\./, 'v0.')
  const lines = [
    'module podspan.dev/test/cluster/modules/kubernetes',
    ...(upstream.match(/^(go|godebug) .*$/gm) ?? []),
    'replace (',
    ...staging.map((module) => `\t${module} => ${module} ${stagingVersion}`),
    ')',
  ]
  await writeFile(join(directory, 'go.mod'), `${lines.join('\n')}\n`)
  const etcd = upstream.match(/go\.etcd\.io\/etcd\/client\/v3 (\S+)/)?.[1] ?? 'latest'
  const tools = [...kubernetesTools.map((tool) => `${tool}@v${version}`), `go.etcd.io/etcd/server/v3@${etcd}`]
  await run('go', ['get', '-tool', ...tools], { cwd: directory, env: { GOWORK: 'off' } })
}

async function upstreamGoMod(version: string, cwd: string): Promise<string> {
  const text = await run('go', ['mod', 'download', '-json', `k8s.io/kubernetes@v${version}`], { cwd })
  const { GoMod } = JSON.parse(text) as { GoMod: string }
  return readFile(GoMod, 'utf8')
}

if (import.meta.main) {
  const [version, directory] = process.argv.slice(2)
  runScript(async () => {
    if (!version || !directory) throw new Error('usage: node kubernetes-module.ts VERSION DIRECTORY')
    await writeModule(version, directory)
  })
}
