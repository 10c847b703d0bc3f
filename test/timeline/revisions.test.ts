import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type UnixNano, unixNano } from '../../src/base/time.ts'
import { boundRevision, emptyRevisions, sampleRevision } from '../../src/timeline/revisions.ts'

const NOW = 1_764_000_000_000_000_000n
const at = (ns: number): UnixNano => unixNano(NOW + BigInt(ns))

interface Sample {
  readonly revision: number
  readonly storedNs: number
  readonly notBefore: UnixNano | undefined
  readonly notAfter: UnixNano | undefined
}

/** One store: later revisions are stored later. What is known of each is true, and comes in any order. */
const samples = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 9 }),
      early: fc.nat(5e8),
      late: fc.nat(5e8),
      known: fc.nat(3),
    }),
    {
      minLength: 1,
      maxLength: 120,
    },
  )
  .chain((rows) => {
    let [revision, storedNs] = [1000, 0]
    const all = rows.map(({ gap, early, late, known }): Sample => {
      revision += gap
      storedNs += gap * 1_000_000
      return {
        revision,
        storedNs,
        notBefore: known === 1 ? undefined : at(storedNs - early),
        notAfter: known === 2 ? undefined : at(storedNs + late),
      }
    })
    return fc.shuffledSubarray(all, { minLength: all.length })
  })

test('whatever order samples come in, a bound holds the moment at which a revision was stored', () => {
  fc.assert(
    fc.property(samples, (shuffled) => {
      const model = emptyRevisions()
      for (const { revision, notBefore, notAfter } of [...shuffled, ...shuffled.slice(0, 5)])
        sampleRevision(model, String(revision), notBefore, notAfter)
      for (const { revision, storedNs } of shuffled) {
        const bounds = boundRevision(model, String(revision))
        assert.ok(bounds.notBefore === undefined || bounds.notBefore <= at(storedNs))
        assert.ok(bounds.notAfter === undefined || bounds.notAfter >= at(storedNs))
      }
    }),
  )
})

test('the nearest that is known on either side bounds it, to the nanosecond', () => {
  const model = emptyRevisions()
  sampleRevision(model, '10', at(-7), undefined)
  sampleRevision(model, '12', at(-3), undefined)
  sampleRevision(model, '20', undefined, at(90_071_992_547_409))
  sampleRevision(model, '30', undefined, at(12_345_678_901_235))
  assert.deepEqual(boundRevision(model, '15'), { notBefore: at(-3), notAfter: at(12_345_678_901_235) })
  assert.deepEqual(boundRevision(model, '40'), { notBefore: at(-3), notAfter: undefined })
})

test('a version that comes again keeps the sharper bound', () => {
  const model = emptyRevisions()
  sampleRevision(model, '10', undefined, at(50))
  sampleRevision(model, '10', at(1), at(90))
  sampleRevision(model, '10', undefined, at(20))
  assert.deepEqual(boundRevision(model, '11').notBefore, at(1))
  assert.deepEqual(boundRevision(model, '9').notAfter, at(20))
})

test('where later revisions were received before earlier ones were recorded, resources are in several stores', () => {
  const model = emptyRevisions()
  for (let revision = 0; revision < 100; revision++) {
    sampleRevision(model, String(2000 + revision * 2), undefined, at(revision * 1e6))
    sampleRevision(model, String(1001 + revision * 2), at(revision * 1e6 + 5e9), undefined)
  }
  assert.ok(model.contradictions > 2)
  assert.deepEqual(boundRevision(model, '1100'), { notBefore: undefined, notAfter: undefined })
})

test('memory is bounded, the newest stay, and a year later they are as exact as at first', () => {
  const model = emptyRevisions()
  const yearNs = 365 * 86_400e9
  for (let revision = 1; revision <= 450_000; revision++)
    sampleRevision(model, String(revision), undefined, at((yearNs / 450_000) * revision))
  assert.ok(model.length <= 200_000)
  sampleRevision(model, '450001', at(yearNs + 1), at(yearNs + 2))
  assert.deepEqual(boundRevision(model, '450001').notAfter, at(yearNs + 2))
  const first = Number(model.revisions[0])
  assert.ok(first > 250_000, `the oldest is ${first}`)
})

test('what is no revision says nothing', () => {
  const model = emptyRevisions()
  for (const text of ['', '0', '-5', '1e3', ' 7', '99999999999999999', 'abc']) {
    sampleRevision(model, text, at(0), at(1))
    assert.deepEqual(boundRevision(model, text), { notBefore: undefined, notAfter: undefined }, text)
  }
  assert.equal(model.length, 0)
})
