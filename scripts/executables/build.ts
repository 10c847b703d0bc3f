// Owns the single executables: Node and dist/podspan.mjs in one file, for five platforms, with archives, sums and a krew manifest.
// Promises the same bytes for the same bundle, whoever builds. `node scripts/executables/build.ts [PLATFORM…]`; all where none is named.
// Does not build the bundle (scripts/build.ts), publish, or sign with an identity: see docs/install.md for what that leaves open.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Entry, tarGz, zip } from './archives.ts'
import { type Archive, krewManifest } from './krew.ts'
import { thirdPartyLicences } from './licences.ts'
import { signAdHoc } from './mach-o.ts'
import { nodeBinary } from './node-binaries.ts'
import { hostPlatform, type Platform, PLATFORMS, programName } from './platforms.ts'
import { withoutSignature, writeChecksum } from './portable-executable.ts'

const BUNDLE = 'dist/podspan.mjs'
export const OUTPUT = 'dist/executables'
/** Where archives will be found; a release says its own. */
const RELEASE_URL = 'https://podspan.dev/releases'
const IDENTIFIER = 'dev.podspan.podspan'

/** The bundle put into that platform's Node; returns the program's path. */
export function buildExecutable(platform: Platform): string {
  const directory = join(OUTPUT, platform.name)
  mkdirSync(directory, { recursive: true })
  const output = join(directory, programName(platform))
  const host = hostPlatform()
  const carrier = join(directory, 'node')
  const node = readFileSync(nodeBinary(platform).path)
  writeFileSync(carrier, platform.os === 'windows' ? withoutSignature(node) : node)
  const config = join(directory, 'config.json')
  writeFileSync(
    config,
    JSON.stringify({
      main: BUNDLE,
      mainFormat: 'module',
      executable: carrier,
      output,
      disableExperimentalSEAWarning: true,
      // V8's bytecode, which only the same V8 on the same platform can make.
      useCodeCache: platform === host,
      // Options of Node in somebody's environment are not meant for this program.
      execArgvExtension: 'none',
    }),
  )
  // Without a seed the bytecode is another one each time.
  execFileSync(nodeBinary(host).path, ['--random-seed=42', `--build-sea=${config}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  for (const file of [carrier, config]) rmSync(file)
  finish(platform, output)
  return output
}

function finish({ os }: Platform, path: string): void {
  if (os === 'darwin') writeFileSync(path, signAdHoc(readFileSync(path), IDENTIFIER))
  if (os === 'windows') {
    const program = readFileSync(path)
    writeChecksum(program)
    writeFileSync(path, program)
  }
  chmodSync(path, 0o755)
}

function pack(platform: Platform, program: string, version: string, licences: readonly Entry[]): Archive {
  const entries = [
    { name: programName(platform), content: readFileSync(program), isExecutable: true },
    ...licences,
  ]
  const isZip = platform.os === 'windows'
  const file = `podspan-v${version}-${platform.name}.${isZip ? 'zip' : 'tar.gz'}`
  const bytes = isZip ? zip(entries) : tarGz(entries)
  writeFileSync(join(OUTPUT, file), bytes)
  return { platform, file, sha256: createHash('sha256').update(bytes).digest('hex') }
}

function licenceFiles(): Entry[] {
  const node = nodeBinary(hostPlatform()).license
  if (node === undefined) throw new Error("Node's licence is not in its package")
  return [
    { name: 'LICENSE', content: readFileSync('LICENSE'), isExecutable: false },
    { name: 'LICENSE.node', content: readFileSync(node), isExecutable: false },
    {
      name: 'LICENSE.packages',
      content: Buffer.from(thirdPartyLicences()),
      isExecutable: false,
    },
  ]
}

function main(names: readonly string[]): void {
  const unknown = names.find((name) => !PLATFORMS.some((platform) => platform.name === name))
  if (unknown !== undefined)
    throw new Error(`${unknown} is no platform; expected ${PLATFORMS.map(({ name }) => name).join(', ')}`)
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  const wanted = PLATFORMS.filter(({ name }) => names.length === 0 || names.includes(name))
  mkdirSync(OUTPUT, { recursive: true })
  const licences = licenceFiles()
  const archives = wanted.map((platform) => pack(platform, buildExecutable(platform), version, licences))
  const sums = archives.map(({ file, sha256 }) => `${sha256}  ${file}\n`)
  writeFileSync(join(OUTPUT, 'SHA256SUMS'), sums.join(''))
  const url = process.env['PODSPAN_RELEASE_URL'] ?? `${RELEASE_URL}/v${version}`
  writeFileSync(join(OUTPUT, 'krew.yaml'), krewManifest(version, url, archives))
  process.stdout.write(sums.join(''))
}

if (import.meta.main) main(process.argv.slice(2))
