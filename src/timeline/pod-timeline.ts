// Owns all that is known about one pod: its last trimmed object and the facts seen so far.
// Promises that folding is idempotent and, but for which of two equal receipts came first, independent of order.
// Does not compute boundaries: operations/ does, once, when they are asked for.

import type { Phase } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import type { Detail, Observation, What } from '../observe/observation.ts'

export interface Fact {
  readonly key: string
  readonly what: What
  readonly container: string | undefined
  readonly index: number
  readonly group: string
  detail: Detail | undefined
  stamps: readonly Stamp[]
}

export interface PodTimeline {
  readonly uid: string
  /** The last version seen. */
  pod: PodRecord
  readonly facts: Map<string, Fact>
  readonly firstSeen: UnixNano
  readonly firstPhase: Phase
  /** A gap in the pods' or events' stream fell into this start. */
  gap: boolean
  /** When by our clock the start's end was first seen, and which kind of end. */
  ended: End | undefined
}

export interface End {
  readonly outcome: 'ready' | 'completed' | 'failed' | 'deleted' | 'timeout'
  readonly seenAt: UnixNano
}

/** Facts of one pod beyond this are counted and dropped; a pod with 20 containers that each restart 5 times has about 400. */
export const FACTS_MAX = 1000

export function startTimeline(pod: PodRecord, firstSeen: UnixNano, firstPhase: Phase): PodTimeline {
  return { uid: pod.uid, pod, facts: new Map(), firstSeen, firstPhase, gap: false, ended: undefined }
}

/** Takes one observation in. False where the pod's limit of facts is reached. */
export function foldObservation(timeline: PodTimeline, observation: Observation): boolean {
  const known = timeline.facts.get(observation.key)
  if (known) {
    known.stamps = mergeStamps(known.stamps, observation.stamps)
    known.detail ??= observation.detail
    return true
  }
  if (timeline.facts.size >= FACTS_MAX) return false
  const { key, what, container, index = 0, group = '', detail, stamps } = observation
  timeline.facts.set(key, { key, what, container, index, group, detail, stamps })
  return true
}

/** A fine stamp that came live has its receipt with it. */
const carriesReceipt = ({ clock, receivedAt }: Stamp): boolean =>
  clock !== 'observer' && receivedAt !== undefined

const isReceipt = ({ clock }: Stamp): boolean => clock === 'observer'

/** Keeps every different stamp, and of receipts only the first: later ones say less. */
function mergeStamps(known: readonly Stamp[], more: readonly Stamp[]): readonly Stamp[] {
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
