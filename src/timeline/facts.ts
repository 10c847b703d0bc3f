// Owns the form of one fact about a pod, and what its stamps are once the fact has been seen again.
// Promises that taking the same stamps in twice changes nothing. Does not keep facts: fact-log.ts does.

import type { Stamp } from '../base/stamp.ts'
import type { Detail, What } from '../observe/observation.ts'

export interface Fact {
  /** With `index`, what tells this fact from every other one of its pod. */
  readonly key: string
  readonly what: What
  readonly container: string | undefined
  readonly index: number
  /** The event that says so; empty for what the pod's object says. */
  readonly group: string
  detail: Detail | undefined
  stamps: readonly Stamp[]
}

/** A fine stamp that came live has its receipt with it. */
const carriesReceipt = ({ clock, receivedAt }: Stamp): boolean =>
  clock !== 'observer' && receivedAt !== undefined

const isReceipt = ({ clock }: Stamp): boolean => clock === 'observer'

/** What one run of a container goes through again and again: each receipt is of another time. */
const RECURRING: ReadonlySet<What> = new Set(['container ready', 'container unready'])

/** Keeps every different stamp, and of receipts only the first: later ones say less. `known` itself where nothing is new. */
export function mergeStamps(known: readonly Stamp[], more: readonly Stamp[], what?: What): readonly Stamp[] {
  if (what !== undefined && RECURRING.has(what)) return mergeTimes(known, more)
  let merged = known
  for (const stamp of more) {
    const rival = merged.find((one) =>
      isReceipt(stamp) ? isReceipt(one) : one.source === stamp.source && one.at === stamp.at,
    )
    if (!rival) {
      if (!isReceipt(stamp) || !merged.some(carriesReceipt)) merged = [...merged, stamp]
    } else if (isReceipt(stamp) && stamp.at < rival.at)
      merged = merged.map((one) => (one === rival ? stamp : one))
    else if (rival.receivedAt === undefined && stamp.receivedAt !== undefined) {
      merged = merged.map((one) => (one === rival ? stamp : one))
    }
  }
  return merged
}

function mergeTimes(known: readonly Stamp[], more: readonly Stamp[]): readonly Stamp[] {
  const others = more.filter(({ at }) => known.every((one) => one.at !== at))
  return others.length > 0 ? [...known, ...others] : known
}
