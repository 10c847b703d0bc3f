// The packed log against a plain map of the same observations: whatever goes in must come out, to the nanosecond.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ObjectFrame } from '../../src/base/frame.ts'
import type { EventRecord, PodRecord } from '../../src/base/record.ts'
import type { ClockName, Stamp, StampSource } from '../../src/base/stamp.ts'
import { unixNano } from '../../src/base/time.ts'
import type { Observation, What } from '../../src/observe/observation.ts'
import { fineStamp, type ReadStamp, receiptStamp, secondStamp } from '../../src/observe/stamps.ts'
import { addFacts, emptyFactLog, FACTS_MAX, type FactLog, readFacts } from '../../src/timeline/fact-log.ts'
import { mergeStamps } from '../../src/timeline/facts.ts'
import { emptyVocabulary, type Vocabulary, WORDS_MAX } from '../../src/timeline/vocabulary.ts'

const POD: PodRecord = {
  resource: 'pods',
  uid: '7d0ee7c1-8f5a-4f0e-9f5e-0a4b4a4b8a11',
  name: 'web-0',
  namespace: 'shop',
  resourceVersion: '7',
  containers: [],
}

interface Given {
  readonly frame: ObjectFrame
  readonly observations: readonly Observation[]
}

const text = fc.oneof(fc.constantFrom('app', 'init', 'node-1', ''), fc.string({ maxLength: 8 }))
const nanos = fc.oneof(
  fc.bigInt(1_700_000_000n * 10n ** 9n, 1_900_000_000n * 10n ** 9n),
  fc.bigInt(-(10n ** 18n), 10n ** 19n),
  fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => BigInt(seconds) * 10n ** 9n),
)
const clocks: fc.Arbitrary<ClockName> = fc.oneof(
  fc.constantFrom<ClockName>('apiserver', 'scheduler', 'controller', 'node/a', 'node/b'),
  text.map((name): ClockName => `node/${name}`),
)
const versions = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom('', '007', '9007199254740993', 'opaque', '1e3', '-1', '12345678901234'),
)
const records = fc.record({
  resource: fc.constantFrom('pods' as const, 'events' as const),
  namespace: fc.constantFrom('shop', 'default', ''),
  name: fc.oneof(fc.constant('web-0'), text),
  resourceVersion: versions,
})

const frames: fc.Arbitrary<ObjectFrame> = fc
  .record({ record: records, t: nanos, phase: fc.constantFrom('live' as const, 'initial' as const) })
  .map(({ record, t, phase }) => ({
    kind: 'modified',
    source: record.resource,
    t: unixNano(t),
    phase,
    record: { ...POD, ...record } as unknown as PodRecord | EventRecord,
  }))

const SECONDS: readonly StampSource[] = [
  'state-second',
  'condition-second',
  'creation-second',
  'event-second',
]

const stampOf = (frame: ObjectFrame): fc.Arbitrary<readonly ReadStamp[]> =>
  fc.oneof(
    text.map((field) => [receiptStamp(frame, 'watch-receipt', field)]),
    fc
      .tuple(fc.constantFrom(...SECONDS), clocks, text, fc.integer({ min: 0, max: 4_200_000_000 }))
      .map(([source, clock, field, value]) => secondStamp(frame, source, clock, field, value)),
    fc
      .tuple(clocks, nanos, text, fc.option(text, { nil: undefined }))
      .map(([clock, at, field, raw]) => [fineStamp(frame, 'event-name', clock, unixNano(at), field, raw)]),
  )

const identityOf = (stamp: ReadStamp | undefined): string =>
  stamp?.clock === 'observer' ? 'receipt' : `${stamp?.source} ${stamp?.at}`

const details = fc.option(
  fc.oneof(
    fc.record({ reason: text, message: text }),
    fc.constant({
      reason: 'Pulled',
      message: 'Successfully pulled image "a" in 1.5s (2s including waiting). Image size: 7 bytes.',
      image: 'a',
      pull: 1_500_000_000n,
      withWaiting: 2_000_000_000n,
      bytes: 7,
    }),
  ),
  { nil: undefined },
)
const whats = fc.constantFrom<What>('created', 'started container', 'pulled', 'condition', 'waiting')

const observationOf = (frame: ObjectFrame): fc.Arbitrary<Observation> =>
  fc
    .record({
      what: whats,
      container: fc.option(fc.constantFrom('app', 'side'), { nil: undefined }),
      key: fc.constantFrom('a', 'b', 'c', 'd/0/started'),
      index: fc.option(fc.oneof(fc.nat(4), fc.integer({ min: 0, max: 4_000_000_000 })), { nil: undefined }),
      ofEvent: fc.boolean(),
      detail: details,
      // As in observe/: no stamp twice in one observation, and one receipt.
      stamps: fc
        .uniqueArray(
          stampOf(frame).map(([stamp]) => stamp),
          { maxLength: 3, selector: identityOf },
        )
        .map((stamps) => stamps.filter((stamp) => stamp !== undefined)),
    })
    .map(({ ofEvent, what, container, index, detail, ...rest }) => ({
      ...rest,
      // A fact's words follow from its key, as they do in observe/.
      what: ofEvent ? what : 'condition',
      key: ofEvent ? `event-${rest.key}` : rest.key,
      ...(ofEvent ? { group: `event-${rest.key}` } : {}),
      ...(ofEvent && container !== undefined ? { container } : {}),
      ...(index === undefined ? {} : { index }),
      ...(detail === undefined || (what === 'pulled') !== (detail.reason === 'Pulled') ? {} : { detail }),
    })) as fc.Arbitrary<Observation>

const given: fc.Arbitrary<readonly Given[]> = fc.array(
  frames.chain((frame) =>
    fc.array(observationOf(frame), { maxLength: 5 }).map((observations) => ({ frame, observations })),
  ),
  { maxLength: 8 },
)

interface Plain {
  what: What
  container: string | undefined
  group: string
  detail: unknown
  stamps: readonly Stamp[]
}

/** What the log should hold, in the plainest form. */
function plainly(all: readonly Given[]): Map<string, Plain> {
  const facts = new Map<string, Plain>()
  for (const { observations } of all) {
    for (const { key, index = 0, what, container, group = '', detail, stamps } of observations) {
      const id = JSON.stringify([group === '' ? 'pod' : 'event', key, index])
      const known = facts.get(id)
      if (!known) facts.set(id, { what, container, group, detail, stamps: mergeStamps(stamps, []) })
      else {
        known.stamps = mergeStamps(known.stamps, stamps)
        known.detail ??= detail
      }
    }
  }
  return facts
}

const seen = (stamps: readonly object[]): unknown[] => stamps.map((stamp) => (stamp as ReadStamp).toJSON())

function compare(log: FactLog, all: readonly Given[]): void {
  const found = readFacts(log, POD).map(({ key, index, group, what, container, detail, stamps }) => [
    JSON.stringify([group === '' ? 'pod' : 'event', key, index]),
    { what, container, group, detail, stamps: seen(stamps) },
  ])
  const expected = [...plainly(all)].map(([id, fact]) => [id, { ...fact, stamps: seen(fact.stamps) }])
  assert.deepEqual(found, expected)
}

function logOf(all: readonly Given[], vocabulary: Vocabulary = emptyVocabulary()): FactLog {
  const log = emptyFactLog(vocabulary)
  for (const { observations } of all) assert.equal(addFacts(log, POD, observations).refused, 0)
  return log
}

/** A vocabulary that has no room for another word. */
function fullVocabulary(): Vocabulary {
  const vocabulary = emptyVocabulary()
  const { facts, stamps, nodes } = vocabulary
  for (const { byNumber } of [facts, stamps, nodes]) (byNumber as unknown[]).length = WORDS_MAX
  return vocabulary
}

test('what is read is what was written, to the nanosecond', () => {
  fc.assert(
    fc.property(given, (all) => compare(logOf(all), all)),
    { numRuns: 400 },
  )
})

test('the same where the vocabulary has no room for another word', () => {
  fc.assert(
    fc.property(given, (all) => compare(logOf(all, fullVocabulary()), all)),
    { numRuns: 400 },
  )
})

test('frames that come again add nothing', () => {
  fc.assert(
    fc.property(given, (all) => {
      const log = logOf(all)
      const { numbers, texts, rows } = log
      for (const { observations } of all) addFacts(log, POD, observations)
      assert.deepEqual([log.numbers, log.texts, log.rows], [numbers, texts, rows])
    }),
  )
})

test('pods that share words share no facts', () => {
  const vocabulary = emptyVocabulary()
  fc.assert(
    fc.property(given, given, (one, other) => {
      const logs = [logOf(one, vocabulary), logOf(other, vocabulary)]
      compare(logs[0] as FactLog, one)
      compare(logs[1] as FactLog, other)
    }),
  )
})

test('a fact is known by its key and index, and an event by its name whatever it now says', () => {
  const [{ frame }] = fc.sample(
    frames.map((one) => ({ frame: one })),
    1,
  ) as [{ frame: ObjectFrame }]
  const stamps = [receiptStamp(frame, 'event-receipt', 'count')]
  const log = emptyFactLog(emptyVocabulary())
  addFacts(log, POD, [{ key: 'web-0.17', what: 'container failed', group: 'web-0.17', stamps }])
  const isNew = (one: Omit<Observation, 'key' | 'stamps'>): boolean =>
    addFacts(log, POD, [{ key: 'web-0.17', stamps, ...one }]).fresh.length === 1
  assert.ok(!isNew({ what: 'pull failed', group: 'web-0.17' }))
  assert.ok(isNew({ what: 'container failed', group: 'web-0.17', index: 1 }))
  assert.ok(isNew({ what: 'container failed' }))
})

test('a fact with more stamps than a row holds keeps them all', () => {
  const [frame] = fc.sample(frames, 1) as [ObjectFrame]
  const stamps = [1, 2, 3, 4, 5, 6, 7].flatMap((second) =>
    secondStamp(frame, 'state-second', 'node/a', 'field', 1_700_000_000 + second),
  )
  const observations: Observation[] = [{ key: 'k', what: 'condition', stamps }]
  compare(logOf([{ frame, observations }]), [{ frame, observations }])
})

test('a full log refuses more, and says how much', () => {
  const [frame] = fc.sample(frames, 1) as [ObjectFrame]
  const stamps = [receiptStamp(frame, 'event-receipt', 'count')]
  const log = emptyFactLog(emptyVocabulary())
  const observations = Array.from({ length: FACTS_MAX + 3 }, (_, index): Observation => {
    return { key: 'e', group: 'e', what: 'unhealthy', index, stamps }
  })
  assert.equal(addFacts(log, POD, observations).refused, 3)
  assert.equal(readFacts(log, POD).length, FACTS_MAX)
  assert.deepEqual(addFacts(log, POD, observations.slice(0, 5)), { fresh: [], refused: 0 })
})
