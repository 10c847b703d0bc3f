// Owns the turning of a start's operations into an immutable trace: ids, attributes, links, critical path, verdict.
// Promises spans[0] to be the root and parents before children. Pure; how a span travels is export/'s.

import { type DurationNano, since, toMilliseconds } from '../base/time.ts'
import type { Startup } from '../operations/startup.ts'
import type { World } from '../timeline/world.ts'
import { revisionOf } from './cause.ts'
import { type CriticalPath, findCriticalPath } from './critical-path.ts'
import { incomingOf } from './incoming.ts'
import { rootSpanIdOf, traceIdOf } from './identity.ts'
import { findHidden, type Hidden, hiddenWords, platformAttributes } from './platform.ts'
import { preludeAttributes, preludeLinks, preludeWords, tellPreludes } from './prelude.ts'
import { requestsOf } from './requests.ts'
import { responsibleAttributes } from './responsible.ts'
import { sliAttributes } from './sli.ts'
import { spanTree } from './span-tree.ts'
import type { AttributeValue, Attributes, Outcome, Span, Trace } from './trace.ts'
import { tellVerdict } from './verdict.ts'
import { findWorkload, identityOf, type Workload } from './workload.ts'

export interface Cluster {
  readonly name?: string | undefined
  readonly uid?: string | undefined
}

/** `crashed` says which container ended, where the outcome is `unstable`. */
export function buildTrace(
  world: World,
  cluster: Cluster,
  startup: Startup,
  outcome: Outcome,
  crashed?: string,
): Trace {
  const { root, facts } = startup
  const { pod } = facts
  const total = since(root.end.best, root.start.best)
  const path = findCriticalPath(root, outcome === 'ready' || outcome === 'unstable')
  const workload = findWorkload(world, pod, root.start.best)
  const requests = requestsOf(pod)
  const hidden = findHidden(startup, path)
  const verdict = `${tellVerdict(startup, outcome, path, total, crashed)}${hiddenWords(hidden)}${preludeWords(startup)}`
  const spans = spanTree(pod.uid, rootSpanIdOf(pod.uid), root, path)
  const first = spans[0] as Span
  spans[0] = {
    ...first,
    ...(outcome === 'ready' || outcome === 'completed' || outcome === 'starting' ? {} : { error: verdict }),
    attributes: {
      ...first.attributes,
      ...rootAttributes(world, startup, { outcome, verdict, workload, path, hidden, total }),
    },
    links: [...first.links, ...incomingOf(world, pod).links, ...preludeLinks(startup)],
  }
  const resource = resourceOf(cluster, startup, workload)
  const before = tellPreludes(startup, resource, workload.name)
  return {
    traceId: traceIdOf(pod.uid),
    uid: pod.uid,
    namespace: pod.namespace,
    name: pod.name,
    ...(pod.nodeName ? { node: pod.nodeName } : {}),
    ...(workload.name ? { workload: workload.name } : {}),
    ...identityOf(pod, workload, root.start.best),
    outcome,
    verdict,
    resource,
    spans,
    explainedRatio: startup.explainedRatio,
    evidenceComplete: startup.missing.length === 0,
    startup: total,
    ...(requests ? { requests } : {}),
    ...(before.length > 0 ? { before } : {}),
  }
}

interface Told {
  readonly outcome: Outcome
  readonly verdict: string
  readonly workload: Workload
  readonly path: CriticalPath
  readonly hidden: Hidden
  readonly total: DurationNano
}

function rootAttributes(world: World, startup: Startup, told: Told): Attributes {
  const { hidden, outcome, path, total, verdict, workload } = told
  const { pod } = startup.facts
  const revision = revisionOf(pod)
  return {
    'podspan.outcome': outcome,
    'podspan.verdict': verdict,
    'podspan.startup_ms': toMilliseconds(total),
    'podspan.start.cause': workload.cause,
    ...(workload.causedBy ? { 'podspan.start.cause.by': workload.causedBy } : {}),
    ...responsibleAttributes(startup.root, path),
    ...platformAttributes(hidden),
    'podspan.explained.ratio': startup.explainedRatio,
    'podspan.evidence.complete': startup.missing.length === 0,
    ...(startup.missing.length === 0 ? {} : { 'podspan.evidence.missing': startup.missing }),
    ...(workload.name ? { 'podspan.workload': workload.name } : {}),
    ...(revision ? { 'podspan.workload.revision': revision } : {}),
    ...(pod.qosClass ? { 'podspan.pod.qos_class': pod.qosClass } : {}),
    ...nodeAttributes(world, pod.nodeName),
    ...(startup.isOnNewNode === undefined ? {} : { 'podspan.node.new': startup.isOnNewNode }),
    ...sliAttributes(startup),
    ...preludeAttributes(startup),
  }
}

/** Labels that platforms put on nodes, the first that is set counts. */
const NODE_LABELS: readonly (readonly [string, readonly string[]])[] = [
  ['cloud.availability_zone', ['topology.kubernetes.io/zone']],
  ['cloud.region', ['topology.kubernetes.io/region']],
  ['host.type', ['node.kubernetes.io/instance-type']],
  [
    'podspan.node.pool',
    [
      'karpenter.sh/nodepool',
      'cloud.google.com/gke-nodepool',
      'eks.amazonaws.com/nodegroup',
      'kubernetes.azure.com/agentpool',
    ],
  ],
  [
    'podspan.node.capacity_type',
    ['karpenter.sh/capacity-type', 'eks.amazonaws.com/capacityType', 'kubernetes.azure.com/scalesetpriority'],
  ],
]

function nodeAttributes(world: World, name: string | undefined): Attributes {
  const labels = (name && world.nodes.get(name)?.node?.labels) || undefined
  const found: Record<string, AttributeValue> = {}
  if (!labels) return found
  for (const [attribute, keys] of NODE_LABELS) {
    const key = keys.find((one) => labels[one] !== undefined)
    const value = key && labels[key]
    if (value) found[attribute] = value
  }
  return found
}

function resourceOf(cluster: Cluster, { facts }: Startup, workload: Workload): Attributes {
  const { pod } = facts
  return {
    ...(cluster.name ? { 'k8s.cluster.name': cluster.name } : {}),
    ...(cluster.uid ? { 'k8s.cluster.uid': cluster.uid } : {}),
    'k8s.namespace.name': pod.namespace,
    'k8s.pod.name': pod.name,
    'k8s.pod.uid': pod.uid,
    ...(pod.nodeName ? { 'k8s.node.name': pod.nodeName } : {}),
    ...workload.attributes,
  }
}
