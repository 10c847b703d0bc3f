// Owns what a pod's object says: the facts in which one version differs from the last one seen.
// Promises that a fact which both versions hold is not drawn again, and that facts of a passing state (a condition, a run of a
// container) carry that state in their key. Does not order facts or judge their stamps.

import type { ObjectFrame } from '../base/frame.ts'
import type { Condition, ContainerSpec, ContainerStatus, PodRecord, UnixSeconds } from '../base/record.ts'
import type { ClockName } from '../base/stamp.ts'
import { parseRfc3339, SECOND, toBigint } from '../base/time.ts'
import { observeContainer } from './container.ts'
import type { Observation } from './observation.ts'
import { fineStamp, type ReadStamp, receiptStamp, secondStamp } from './stamps.ts'

/** A live ADDED of a pod older than this is not its creation, whatever the stream calls it. */
const FRESH_SECONDS = 120n

/** The clock that a pod's kubelet and runtime write by. */
export const nodeClock = (node: string | undefined): ClockName => `node/${node ?? 'unknown'}`

/** The facts that this version of the pod shows and the previous one did not. */
export function observePod(
  previous: PodRecord | undefined,
  frame: ObjectFrame,
  pod: PodRecord,
): Observation[] {
  const found: Observation[] = []
  if (!previous) found.push(observeCreated(frame, pod))
  observeGates(previous, frame, pod, found)
  if (pod.nodeName && !previous?.nodeName) found.push(observeBound(frame, pod))
  if (pod.nominatedNodeName && pod.nominatedNodeName !== previous?.nominatedNodeName) {
    found.push({
      key: `nominated/${pod.nominatedNodeName}`,
      what: 'nominated',
      detail: { value: pod.nominatedNodeName },
      stamps: [receiptStamp(frame, 'watch-receipt', 'status.nominatedNodeName')],
    })
  }
  if (pod.startSeconds !== undefined && pod.startSeconds !== previous?.startSeconds) {
    found.push(observeAdmitted(frame, pod, pod.startSeconds))
  }
  if (pod.conditions !== previous?.conditions) observeConditions(previous, frame, pod, found)
  observeStatuses(
    previous?.initContainerStatuses,
    pod.initContainerStatuses,
    frame,
    pod,
    pod.initContainers,
    found,
  )
  observeStatuses(previous?.containerStatuses, pod.containerStatuses, frame, pod, pod.containers, found)
  observePhase(previous, frame, pod, found)
  observeDeletion(previous, frame, pod, found)
  return found
}

/** A pod is ungated, bound and taken by its kubelet in writes of their own: where a version shows several of them at once, some between were not seen. */
export function isNextVersion(previous: PodRecord, pod: PodRecord): boolean {
  const isBound = pod.nodeName !== undefined && previous.nodeName === undefined
  const isUngated = previous.schedulingGates !== undefined && pod.schedulingGates === undefined
  const isTaken = pod.startSeconds !== undefined && previous.startSeconds === undefined
  return Number(isBound) + Number(isUngated) + Number(isTaken) <= 1
}

/** A static pod's mirror carries when its kubelet first saw the manifest; that, not the mirror's creation, is its beginning. */
function observeCreated(frame: ObjectFrame, pod: PodRecord): Observation {
  const seen = parseRfc3339(pod.annotations?.['kubernetes.io/config.seen'])
  if (seen !== undefined && pod.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    const field = 'metadata.annotations[kubernetes.io/config.seen]'
    const raw = pod.annotations['kubernetes.io/config.seen'] ?? ''
    return {
      key: 'created',
      what: 'created',
      stamps: [fineStamp(frame, 'config-seen', nodeClock(pod.nodeName), seen, field, raw)],
    }
  }
  const stamps: ReadStamp[] = [
    ...secondStamp(frame, 'creation-second', 'apiserver', 'metadata.creationTimestamp', pod.createdSeconds),
  ]
  stamps.push(receiptStamp(frame, 'watch-receipt', 'metadata.uid'))
  return { key: 'created', what: 'created', stamps }
}

/**
 * A live ADDED shows the moment of creation only if nobody has touched the pod and it is not old: a proxy or a broken watch may replay, and a pod may begin to
 * match a selector. One that has no node either is new however old its stamp is: then the API server's clock was set back.
 */
export function isBirth(frame: ObjectFrame, pod: PodRecord): boolean {
  if (frame.kind !== 'added' || frame.phase !== 'live' || pod.startSeconds !== undefined) return false
  if (isUntouched(pod)) return true
  if (!hasNoConditions(pod)) return false
  if (pod.createdSeconds === undefined) return true
  return frame.t / SECOND - toBigint(pod.createdSeconds) < FRESH_SECONDS
}

/** As the API server stores it at first; a gate's condition is there from the beginning. */
export const isUntouched = (pod: PodRecord): boolean => pod.nodeName === undefined && hasNoConditions(pod)

const hasNoConditions = ({ conditions = [], schedulingGates = [] }: PodRecord): boolean =>
  conditions.length <= (schedulingGates.length > 0 ? 1 : 0)

function observeGates(
  previous: PodRecord | undefined,
  frame: ObjectFrame,
  pod: PodRecord,
  found: Observation[],
): void {
  const gates = pod.schedulingGates ?? []
  const before = previous?.schedulingGates ?? []
  for (const gate of gates) {
    if (!before.includes(gate))
      found.push({ key: `gated/${gate}`, what: 'gated', detail: { value: gate }, stamps: [] })
  }
  const removed = before.filter((gate) => !gates.includes(gate))
  if (removed.length === 0) return
  const stamps = [receiptStamp(frame, 'watch-receipt', 'spec.schedulingGates')]
  if (gates.length === 0) return void found.push({ key: 'ungated', what: 'ungated', stamps })
  for (const gate of removed)
    found.push({ key: `gate removed/${gate}`, what: 'gate removed', detail: { value: gate }, stamps })
}

function observeBound(frame: ObjectFrame, pod: PodRecord): Observation {
  const scheduled = pod.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'True')
  // A binding writes the condition with the node, in one go; a kubelet that refuses the pod takes it away again.
  const preset = frame.kind === 'added' && scheduled === undefined && pod.phase !== 'Failed'
  const field = 'status.conditions[PodScheduled].lastTransitionTime'
  return {
    key: 'bound',
    what: 'bound',
    detail: { ...(pod.nodeName ? { value: pod.nodeName } : {}), ...(preset ? { type: 'preset' } : {}) },
    stamps: [
      ...secondStamp(frame, 'condition-second', 'apiserver', field, scheduled?.transitionSeconds),
      receiptStamp(frame, 'watch-receipt', 'spec.nodeName'),
    ],
  }
}

function observeAdmitted(frame: ObjectFrame, pod: PodRecord, startSeconds: UnixSeconds): Observation {
  return {
    key: 'admitted',
    what: 'admitted',
    index: startSeconds,
    stamps: [
      ...secondStamp(frame, 'start-second', nodeClock(pod.nodeName), 'status.startTime', startSeconds),
      receiptStamp(frame, 'status-receipt', 'status.startTime'),
    ],
  }
}

export const isReady = (pod: PodRecord): boolean => readyOf(pod)?.status === 'True'

const readyOf = (pod: PodRecord): Condition | undefined =>
  pod.conditions?.find(({ type }) => type === 'Ready')

/**
 * Whether a pod that is not ready has been: the kubelet first stamps Ready=False with its first status, at startTime; a later stamp is
 * of a turn, and only True can turn False.
 */
export function wasReady(pod: PodRecord): boolean {
  const ready = readyOf(pod)
  if (ready?.status !== 'False' || ready.transitionSeconds === undefined || pod.startSeconds === undefined)
    return false
  return ready.transitionSeconds > pod.startSeconds + 1
}

/** Stands in for the reason of a Ready that came and went unseen: its stamp is of the turn back. */
export const MISSED = 'missed'

/** Ready came and went unseen: it was stored before it was taken back. */
function observeMissedReady(frame: ObjectFrame, pod: PodRecord): Observation {
  const field = 'status.conditions[Ready].lastTransitionTime'
  return {
    key: 'condition/Ready/True',
    what: 'condition',
    detail: { type: 'Ready', value: 'True', reason: MISSED },
    stamps: [
      ...secondStamp(
        frame,
        'condition-second',
        nodeClock(pod.nodeName),
        field,
        readyOf(pod)?.transitionSeconds,
      ),
      receiptStamp(frame, 'list-receipt', 'status.conditions[Ready].status'),
    ],
  }
}

/** What else the kubelet stamps (Initialized, …) nothing reads; of PodScheduled, `bound` takes the stamp. */
const UNREAD = new Set(['Initialized', 'PodScheduled'])

function observeConditions(
  previous: PodRecord | undefined,
  frame: ObjectFrame,
  pod: PodRecord,
  found: Observation[],
): void {
  if (frame.phase !== 'live' && wasReady(pod) && !(previous && (isReady(previous) || wasReady(previous)))) {
    found.push(observeMissedReady(frame, pod))
  }
  for (const condition of pod.conditions ?? []) {
    if (UNREAD.has(condition.type)) continue
    const before = previous?.conditions?.find(({ type }) => type === condition.type)
    if (before && sameTransition(before, condition)) continue
    // A status that was never seen as anything else has not "turned": False at creation is no fact.
    if (condition.status !== 'True' && before?.status !== 'True' && condition.type !== 'PodScheduled')
      continue
    found.push(observeCondition(frame, pod, condition))
  }
}

const sameTransition = (a: Condition, b: Condition): boolean =>
  a.status === b.status && a.transitionSeconds === b.transitionSeconds && a.reason === b.reason

/** Conditions that the kubelet writes by its node's clock; others come from controllers at the API server. */
const KUBELET_CONDITIONS = new Set(['PodReadyToStartContainers', 'ContainersReady', 'Ready'])

function observeCondition(frame: ObjectFrame, pod: PodRecord, condition: Condition): Observation {
  const { type, status, reason, message, transitionSeconds } = condition
  const clock = KUBELET_CONDITIONS.has(type) ? nodeClock(pod.nodeName) : 'apiserver'
  const field = `status.conditions[${type}].lastTransitionTime`
  const stamps: ReadStamp[] = [
    ...secondStamp(frame, 'condition-second', clock, field, transitionSeconds),
    receiptStamp(frame, 'watch-receipt', `status.conditions[${type}].status`),
  ]
  if (type === 'Ready' && status === 'True') stamps.push(...lastStatusWrite(frame, pod))
  return {
    key: `condition/${type}/${status}`,
    index: transitionSeconds ?? 0,
    what: type === 'PodReadyToStartContainers' && status === 'True' ? 'network ready' : 'condition',
    detail: { type, value: status, ...(reason ? { reason } : {}), ...(message ? { message } : {}) },
    stamps,
  }
}

/** The kubelet's last write of this status bounds from above whatever the status shows of it. */
function lastStatusWrite(frame: ObjectFrame, pod: PodRecord): ReadStamp[] {
  const writer = pod.managers?.find(
    ({ manager, subresource }) => manager === 'kubelet' && subresource === 'status',
  )
  return secondStamp(
    frame,
    'field-manager-second',
    'apiserver',
    'metadata.managedFields[kubelet].time',
    writer?.seconds,
  )
}

function observeStatuses(
  before: readonly ContainerStatus[] | undefined,
  after: readonly ContainerStatus[] | undefined,
  frame: ObjectFrame,
  pod: PodRecord,
  specs: readonly ContainerSpec[] | undefined,
  found: Observation[],
): void {
  if (!after || after === before) return
  for (const status of after) {
    const old = before?.find(({ name }) => name === status.name)
    const spec = specs?.find(({ name }) => name === status.name)
    observeContainer(old, status, frame, nodeClock(pod.nodeName), spec, found)
  }
}

function observePhase(
  previous: PodRecord | undefined,
  frame: ObjectFrame,
  pod: PodRecord,
  found: Observation[],
): void {
  if (pod.phase === previous?.phase || (pod.phase !== 'Succeeded' && pod.phase !== 'Failed')) return
  found.push({
    key: `phase/${pod.phase}`,
    what: 'phase',
    detail: {
      value: pod.phase,
      ...(pod.reason ? { reason: pod.reason } : {}),
      ...(pod.message ? { message: pod.message } : {}),
    },
    stamps: [receiptStamp(frame, 'watch-receipt', 'status.phase')],
  })
}

function observeDeletion(
  previous: PodRecord | undefined,
  frame: ObjectFrame,
  pod: PodRecord,
  found: Observation[],
): void {
  if (pod.deletionSeconds !== undefined && previous?.deletionSeconds === undefined) {
    const asked = pod.deletionSeconds - (pod.deletionGraceSeconds ?? 0)
    found.push({
      key: 'deleting',
      what: 'deleting',
      stamps: [
        ...secondStamp(frame, 'deletion-second', 'apiserver', 'metadata.deletionTimestamp', asked),
        receiptStamp(frame, 'watch-receipt', 'metadata.deletionTimestamp'),
      ],
    })
  }
  if (frame.kind === 'deleted') {
    const stamps = [receiptStamp(frame, frame.synthetic ? 'list-receipt' : 'watch-receipt', 'metadata.uid')]
    found.push({ key: 'deleted', what: 'deleted', stamps })
  }
}
