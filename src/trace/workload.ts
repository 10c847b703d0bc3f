// Owns whose pod it is: the chain of owners, the workload's name and revision, and why the pod was created at all.
// Promises what the owners' metadata show; where an owner was never seen, what the pod itself carries.

import type { OwnerReference, PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { durationNano, fromSeconds, SECOND } from '../base/time.ts'
import type { World } from '../timeline/world.ts'
import type { AttributeValue, PodIdentity } from './trace.ts'

export interface Workload {
  /** From the pod up. */
  readonly owners: readonly OwnerReference[]
  /** `Deployment/checkout`. */
  readonly name: string | undefined
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly cause: string
}

const controllerOf = (owners: readonly OwnerReference[] | undefined): OwnerReference | undefined =>
  owners?.find(({ controller }) => controller) ?? owners?.[0]

/** Owners above one another at the most: a CronJob's pod has two, custom kinds seldom more than four. */
const DEPTH_MAX = 6

/** The owners from the pod up. */
function ownersOf(world: World, pod: PodRecord): OwnerReference[] {
  const chain: OwnerReference[] = []
  for (let owner = controllerOf(pod.owners); owner && chain.length < DEPTH_MAX; ) {
    chain.push(owner)
    owner = controllerOf(world.owners.get(owner.uid)?.owners) ?? deploymentByName(world, owner, pod)
  }
  return chain
}

/** Without the ReplicaSet's metadata, its name less the pod's template hash is the Deployment's. */
function deploymentByName(world: World, owner: OwnerReference, pod: PodRecord): OwnerReference | undefined {
  const hash = pod.labels?.['pod-template-hash']
  if (owner.kind !== 'ReplicaSet' || world.owners.has(owner.uid) || !hash || !owner.name.endsWith(`-${hash}`))
    return undefined
  return { apiVersion: 'apps/v1', kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1), uid: '' }
}

const SEMANTIC: Readonly<Record<string, string>> = {
  Deployment: 'k8s.deployment',
  ReplicaSet: 'k8s.replicaset',
  StatefulSet: 'k8s.statefulset',
  DaemonSet: 'k8s.daemonset',
  Job: 'k8s.job',
  CronJob: 'k8s.cronjob',
}

export function findWorkload(world: World, pod: PodRecord, created: UnixNano): Workload {
  const chain = ownersOf(world, pod)
  const attributes: Record<string, AttributeValue> = {}
  for (const { kind, name, uid } of chain) {
    const prefix = SEMANTIC[kind]
    if (!prefix) continue
    attributes[`${prefix}.name`] = name
    if (uid !== '') attributes[`${prefix}.uid`] = uid
  }
  const top = chain.at(-1)
  return {
    owners: chain,
    name: top && `${top.kind}/${top.name}`,
    attributes,
    cause: causeOf(world, pod, chain[0], created),
  }
}

export const revisionOf = (pod: PodRecord): string | undefined =>
  pod.labels?.['pod-template-hash'] ?? pod.labels?.['controller-revision-hash']

const NO_LABELS: PodIdentity['labels'] = {}

export function identityOf(pod: PodRecord, { owners, cause }: Workload, created: UnixNano): PodIdentity {
  const revision = revisionOf(pod)
  return {
    labels: pod.labels ?? NO_LABELS,
    owners,
    ...(revision === undefined ? {} : { revision }),
    created,
    cause,
  }
}

/** A pod that goes away within this time before another of its owner comes is what the other replaces. */
const REPLACES_WITHIN = durationNano(SECOND * 60n)
/** A ReplicaSet younger than this is still being rolled out. */
const ROLLOUT_WITHIN = durationNano(SECOND * 600n)
/** A node younger than this is why a DaemonSet's pod came. */
const NODE_NEW_WITHIN = durationNano(SECOND * 300n)

const BY_DEPARTURE = {
  preemption: 'preemption',
  eviction: 'eviction',
  failed: 'replacement',
  deleted: 'replacement',
} as const

function causeOf(world: World, pod: PodRecord, owner: OwnerReference | undefined, created: UnixNano): string {
  if (pod.annotations?.['kubernetes.io/config.mirror'] !== undefined || !owner) return 'manual'
  if (owner.kind === 'Job') return 'job'
  if (
    owner.kind === 'DaemonSet' &&
    isYoung(world.nodes.get(pod.nodeName ?? '')?.node?.createdSeconds, created, NODE_NEW_WITHIN)
  ) {
    return 'node added'
  }
  const departure = world.departures
    .get(owner.uid)
    ?.findLast(({ at, uid }) => uid !== pod.uid && at <= created + SECOND && created - at < REPLACES_WITHIN)
  if (departure) return BY_DEPARTURE[departure.reason]
  const known = world.owners.get(owner.uid)
  if (!known) return 'unknown'
  return isYoung(known.createdSeconds, created, ROLLOUT_WITHIN) ? 'rollout' : 'scale-up'
}

const isYoung = (createdSeconds: number | undefined, at: UnixNano, within: bigint): boolean =>
  createdSeconds !== undefined && at - fromSeconds(createdSeconds) < within
