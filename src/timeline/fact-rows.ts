// Owns the packed form of facts: rows of small numbers, with the texts that no other pod has beside them.
// Promises that what is read is what was written, to the nanosecond, also where the vocabulary is full or a stamp is absurd.
// Does not know which facts a pod has: fact-log.ts does. Thousands of pods in flight hold some fifty stamps each; as objects they
// would be three quarters of the memory and most of what a collection has to walk.
//
// A row is a head, its numbers and its texts. Bits of a head: 0 origin or fact; 1 to 4 what is there; 5 to 8 how many numbers and
// 9 to 13 how many texts follow; 14 and 15 stamps; 16 a fact seen again; 17 to 30 its word or node. A stamp begins with such a number too.

import type { PodRecord } from '../base/record.ts'
import type { ClockName } from '../base/stamp.ts'
import { versionNumber } from '../base/resource-version.ts'
import { fromSeconds, toBigint, toNumber, type UnixNano } from '../base/time.ts'
import { parsePulled } from '../observe/messages.ts'
import { type Detail, MESSAGE_MAX, type Observation } from '../observe/observation.ts'
import { type Origin, ReadStamp } from '../observe/stamps.ts'
import type { Fact } from './facts.ts'
import {
  type FactWord,
  nodeNumberOf,
  numberOf,
  SPELLED,
  type StampWord,
  type Vocabulary,
} from './vocabulary.ts'

/** Of a row: an origin, not a fact. */
const ORIGIN = 1
const HAS_GROUP = 2
const HAS_DETAIL = 4
const HAS_INDEX = 8
const IS_SPELLED = 16
const NUMBERS_SHIFT = 5
const TEXTS_SHIFT = 9
const NUMBERS_MASK = 15
const TEXTS_MASK = 31
const STAMPS_SHIFT = 14
const STAMPS_MASK = 3
const IS_AGAIN = 1 << 16
const WORD_SHIFT = 17

/** Of an origin: another object than the pod, whose name follows, or name, namespace and resource. */
const IS_NAMED = 2
const IS_ELSEWHERE = 4
/** Its resource version is a number that follows; otherwise it is a text. */
const HAS_REVISION = 8
const HAS_NODE = 1 << 14

/** Of a stamp: taken live; the receipt itself; nothing below the second; a raw value of its own. */
const IS_LIVE = 1
const IS_RECEIPT = 2
const IS_WHOLE = 4
const HAS_RAW = 8
const STAMP_WORD_SHIFT = 5

/** So that a row's numbers can be counted in four bits and its texts in five, also where all its words are spelled out. */
export const STAMPS_PER_ROW = 3

export type Text = string | Detail

/** One after the other, those of one frame behind its origin. */
export interface Rows {
  readonly numbers: number[]
  readonly texts: Text[]
}

/** A place among them. */
export interface Cursor extends Rows {
  number: number
  text: number
}

const isNodeClock = (clock: ClockName): boolean => clock.startsWith('node/')

/** What all facts of one frame share. */
export function writeOrigin(
  rows: Rows,
  vocabulary: Vocabulary,
  pod: PodRecord,
  origin: Origin,
  node: ClockName | undefined,
): void {
  const at = rows.numbers.push(ORIGIN) - 1
  const firstText = rows.texts.length
  let head = ORIGIN
  writeTime(rows, origin.t)
  head |= writeObject(rows, pod, origin)
  const revision = versionNumber(origin.resourceVersion)
  if (revision !== undefined) {
    head |= HAS_REVISION
    rows.numbers.push(revision)
  } else rows.texts.push(origin.resourceVersion)
  if (node !== undefined) {
    const number = nodeNumberOf(vocabulary, node)
    if (number === SPELLED) rows.texts.push(node)
    head |= HAS_NODE | (number === SPELLED ? IS_SPELLED : number << WORD_SHIFT)
  }
  rows.numbers[at] = head | sizes(rows, at, firstText)
}

function writeObject({ texts }: Rows, pod: PodRecord, { resource, namespace, name }: Origin): number {
  if (namespace === pod.namespace) {
    if (resource === 'pods' && name === pod.name) return 0
    if (resource === 'events') {
      texts.push(name)
      return IS_NAMED
    }
  }
  texts.push(name, namespace, resource)
  return IS_NAMED | IS_ELSEWHERE
}

/** A double is coarser than a nanosecond: what is left of the second may be below zero. */
function writeTime({ numbers }: Rows, t: UnixNano): void {
  const seconds = secondsOf(t)
  numbers.push(seconds, toNumber(t - fromSeconds(seconds)))
}

const secondsOf = (t: UnixNano): number => Math.floor(toNumber(t) / 1e9)

const sizes = ({ numbers, texts }: Rows, at: number, firstText: number): number =>
  ((numbers.length - at - 1) << NUMBERS_SHIFT) | ((texts.length - firstText) << TEXTS_SHIFT)

export interface RowPart {
  readonly observation: Observation
  /** `numberOfFact` of it. */
  readonly number: number
  /** No more than `STAMPS_PER_ROW`. */
  readonly stamps: readonly ReadStamp[]
  readonly node: ClockName | undefined
  readonly again: boolean
}

/** One fact, or more of one that has been written before. */
export function writeFact(
  rows: Rows,
  vocabulary: Vocabulary,
  { observation, number, stamps, node, again }: RowPart,
): void {
  const { group = '', index = 0, detail } = observation
  const at = rows.numbers.push(0) - 1
  const firstText = rows.texts.length
  let head = (stamps.length << STAMPS_SHIFT) | (again ? IS_AGAIN : 0)
  if (number === SPELLED) rows.texts.push(...wordOf(observation))
  head |= number === SPELLED ? IS_SPELLED : number << WORD_SHIFT
  if (group !== '') {
    head |= HAS_GROUP
    rows.texts.push(observation.key)
  }
  if (detail !== undefined) {
    head |= HAS_DETAIL
    rows.texts.push(packDetail(observation.what, detail))
  }
  if (index !== 0) {
    head |= HAS_INDEX
    rows.numbers.push(index)
  }
  for (const stamp of stamps) writeStamp(rows, vocabulary, stamp, node)
  rows.numbers[at] = head | sizes(rows, at, firstText)
}

const wordOf = ({ what, container = '', group = '', key }: Observation): FactWord => [
  what,
  container,
  group === '' ? key : '',
]

/** A `Pulled` message says all that its detail does, unless it was cut. */
const packDetail = (what: Observation['what'], detail: Detail): Text =>
  what === 'pulled' && detail.pull !== undefined && (detail.message?.length ?? MESSAGE_MAX) < MESSAGE_MAX
    ? (detail.message ?? detail)
    : detail

function unpackDetail(text: Text): Detail {
  return typeof text === 'string' ? { reason: 'Pulled', message: text, ...parsePulled(text) } : text
}

function writeStamp(rows: Rows, vocabulary: Vocabulary, stamp: ReadStamp, node: ClockName | undefined): void {
  const { at, receivedAt, raw, clock, source, field, origin } = stamp
  const word: StampWord = [source, clock === node ? 'node' : clock, field]
  const number = isNodeClock(clock) && clock !== node ? SPELLED : numberOf(vocabulary.stamps, word)
  let head = receivedAt === undefined ? 0 : IS_LIVE
  const place = rows.numbers.push(0) - 1
  if (at === origin.t) head |= IS_RECEIPT
  else if (at === fromSeconds(secondsOf(at))) {
    head |= IS_WHOLE
    rows.numbers.push(secondsOf(at))
  } else writeTime(rows, at)
  if (number === SPELLED) rows.texts.push(...word)
  if (raw !== undefined) rows.texts.push(raw)
  head |= number === SPELLED ? IS_SPELLED : number << STAMP_WORD_SHIFT
  rows.numbers[place] = head | (raw === undefined ? 0 : HAS_RAW)
}

/** The number of an observation's word, for `rowOf` and `writeFact`. */
export const numberOfFact = (vocabulary: Vocabulary, observation: Observation): number =>
  numberOf(vocabulary.facts, wordOf(observation))

/** Where the first row of this fact begins among the numbers, or -1. It looks at heads only as far as it must. */
export function rowOf({ numbers, texts }: Rows, number: number, observation: Observation): number {
  const { key, group = '', index = 0 } = observation
  let text = 0
  for (let at = 0; at < numbers.length; ) {
    const head = numbers[at] as number
    const isSame =
      group === ''
        ? (head & (ORIGIN | HAS_GROUP)) === 0 && isOfWord(head, number, texts[text + 2], key)
        : (head & (ORIGIN | HAS_GROUP)) === HAS_GROUP && texts[text + textsOfWord(head)] === key
    if (isSame && ((head & HAS_INDEX) === 0 ? 0 : numbers[at + 1]) === index) return at
    at += 1 + ((head >> NUMBERS_SHIFT) & NUMBERS_MASK)
    text += (head >> TEXTS_SHIFT) & TEXTS_MASK
  }
  return -1
}

const isOfWord = (head: number, number: number, spelledKey: Text | undefined, key: string): boolean =>
  (head & IS_SPELLED) === 0 ? head >> WORD_SHIFT === number : spelledKey === key

/** A word that is spelled out stands before the event's name. */
const textsOfWord = (head: number): number => ((head & IS_SPELLED) === 0 ? 0 : 3)

/** What the rows that follow an origin share. */
export interface Shared {
  readonly origin: Origin
  readonly node: ClockName
}

export const isOrigin = ({ numbers, number }: Cursor): boolean => ((numbers[number] as number) & ORIGIN) !== 0

/** Reads the origin at the cursor. */
export function readOrigin(cursor: Cursor, vocabulary: Vocabulary, pod: PodRecord): Shared {
  const head = nextNumber(cursor)
  const t = readTime(cursor)
  const name = (head & IS_NAMED) === 0 ? pod.name : nextString(cursor)
  const namespace = (head & IS_ELSEWHERE) === 0 ? pod.namespace : nextString(cursor)
  const resource =
    (head & IS_ELSEWHERE) === 0 ? ((head & IS_NAMED) === 0 ? 'pods' : 'events') : nextString(cursor)
  const resourceVersion = (head & HAS_REVISION) === 0 ? nextString(cursor) : String(nextNumber(cursor))
  const origin = { resource, namespace, name, resourceVersion, t }
  return { origin, node: readNode(cursor, vocabulary, head) }
}

function readNode(cursor: Cursor, { nodes }: Vocabulary, head: number): ClockName {
  if ((head & HAS_NODE) === 0) return 'node/unknown'
  return ((head & IS_SPELLED) === 0 ? nodes.byNumber[head >> WORD_SHIFT] : nextString(cursor)) as ClockName
}

/** Reads the fact at the cursor, or what a later row adds to one. */
export function readFact(
  cursor: Cursor,
  vocabulary: Vocabulary,
  shared: Shared | undefined,
): { readonly fact: Fact; readonly again: boolean } {
  const head = nextNumber(cursor)
  const [what, container, word] =
    (head & IS_SPELLED) === 0
      ? (vocabulary.facts.byNumber[head >> WORD_SHIFT] as FactWord)
      : ([nextString(cursor), nextString(cursor), nextString(cursor)] as unknown as FactWord)
  const group = (head & HAS_GROUP) === 0 ? '' : nextString(cursor)
  const detail = (head & HAS_DETAIL) === 0 ? undefined : unpackDetail(cursor.texts[cursor.text++] as Text)
  const index = (head & HAS_INDEX) === 0 ? 0 : nextNumber(cursor)
  const stamps: ReadStamp[] = []
  const count = (head >> STAMPS_SHIFT) & STAMPS_MASK
  while (shared && stamps.length < count) stamps.push(readStamp(cursor, vocabulary, shared))
  const key = group === '' ? word : group
  const fact = {
    key,
    what,
    container: container === '' ? undefined : container,
    index,
    group,
    detail,
    stamps,
  }
  return { fact, again: (head & IS_AGAIN) !== 0 }
}

function readStamp(cursor: Cursor, vocabulary: Vocabulary, { origin, node }: Shared): ReadStamp {
  const head = nextNumber(cursor)
  const at =
    (head & IS_RECEIPT) !== 0
      ? origin.t
      : (head & IS_WHOLE) !== 0
        ? fromSeconds(nextNumber(cursor))
        : readTime(cursor)
  const [source, clock, field] =
    (head & IS_SPELLED) === 0
      ? (vocabulary.stamps.byNumber[head >> STAMP_WORD_SHIFT] as StampWord)
      : ([nextString(cursor), nextString(cursor), nextString(cursor)] as unknown as StampWord)
  const raw = (head & HAS_RAW) === 0 ? undefined : nextString(cursor)
  const receivedAt = (head & IS_LIVE) === 0 ? undefined : origin.t
  return new ReadStamp(
    source,
    at,
    clock === 'node' ? node : (clock as ClockName),
    receivedAt,
    origin,
    field,
    raw,
  )
}

function readTime(cursor: Cursor): UnixNano {
  const seconds = nextNumber(cursor)
  return (fromSeconds(seconds) + toBigint(nextNumber(cursor))) as UnixNano
}

const nextNumber = (cursor: Cursor): number => cursor.numbers[cursor.number++] as number
const nextString = (cursor: Cursor): string => cursor.texts[cursor.text++] as string

/** The node's clock among the stamps of one frame, if any. */
export function nodeClockOf(observations: readonly Observation[]): ClockName | undefined {
  for (const { stamps } of observations) for (const { clock } of stamps) if (isNodeClock(clock)) return clock
  return undefined
}
