// Owns the judgement on all single executables, as `make executables` left them in dist/executables; see `make executables-test`.
// Promises that each is a program of its platform that holds the bundle, and that the same bundle gives the same bytes again.
// Does not run on macOS or Windows: there somebody has to.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { buildExecutable, OUTPUT } from '../../scripts/executables/build.ts'
import { readMachO } from '../../scripts/executables/mach-o.ts'
import { type Platform, PLATFORMS, programName } from '../../scripts/executables/platforms.ts'
import { readPortableExecutable } from '../../scripts/executables/portable-executable.ts'
import { assertSigned, krewProblems } from './judge.ts'

const root = join(import.meta.dirname, '..', '..')
const wanted = process.env['PODSPAN_EXECUTABLES'] === 'test'
const options = { skip: !wanted && 'make executables-test asks for it', timeout: 600_000 }
const read = (...path: string[]): Buffer => readFileSync(join(root, OUTPUT, ...path))
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Node finds its program by this, and looks only where the fuse is set. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1'

const FORMS: Readonly<Record<string, (program: Buffer) => void>> = {
  'linux-amd64': (program) => assertElf(program, 62),
  'linux-arm64': (program) => assertElf(program, 183),
  'darwin-amd64': (program) => assertMachO(program, 0x01000007),
  'darwin-arm64': (program) => assertMachO(program, 0x0100000c),
  'windows-amd64': assertWindows,
}

function assertElf(program: Buffer, machine: number): void {
  assert.equal(program.toString('latin1', 0, 4), '\u007fELF')
  assert.equal(program.readUInt16LE(18), machine)
  assert.ok(program.includes('NODE_SEA_BLOB'))
}

function assertMachO(program: Buffer, cpu: number): void {
  assert.equal(program.readUInt32LE(4), cpu)
  const segment = readMachO(program).segments.find(({ name }) => name === 'NODE_SEA')
  assert.deepEqual(segment?.sections, ['__NODE_SEA_BLOB'])
  assertSigned(program, 'dev.podspan.podspan')
}

function assertWindows(program: Buffer): void {
  const { machine, sections, signature } = readPortableExecutable(program)
  assert.deepEqual([machine, signature], [0x8664, undefined])
  assert.ok(sections.includes('.rsrc'))
  // Names of resources are in UTF-16.
  assert.ok(program.includes(Buffer.from('NODE_SEA_BLOB', 'utf16le')))
}

for (const platform of PLATFORMS) {
  test(`${platform.name} is a program of its platform, with the bundle in it`, options, () => {
    const program = read(platform.name, programName(platform))
    FORMS[platform.name]?.(program)
    assert.ok(program.includes(FUSE))
    assert.ok(program.includes(readFileSync(join(root, 'dist', 'podspan.mjs')).subarray(0, 100_000)))
  })

  test(`${platform.name} is the same bytes when it is built again`, options, () => {
    const before = sha256(read(platform.name, programName(platform)))
    assert.equal(sha256(readFileSync(join(root, buildExecutable(platform)))), before)
  })
}

test('each archive has the sum that is stated, and krew is told the same', options, () => {
  const sums = new Map(
    read('SHA256SUMS')
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ').reverse() as [string, string]),
  )
  assert.equal(sums.size, PLATFORMS.length)
  for (const [file, sum] of sums) assert.equal(sha256(read(file)), sum)
  const manifest = parse(read('krew.yaml').toString()) as {
    spec: { platforms: { uri: string; sha256: string }[] }
  }
  assert.deepEqual(krewProblems(manifest), [])
  for (const { uri, sha256: sum } of manifest.spec.platforms)
    assert.equal(sums.get(uri.slice(uri.lastIndexOf('/') + 1)), sum)
})

const arm = PLATFORMS.find(({ name }) => name === 'linux-arm64') as Platform
const foreign = (command: string, args: readonly string[]) =>
  spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, QEMU_LD_PREFIX: process.env['PODSPAN_ARM64_ROOT'] },
  })

test('linux-arm64 runs under emulation', options, (t) => {
  if (spawnSync('qemu-aarch64', ['--version']).status !== 0) return t.skip('there is no qemu-aarch64')
  const path = join(root, OUTPUT, arm.name, programName(arm))
  const version = foreign('qemu-aarch64', [path, '--version'])
  const { version: expected } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  assert.deepEqual([version.status, version.stdout], [0, `${expected}\n`], version.stderr)
  const args = ['replay', join(root, 'test', 'recordings', 'plain.jsonl.gz'), '-o', 'json']
  const here = spawnSync(process.execPath, [join(root, 'dist', 'podspan.mjs'), ...args], { encoding: 'utf8' })
  assert.equal(foreign('qemu-aarch64', [path, ...args]).stdout, here.stdout)
})

test('osslsigncode agrees that the Windows program has no signature and a right checksum', options, (t) => {
  if (spawnSync('osslsigncode', ['--version']).status !== 0) return t.skip('there is no osslsigncode')
  const path = join(root, OUTPUT, 'windows-amd64', 'podspan.exe')
  assert.ok(existsSync(path))
  const { stdout, stderr } = spawnSync('osslsigncode', ['verify', '-in', path], { encoding: 'utf8' })
  assert.match(stdout + stderr, /No signature found/i)
  assert.doesNotMatch(stdout + stderr, /invalid PE checksum|PE signature not at the end/i)
})
