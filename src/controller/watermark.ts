// Owns what a leader says on its Lease about each exporter: which starts were acknowledged, as text of bounded length.
// Promises that what cannot be read covers nothing, so that a broken annotation repeats and never loses.
// Does not decide when: handover.ts does.

import { isOlder } from '../base/resource-version.ts'
import { add, earliest, formatRfc3339, milliseconds, parseRfc3339, type UnixNano } from '../base/time.ts'
import type { Mark } from './progress.ts'

export const WATERMARK_ANNOTATION = 'podspan.dev/exported-until'

export interface Watermark {
  /** By stream, '' for the whole cluster, else the namespace: every start that ended at this version or before was acknowledged. */
  readonly position: Readonly<Record<string, Mark>>
  /** By the leader's clock: every start that was over by then was acknowledged, if its stream had shown it by then. */
  readonly at: UnixNano
  /** Acknowledged all the same: the short ids of later ones. */
  readonly beyond: ReadonlySet<string>
  /** Not acknowledged all the same: the short ids of earlier ones, which sessions have asked for since. */
  readonly owed: ReadonlySet<string>
}

/** One start, as far as the watermark is concerned. */
export interface Told {
  readonly traceId: string
  readonly stream: string
  /** A version of the stream at which its end had been stored; not before it. Undefined while none is known. */
  readonly version: string | undefined
  /** Ended by the clock, not by anything stored. */
  readonly timedOut: boolean
  readonly endedAt: UnixNano
}

/** 64 bits: two of ten thousand are equal once in 10^11 failovers. */
const SHORT = 11
export const shortId = (traceId: string): string =>
  Buffer.from(traceId.slice(0, 16), 'hex').toString('base64url')

/** Of all exporters together. An object's annotations may have 256 KiB; these are 88 KB, and 33 KB. */
export const BEYOND_MAX = 8000
export const OWED_MAX = 3000

/** By how much the clocks of two replicas may differ where a start ended by the clock. */
export const CLOCK_SLACK = milliseconds(5000)

export function covers(watermark: Watermark | undefined, told: Told): boolean {
  if (!watermark) return false
  const id = shortId(told.traceId)
  if (watermark.beyond.has(id)) return true
  if (watermark.owed.has(id)) return false
  if (told.timedOut && add(told.endedAt, CLOCK_SLACK) > watermark.at) return false
  const reached = watermark.position[told.stream]
  if (reached === undefined || told.version === undefined) return false
  return told.version === reached.version || isOlder(told.version, reached.version)
}

/** What of a stream was over by then, by the leader's clock, was acknowledged: no later than the stream itself had been heard of. */
export const coveredUntil = (
  { at, position }: Pick<Watermark, 'at' | 'position'>,
  stream: string,
): UnixNano => earliest(at, position[stream]?.at ?? at)

/** That nothing is known to be acknowledged but what was over by then. */
export const beginningAt = (at: UnixNano): Watermark => ({
  position: {},
  at,
  beyond: new Set(),
  owed: new Set(),
})

export type Watermarks = ReadonlyMap<string, Watermark>

export function formatWatermarks(watermarks: Watermarks): string {
  const entries = [...watermarks].map(([exporter, { position, at, beyond, owed }]) => [
    exporter,
    {
      position: mapValues(position, (mark) => ({ version: mark.version, at: formatRfc3339(mark.at) })),
      at: formatRfc3339(at),
      ...(beyond.size > 0 && { beyond: [...beyond].join('') }),
      ...(owed.size > 0 && { owed: [...owed].join('') }),
    },
  ])
  return JSON.stringify(Object.fromEntries(entries))
}

export function parseWatermarks(text: string | undefined): Map<string, Watermark> {
  const watermarks = new Map<string, Watermark>()
  for (const [exporter, value] of Object.entries(parse(text))) {
    const { position, at, beyond, owed } = fieldsOf(value)
    const time = parseRfc3339(at)
    if (time === undefined) continue
    const ids = { beyond: readIds(beyond), owed: readIds(owed) }
    watermarks.set(exporter, { position: readPosition(position), at: time, ...ids })
  }
  return watermarks
}

function parse(text: string | undefined): object {
  try {
    return fieldsOf(JSON.parse(text ?? '{}'))
  } catch {
    return {}
  }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

function readPosition(value: unknown): Record<string, Mark> {
  const position: Record<string, Mark> = {}
  for (const [stream, mark] of Object.entries(fieldsOf(value))) {
    const { at, version } = fieldsOf(mark)
    const time = parseRfc3339(at)
    if (time !== undefined && typeof version === 'string') position[stream] = { version, at: time }
  }
  return position
}

const mapValues = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))

function readIds(value: unknown): Set<string> {
  const ids = new Set<string>()
  if (typeof value !== 'string') return ids
  for (let at = 0; at + SHORT <= value.length; at += SHORT) ids.add(value.slice(at, at + SHORT))
  return ids
}
