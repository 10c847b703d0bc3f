// Owns why pods went away, as far as that is why others come: by their last version, and by what happens to their node.
// Promises a bounded number per owner. Does not say why a pod was created: trace/cause.ts does.

import type { ObjectFrame } from '../base/frame.ts'
import type { NodeRecord, PodRecord } from '../base/record.ts'
import { durationNano, fromSeconds, SECOND } from '../base/time.ts'
import type { Departure, World } from './world.ts'

/** Departures kept per owner: more than one rollout step removes at once. */
const DEPARTURES_MAX = 50

/** A pod that goes away within this time before another of its owner comes is what the other replaces. */
export const REPLACES_WITHIN = durationNano(SECOND * 60n)

/** Whoever owns it replaces it now, long before its grace period is over. */
export const isLeaving = (pod: PodRecord): boolean =>
  pod.deletionSeconds !== undefined || pod.phase === 'Failed'

export function noteDeparture(world: World, frame: ObjectFrame, pod: PodRecord): void {
  const owner = ownerOf(pod)
  if (!owner) return
  const departures = world.departures.get(owner.uid) ?? []
  if (departures.some(({ uid }) => uid === pod.uid)) return
  const asked =
    pod.deletionSeconds === undefined
      ? frame.t
      : fromSeconds(pod.deletionSeconds - (pod.deletionGraceSeconds ?? 0))
  const revision = pod.labels?.['pod-template-hash'] ?? pod.labels?.['controller-revision-hash']
  departures.push({
    at: asked,
    seen: frame.phase === 'live' ? frame.t : undefined,
    uid: pod.uid,
    name: pod.name,
    reason: reasonOf(world, pod),
    revision,
  })
  world.departures.set(owner.uid, departures.slice(-DEPARTURES_MAX))
}

const ownerOf = ({ owners }: PodRecord) => owners?.find(({ controller }) => controller) ?? owners?.[0]

/** Each explains one pod that comes, the last of them first: what was scaled down before stays without a successor. */
export function noteReplacement(
  { departures }: World,
  { kind, phase, t }: ObjectFrame,
  pod: PodRecord,
): void {
  const owner = ownerOf(pod)
  if (!owner || phase !== 'live' || kind !== 'added') return
  const open = (departures.get(owner.uid) ?? []).filter(
    ({ replacedBy, seen, uid }) =>
      replacedBy === undefined && uid !== pod.uid && seen !== undefined && t - seen < REPLACES_WITHIN,
  )
  const sameName = open.findLast(({ name }) => name === pod.name)
  const replaced = owner.kind === 'StatefulSet' ? sameName : (sameName ?? open.at(-1))
  if (replaced) replaced.replacedBy = pod.uid
}

function reasonOf(world: World, pod: PodRecord): Departure['reason'] {
  const target = pod.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
  if (target?.reason?.startsWith('PreemptionBy')) return 'preemption'
  const node = world.nodes.get(pod.nodeName ?? '')?.node
  if (target?.reason === 'EvictionByEvictionAPI') return node && isDrained(node) ? 'drain' : 'eviction'
  if (target || pod.reason === 'Evicted') return 'eviction'
  return pod.phase === 'Failed' ? 'failed' : 'deleted'
}

/** What autoscalers put on a node that they empty; `kubectl drain` makes it unschedulable, which sets a taint too. */
const DRAINING: ReadonlySet<string> = new Set([
  'node.kubernetes.io/unschedulable',
  'karpenter.sh/disrupted',
  'karpenter.sh/disruption',
  'ToBeDeletedByClusterAutoscaler',
  'DeletionCandidateOfClusterAutoscaler',
])

const isDrained = ({ unschedulable, taints = [] }: NodeRecord): boolean =>
  unschedulable === true || taints.some(({ key }) => DRAINING.has(key))
