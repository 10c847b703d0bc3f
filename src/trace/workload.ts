// Owns whose pod it is: the chain of owners, the workload's name and revision.
// Promises what the owners' metadata show; where an owner was never seen, what the pod itself carries.
// Does not say why there is a pod: cause.ts does.

import type { OwnerReference, PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import type { World } from '../timeline/world.ts'
import { type Cause, causeOf, revisionOf } from './cause.ts'
import type { AttributeValue, PodIdentity } from './trace.ts'

export interface Workload {
  /** From the pod up. */
  readonly owners: readonly OwnerReference[]
  /** `Deployment/checkout`. */
  readonly name: string | undefined
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly cause: Cause
  /** Who scaled it, where the cause is `scale-up` and the owner's writers say so. */
  readonly causedBy: string | undefined
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

const keysOf = (prefix: string) => ({ name: `${prefix}.name`, uid: `${prefix}.uid` })

const SEMANTIC: Readonly<Record<string, ReturnType<typeof keysOf>>> = {
  Deployment: keysOf('k8s.deployment'),
  ReplicaSet: keysOf('k8s.replicaset'),
  StatefulSet: keysOf('k8s.statefulset'),
  DaemonSet: keysOf('k8s.daemonset'),
  Job: keysOf('k8s.job'),
  CronJob: keysOf('k8s.cronjob'),
}

export function findWorkload(world: World, pod: PodRecord, created: UnixNano): Workload {
  const chain = ownersOf(world, pod)
  const attributes: Record<string, AttributeValue> = {}
  for (const { kind, name, uid } of chain) {
    const keys = SEMANTIC[kind]
    if (!keys) continue
    attributes[keys.name] = name
    if (uid !== '') attributes[keys.uid] = uid
  }
  const top = chain.at(-1)
  const { cause, by } = causeOf(world, pod, chain, created)
  return {
    owners: chain,
    name: top && `${top.kind}/${top.name}`,
    attributes,
    cause,
    causedBy: by,
  }
}

const NO_LABELS: PodIdentity['labels'] = {}

export function identityOf(pod: PodRecord, { owners, cause }: Workload, created: UnixNano): PodIdentity {
  return { labels: pod.labels ?? NO_LABELS, owners, revision: revisionOf(pod), created, cause }
}
