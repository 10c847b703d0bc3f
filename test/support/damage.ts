// Owns what may happen to bytes on their way (one flipped, some cut out, put in or repeated, another length) and to a tree of values.
// Promises the same damage for the same description, and that what was given stays as it was. Does not say whose bytes they are.

import fc from 'fast-check'
import { varint } from '../simulator/encode.ts'

export interface Damage {
  readonly at: number
  readonly how: 'flip' | 'cut' | 'insert' | 'repeat' | 'length'
  readonly value: number
}

export const anyDamage: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('flip', 'cut', 'insert', 'repeat', 'length'),
  value: fc.nat(255),
})

export function damagedBy(bytes: Buffer, { at, how, value }: Damage): Buffer {
  const place = at % Math.max(1, bytes.length)
  const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)]
  switch (how) {
    case 'flip':
      return Buffer.concat([head, Buffer.from([(bytes[place] ?? 0) ^ (value | 1)]), tail.subarray(1)])
    case 'cut':
      return Buffer.concat([head, tail.subarray(value)])
    case 'insert':
      return Buffer.concat([head, Buffer.alloc((value % 16) + 1, value), tail])
    case 'repeat':
      return Buffer.concat([head, tail.subarray(0, value), tail])
    case 'length':
      return Buffer.concat([head, varint(2 ** (value % 64)), tail])
  }
}

/** A copy with the value put somewhere, at the end of a path of numbers taken modulo the keys there are, or on the way. */
export function replacedIn(tree: object, path: readonly number[], value: unknown): Record<string, unknown> {
  const copy = structuredClone(tree) as Record<string, unknown>
  let at = copy
  for (const step of path) {
    const keys = Object.keys(at)
    const key = keys[step % Math.max(1, keys.length)] ?? 'spec'
    const next = at[key]
    if (typeof next !== 'object' || next === null || step % 5 === 0) {
      at[key] = value
      return copy
    }
    at = next as Record<string, unknown>
  }
  return copy
}
