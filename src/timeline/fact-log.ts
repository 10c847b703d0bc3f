// Owns the facts of one pod, as they came: a packed log that is read as a whole when the start is told.
// Promises that a fact seen again adds a row only where it says something new, so that a frame which comes twice changes nothing.
// Does not know the form of a row (fact-rows.ts).

import type { PodRecord } from '../base/record.ts'
import type { Observation } from '../observe/observation.ts'
import type { Origin } from '../observe/stamps.ts'
import {
  type Cursor,
  isOrigin,
  nodeClockOf,
  numberOfFact,
  readFact,
  readOrigin,
  rowOf,
  type RowPart,
  type Rows,
  type Shared,
  STAMPS_PER_ROW,
  writeFact,
  writeOrigin,
} from './fact-rows.ts'
import { type Fact, mergeStamps } from './facts.ts'
import type { Vocabulary } from './vocabulary.ts'

export interface FactLog extends Rows {
  readonly vocabulary: Vocabulary
  rows: number
  /** A bit for each row's word: where it is not set there is no such row, and most facts are new. */
  seen: number
}

/** Rows of one pod beyond this are counted and dropped; a pod with 20 containers that each restart 5 times has about 400. */
export const FACTS_MAX = 1000

export const emptyFactLog = (vocabulary: Vocabulary): FactLog => ({
  vocabulary,
  numbers: [],
  texts: [],
  rows: 0,
  seen: 0,
})

export interface Added {
  /** Those that were not known before. */
  readonly fresh: readonly Observation[]
  /** How many were left out because the log is full. */
  readonly refused: number
}

const NOTHING: Added = { fresh: [], refused: 0 }

/** Takes the observations of one frame in. */
export function addFacts(log: FactLog, pod: PodRecord, observations: readonly Observation[]): Added {
  if (observations.length === 0) return NOTHING
  const node = nodeClockOf(observations)
  const fresh: Observation[] = []
  const before = log.numbers.length
  let refused = 0
  let origin: Origin | undefined
  for (const observation of observations) {
    const number = numberOfFact(log.vocabulary, observation)
    const bit = bitOf(number, observation)
    const row = (log.seen & bit) === 0 ? -1 : rowOf(log, number, observation)
    const known = row >= 0 && row < before
    if (!known) fresh.push(observation)
    else if (!saysMore(log, pod, observation)) continue
    if (log.rows >= FACTS_MAX) {
      refused++
      continue
    }
    const [first] = observation.stamps
    if (first && first.origin !== origin) {
      origin = first.origin
      writeOrigin(log, log.vocabulary, pod, origin, node)
    }
    const { stamps } = observation
    log.rows += writeParts(log, { observation, number, stamps, node, again: row >= 0 })
    log.seen |= bit
  }
  return { fresh, refused }
}

/** An event is known by its name, which ends in its nanosecond; whatever else by its word. */
function bitOf(number: number, { group = '', index = 0, key }: Observation): number {
  const own = group === '' ? number : key.charCodeAt(key.length - 1) * 7 + key.charCodeAt(key.length - 2)
  return 1 << ((own + index) & 31)
}

/** Returns how many rows it took. */
function writeParts(log: FactLog, row: RowPart): number {
  const { stamps } = row
  if (stamps.length <= STAMPS_PER_ROW) {
    writeFact(log, log.vocabulary, row)
    return 1
  }
  writeFact(log, log.vocabulary, { ...row, stamps: stamps.slice(0, STAMPS_PER_ROW) })
  let rows = 1
  for (let from = STAMPS_PER_ROW; from < stamps.length; from += STAMPS_PER_ROW, rows++)
    writeFact(log, log.vocabulary, { ...row, stamps: stamps.slice(from, from + STAMPS_PER_ROW), again: true })
  return rows
}

/** Rare: most facts are seen once. */
function saysMore(log: FactLog, pod: PodRecord, { key, index = 0, detail, stamps }: Observation): boolean {
  const known = readFacts(log, pod).find((fact) => fact.key === key && fact.index === index)
  if (!known) return true
  return (
    (known.detail === undefined && detail !== undefined) ||
    mergeStamps(known.stamps, stamps, known.what) !== known.stamps
  )
}

/** All facts, in the order in which they were first seen. */
export function readFacts(log: FactLog, pod: PodRecord): Fact[] {
  const facts: Fact[] = []
  const cursor: Cursor = { numbers: log.numbers, texts: log.texts, number: 0, text: 0 }
  let shared: Shared | undefined
  while (cursor.number < cursor.numbers.length) {
    if (isOrigin(cursor)) {
      shared = readOrigin(cursor, log.vocabulary, pod)
      continue
    }
    const { fact, again } = readFact(cursor, log.vocabulary, shared)
    const known = again ? facts.find(({ key, index }) => key === fact.key && index === fact.index) : undefined
    if (!known) facts.push(fact)
    else {
      known.stamps = mergeStamps(known.stamps, fact.stamps, fact.what)
      known.detail ??= fact.detail
    }
  }
  return facts
}
