// Owns the choice of the native spans that say something about the pods of one namespace, and their compact form.
// Promises that a recording's truth can be read back as it was. Does not join spans to boundaries: truth.ts does.

import { unixNano } from '../../src/base/time.ts'
import { methodOf, pathOf, type TruthSpan } from './collector.ts'

/** One element of a truth file. */
interface KeptSpan {
  readonly trace: string
  readonly span: string
  readonly parent?: string
  readonly name: string
  readonly service: string
  readonly start: string
  readonly end: string
  readonly failed?: true
  readonly attributes?: Readonly<Record<string, string | number | boolean>>
}

const KEPT_ATTRIBUTES = [
  'k8s.pod.uid',
  'k8s.pod.name',
  'k8s.pod.update_type',
  'sandbox.id',
  'sandbox.name',
  'container.id',
  'container.name',
  'container.image.ref',
  'image.ref',
  'key',
  'audit-id',
  'url.path',
  'http.request.method',
  'http.response.status_code',
  'http.target',
  'http.method',
  'http.status_code',
]

/** An update that changes nothing has none. */
const TRANSACTION = 'etcdserverpb.KV/Txn'

const CRI_CALL = /\/(RunPodSandbox|CreateContainer|StartContainer|PullImage)$/

export function reduceTruth(spans: readonly TruthSpan[], namespace: string): KeptSpan[] {
  const syncs = new Map(spans.filter((span) => isSync(span, namespace)).map((span) => [span.spanId, span]))
  const calls = spans.filter((span) => CRI_CALL.test(span.name) && syncs.has(span.parentSpanId ?? ''))
  const callIds = new Set(calls.map((span) => span.spanId))
  const served = spans.filter((span) => CRI_CALL.test(span.name) && callIds.has(span.parentSpanId ?? ''))
  const stored = spans.filter((span) => isStored(span, namespace))
  const storedIds = new Set(stored.map((span) => span.spanId))
  const transactions = spans.filter(
    (span) => span.name === TRANSACTION && storedIds.has(span.parentSpanId ?? ''),
  )
  const kept = [...syncs.values(), ...calls, ...served, ...stored, ...transactions]
  return kept.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0)).map(compact)
}

function isSync(span: TruthSpan, namespace: string): boolean {
  return span.name === 'syncPod' && span.attributes['k8s.namespace.name'] === namespace
}

/** Attachments are in no namespace: who records them runs alone. */
const isKept = (key: string, namespace: string): boolean =>
  ['/pods/', '/persistentvolumeclaims/'].some((kind) => key.startsWith(`${kind}${namespace}/`)) ||
  key.startsWith('/volumeattachments/')

/** Writes of a pod: the request, and the moment in etcd. */
function isStored(span: TruthSpan, namespace: string): boolean {
  if (span.service !== 'apiserver') return false
  const { key } = span.attributes
  if (span.name.endsWith(' etcd3')) return typeof key === 'string' && isKept(key, namespace)
  if (!pathOf(span)?.startsWith(`/api/v1/namespaces/${namespace}/pods`)) return false
  return WRITES.has(methodOf(span) ?? '')
}

const WRITES: ReadonlySet<string> = new Set(['POST', 'PATCH', 'PUT', 'DELETE'])

function compact(span: TruthSpan): KeptSpan {
  const attributes = KEPT_ATTRIBUTES.flatMap((key) => {
    const value = span.attributes[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return {
    trace: span.traceId,
    span: span.spanId,
    ...(span.parentSpanId && { parent: span.parentSpanId }),
    name: span.name,
    service: span.service,
    start: span.start.toString(),
    end: span.end.toString(),
    ...(span.failed && { failed: true }),
    attributes: Object.fromEntries(attributes),
  }
}

export function parseTruth(text: string): TruthSpan[] {
  return (JSON.parse(text) as KeptSpan[]).map(restore)
}

function restore(kept: KeptSpan): TruthSpan {
  return {
    traceId: kept.trace,
    spanId: kept.span,
    ...(kept.parent && { parentSpanId: kept.parent }),
    name: kept.name,
    service: kept.service,
    start: unixNano(BigInt(kept.start)),
    end: unixNano(BigInt(kept.end)),
    ...(kept.failed && { failed: true }),
    attributes: kept.attributes ?? {},
  }
}
