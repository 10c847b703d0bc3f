// Owns the traces that wait to be sent, bounded by bytes.
// Promises first in, first out for sending; when full, the trace that is worth least goes: fast ready ones first, failed and slow ones last.
// Does not count what it drops and does not send: see ledger.ts and batcher.ts.

import { createHeap, type Heap } from './heap.ts'

/** One encoded trace. */
export interface Entry {
  readonly request: Uint8Array
  readonly spans: number
  /** Failed, unstable and timed-out starts are kept longest. */
  readonly failed: boolean
  readonly startupMs: number
  /** When the start ended, and when the entry was queued (monotonic). */
  readonly endedMs: number
  readonly queuedMs: number
  /** Called once, when it is known what became of it. */
  readonly settled?: (fate: Fate) => void
}

/** `left`: somebody else is to send it. */
export type Fate = 'sent' | 'dropped' | 'left'

export interface BatchLimits {
  readonly spans: number
  readonly bytes: number
}

export interface WaitingQueue {
  readonly traces: number
  readonly spans: number
  readonly bytes: number
  /** Size of the order by worth, which is bounded by what waits. */
  readonly rankedEntries: number
  oldest(): Entry | undefined
  push(entry: Entry): void
  /** Puts entries that were taken back before all others, in their order. */
  putBack(entries: readonly Entry[]): void
  /** The oldest entries that fit the limits; at least one, so that one larger than the limits is not stuck. */
  take(limits: BatchLimits): Entry[]
  /** Removes and returns the entry that is worth least. */
  dropLeast(): Entry | undefined
  clear(): Entry[]
}

/** True where `a` is worth less than `b`. */
export function isWorthLess(a: Entry, b: Entry): boolean {
  if (a.failed !== b.failed) return b.failed
  return a.startupMs < b.startupMs
}

export function createQueue(): WaitingQueue {
  // Sets keep the order of insertion and forget any entry at once; what was put back is read first.
  let returned = new Set<Entry>()
  let fresh = new Set<Entry>()
  let spans = 0
  let bytes = 0
  // Order by worth costs only while the queue overflows; it lives from the first drop until the queue is empty.
  let byWorth: Heap<Entry> | undefined

  const isWaiting = (entry: Entry): boolean => fresh.has(entry) || returned.has(entry)
  const account = (entry: Entry, sign: 1 | -1): void => {
    spans += sign * entry.spans
    bytes += sign * entry.request.length
  }
  const remove = (entry: Entry): void => {
    if (!fresh.delete(entry)) returned.delete(entry)
    account(entry, -1)
    if (fresh.size + returned.size === 0) byWorth = undefined
  }
  const all = (): Entry[] => [...returned, ...fresh]
  const rank = (entry: Entry): void => {
    // Entries that were sent stay in the heap until it is rebuilt, which keeps it within twice the queue.
    if (byWorth && byWorth.size > 2 * (fresh.size + returned.size)) byWorth = createHeap(isWorthLess, all())
    else byWorth?.push(entry)
  }

  return {
    get traces() {
      return fresh.size + returned.size
    },
    get spans() {
      return spans
    },
    get bytes() {
      return bytes
    },
    get rankedEntries() {
      return byWorth?.size ?? 0
    },
    oldest: () => first(returned) ?? first(fresh),
    push: (entry) => {
      fresh.add(entry)
      account(entry, 1)
      rank(entry)
    },
    putBack: (entries) => {
      returned = new Set([...entries, ...returned])
      for (const entry of entries) {
        account(entry, 1)
        rank(entry)
      }
    },
    take: (limits) => {
      const taken = fitting(returned, fresh, limits)
      for (const entry of taken) remove(entry)
      return taken
    },
    dropLeast: () => {
      byWorth ??= createHeap(isWorthLess, all())
      let least = byWorth.pop()
      while (least && !isWaiting(least)) least = byWorth.pop()
      if (least) remove(least)
      return least
    },
    clear: () => {
      const entries = all()
      returned = new Set()
      fresh = new Set()
      spans = 0
      bytes = 0
      byWorth = undefined
      return entries
    },
  }
}

const first = (entries: Set<Entry>): Entry | undefined => entries.values().next().value

function fitting(returned: Set<Entry>, fresh: Set<Entry>, limits: BatchLimits): Entry[] {
  const taken: Entry[] = []
  let spans = 0
  let bytes = 0
  for (const entries of [returned, fresh]) {
    for (const entry of entries) {
      spans += entry.spans
      bytes += entry.request.length
      if (taken.length > 0 && (spans > limits.spans || bytes > limits.bytes)) return taken
      taken.push(entry)
    }
  }
  return taken
}
