import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ClockName, Stamp, StampSource } from '../../src/base/stamp.ts'
import { milliseconds } from '../../src/base/time.ts'
import { type Draft, unseen } from '../../src/timeline/combine.ts'
import { type Edge, finishDraft, isRefuted, orderDrafts } from '../../src/timeline/order.ts'
import { runs } from '../support/frames.ts'
import { at } from '../support/pods.ts'

/** `[earliest, best, latest]` in ms; a hole is unknown. */
type Figures = readonly [earliest: number | undefined, best: number | undefined, latest: number | undefined]

function draft([earliest, best, latest]: Figures, rank = 1): Draft {
  const moment = (ms: number | undefined) => (ms === undefined ? undefined : at(ms))
  return { ...unseen(), earliest: moment(earliest), best: moment(best), latest: moment(latest), rank }
}

const figures = ({ earliest, best, latest }: Draft): Figures => {
  const ms = (moment: bigint | undefined) => (moment === undefined ? undefined : Number(moment - at(0)) / 1e6)
  return [ms(earliest), ms(best), ms(latest)]
}

interface Case {
  readonly name: string
  readonly before: Figures
  readonly after: Figures
  readonly ranks?: readonly [number, number]
  readonly then: readonly [Figures, Figures]
  readonly clamped?: readonly ('before' | 'after')[]
}

const CASES: readonly Case[] = [
  {
    name: 'boundaries that are in order already keep what they have',
    before: [0, 5, 10],
    after: [20, 25, 30],
    then: [
      [0, 5, 10],
      [20, 25, 30],
    ],
  },
  {
    name: 'the later one is not before the earlier one begins, the earlier one not after the later one ends',
    before: [10, 15, 90],
    after: [0, 40, 50],
    then: [
      [10, 15, 50],
      [10, 40, 50],
    ],
  },
  {
    name: 'an estimate that is out of order moves, the coarser one',
    before: [0, 30, 40],
    after: [0, 20, 40],
    ranks: [5, 1],
    then: [
      [0, 20, 40],
      [0, 20, 40],
    ],
  },
  {
    name: 'or the later one, if that is coarser',
    before: [0, 30, 40],
    after: [0, 20, 40],
    ranks: [1, 5],
    then: [
      [0, 30, 40],
      [0, 30, 40],
    ],
  },
  {
    name: 'two that contradict each other: the finer stays, the other moves and is marked',
    before: [50, 55, 60],
    after: [10, 15, 20],
    ranks: [5, 1],
    then: [
      [15, 15, 60],
      [10, 15, 20],
    ],
    clamped: ['before'],
  },
  {
    name: 'an unknown boundary is put as late as what follows allows',
    before: [undefined, undefined, undefined],
    after: [20, 25, 30],
    ranks: [100, 1],
    then: [
      [undefined, 25, 30],
      [20, 25, 30],
    ],
  },
  {
    name: 'an unknown boundary after a known one is there at the earliest',
    before: [20, 25, 30],
    after: [undefined, undefined, undefined],
    ranks: [1, 100],
    then: [
      [20, 25, 30],
      [20, 25, undefined],
    ],
  },
]

for (const { name, before, after, ranks = [1, 1], then, clamped = [] } of CASES) {
  test(name, () => {
    const [first, second] = [draft(before, ranks[0]), draft(after, ranks[1])]
    orderDrafts([[first, second]])
    assert.deepEqual([figures(first), figures(second)], then)
    assert.deepEqual([first.clamped, second.clamped], [clamped.includes('before'), clamped.includes('after')])
  })
}

test('what is known of the last is known of all before it, along a chain', () => {
  const chain = [
    draft([0, 5, undefined]),
    draft([undefined, undefined, undefined], 100),
    draft([0, 90, 100], 1),
  ]
  orderDrafts([
    [chain[0] as Draft, chain[1] as Draft],
    [chain[1] as Draft, chain[2] as Draft],
  ])
  assert.deepEqual(
    chain.map((one) => figures(one)[2]),
    [100, 100, 100],
  )
})

test('a finished boundary has its estimate in its interval, whatever it was made of', () => {
  const side = fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined })
  const any = fc.tuple(side, side, side, fc.integer({ min: 0, max: 9 }))
  fc.assert(
    fc.property(fc.array(any, { minLength: 2, maxLength: 8 }), (made) => {
      const drafts = made.map(([earliest, best, latest, rank]) =>
        // Combined evidence never contradicts itself: a claim that does is set aside.
        draft(
          [
            earliest,
            best,
            latest !== undefined && earliest !== undefined && latest < earliest ? earliest : latest,
          ],
          rank,
        ),
      )
      const edges = drafts.slice(1).map((after, index): Edge => [drafts[index] as Draft, after])
      orderDrafts(edges)
      for (const one of drafts) {
        const instant = finishDraft(one)
        if (instant) assert.ok(instant.earliest <= instant.best && instant.best <= instant.latest)
      }
    }),
    { seed: 11, numRuns: runs(2000) },
  )
})

test('of known boundaries none is estimated before the one that comes first', () => {
  const any = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 9 }))
  fc.assert(
    fc.property(fc.array(any, { minLength: 2, maxLength: 6 }), (made) => {
      const drafts = made.map(([best, rank]) => draft([best - 5, best, best + 5], rank))
      orderDrafts(drafts.slice(1).map((after, index): Edge => [drafts[index] as Draft, after]))
      const finished = drafts.map((one) => finishDraft(one)?.best ?? 0n)
      for (const [index, best] of finished.slice(1).entries())
        assert.ok(best >= (finished[index] ?? 0n), String(finished))
    }),
    { seed: 12, numRuns: runs(2000) },
  )
})

/** A boundary of one stamp, exact to 2 ms. */
const stamped = (ms: number, clock: ClockName, source: StampSource = 'event-name'): Draft => {
  const evidence = { object: '', resourceVersion: '', field: '', raw: '' }
  const stamp: Stamp = { source, at: at(ms), clock, resolution: milliseconds(0), evidence }
  return { ...draft([ms - 1, ms, ms + 1]), stamps: [stamp] }
}

test('what one clock has stamped the other way round is in no order; what two have is', () => {
  const [before, after] = [stamped(3000, 'node/a'), stamped(1000, 'node/a')]
  orderDrafts([[before, after]])
  assert.deepEqual(
    [figures(before), figures(after)],
    [
      [2999, 3000, 3001],
      [999, 1000, 1001],
    ],
  )
  const other = stamped(1000, 'apiserver')
  orderDrafts([[before, other]])
  assert.equal(before.best, other.best)
})

test('a later second of the runtime is in no order with an earlier one, though their intervals meet', () => {
  const before = { ...stamped(2000, 'node/a', 'state-second'), earliest: at(2000), latest: at(3250) }
  const after = { ...stamped(1000, 'node/a', 'state-second'), earliest: at(1000), latest: at(2250) }
  assert.equal(isRefuted([before, after]), true)
  assert.equal(isRefuted([after, before]), false)
})

test('what nobody saw does not move what was seen, though something seen came before it', () => {
  const [before, unknown, after] = [stamped(3000, 'node/a'), unseen(), stamped(1000, 'node/a')]
  orderDrafts([
    [before, unknown],
    [unknown, after],
  ])
  assert.deepEqual(figures(after), [999, 1000, 1001])
  assert.equal(before.best, at(3000))
})

test('however long a chain of ever finer boundaries is, it yields to the finest at its end', () => {
  const coarse = Array.from({ length: 12 }, (_, place) => draft([0, 900, 1000], 20 - place))
  const fine = draft([450, 470, 500])
  const chain = [...coarse, fine]
  orderDrafts(chain.slice(1).map((after, place): Edge => [chain[place] ?? after, after]))
  assert.deepEqual(
    chain.map(({ best }) => best),
    chain.map(() => at(470)),
  )
  assert.equal(fine.clamped, false)
})
