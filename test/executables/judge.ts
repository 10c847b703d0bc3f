// Owns independent judgements on what is built: a Mach-O signature read back page by page, and krew's rules for a manifest.
// Promises to share no code with the builder. Does not build.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

/** Reads the load commands, the super blob and the code directory anew, and hashes every page. */
export function assertSigned(program: Buffer, identifier: string): void {
  let at = 32
  let blob = 0
  for (let left = program.readUInt32LE(16); left > 0; left--) {
    if (program.readUInt32LE(at) === 0x1d) blob = program.readUInt32LE(at + 8)
    at += program.readUInt32LE(at + 4)
  }
  assert.ok(blob > 0 && blob % 16 === 0, 'there is a signature, aligned to 16 bytes')
  assert.equal(program.readUInt32BE(blob), 0xfade0cc0, 'it is a super blob')
  const directory = blob + program.readUInt32BE(blob + 16)
  assert.equal(program.readUInt32BE(directory), 0xfade0c02, 'it holds a code directory')
  const [flags, hashes, name, pages, limit] = [12, 16, 20, 28, 32].map((offset) =>
    program.readUInt32BE(directory + offset),
  )
  assert.equal(flags, 2, 'it is ad hoc')
  assert.equal(limit, blob, 'it covers all that stands before it')
  assert.equal(pages, Math.ceil(blob / 4096))
  const from = directory + (name ?? 0)
  assert.equal(program.toString('latin1', from, program.indexOf(0, from)), identifier)
  for (let page = 0; page < (pages ?? 0); page++) {
    const found = createHash('sha256')
      .update(program.subarray(page * 4096, Math.min((page + 1) * 4096, blob)))
      .digest()
    const said = directory + (hashes ?? 0) + 32 * page
    assert.ok(found.equals(program.subarray(said, said + 32)), `the hash of page ${page}`)
  }
}

interface Manifest {
  readonly apiVersion?: unknown
  readonly kind?: unknown
  readonly metadata?: { readonly name?: unknown }
  readonly spec?: {
    readonly version?: unknown
    readonly shortDescription?: unknown
    readonly platforms?: readonly Record<string, unknown>[]
  }
}

const matches = (value: unknown, pattern: RegExp): boolean => typeof value === 'string' && pattern.test(value)

/** What `krew install --manifest` and the checks of its index refuse; empty where nothing is. */
export function krewProblems(manifest: Manifest): string[] {
  const { spec = {} } = manifest
  const problems: string[] = []
  const demand = (holds: boolean, what: string): void => void (holds || problems.push(what))
  demand(manifest.apiVersion === 'krew.googlecontainertools.github.com/v1alpha2', 'apiVersion')
  demand(manifest.kind === 'Plugin', 'kind')
  demand(matches(manifest.metadata?.name, /^[\w-]+$/), 'metadata.name')
  demand(matches(spec.version, /^v\d+\.\d+\.\d+(-[\w.-]+)?$/), 'spec.version')
  demand(matches(spec.shortDescription, /^.{1,50}$/), 'spec.shortDescription')
  demand((spec.platforms?.length ?? 0) > 0, 'spec.platforms')
  const places = new Set<string>()
  for (const platform of spec.platforms ?? []) {
    const { selector, uri, sha256, bin, files } = platform as {
      selector?: { matchLabels?: Record<string, unknown> }
      uri?: unknown
      sha256?: unknown
      bin?: unknown
      files?: readonly { from?: unknown; to?: unknown }[]
    }
    const labels = selector?.matchLabels ?? {}
    demand(
      Object.keys(labels).every((key) => key === 'os' || key === 'arch') && Object.keys(labels).length > 0,
      'selector',
    )
    places.add(JSON.stringify(labels))
    demand(matches(uri, /^https:\/\/\S+\.(tar\.gz|zip)$/), 'uri')
    demand(matches(sha256, /^[a-f0-9]{64}$/), 'sha256')
    demand(matches(bin, /^[^/\\]+$/), 'bin')
    demand(files === undefined || (files.length > 0 && files.every(({ from, to }) => from && to)), 'files')
    demand(files === undefined || files.some(({ from }) => from === bin), 'bin is not among files')
    demand(files === undefined || files.some(({ from }) => from === 'LICENSE'), 'LICENSE is not among files')
    demand(labels['os'] !== 'windows' || matches(bin, /\.exe$/), 'bin of Windows')
  }
  demand(places.size === spec.platforms?.length, 'selector of two platforms is the same')
  return problems
}
