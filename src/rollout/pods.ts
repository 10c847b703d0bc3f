// Owns what a rollout needs of a pod besides its trace: whose it is, of which revision, and how it ended.
// Promises each moment once, from the first frame that showed it, and that nothing is kept of the object but these.
// Does not tell starts: trace/ does.

import type { ObjectFrame } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import { add, durationNano, fromSeconds, minus, SECOND, type UnixNano } from '../base/time.ts'
import { creation, receipt, wholeSecond } from './stamps.ts'

export interface PodFacts {
  readonly uid: string
  readonly name: string
  /** UID of its controller. */
  readonly owner: string
  /** pod-template-hash or controller-revision-hash. */
  readonly hash: string | undefined
  readonly created: readonly Stamp[]
  /** When it was first shown. */
  readonly since: UnixNano
  readonly images: ReadonlyMap<string, string>
  node: string | undefined
  ready: readonly Stamp[] | undefined
  /** Deletion was asked for. */
  deleting: readonly Stamp[] | undefined
  /** All its containers have ended, as its phase says, or it is gone. */
  stopped: readonly Stamp[] | undefined
  gone: readonly Stamp[] | undefined
  /** Why it failed, where its phase is Failed and nobody had asked for that. */
  failed: string | undefined
}

export const controllerOf = ({ owners }: Pick<PodRecord, 'owners'>) =>
  owners?.find(({ controller }) => controller)

export function openPod(frame: ObjectFrame, pod: PodRecord, owner: string): PodFacts {
  return {
    uid: pod.uid,
    name: pod.name,
    owner,
    hash: pod.labels?.['pod-template-hash'] ?? pod.labels?.['controller-revision-hash'],
    created: creation(frame),
    since: frame.t,
    images: new Map(
      [...(pod.initContainers ?? []), ...pod.containers].map(({ name, image }) => [name, image]),
    ),
    node: undefined,
    ready: undefined,
    deleting: undefined,
    stopped: undefined,
    gone: undefined,
    failed: undefined,
  }
}

export function foldPod(facts: PodFacts, frame: ObjectFrame, pod: PodRecord): void {
  facts.node ??= pod.nodeName
  facts.ready ??= readyStamps(frame, pod)
  facts.deleting ??= deletingStamps(frame, pod)
  const ended = pod.phase === 'Succeeded' || pod.phase === 'Failed'
  if (ended) facts.stopped ??= endedStamps(frame, pod)
  if (pod.phase === 'Failed' && !facts.deleting) facts.failed ??= whyFailed(pod)
  if (frame.kind !== 'deleted') return
  facts.gone ??= [receipt(frame, 'metadata')]
  facts.stopped ??= facts.gone
  facts.deleting ??= facts.gone
}

function readyStamps(
  frame: ObjectFrame,
  { conditions, nodeName = '' }: PodRecord,
): readonly Stamp[] | undefined {
  const ready = conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True') return undefined
  const at = ready.transitionSeconds === undefined ? undefined : fromSeconds(ready.transitionSeconds)
  const field = 'status.conditions[Ready].lastTransitionTime'
  // From a list, it may have been ready before.
  const stamp = wholeSecond(frame, 'condition-second', `node/${nodeName}`, field, at)
  return [receipt(frame, 'status.conditions[Ready]'), ...stamp]
}

/** Its phase was stored after the kubelet had taken Ready from it; a list shows nothing finer. */
function endedStamps(frame: ObjectFrame, { conditions, nodeName = '' }: PodRecord): readonly Stamp[] {
  const ready = conditions?.find(({ type, status }) => type === 'Ready' && status === 'False')
  const at = ready?.transitionSeconds === undefined ? undefined : fromSeconds(ready.transitionSeconds)
  const field = 'status.conditions[Ready].lastTransitionTime'
  return [
    receipt(frame, 'status.phase'),
    ...wholeSecond(frame, 'condition-second', `node/${nodeName}`, field, at),
  ]
}

/** The stamp is of when the grace period ends. */
function deletingStamps(frame: ObjectFrame, pod: PodRecord): readonly Stamp[] | undefined {
  const { deletionSeconds, deletionGraceSeconds } = pod
  if (deletionSeconds === undefined) return undefined
  const grace = durationNano(BigInt(Math.trunc(deletionGraceSeconds ?? 0)) * SECOND)
  const asked = add(fromSeconds(deletionSeconds), minus(grace))
  return [
    receipt(frame, 'metadata.deletionTimestamp'),
    ...wholeSecond(frame, 'deletion-second', 'apiserver', 'metadata.deletionTimestamp', asked),
  ]
}

function whyFailed({ reason, message, containerStatuses = [] }: PodRecord): string {
  for (const { name, state } of containerStatuses)
    if (state?.kind === 'terminated' && state.exitCode !== 0)
      return `${name} exited with code ${state.exitCode}${state.reason && state.reason !== 'Error' ? ` (${state.reason})` : ''}`
  return [reason, message].filter(Boolean).join(': ') || 'no reason given'
}
