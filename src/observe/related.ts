// Owns what the objects beside a pod say (claims, attachments, NodeClaims, Workloads, devices, nodes): the facts in which a version
// differs from the last one seen. Promises that a fact which both versions hold is not drawn again.
// Does not know which pod waits for them: operations/ does.

import type { ObjectFrame } from '../base/frame.ts'
import type {
  AttachmentRecord,
  ClaimRecord,
  Condition,
  DeviceClaimRecord,
  NodeClaimRecord,
  NodeRecord,
  ObjectMeta,
  PodRecord,
  RelatedRecord,
} from '../base/record.ts'
import type { ClockName } from '../base/stamp.ts'
import { fromSeconds } from '../base/time.ts'
import type { Observation } from './observation.ts'
import { isSettledNode, NODE_YOUNG, observeHindrances, observeTaintsLeft } from './new-node.ts'
import { nodeClock } from './pod.ts'
import { asListed, receiptStamp, secondStamp } from './stamps.ts'

/** What else than a pod is looked at this closely. */
export type RelatedObject = RelatedRecord | NodeRecord

/** The facts that this version shows and the previous one did not. */
export function observeRelated(
  previous: RelatedObject | undefined,
  received: ObjectFrame,
  record: RelatedObject,
): Observation[] {
  const found: Observation[] = []
  const frame = previous || isBirth(received, record) ? received : asListed(received)
  if (!previous && record.resource === 'nodes' && isSettledNode(frame, record)) return found
  if (!previous) found.push(observeCreated(frame, record))
  switch (record.resource) {
    case 'persistentvolumeclaims':
      observeClaim(previous as ClaimRecord | undefined, frame, record, found)
      break
    case 'volumeattachments':
      observeAttachment(previous as AttachmentRecord | undefined, frame, record, found)
      break
    case 'resourceclaims':
      observeDeviceClaim(previous as DeviceClaimRecord | undefined, frame, record, found)
      break
    case 'nodes':
      observeTaints(previous as NodeRecord | undefined, frame, record, found)
      observeTaintsLeft(previous as NodeRecord | undefined, frame, record, found)
      break
    case 'nodeclaims':
      observeHindrances(previous as NodeClaimRecord | undefined, frame, record, found)
      break
  }
  if ('conditions' in record) observeConditions(previous, frame, record, found)
  if (frame.kind === 'deleted')
    found.push({
      key: 'deleted',
      what: 'deleted',
      stamps: [receiptStamp(frame, frame.synthetic ? 'list-receipt' : 'watch-receipt', 'metadata.uid')],
    })
  return found
}

/** A live ADDED that shows something which is written after the creation is not its first version: a watch of other tools may begin with what there is. */
function isBirth({ kind, phase, t }: ObjectFrame, record: RelatedObject): boolean {
  if (kind !== 'added' || phase !== 'live') return false
  switch (record.resource) {
    case 'persistentvolumeclaims':
      return record.phase !== 'Bound' && record.annotations?.[BOUND] === undefined
    case 'volumeattachments':
      return !record.attached && !record.error
    case 'resourceclaims':
      return !record.allocated
    case 'nodes':
      return record.createdSeconds === undefined || t - fromSeconds(record.createdSeconds) < NODE_YOUNG
    default:
      return conditionsOf(record).every(({ status }) => status !== 'True')
  }
}

/** That an owner got a pod, as a fact of the owner. */
export const observeChild = (frame: ObjectFrame, pod: PodRecord): Observation => ({
  ...observeCreated(frame, pod),
  key: `child/${pod.uid}`,
  detail: { value: pod.uid },
})

function observeCreated(frame: ObjectFrame, { createdSeconds }: ObjectMeta): Observation {
  const fresh = frame.kind === 'added' && frame.phase === 'live'
  return {
    key: 'created',
    what: 'created',
    stamps: [
      ...secondStamp(frame, 'creation-second', 'apiserver', 'metadata.creationTimestamp', createdSeconds),
      receiptStamp(frame, fresh ? 'watch-receipt' : 'list-receipt', 'metadata.uid'),
    ],
  }
}

const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
const BOUND = 'pv.kubernetes.io/bind-completed'

function observeClaim(
  previous: ClaimRecord | undefined,
  frame: ObjectFrame,
  { annotations, phase, volume }: ClaimRecord,
  found: Observation[],
): void {
  const node = annotations?.[SELECTED_NODE]
  if (node !== undefined && node !== previous?.annotations?.[SELECTED_NODE])
    found.push({
      key: `node selected/${node}`,
      what: 'node selected',
      detail: { value: node },
      stamps: [receiptStamp(frame, 'watch-receipt', `metadata.annotations[${SELECTED_NODE}]`)],
    })
  const complete = annotations?.[BOUND] !== undefined && previous?.annotations?.[BOUND] === undefined
  if (complete || (phase === 'Bound' && previous?.phase !== 'Bound'))
    found.push({
      key: complete ? 'claim bound/annotation' : 'claim bound/phase',
      what: 'claim bound',
      ...(volume === undefined ? {} : { detail: { value: volume } }),
      stamps: [
        receiptStamp(frame, 'watch-receipt', complete ? `metadata.annotations[${BOUND}]` : 'status.phase'),
      ],
    })
}

function observeAttachment(
  previous: AttachmentRecord | undefined,
  frame: ObjectFrame,
  { attached, error, attacher }: AttachmentRecord,
  found: Observation[],
): void {
  if (attached && !previous?.attached)
    found.push({
      key: 'attached',
      what: 'attached',
      stamps: [receiptStamp(frame, 'watch-receipt', 'status.attached')],
    })
  if (!error || (error.seconds === previous?.error?.seconds && error.message === previous?.error?.message))
    return
  const { seconds, message } = error
  found.push({
    key: `attach failed/${message ?? ''}`,
    what: 'attach failed',
    index: seconds ?? 0,
    ...(message === undefined ? {} : { detail: { message } }),
    stamps: [
      ...secondStamp(frame, 'condition-second', `controller/${attacher}`, 'status.attachError.time', seconds),
      receiptStamp(frame, 'watch-receipt', 'status.attachError'),
    ],
  })
}

function observeDeviceClaim(
  previous: DeviceClaimRecord | undefined,
  frame: ObjectFrame,
  { allocated, allocatedSeconds, reservedFor = [] }: DeviceClaimRecord,
  found: Observation[],
): void {
  if (allocated && !previous?.allocated)
    found.push({
      key: 'allocated',
      what: 'allocated',
      index: allocatedSeconds ?? 0,
      stamps: [
        ...secondStamp(
          frame,
          'condition-second',
          'scheduler',
          'status.allocation.allocationTimestamp',
          allocatedSeconds,
        ),
        receiptStamp(frame, 'watch-receipt', 'status.allocation'),
      ],
    })
  for (const uid of reservedFor) {
    if (previous?.reservedFor?.includes(uid)) continue
    found.push({
      key: `reserved/${uid}`,
      what: 'reserved',
      detail: { value: uid },
      stamps: [receiptStamp(frame, 'watch-receipt', 'status.reservedFor')],
    })
  }
}

function observeTaints(
  previous: NodeRecord | undefined,
  frame: ObjectFrame,
  { taints = [] }: NodeRecord,
  found: Observation[],
): void {
  for (const { key } of previous?.taints ?? []) {
    if (taints.some((taint) => taint.key === key)) continue
    found.push({
      key: `untainted/${key}`,
      what: 'untainted',
      detail: { value: key },
      stamps: [receiptStamp(frame, 'watch-receipt', 'spec.taints')],
    })
  }
}

function observeConditions(
  previous: RelatedObject | undefined,
  frame: ObjectFrame,
  record: RelatedObject,
  found: Observation[],
): void {
  const before = conditionsOf(previous)
  for (const condition of conditionsOf(record)) {
    const { type, status, reason, message, transitionSeconds } = condition
    const known = before.find((one) => one.type === type)
    if (known?.status === status && known.transitionSeconds === transitionSeconds) continue
    found.push({
      key: `condition/${type}/${status}`,
      what: 'condition',
      index: transitionSeconds ?? 0,
      detail: { type, value: status, ...(reason ? { reason } : {}), ...(message ? { message } : {}) },
      stamps: [
        ...secondStamp(
          frame,
          'condition-second',
          writerOf(record),
          `status.conditions[${type}].lastTransitionTime`,
          transitionSeconds,
        ),
        receiptStamp(frame, 'watch-receipt', `status.conditions[${type}].status`),
      ],
    })
  }
}

const NONE: readonly Condition[] = []

const conditionsOf = (record: RelatedObject | undefined): readonly Condition[] =>
  (record && 'conditions' in record ? record.conditions : undefined) ?? NONE

/** A node's conditions are its kubelet's, as long as it lives; all others come from controllers. */
function writerOf(record: RelatedObject): ClockName {
  if (record.resource === 'nodes') return nodeClock(record.name)
  if (record.resource === 'workloads') return 'controller/kueue'
  return record.resource === 'nodeclaims' ? 'controller/karpenter' : 'controller'
}
