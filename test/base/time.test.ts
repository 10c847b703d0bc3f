// The quick ways between bigints and numbers against the language's own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toBigint, toNumber } from '../../src/base/time.ts'

const EDGES = [
  0n,
  -1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 62n + 513n,
  2n ** 63n,
  -(2n ** 63n),
  2n ** 64n,
]

test('every bigint becomes the number that Number makes of it, whether it fits into 64 bits or not', () => {
  for (const edge of EDGES)
    for (const value of [edge - 1n, edge, edge + 1n, -edge]) assert.equal(toNumber(value), Number(value))
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 70n), 2n ** 70n), (value) => assert.equal(toNumber(value), Number(value))),
  )
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 55n), 2n ** 55n), (value) => assert.equal(toNumber(value), Number(value))),
  )
})

test('every whole number becomes the bigint that BigInt makes of it', () => {
  for (const edge of EDGES) assert.equal(toBigint(Number(edge)), BigInt(Number(edge)))
  fc.assert(fc.property(fc.maxSafeInteger(), (whole) => assert.equal(toBigint(whole), BigInt(whole))))
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 66n), 2n ** 66n).map(Number), (whole) =>
      assert.equal(toBigint(whole), BigInt(whole)),
    ),
  )
})

test('what is no whole number is refused as BigInt refuses it', () => {
  for (const value of [Number.NaN, Infinity, -Infinity]) assert.throws(() => toBigint(value), RangeError)
})
