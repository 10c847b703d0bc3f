// Owns why a pod was created at all (docs/spans.md, "Why a pod was created").
// Promises one of few words, from what the pod, its owners, its node and the pods before it show; `unknown` where none of them says.
// Does not guess from names.

import type { OwnerReference, PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { durationNano, fromSeconds, SECOND } from '../base/time.ts'
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

/** A pod that goes away within this time before another of its owner comes is what the other replaces. */
const REPLACES_WITHIN = durationNano(SECOND * 60n)
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

function departureBefore(
  { departures }: World,
  pod: PodRecord,
  owner: OwnerReference,
  created: UnixNano,
): Departure | undefined {
  return departures
    .get(owner.uid)
    ?.findLast(({ at, uid }) => uid !== pod.uid && at <= created + SECOND && created - at < REPLACES_WITHIN)
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

/** Controllers write scales in the name of this manager: of those that scale workloads, that is the HorizontalPodAutoscaler. */
const AUTOSCALER = 'kube-controller-manager'

/** Who scaled one of the owners shortly before the pod came. */
function scalerOf(
  { owners }: World,
  chain: readonly OwnerReference[],
  created: UnixNano,
): string | undefined {
  // A revision that is younger than the scaling came by a rollout.
  const revised = owners.get(chain[0]?.uid ?? '')?.createdSeconds ?? 0
  for (const { uid } of chain) {
    for (const { manager, seconds } of owners.get(uid)?.managers ?? []) {
      if (seconds === undefined || seconds <= revised) continue
      const since = created - fromSeconds(seconds)
      // Both stamps are whole seconds of the API server, this one cut off.
      if (since < -SECOND || since >= SCALED_WITHIN) continue
      return manager === AUTOSCALER ? 'HorizontalPodAutoscaler' : manager
    }
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
