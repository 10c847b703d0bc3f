// Owns the order in which a recording's entries become frames: by receipt, with the phases and the time between them.
// Promises that the order in the file does not matter, except between entries of the very same nanosecond.
// Does not read or decode, and does not know what a frame means.

import type { Frame, GapFrame, Phase } from '../base/frame.ts'
import type { NativeSpan } from '../base/native.ts'
import type { AnyRecord } from '../base/record.ts'
import {
  add,
  type DurationNano,
  durationNano,
  earliest,
  latest,
  minus,
  SECOND,
  seconds,
  since,
  type UnixNano,
  unixNano,
  ZERO,
} from '../base/time.ts'

/** One line of a recording after decoding; `index` is its place in the file. */
export type Entry = { readonly t: UnixNano; readonly index: number; readonly resource: string } & (
  | {
      readonly kind: 'added' | 'modified' | 'deleted'
      readonly record: AnyRecord
      readonly phase?: Phase
      readonly heldUp?: DurationNano
    }
  | { readonly kind: 'spans'; readonly spans: readonly NativeSpan[] }
  | { readonly kind: 'synced' }
  | { readonly kind: 'gap'; readonly reason: string }
  | { readonly kind: 'time' }
)

export function byReceipt(a: Entry, b: Entry): number {
  return a.t < b.t ? -1 : a.t > b.t ? 1 : a.index - b.index
}

/** Where each resource's initial list ends: the first of its bookmarks that say so. */
export class InitialLists {
  readonly #ends = new Map<string, Entry>()

  see(entry: Entry): void {
    const known = this.#ends.get(entry.resource)
    if (known === undefined || byReceipt(entry, known) < 0) this.#ends.set(entry.resource, entry)
  }

  /** Without a bookmark there is no telling, and a receipt is taken as live. */
  phaseOf(entry: Entry): Phase {
    const end = this.#ends.get(entry.resource)
    return end !== undefined && byReceipt(entry, end) < 0 ? 'initial' : 'live'
  }
}

/** Of fewer lines, all may be of whole seconds by chance, or because somebody made them up. */
const ENOUGH = 20

/** Whether these receipts were written down in whole seconds only, as by a script. */
export const areWholeSeconds = (entries: readonly Entry[]): boolean =>
  entries.length >= ENOUGH && entries.every(({ t }) => t % SECOND === ZERO)

/** What came at some time of a second had come by its end, and may have waited for all of it. */
export function withinSecond(entry: Entry): Entry {
  const t = add(entry.t, SECOND)
  if (!('record' in entry)) return { ...entry, t }
  return { ...entry, t, heldUp: durationNano(SECOND + (entry.heldUp ?? ZERO)) }
}

/** Turns entries that are in order into frames, and remembers per resource what a gap needs to know. */
export function frameMaker(lists: InitialLists): (entry: Entry) => Frame {
  const lastSeen = new Map<string, UnixNano>()
  return (entry) => {
    const from = lastSeen.get(entry.resource)
    lastSeen.set(entry.resource, entry.t)
    const { t, resource: source } = entry
    if (entry.kind === 'time') return { kind: 'tick', t }
    if (entry.kind === 'synced') return { kind: 'synced', t, source }
    if (entry.kind === 'spans') return { kind: 'otlp', t, source, spans: entry.spans }
    if (entry.kind === 'gap') return gap(entry.reason, t, source, from)
    const phase = entry.phase ?? lists.phaseOf(entry)
    // A list shows no deletions: what a relist deletes was found missing, and nobody saw when it went.
    const synthetic = entry.kind === 'deleted' && phase === 'relist'
    return {
      ...{ kind: entry.kind, t, source, phase, record: entry.record },
      ...(synthetic && { synthetic }),
      ...(entry.heldUp !== undefined && { heldUp: entry.heldUp }),
    }
  }
}

function gap(reason: string, t: UnixNano, source: string, from: UnixNano | undefined): GapFrame {
  return { kind: 'gap', t, source, reason, ...(from !== undefined && { from }) }
}

/** Silence is filled with a tick each full second for this long; the rest of it is one step. */
const SILENCE = seconds(15 * 60)

/** Lets time pass between frames, and ends with the final tick. */
export async function* withTicks(frames: AsyncIterable<Frame>): AsyncGenerator<Frame> {
  let now: UnixNano | undefined
  for await (const frame of frames) {
    if (now !== undefined) yield* ticksBetween(now, frame)
    yield frame
    now = now === undefined ? frame.t : latest(now, frame.t)
  }
  yield { kind: 'tick', t: now ?? unixNano(0n), final: true }
}

function* ticksBetween(from: UnixNano, next: Frame): Generator<Frame> {
  const to = next.t
  const until = earliest(to, add(from, SILENCE))
  for (let at = nextFullSecond(from); at < until; at = add(at, SECOND)) yield tickBefore(next, at)
  if (since(to, from) > SILENCE) yield tickBefore(next, to)
}

/** What the next frame says may have waited since a while, was not read by then. */
function tickBefore(next: Frame, t: UnixNano): Frame {
  const heldUp = 'heldUp' in next ? next.heldUp : undefined
  const waited = heldUp === undefined ? ZERO : since(t, add(next.t, minus(heldUp)))
  return waited > ZERO ? { kind: 'tick', t, heldUp: waited } : { kind: 'tick', t }
}

function nextFullSecond(at: UnixNano): UnixNano {
  return unixNano((at / SECOND + 1n) * SECOND)
}
