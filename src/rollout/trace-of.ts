// Owns the form in which a rollout travels as a trace of its own: a root `rollout`, below it what it waited for, linked to its pods' traces.
// Promises spans[0] to be the root, parents before children, ids that follow from the workload's UID and the revision, and critical parts
// that are the holds. Reuses the form of a start's trace, so that everything that takes one takes the other. Pure.

import { type UnixNano, toMilliseconds } from '../base/time.ts'
import type { Instant } from '../timeline/instant.ts'
import { rootSpanIdOf, traceIdOf } from '../trace/identity.ts'
import type { Attributes, AttributeValue, Outcome, Part, Span, SpanLink, Trace } from '../trace/trace.ts'
import { rolloutRootSpanId, rolloutSpanId } from './identity.ts'
import { quantilesOf } from './quantiles.ts'
import type { Hold, Rollout, RolloutOutcome, RolloutPod } from './rollout.ts'
import { limitWords } from './shares.ts'

export interface RolloutCluster {
  readonly name?: string | undefined
  readonly uid?: string | undefined
}

/** More pods than this have no span of their own, but for those that the rollout waited for. */
const POD_SPANS_MAX = 256
/** What SDKs allow by default; every pod's own span has its link too. */
const LINKS_MAX = 128

export function traceOfRollout(rollout: Rollout, cluster: RolloutCluster = {}): Trace {
  const { key, namespace, name, kind, length, verdict, start } = rollout
  return {
    traceId: rollout.traceId,
    uid: key.uid,
    namespace,
    name,
    workload: `${kind}/${name}`,
    labels: rollout.labels,
    owners: [{ apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1', kind, name, uid: key.uid }],
    ...(rollout.revision === undefined ? {} : { revision: rollout.revision }),
    created: start.best,
    cause: rollout.cause.kind,
    outcome: OUTCOMES[rollout.outcome],
    verdict,
    resource: resourceOf(rollout, cluster),
    spans: spansOf(rollout),
    explainedRatio: explainedOf(rollout),
    evidenceComplete: rollout.missing.length === 0,
    startup: length,
  }
}

/** The nearest word that a start has, for whoever knows only those: exporters keep what failed first. */
const OUTCOMES: Readonly<Record<RolloutOutcome, Outcome>> = {
  complete: 'completed',
  failed: 'failed',
  superseded: 'deleted',
  deleted: 'deleted',
  rolling: 'starting',
}

const SEMANTIC = {
  Deployment: 'k8s.deployment',
  StatefulSet: 'k8s.statefulset',
  DaemonSet: 'k8s.daemonset',
  Job: 'k8s.job',
} as const

function resourceOf({ kind, name, key, namespace }: Rollout, cluster: RolloutCluster): Attributes {
  return {
    ...(cluster.name ? { 'k8s.cluster.name': cluster.name } : {}),
    ...(cluster.uid ? { 'k8s.cluster.uid': cluster.uid } : {}),
    'k8s.namespace.name': namespace,
    [`${SEMANTIC[kind]}.name`]: name,
    [`${SEMANTIC[kind]}.uid`]: key.uid,
  }
}

function explainedOf({ holds, length }: Rollout): number {
  const gaps = holds
    .filter(({ kind }) => kind === 'unaccounted')
    .reduce((sum, { from, to }) => sum + (to - from), 0n)
  return length === 0n ? 1 : 1 - Number(gaps) / Number(length)
}

function spansOf(rollout: Rollout): Span[] {
  const root = rootOf(rollout)
  const below = [...podSpans(rollout, root.spanId), ...otherSpans(rollout, root.spanId)]
  // A parent stands before its children, and siblings in order of their start.
  const tops = below.filter(({ parentSpanId }) => parentSpanId === root.spanId).sort(byStart)
  const children = Map.groupBy(below, ({ parentSpanId = '' }) => parentSpanId)
  return [root, ...tops.flatMap((top) => [top, ...(children.get(top.spanId) ?? []).sort(byStart)])]
}

const byStart = (a: Span, b: Span): number =>
  a.start.best < b.start.best ? -1 : a.start.best > b.start.best ? 1 : a.spanId < b.spanId ? -1 : 1

function rootOf(rollout: Rollout): Span {
  const { key, outcome, verdict, pods, kind, name } = rollout
  const linked = [...pods].sort((a, b) => lengthOf(b) - lengthOf(a)).slice(0, LINKS_MAX)
  return {
    spanId: rolloutRootSpanId(key),
    parentSpanId: undefined,
    name: 'rollout',
    actor: 'podspan',
    subject: `${kind}/${name}${rollout.revision === undefined ? '' : ` ${rollout.revision}`}`,
    start: rollout.start,
    end: rollout.end,
    error: outcome === 'failed' ? verdict : undefined,
    attempt: undefined,
    attributes: rootAttributes(rollout),
    events: [],
    links: linked.map(linkTo),
    critical: [],
  }
}

const lengthOf = ({ trace }: RolloutPod): number => (trace ? Number(trace.startup) : 0)

const linkTo = ({ uid, name }: Pick<RolloutPod, 'uid' | 'name'>): SpanLink => ({
  traceId: traceIdOf(uid),
  spanId: rootSpanIdOf(uid),
  attributes: { 'podspan.link': 'pod startup', 'k8s.pod.uid': uid, 'k8s.pod.name': name },
})

function rootAttributes(rollout: Rollout): Attributes {
  const { outcome, verdict, length, pods, wanted, limits, cause, missing, hash, revision, kind, name } =
    rollout
  const startups = quantilesOf(pods.flatMap(({ trace }) => (trace && isOver(trace) ? [trace.startup] : [])))
  const found: Record<string, AttributeValue | undefined> = {
    'podspan.outcome': outcome,
    'podspan.verdict': verdict,
    'podspan.rollout_ms': toMilliseconds(length),
    'podspan.workload': `${kind}/${name}`,
    'podspan.workload.revision': hash,
    'podspan.rollout.revision': revision,
    'podspan.rollout.cause': cause.kind,
    'podspan.rollout.by': cause.by,
    'podspan.rollout.changed':
      cause.differences.length === 0 ? undefined : cause.differences.map(({ path }) => path),
    'podspan.rollout.pods': pods.length,
    'podspan.rollout.wanted': wanted,
    'podspan.rollout.waves': rollout.waves,
    'podspan.rollout.at_once': rollout.atOnce,
    'podspan.rollout.strategy': limits.strategy,
    'podspan.rollout.max_surge': limits.maxSurge,
    'podspan.rollout.max_unavailable': limits.maxUnavailable,
    'podspan.rollout.parallelism': limits.parallelism,
    'podspan.rollout.min_ready_seconds': limits.minReadySeconds,
    'podspan.rollout.startup_p50_ms': startups && toMilliseconds(startups.p50),
    'podspan.rollout.startup_p90_ms': startups && toMilliseconds(startups.p90),
    'podspan.rollout.startup_p99_ms': startups && toMilliseconds(startups.p99),
    'podspan.rollout.startup_max_ms': startups && toMilliseconds(startups.max),
    'podspan.explained.ratio': explainedOf(rollout),
    'podspan.evidence.complete': missing.length === 0,
    'podspan.evidence.missing': missing.length === 0 ? undefined : missing,
    'podspan.rollout.pods_left_out': leftOut(rollout),
  }
  return onlySet(found)
}

const isOver = ({ outcome }: Trace): boolean => outcome === 'ready' || outcome === 'completed'

function leftOut(rollout: Rollout): number | undefined {
  const left = rollout.pods.length - shownPods(rollout).length
  return left === 0 ? undefined : left
}

const onlySet = (attributes: Readonly<Record<string, AttributeValue | undefined>>): Attributes =>
  Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined),
  )

/** Those that the rollout waited for, then the slowest. */
function shownPods({ pods, holds }: Rollout): RolloutPod[] {
  if (pods.length <= POD_SPANS_MAX) return [...pods]
  const waited = new Set(holds.flatMap(({ pod }) => (pod ? [pod] : [])))
  const rest = pods.filter((pod) => !waited.has(pod)).sort((a, b) => lengthOf(b) - lengthOf(a))
  const kept = new Set([...waited, ...rest].slice(0, POD_SPANS_MAX))
  return pods.filter((pod) => kept.has(pod))
}

/** One for each pod's start, whether the rollout waited for it or not; below it the operations that it waited for. */
function podSpans(rollout: Rollout, parent: string): Span[] {
  const holds = Map.groupBy(
    rollout.holds.filter(({ kind }) => kind === 'start pod'),
    ({ pod }) => pod?.uid ?? '',
  )
  return shownPods(rollout).flatMap((pod) => {
    const own = holds.get(pod.uid) ?? []
    const top = podSpan(rollout, pod, own, parent)
    const operations = Map.groupBy(
      own.filter(({ span }) => span !== undefined),
      ({ span }) => span?.spanId ?? '',
    )
    return [top, ...[...operations.values()].map((each) => operationSpan(rollout, pod, each, top.spanId))]
  })
}

function podSpan(rollout: Rollout, pod: RolloutPod, holds: readonly Hold[], parent: string): Span {
  const { created, ready, finished, outcome, node, wave, uid, name } = pod
  const over = ready ?? finished
  const isOpen = !over || over.best > rollout.end.best
  const end = isOpen ? rollout.end : over
  const because = holds[0]?.because
  return {
    ...span(rollout, `start pod/${uid}`, parent, 'start pod', 'kubelet', name),
    start: notBefore(rollout.start, created),
    end: notBefore(rollout.start, end.best < created.best ? created : end),
    error: pod.failed ?? (BAD.has(outcome) ? pod.trace?.verdict : undefined),
    attributes: onlySet({
      'k8s.pod.uid': uid,
      'k8s.pod.name': name,
      'k8s.node.name': node,
      'podspan.outcome': outcome,
      'podspan.rollout.wave': wave,
      'podspan.rollout.because': because,
      'podspan.open': isOpen ? true : undefined,
    }),
    links: [linkTo(pod)],
    critical: partsOf(holds.filter(({ span: operation }) => !operation)),
  }
}

/** Where what began the rollout was not seen, a pod of it may seem to be older: the pod's own trace says when it was created. */
const notBefore = (start: Instant, one: Instant): Instant =>
  one.best < start.best ? { ...start, clamped: true } : one

const BAD: ReadonlySet<RolloutPod['outcome']> = new Set(['failed', 'timeout', 'unstable'])

/** A copy of the pod's own span; where that went on after the rollout, cut. */
function operationSpan(rollout: Rollout, pod: RolloutPod, holds: readonly Hold[], parent: string): Span {
  const original = holds[0]?.span as Span
  const link = {
    traceId: traceIdOf(pod.uid),
    spanId: original.spanId,
    attributes: { 'podspan.link': 'same operation' },
  }
  return {
    ...original,
    spanId: rolloutSpanId(rollout.key, `start pod/${pod.uid}/${original.spanId}`),
    parentSpanId: parent,
    start: notBefore(rollout.start, original.start),
    end: notBefore(rollout.start, original.end.best > rollout.end.best ? rollout.end : original.end),
    links: [link],
    critical: partsOf(holds),
  }
}

const partsOf = (holds: readonly Hold[]): Part[] => holds.map(({ from, to }) => ({ from, to }))

/** Everything else that it waited for, each time by itself. */
function otherSpans(rollout: Rollout, parent: string): Span[] {
  const counts = new Map<string, number>()
  return rollout.holds
    .filter(({ kind }) => kind !== 'start pod')
    .map((hold) => {
      const count = (counts.get(hold.kind) ?? 0) + 1
      counts.set(hold.kind, count)
      return otherSpan(rollout, hold, `${hold.kind}/${count}`, parent)
    })
}

function otherSpan(rollout: Rollout, hold: Hold, path: string, parent: string): Span {
  const { kind, pod, old, because, message, actor, from, to } = hold
  const of = pod ?? old
  return {
    ...span(rollout, path, parent, kind, actor, of?.name),
    start: boundary(hold, rollout, from),
    end: boundary(hold, rollout, to),
    error: kind === 'creation refused' ? message : undefined,
    attributes: onlySet({
      'k8s.pod.uid': of?.uid,
      'k8s.pod.name': of?.name,
      'podspan.rollout.because': because,
      'podspan.rollout.limit':
        because && because !== 'last' ? limitWords(rollout.kind, rollout.limits, because) : undefined,
      'podspan.reason': kind === 'back-off' ? message : undefined,
    }),
    links: pod ? [linkTo(pod)] : [],
    critical: [{ from, to }],
  }
}

/** As sure as what it begins or ends with. */
function boundary({ pod, old }: Hold, { start, end, pods }: Rollout, at: UnixNano): Instant {
  const known = [
    start,
    end,
    pod?.created,
    pod?.ready,
    pod?.available,
    pod?.finished,
    old?.deleting,
    old?.stopped,
    old?.gone,
  ]
  const found =
    known.find((one) => one?.best === at) ?? pods.flatMap(momentsOf).find(({ best }) => best === at)
  return found ?? { best: at, earliest: at, latest: at, source: 'order', stamps: [] }
}

const momentsOf = ({ created, available, finished }: RolloutPod): Instant[] =>
  [created, available, finished].filter((one) => one !== undefined)

const span = (
  { key }: Rollout,
  path: string,
  parentSpanId: string,
  name: string,
  actor: string,
  subject: string | undefined,
): Omit<Span, 'start' | 'end' | 'attributes' | 'critical'> => ({
  spanId: rolloutSpanId(key, path),
  parentSpanId,
  name,
  actor,
  subject,
  error: undefined,
  attempt: undefined,
  events: [],
  links: [],
})
