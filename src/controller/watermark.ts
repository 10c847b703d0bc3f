// Owns what a leader says on its Lease about each exporter: which starts were acknowledged, as text of bounded length.
// Promises that what cannot be read covers nothing, so that a broken annotation repeats and never loses.
// Does not decide when: handover.ts does.

import { formatRfc3339, milliseconds, add, parseRfc3339, type UnixNano } from '../base/time.ts'
import { isOlder } from '../timeline/world.ts'
import type { Position } from './progress.ts'

export const WATERMARK_ANNOTATION = 'podspan.dev/exported-until'

export interface Watermark {
  /** Every start that ended at one of these versions or before was acknowledged. */
  readonly position: Position
  /** Every start that was over by this time of the leader's clock was acknowledged. */
  readonly at: UnixNano
  /** Acknowledged all the same: the short ids of later ones. */
  readonly beyond: ReadonlySet<string>
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

/** Of all exporters together. An object's annotations may have 256 KiB; these are 88 KB. */
export const BEYOND_MAX = 8000

/** By how much the clocks of two replicas may differ where a start ended by the clock. */
export const CLOCK_SLACK = milliseconds(5000)

export function covers(watermark: Watermark | undefined, told: Told): boolean {
  if (!watermark) return false
  if (watermark.beyond.has(shortId(told.traceId))) return true
  if (told.timedOut) return add(told.endedAt, CLOCK_SLACK) <= watermark.at
  const reached = watermark.position[told.stream]
  if (reached === undefined || told.version === undefined) return false
  return told.version === reached || isOlder(told.version, reached)
}

export type Watermarks = ReadonlyMap<string, Watermark>

export function formatWatermarks(watermarks: Watermarks): string {
  const entries = [...watermarks].map(([exporter, { position, at, beyond }]) => [
    exporter,
    { position, at: formatRfc3339(at), ...(beyond.size > 0 && { beyond: [...beyond].join('') }) },
  ])
  return JSON.stringify(Object.fromEntries(entries))
}

export function parseWatermarks(text: string | undefined): Map<string, Watermark> {
  const watermarks = new Map<string, Watermark>()
  for (const [exporter, value] of Object.entries(parse(text))) {
    if (typeof value !== 'object' || value === null) continue
    const { position, at, beyond } = value as Readonly<Record<string, unknown>>
    const time = parseRfc3339(at)
    if (time === undefined) continue
    watermarks.set(exporter, { position: readPosition(position), at: time, beyond: readBeyond(beyond) })
  }
  return watermarks
}

function parse(text: string | undefined): object {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function readPosition(value: unknown): Position {
  if (typeof value !== 'object' || value === null) return {}
  const entries = Object.entries(value).filter(([, version]) => typeof version === 'string')
  return Object.fromEntries(entries) as Position
}

function readBeyond(value: unknown): Set<string> {
  const ids = new Set<string>()
  if (typeof value !== 'string') return ids
  for (let at = 0; at + SHORT <= value.length; at += SHORT) ids.add(value.slice(at, at + SHORT))
  return ids
}
