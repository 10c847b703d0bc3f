// Owns the turning of a start's operations into an immutable trace: ids, attributes, links, critical path, verdict.
// Promises spans[0] to be the root and parents before children. Pure; how a span travels is export/'s.

import { type DurationNano, since, toMilliseconds } from '../base/time.ts'
import type { Startup } from '../operations/startup.ts'
import type { World } from '../timeline/world.ts'
import { revisionOf } from './cause.ts'
import { type CriticalPath, findCriticalPath } from './critical-path.ts'
import { endedAttributes } from './ended.ts'
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
  spans[0] = rootSpan(spans[0] as Span, {
    error: outcome === 'ready' || outcome === 'completed' || outcome === 'starting' ? undefined : verdict,
    attributes: rootAttributes(world, startup, { outcome, verdict, workload, path, hidden, total }),
    links: [...incomingOf(world, pod).links, ...preludeLinks(startup)],
  })
  const resource = resourceOf(cluster, startup, workload)
  const before = tellPreludes(startup, resource, workload.name)
  const { labels, owners, revision, created, cause } = identityOf(pod, workload, root.start.best)
  return {
    traceId: traceIdOf(pod.uid),
    uid: pod.uid,
    namespace: pod.namespace,
    name: pod.name,
    node: pod.nodeName || undefined,
    workload: workload.name || undefined,
    labels,
    owners,
    revision,
    created,
    cause,
    outcome,
    verdict,
    resource,
    spans,
    explainedRatio: startup.explainedRatio,
    evidenceComplete: startup.missing.length === 0,
    startup: total,
    requests,
    before: before.length > 0 ? before : undefined,
  }
}

/** What is said of the whole; the root's own operation says nothing. */
type OfRoot = Pick<Span, 'error' | 'attributes' | 'links'>

/** Field by field, so that it has the form of all others. */
const rootSpan = (
  { spanId, parentSpanId, name, actor, subject, start, end, attempt, events, critical }: Span,
  { error, attributes, links }: OfRoot,
): Span => ({
  spanId,
  parentSpanId,
  name,
  actor,
  subject,
  start,
  end,
  error,
  attempt,
  attributes,
  events,
  links,
  critical,
})

interface Told {
  readonly outcome: Outcome
  readonly verdict: string
  readonly workload: Workload
  readonly path: CriticalPath
  readonly hidden: Hidden
  readonly total: DurationNano
}

/** Set one by one: after a spread, V8 defines each field of a literal by a call into C++. */
function rootAttributes(world: World, startup: Startup, told: Told): Attributes {
  const { hidden, outcome, path, total, verdict, workload } = told
  const { missing, isOnNewNode: isOnNew } = startup
  const { pod } = startup.facts
  const revision = revisionOf(pod)
  const said: Record<string, AttributeValue> = {
    'podspan.outcome': outcome,
    'podspan.verdict': verdict,
    'podspan.startup_ms': toMilliseconds(total),
    'podspan.start.cause': workload.cause,
  }
  if (outcome === 'failed' || outcome === 'deleted') Object.assign(said, endedAttributes(pod, outcome))
  if (workload.causedBy) said['podspan.start.cause.by'] = workload.causedBy
  Object.assign(said, responsibleAttributes(startup.root, path), platformAttributes(hidden))
  said['podspan.explained.ratio'] = startup.explainedRatio
  said['podspan.evidence.complete'] = missing.length === 0
  if (missing.length > 0) said['podspan.evidence.missing'] = missing
  if (workload.name) said['podspan.workload'] = workload.name
  if (revision) said['podspan.workload.revision'] = revision
  if (pod.qosClass) said['podspan.pod.qos_class'] = pod.qosClass
  Object.assign(said, nodeAttributes(world, pod.nodeName))
  if (isOnNew !== undefined) said['podspan.node.new'] = isOnNew
  return Object.assign(said, sliAttributes(startup), preludeAttributes(startup))
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
  const resource: Record<string, AttributeValue> = {}
  if (cluster.name) resource['k8s.cluster.name'] = cluster.name
  if (cluster.uid) resource['k8s.cluster.uid'] = cluster.uid
  resource['k8s.namespace.name'] = pod.namespace
  resource['k8s.pod.name'] = pod.name
  resource['k8s.pod.uid'] = pod.uid
  if (pod.nodeName) resource['k8s.node.name'] = pod.nodeName
  return Object.assign(resource, workload.attributes)
}
