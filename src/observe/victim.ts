// Owns what a pod and its events say of its having to go so that another one can be scheduled: chosen by whom, marked, ended, gone.
// Promises the same facts whether the pod's own start is still told or long over. Does not know what the other pod waited for.

import type { ObjectFrame } from '../base/frame.ts'
import type { Condition, EventRecord, PodRecord } from '../base/record.ts'
import { observeNoted } from './event.ts'
import type { Observation } from './observation.ts'
import { receiptStamp, secondStamp } from './stamps.ts'

/** Who preempted, as far as the event names it. */
export interface Preemptor {
  readonly uid: string | undefined
  readonly node: string | undefined
}

/** 1.29 to 1.37; before, there was no UID. The event's `related`, where it would belong, is empty in 1.36. */
const MESSAGE = /^Preempted by (?:a pod|pod (?<uid>[0-9a-f-]{36})) on node (?<node>[^ ]+?)\.?(?: |$)/

/** Undefined where the event does not say that its pod was preempted by another. */
export function preemptorOf({ reason, message = '', related }: EventRecord): Preemptor | undefined {
  if (reason !== 'Preempted') return undefined
  const named = MESSAGE.exec(message)?.groups
  const uid = related?.kind === 'Pod' ? (related.uid ?? named?.['uid']) : named?.['uid']
  return { uid, node: named?.['node'] }
}

/** The scheduler's mark; the kubelet and evictions have others. */
const isPreempted = ({ type, status, reason }: Condition): boolean =>
  type === 'DisruptionTarget' && status === 'True' && (reason?.startsWith('PreemptionBy') ?? false)

export const markOf = (pod: PodRecord): Condition | undefined => pod.conditions?.find(isPreempted)

export const observeChoice = (frame: ObjectFrame, event: EventRecord): Observation[] =>
  observeNoted(frame, event).slice(0, 1)

/** Its place is free as soon as it has ended; that its object is gone comes later. */
export function observeVictim(frame: ObjectFrame, pod: PodRecord): Observation[] {
  const found: Observation[] = []
  const mark = markOf(pod)
  if (mark)
    found.push({
      key: 'condition/DisruptionTarget/True',
      what: 'condition',
      stamps: [
        ...secondStamp(
          frame,
          'condition-second',
          'scheduler',
          'status.conditions[DisruptionTarget].lastTransitionTime',
          mark.transitionSeconds,
        ),
        receiptStamp(frame, 'watch-receipt', 'status.conditions[DisruptionTarget].status'),
      ],
    })
  const ended = pod.phase === 'Succeeded' || pod.phase === 'Failed'
  // A deletion shows the last version: that it had ended is older than the deletion by nobody knows how much.
  if (ended && frame.kind !== 'deleted')
    found.push({
      key: 'phase',
      what: 'phase',
      stamps: [receiptStamp(frame, 'watch-receipt', 'status.phase')],
    })
  if (frame.kind === 'deleted') {
    const near = ended || frame.synthetic ? 'list-receipt' : 'watch-receipt'
    found.push({ key: 'deleted', what: 'deleted', stamps: [receiptStamp(frame, near, 'metadata.uid')] })
  }
  return found
}
