// Owns why a pod was created at all (docs/spans.md, "Why a pod was created").
// Promises one of few words, from what the pod, its owners, its node and the pods before it show; `unknown` where none of them says.
// Does not guess from names.

import type { OwnerReference, PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { add, durationNano, fromSeconds, SECOND } from '../base/time.ts'
import { REPLACES_WITHIN } from '../timeline/departures.ts'
import type { Departure, World } from '../timeline/world.ts'

export const CAUSES = [
  'rollout',
  'scale-up',
  'drain',
  'eviction',
  'preemption',
  'replacement',
  'job',
  'node added',
  'manual',
  'unknown',
] as const
export type Cause = (typeof CAUSES)[number]

interface Found {
  readonly cause: Cause
  readonly by?: string
}

/** A revision younger than this is still being rolled out. */
const ROLLOUT_WITHIN = durationNano(SECOND * 600n)
/** A node younger than this is why a DaemonSet's pod came. */
const NODE_NEW_WITHIN = durationNano(SECOND * 300n)
/** How long after a workload was scaled its controllers still make the pods; quotas and a busy controller take their time. */
const SCALED_WITHIN = durationNano(SECOND * 60n)

const BY_DEPARTURE = {
  preemption: 'preemption',
  eviction: 'eviction',
  drain: 'drain',
  failed: 'replacement',
} as const

/** `chain`: the owners from the pod up. */
export function causeOf(
  world: World,
  pod: PodRecord,
  chain: readonly OwnerReference[],
  created: UnixNano,
): Found {
  const owner = chain[0]
  if (pod.annotations?.['kubernetes.io/config.mirror'] !== undefined || !owner) return { cause: 'manual' }
  if (owner.kind === 'Job') return { cause: 'job' }
  const departed = departureBefore(world, pod, owner, created)
  if (departed && departed.reason !== 'deleted') return { cause: BY_DEPARTURE[departed.reason] }
  if (owner.kind === 'DaemonSet' && isOnNewNode(world, pod, owner, created)) return { cause: 'node added' }
  const by = scalerOf(world, chain, created)
  if (by !== undefined) return { cause: 'scale-up', by }
  if (departed) return { cause: departed.revision === revisionOf(pod) ? 'replacement' : 'rollout' }
  return { cause: fromAge(world, owner, created) }
}

export const revisionOf = (pod: PodRecord): string | undefined =>
  pod.labels?.['pod-template-hash'] ?? pod.labels?.['controller-revision-hash']

/** The last one that had been asked for when the pod was stored; of a StatefulSet's, that of the same name. */
function departureBefore(
  { departures, pods }: World,
  { name, uid }: PodRecord,
  owner: OwnerReference,
  created: UnixNano,
): Departure | undefined {
  const firstSeen = pods.get(uid)?.firstSeen
  const before = (departures.get(owner.uid) ?? []).filter((one) => {
    if (one.uid === uid || created - one.at >= REPLACES_WITHIN) return false
    if (one.replacedBy !== undefined && one.replacedBy !== uid) return false
    // One stream shows both, in the order in which they were stored.
    return one.seen === undefined || firstSeen === undefined ? one.at <= created : one.seen <= firstSeen
  })
  const sameName = before.findLast((one) => one.name === name)
  return owner.kind === 'StatefulSet' ? sameName : (sameName ?? before.at(-1))
}

/** A DaemonSet that is younger than the node is rolled out on it, not drawn in by it. */
function isOnNewNode(
  world: World,
  { nodeName }: PodRecord,
  { uid }: OwnerReference,
  created: UnixNano,
): boolean {
  const node = world.nodes.get(nodeName ?? '')?.node?.createdSeconds
  if (!isYoung(node, created, NODE_NEW_WITHIN)) return false
  const set = world.owners.get(uid)?.createdSeconds
  return set === undefined || node === undefined || set <= node
}

/** Pods and their owners come on streams of their own: one may be seen so much after the other. */
const SEEN_LATE = durationNano(SECOND / 2n)

/** Controllers write scales in the name of this manager: of those that scale workloads, that is the HorizontalPodAutoscaler. */
const AUTOSCALER = 'kube-controller-manager'

/** Who scaled one of the owners shortly before the pod came. */
function scalerOf(
  { owners, scaled }: World,
  chain: readonly OwnerReference[],
  created: UnixNano,
): string | undefined {
  // A revision that is younger than the scaling came by a rollout.
  const revised = fromSeconds(owners.get(chain[0]?.uid ?? '')?.createdSeconds ?? 0)
  for (const { uid } of chain) {
    const last = scaled.get(uid)?.findLast(({ at }) => at <= add(created, SEEN_LATE))
    if (!last || last.at < add(revised, SECOND) || created - last.at >= SCALED_WITHIN) continue
    return last.by === AUTOSCALER ? 'HorizontalPodAutoscaler' : last.by
  }
  return undefined
}

function fromAge({ owners, revised }: World, { uid }: OwnerReference, created: UnixNano): Cause {
  const known = owners.get(uid)
  if (!known) return 'unknown'
  const changed = revised.get(uid)
  const isRevised = changed !== undefined && created - changed < ROLLOUT_WITHIN
  return isRevised || isYoung(known.createdSeconds, created, ROLLOUT_WITHIN) ? 'rollout' : 'scale-up'
}

const isYoung = (createdSeconds: number | undefined, at: UnixNano, within: bigint): boolean =>
  createdSeconds !== undefined && at - fromSeconds(createdSeconds) < within
