import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type NodePull, pullAllAtOnce } from '../../src/advise/node-pulls.ts'

const pull = (image: string, requested: number, work: number, ended: number): NodePull => ({
  image,
  requested,
  work,
  ended,
})

interface Case {
  readonly name: string
  readonly pulls: readonly NodePull[]
  readonly alone: readonly number[]
  readonly shared: readonly number[]
}

const CASES: readonly Case[] = [
  {
    name: 'a pull that nothing was beside stays as it was',
    pulls: [pull('a', 1000, 500, 1500)],
    alone: [1500],
    shared: [1500],
  },
  {
    name: 'the second of two no longer waits, and at worst both are done when it was',
    pulls: [pull('a', 0, 1000, 1000), pull('b', 0, 1000, 2000)],
    alone: [1000, 1000],
    shared: [2000, 2000],
  },
  {
    name: 'a small one behind a large one gains even on a full link',
    pulls: [pull('a', 0, 9000, 9000), pull('b', 0, 1000, 10_000)],
    alone: [9000, 1000],
    shared: [10_000, 2000],
  },
  {
    name: 'who comes later shares what is left',
    pulls: [pull('a', 0, 1000, 1000), pull('b', 500, 1000, 2000)],
    alone: [1000, 1500],
    shared: [1500, 2000],
  },
  {
    name: 'the same image is not there before the first pull of it is done',
    pulls: [pull('a', 0, 3000, 3000), pull('a', 100, 10, 3010)],
    alone: [3000, 3000],
    shared: [3010, 3010],
  },
  {
    name: 'a pull long after another of the same image waits for nobody',
    pulls: [pull('a', 0, 3000, 3000), pull('a', 9000, 10, 9010)],
    alone: [3000, 9010],
    shared: [3000, 9010],
  },
]

for (const { name, pulls, alone, shared } of CASES)
  test(name, () => {
    const ended = pullAllAtOnce(pulls)
    assert.deepEqual([ended.alone.map(Math.round), ended.shared.map(Math.round)], [alone, shared])
  })

/** One after the other, as the kubelet does it. */
const anySerial = fc
  .array(fc.tuple(fc.nat(5000), fc.integer({ min: 1, max: 20_000 })), { minLength: 1, maxLength: 30 })
  .map((pulls) => {
    let requested = 1_700_000_000_000
    let free = 0
    return pulls.map(([after, work], index) => {
      requested += after
      free = Math.max(free, requested) + work
      return pull(`image-${index}`, requested, work, free)
    })
  })

test('no pull is done sooner than alone, and a full link is done with all when it was before', () => {
  fc.assert(
    fc.property(anySerial, (pulls) => {
      const { alone, shared } = pullAllAtOnce(pulls)
      pulls.forEach(({ requested, work, ended }, index) => {
        assert.ok(Math.abs((alone[index] ?? 0) - (requested + work)) < 0.01)
        assert.ok((shared[index] ?? 0) >= requested + work - 0.01)
        assert.ok((alone[index] ?? 0) <= ended + 0.01)
      })
      const last = Math.max(...pulls.map(({ ended }) => ended))
      assert.ok(Math.abs(Math.max(...shared) - last) < 0.1, `${Math.max(...shared)} instead of ${last}`)
    }),
  )
})
