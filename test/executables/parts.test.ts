import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { parse } from 'yaml'
import { type Entry, tarGz, zip } from '../../scripts/executables/archives.ts'
import { krewManifest } from '../../scripts/executables/krew.ts'
import { thirdPartyLicences } from '../../scripts/executables/licences.ts'
import { readMachO, signAdHoc } from '../../scripts/executables/mach-o.ts'
import { PLATFORMS } from '../../scripts/executables/platforms.ts'
import {
  readPortableExecutable,
  withoutSignature,
  writeChecksum,
} from '../../scripts/executables/portable-executable.ts'
import { assertSigned, krewProblems } from './judge.ts'

const ENTRIES: readonly Entry[] = [
  { name: 'podspan', content: Buffer.alloc(100_000, 'program '), isExecutable: true },
  { name: 'LICENSE', content: Buffer.from('Apache'), isExecutable: false },
]

test('tar lists an archive with modes, without an owner or a time of its own', () => {
  const directory = mkdtempSync(join(tmpdir(), 'podspan-archive-'))
  try {
    const path = join(directory, 'a.tar.gz')
    writeFileSync(path, tarGz(ENTRIES))
    const listed = execFileSync('tar', ['-tvzf', path], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    })
    assert.match(
      listed,
      /^-rwxr-xr-x 0\/0 +100000 1980-01-01 00:00 podspan\n-rw-r--r-- 0\/0 +6 1980-01-01 00:00 LICENSE\n$/,
    )
    execFileSync('tar', ['-xzf', path, '-C', directory])
    for (const { name, content } of ENTRIES) assert.ok(readFileSync(join(directory, name)).equals(content))
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a zip holds each file whole, found through its directory', () => {
  const bytes = zip(ENTRIES)
  const end = bytes.length - 22
  assert.equal(bytes.toString('latin1', end, end + 4), 'PK\u0005\u0006')
  let at = bytes.readUInt32LE(end + 16)
  for (const { name, content, isExecutable } of ENTRIES) {
    const [packed, whole] = [bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 24)]
    assert.equal(bytes.toString('latin1', at + 46, at + 46 + bytes.readUInt16LE(at + 28)), name)
    assert.equal((bytes.readUInt32LE(at + 38) >>> 16) & 0o777, isExecutable ? 0o755 : 0o644)
    const local = bytes.readUInt32LE(at + 42)
    const from = local + 30 + bytes.readUInt16LE(local + 26)
    assert.ok(inflateRawSync(bytes.subarray(from, from + packed)).equals(content))
    assert.equal(whole, content.length)
    at += 46 + name.length
  }
})

test('archives of the same files are the same bytes', () => {
  for (const make of [tarGz, zip]) assert.ok(make(ENTRIES).equals(make(ENTRIES)))
})

/** A program of two segments, as a linker lays it out: the code, and what links it at the end. */
function tinyMachO(codeBytes: number): Buffer {
  const bytes = Buffer.alloc(0x1000 + codeBytes + 100, 0x90)
  bytes.fill(0, 0, 0x1000)
  ;[0xfeedfacf, 0x0100000c, 0, 2, 2, 72 + 80 + 72, 0, 0].forEach((word, index) =>
    bytes.writeUInt32LE(word, 4 * index),
  )
  const segment = (at: number, name: string, from: number, size: number, sections: number): void => {
    bytes.writeUInt32LE(0x19, at)
    bytes.writeUInt32LE(72 + 80 * sections, at + 4)
    bytes.write(name, at + 8)
    bytes.writeBigUInt64LE(BigInt(from), at + 40)
    bytes.writeBigUInt64LE(BigInt(size), at + 48)
    bytes.writeUInt32LE(sections, at + 64)
  }
  segment(32, '__TEXT', 0, 0x1000 + codeBytes, 1)
  bytes.write('__text', 104)
  bytes.writeUInt32LE(0x1000, 104 + 48)
  segment(184, '__LINKEDIT', 0x1000 + codeBytes, 100, 0)
  return bytes
}

for (const codeBytes of [1, 4096, 70_001])
  test(`a signed Mach-O program of ${codeBytes} bytes of code carries the hash of each of its pages`, () => {
    const unsigned = tinyMachO(codeBytes)
    const signed = signAdHoc(unsigned, 'dev.podspan.test')
    assertSigned(signed, 'dev.podspan.test')
    assert.ok(signAdHoc(unsigned, 'dev.podspan.test').equals(signed))
    assert.ok(signed.subarray(0x1000, unsigned.length).equals(unsigned.subarray(0x1000)))
    const { segments, signature } = readMachO(signed)
    const linkEdit = segments.find(({ name }) => name === '__LINKEDIT')
    assert.equal(linkEdit && Number(linkEdit.fileOffset + linkEdit.fileSize), signed.length)
    assert.equal(signature && signature.offset + signature.size, signed.length)
  })

test('a byte that is changed after signing is noticed', () => {
  const signed = signAdHoc(tinyMachO(5000), 'dev.podspan.test')
  signed.writeUInt8(signed.readUInt8(0x1800) ^ 1, 0x1800)
  assert.throws(() => assertSigned(signed, 'dev.podspan.test'), /page 1/)
})

test('what has a signature already, or no room for one, is not signed', () => {
  const signed = signAdHoc(tinyMachO(10), 'x')
  assert.throws(() => signAdHoc(signed, 'x'), /still has a signature/)
  const full = tinyMachO(10)
  full.writeUInt32LE(250, 104 + 48)
  assert.throws(() => signAdHoc(full, 'x'), /no room/)
  assert.throws(() => signAdHoc(Buffer.alloc(100), 'x'), /not a 64-bit Mach-O/)
})

function tinyPortableExecutable(signature: Buffer): Buffer {
  const bytes = Buffer.alloc(1024, 1)
  bytes.fill(0, 0, 512)
  bytes.write('MZ')
  bytes.writeUInt32LE(64, 0x3c)
  bytes.write('PE\0\0', 64, 'latin1')
  bytes.writeUInt16LE(0x8664, 68)
  bytes.writeUInt16LE(1, 70)
  bytes.writeUInt16LE(240, 84)
  bytes.writeUInt16LE(0x20b, 88)
  bytes.writeUInt32LE(signature.length === 0 ? 0 : 1024, 64 + 24 + 112 + 32)
  bytes.writeUInt32LE(signature.length, 64 + 24 + 112 + 36)
  bytes.write('.text', 64 + 24 + 240)
  return Buffer.concat([bytes, signature])
}

test("a Windows program loses its maker's signature and nothing else, and gets a checksum that holds", () => {
  const plain = tinyPortableExecutable(Buffer.alloc(0))
  const stripped = withoutSignature(tinyPortableExecutable(Buffer.from('certificates')))
  assert.ok(stripped.equals(plain))
  assert.equal(withoutSignature(plain), plain)
  writeChecksum(stripped)
  const { checksum, machine, sections, signature } = readPortableExecutable(stripped)
  assert.deepEqual([machine, sections, signature], [0x8664, ['.text'], undefined])
  // By hand: the words one after another, as the loader's library adds them.
  let sum = 0
  for (let at = 0; at < stripped.length; at += 2) {
    if (at === 64 + 24 + 64 || at === 64 + 24 + 66) continue
    sum += stripped.readUInt16LE(at)
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  }
  assert.equal(checksum, sum + stripped.length)
})

test('what is no Windows program, or signed elsewhere than at its end, is refused', () => {
  assert.throws(() => readPortableExecutable(Buffer.alloc(2000)), /not a Windows program/)
  const odd = Buffer.concat([tinyPortableExecutable(Buffer.from('certificates')), Buffer.from('more')])
  assert.throws(() => withoutSignature(odd), /not the last/)
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const ARCHIVES = PLATFORMS.map((platform) => ({
  platform,
  file: `podspan-v1.2.3-${platform.name}.tar.gz`,
  sha256: sha256(platform.name),
}))

test('the krew manifest is one that krew takes', () => {
  assert.deepEqual(krewProblems(parse(krewManifest('1.2.3', 'https://example.com/v1.2.3/', ARCHIVES))), [])
})

const BROKEN: readonly (readonly [what: RegExp, change: (text: string) => string])[] = [
  [/apiVersion/, (text) => text.replace('v1alpha2', 'v1')],
  [/name/, (text) => text.replace('name: podspan', 'name: pod span')],
  [/version/, (text) => text.replace('version: v1.2.3', 'version: 1.2.3')],
  [/shortDescription/, (text) => text.replace(/shortDescription: .*/, 'shortDescription: ""')],
  [/sha256/, (text) => text.replace(/sha256: [0-9a-f]{4}/, 'sha256: ')],
  [/bin/, (text) => text.replace('bin: podspan\n', 'bin: ""\n')],
  [/selector/, (text) => text.replace('arch: amd64', 'cpu: amd64')],
  [/uri/, (text) => text.replace('.tar.gz\n', '.7z\n')],
]

for (const [what, change] of BROKEN)
  test(`krew's rules notice a wrong ${what.source}`, () => {
    const problems = krewProblems(parse(change(krewManifest('1.2.3', 'https://example.com', ARCHIVES))))
    assert.match(problems.join('; '), what)
  })

test('every platform is there once, of a package that is pinned by its hash', () => {
  assert.deepEqual(
    PLATFORMS.map(({ name }) => name),
    ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64', 'windows-amd64'],
  )
  for (const { integrity } of PLATFORMS) assert.match(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/)
})

test('every package that is used has its licence in what is handed out', () => {
  const text = thirdPartyLicences()
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object }
  for (const name of Object.keys(dependencies)) assert.ok(text.includes(`\n${name} `), name)
  assert.ok(!text.includes('\ntypescript '))
})
