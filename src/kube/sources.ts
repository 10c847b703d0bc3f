// Owns which streams make up "watch this cluster", and what each costs to go without.
// Promises one row per stream; only pods are indispensable.
// Does not open them: cluster.ts does.

import type { Source } from '../base/frame.ts'
import { knownResource, OWNER_SOURCES, RELATED_SOURCES, type Resource } from '../decode/resources.ts'
import { wholeResource } from '../decode/whole.ts'
import type { Scope } from './paths.ts'
import type { Mode } from './watch.ts'

export interface StreamPlan {
  readonly resource: Resource
  readonly mode: Mode
  readonly scope: Scope
  /** What a reader loses without this stream, as a sentence for `check`, status and log. */
  readonly cost: string
}

export interface WatchScope {
  /** All namespaces where absent. Nodes and their leases are watched whole in both cases. */
  readonly namespace?: string
  readonly podLabelSelector?: string
  readonly podFieldSelector?: string
  /** Only these streams; all where absent. */
  readonly streams?: readonly Source[]
  /** Of these the whole object is read, as JSON, instead of its metadata. */
  readonly whole?: readonly Source[]
}

export const COSTS: Readonly<Record<string, string>> = {
  pods: 'Nothing can be traced.',
  events:
    'Image pulls, failed attempts and scheduling reasons are not seen; starts are built from pod status alone, to the second.',
  nodes:
    'Traces carry no zone, instance type or pool, and waiting for a new node is not told from waiting for room.',
  leases: "The nodes' clocks cannot be tied to ours, so times written by kubelets have wider intervals.",
  owners:
    'The workload is known by its owner reference only: no Deployment above a ReplicaSet, no CronJob above a Job.',
  persistentvolumeclaims: 'Waiting for a volume to be made is not told from waiting for room.',
  volumeattachments:
    'Attaching a volume is dated by events only, and not told apart where these are dropped.',
  nodeclaims: 'How a new node came to be is known by its events and its own object only.',
  workloads: 'Waiting in a queue of Kueue is not seen.',
  resourceclaims: 'Waiting for devices is not told from waiting for room.',
  controllerrevisions:
    'Rollouts of StatefulSets and DaemonSets are known by their hash, not by their number.',
}

/** Beside what it costs to go without their metadata. */
const NO_ROLLOUTS = 'No rollout of it is told.'

const NODE_LEASES = 'kube-node-lease'

export function planStreams(scope: WatchScope): readonly StreamPlan[] {
  const { namespace, podLabelSelector, podFieldSelector, streams, whole = [] } = scope
  const within = namespace === undefined ? {} : { namespace }
  const podScope: Scope = {
    ...within,
    ...(podLabelSelector === undefined ? {} : { labelSelector: podLabelSelector }),
    ...(podFieldSelector === undefined ? {} : { fieldSelector: podFieldSelector }),
  }
  const plans: StreamPlan[] = [
    plan('pods', 'list', podScope),
    // Never listed: a large cluster holds more events than pods. Their past is read where it matters (event-backfill.ts).
    plan('events', 'tail', within),
    plan('nodes', 'list', {}),
    plan('leases', 'list', { namespace: NODE_LEASES }),
    ...OWNER_SOURCES.filter((source) => !whole.includes(source)).map((source) =>
      plan(source, 'list', within),
    ),
    ...whole.map((source) => planWhole(source, within)),
    ...RELATED_SOURCES.map((source) => plan(source, 'list', knownResource(source).namespaced ? within : {})),
  ]
  return streams ? plans.filter(({ resource: { source } }) => streams.includes(source)) : plans
}

function plan(source: Source, mode: Mode, scope: Scope): StreamPlan {
  const resource = knownResource(source)
  return { resource, mode, scope, cost: COSTS[resource.record] ?? COSTS[source] ?? '' }
}

function planWhole(source: Source, scope: Scope): StreamPlan {
  const resource = wholeResource(source)
  if (!resource) throw new Error(`${source} are never read whole`)
  return { resource, mode: 'list', scope, cost: COSTS[source] ?? `${COSTS['owners']} ${NO_ROLLOUTS}` }
}
