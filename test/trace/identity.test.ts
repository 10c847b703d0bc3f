import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { isUid, rootSpanIdOf, spanIdOf, traceIdOf, uidOf } from '../../src/trace/identity.ts'

const UID = '0b9f6f1e-8a5c-4f0e-9d4b-5f6a7c8d9e0f'

test("the trace id is the UID's halves swapped", () => {
  assert.equal(traceIdOf(UID), '9d4b5f6a7c8d9e0f0b9f6f1e8a5c4f0e')
})

test('the UID is found again in its trace id', () => {
  fc.assert(fc.property(fc.uuid(), (uid) => uidOf(traceIdOf(uid)) === uid))
})

test("the root's id is the UID's first half", () => {
  assert.equal(rootSpanIdOf(UID), '0b9f6f1e8a5c4f0e')
})

test('any other id is the first 8 bytes of SHA-256 over the UID and the path', () => {
  const path = 'app/create container/0'
  const digest = createHash('sha256').update(`${UID}/${path}`).digest('hex')
  assert.equal(spanIdOf(UID, path), digest.slice(0, 16))
})

test('the low 8 bytes, which samplers read, vary over all their bits', () => {
  const seen = { or: 0n, and: (1n << 64n) - 1n }
  fc.assert(
    fc.property(fc.uuid({ version: 4 }), (uid) => {
      const low = BigInt(`0x${traceIdOf(uid).slice(16)}`)
      seen.or |= low
      seen.and &= low
    }),
    { seed: 1, numRuns: 300 },
  )
  // The version's four bits are the only ones that never vary.
  assert.equal(seen.or ^ seen.and, ((1n << 64n) - 1n) ^ 0xf000n)
})

for (const uid of [
  '',
  'x',
  UID.toUpperCase(),
  UID.replaceAll('-', ''),
  `${UID}0`,
  '../../etc/passwd',
  'eaec65d72455f3233e04a01f966a81bb',
]) {
  test(`${JSON.stringify(uid)} is no UID, and has ids all the same`, () => {
    assert.ok(!isUid(uid))
    assert.match(traceIdOf(uid), /^[0-9a-f]{32}$/)
    assert.match(rootSpanIdOf(uid), /^[0-9a-f]{16}$/)
    assert.equal(traceIdOf(uid), traceIdOf(uid))
    assert.notEqual(traceIdOf(uid), traceIdOf(`${uid}1`))
  })
}
