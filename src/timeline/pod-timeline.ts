// Owns all that is known about one pod: its last trimmed object and the facts seen so far.
// Promises that folding is idempotent and, but for which of two equal receipts came first, independent of order.
// Does not compute boundaries: operations/ does, once, when they are asked for.

import type { ObjectFrame, Phase } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { emptyFactLog, type FactLog } from './fact-log.ts'
import type { Vocabulary } from './vocabulary.ts'

export interface PodTimeline {
  readonly uid: string
  /** The last version seen. */
  pod: PodRecord
  readonly facts: FactLog
  readonly firstSeen: UnixNano
  readonly firstPhase: Phase
  /** When the watch showed each version, the first ones. */
  readonly versions: UnixNano[]
  /** A gap in the pods' or events' stream fell into this start. */
  gap: boolean
  /** When by our clock the start's end was first seen, and which kind of end. */
  ended: End | undefined
}

export interface End {
  readonly outcome: 'ready' | 'completed' | 'failed' | 'deleted' | 'timeout'
  readonly seenAt: UnixNano
}

export function startTimeline(
  pod: PodRecord,
  firstSeen: UnixNano,
  firstPhase: Phase,
  vocabulary: Vocabulary,
): PodTimeline {
  const facts = emptyFactLog(vocabulary)
  return { uid: pod.uid, pod, facts, firstSeen, firstPhase, versions: [], gap: false, ended: undefined }
}

/** A start has a dozen; a pod that fails again and again has more. */
const VERSIONS_MAX = 200

export function noteVersion({ versions }: PodTimeline, { kind, phase, t }: ObjectFrame): void {
  if (phase === 'live' && kind !== 'deleted' && versions.length < VERSIONS_MAX) versions.push(t)
}
