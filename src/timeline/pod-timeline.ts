// Owns all that is known about one pod: its last trimmed object and the facts seen so far.
// Promises that folding is idempotent and, but for which of two equal receipts came first, independent of order.
// Does not compute boundaries: operations/ does, once, when they are asked for.

import type { ObjectFrame, Phase } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { isBirth } from '../observe/pod.ts'
import { emptyFactLog, type FactLog } from './fact-log.ts'
import type { NodeTaints } from './node-taints.ts'
import type { Vocabulary } from './vocabulary.ts'

export interface PodTimeline {
  readonly uid: string
  /** The last version seen. */
  pod: PodRecord
  readonly facts: FactLog
  readonly firstSeen: UnixNano
  readonly firstPhase: Phase
  /** Its first version was not seen: what the first one seen shows may be long past. */
  readonly isPickedUp: boolean
  /** When the watch showed each version, the first ones. */
  readonly versions: UnixNano[]
  /** A gap in the pods' or events' stream fell into this start. */
  gap: boolean
  /** The watch does not show every version of it, as one does that somebody thinned out. */
  isThinned: boolean
  /** What the last version shows may be long past. */
  isListed: boolean
  /** Taints that it did not tolerate when its scheduler last found no node for them, and did not name them. */
  untolerated: readonly string[]
  /** When by our clock the start's end was first seen, and which kind of end. */
  ended: End | undefined
}

export interface End {
  readonly outcome: 'ready' | 'completed' | 'failed' | 'deleted' | 'timeout'
  readonly seenAt: UnixNano
}

export function startTimeline(pod: PodRecord, frame: ObjectFrame, vocabulary: Vocabulary): PodTimeline {
  const { phase: firstPhase, t: firstSeen } = frame
  const facts = emptyFactLog(vocabulary)
  const isPickedUp = !isBirth(frame, pod)
  return {
    ...{ uid: pod.uid, pod, facts, firstSeen, firstPhase, isPickedUp },
    ...{ versions: [], gap: false, isThinned: false, isListed: isPickedUp },
    ...{ untolerated: NO_TAINTS, ended: undefined },
  }
}

const NO_TAINTS: readonly string[] = []
/** Since 1.34 the scheduler does not say which. */
const UNNAMED = 'untolerated taint(s)'

/** Of a DaemonSet's pod only one node's would count, and nobody knows which. */
export function noteTaints(taints: NodeTaints, timeline: PodTimeline): void {
  const { conditions, nodeName, owners } = timeline.pod
  if (nodeName !== undefined) return
  const said = conditions?.find(({ type }) => type === 'PodScheduled')?.message
  if (!said?.includes(UNNAMED) || owners?.some(({ kind }) => kind === 'DaemonSet')) return
  timeline.untolerated = taints.untolerated(timeline.pod)
}

/** A start has a dozen; a pod that fails again and again has more. */
const VERSIONS_MAX = 200

export function noteVersion({ versions }: PodTimeline, { kind, phase, t }: ObjectFrame): void {
  if (phase === 'live' && kind !== 'deleted' && versions.length < VERSIONS_MAX) versions.push(t)
}
