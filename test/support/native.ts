// Owns spans of other components told by hand: what an API server, a kubelet and its runtime send of one start.
// Promises the names and attributes of Kubernetes 1.36 and containerd 2.2, read by the receiver's own decoder.
// Does not say when they come: a test does.

import assert from 'node:assert/strict'
import type { OtlpFrame } from '../../src/base/frame.ts'
import type { NativeSpan } from '../../src/base/native.ts'
import { decodeJsonSpans, EVERY_SPAN } from '../../src/decode/otlp.ts'
import { at, UID } from './pods-records.ts'

export interface Told {
  readonly service: string
  readonly name: string
  readonly fromMs: number
  readonly toMs: number
  /** Hexadecimal digits; zeros are put before them. */
  readonly trace: string
  readonly id: string
  readonly parent?: string
  readonly kind?: number
  readonly failed?: string
  readonly attributes?: Readonly<Record<string, string>>
  /** Beside `service.name`. */
  readonly resource?: Readonly<Record<string, string>>
}

/** One request with these spans, received at `ms`. */
export const spansAt = (ms: number, ...told: readonly Told[]): OtlpFrame => ({
  kind: 'otlp',
  t: at(ms),
  source: 'spans',
  spans: nativeSpans(told),
})

export function nativeSpans(told: readonly Told[]): readonly NativeSpan[] {
  const decoded = decodeJsonSpans({ resourceSpans: told.map(resourceSpans) }, EVERY_SPAN)
  assert.ok(decoded.ok && decoded.invalid === 0, 'these are no spans')
  return decoded.spans
}

const resourceSpans = ({ service, resource = {}, ...span }: Told) => ({
  resource: { attributes: pairs({ 'service.name': service, ...resource }) },
  scopeSpans: [{ scope: { name: 'by hand' }, spans: [spanJson(span)] }],
})

const spanJson = (told: Omit<Told, 'service' | 'resource'>) => ({
  traceId: told.trace.padStart(32, '0'),
  spanId: idOf(told.id),
  ...(told.parent === undefined ? {} : { parentSpanId: idOf(told.parent) }),
  name: told.name,
  kind: told.kind ?? 1,
  startTimeUnixNano: String(at(told.fromMs)),
  endTimeUnixNano: String(at(told.toMs)),
  attributes: pairs(told.attributes ?? {}),
  status: told.failed === undefined ? {} : { code: 2, message: told.failed },
})

export const idOf = (id: string): string => id.padStart(16, '0')

const pairs = (attributes: Readonly<Record<string, string>>) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } }))

const CRI = 'runtime.v1.RuntimeService'

interface CallOptions {
  readonly id: string
  readonly fromMs: number
  readonly toMs: number
  readonly failed?: string
  readonly served?: Readonly<Record<string, string>>
}

/** A call of the kubelet below its pass `5` in trace `b1`, and the runtime's span below it. */
export function runtimeCall(method: string, { id, fromMs, toMs, failed, served }: CallOptions): Told[] {
  const service = method === 'PullImage' ? 'runtime.v1.ImageService' : CRI
  const common = { name: `${service}/${method}`, trace: 'b1', ...(failed === undefined ? {} : { failed }) }
  return [
    { ...common, service: 'kubelet', id, parent: '5', kind: 3, fromMs, toMs },
    {
      ...{ ...common, service: 'containerd', id: `${id}0`, parent: id, kind: 2 },
      ...{ fromMs: fromMs + 0.2, toMs: toMs - 0.2 },
      ...(served === undefined ? {} : { attributes: served }),
    },
  ]
}

export const syncPod = (fromMs: number, toMs: number, uid = UID): Told => ({
  ...{ service: 'kubelet', name: 'syncPod', trace: 'b1', id: '5', fromMs, toMs },
  attributes: { 'k8s.pod.uid': uid, 'k8s.pod.update_type': 'create' },
})

export const ofSandbox = (uid = UID, attempt = 0) => ({
  'sandbox.id': 's1',
  'sandbox.name': `web_shop_${uid}_${attempt}`,
})

export const ofContainer = (name: string, attempt = 0, uid = UID) => ({
  'container.id': `c-${name}-${attempt}`,
  'container.name': `${name}_web_shop_${uid}_${attempt}`,
  'sandbox.id': 's1',
})

export interface WriteOptions {
  readonly trace: string
  readonly fromMs: number
  readonly toMs: number
  /** When the store was asked, and when it had answered. */
  readonly storedMs: readonly [number, number]
  readonly pod?: string
  readonly code?: string
}

/** A request that creates the pod (`POST pods`), binds it (`POST binding`) or changes it (`PATCH status`). */
export function writeOf(what: 'create' | 'bind' | 'update', options: WriteOptions): Told[] {
  const { trace, fromMs, toMs, storedMs, pod = 'web', code = '201' } = options
  const path = { create: '', bind: `/${pod}/binding`, update: `/${pod}/status` }[what]
  const at = { service: 'apiserver', trace }
  const key = { key: `/pods/shop/${pod}` }
  return [
    {
      ...{ ...at, name: `${what} the pod`, id: '1', kind: 2, fromMs, toMs },
      attributes: {
        'http.request.method': what === 'update' ? 'PATCH' : 'POST',
        'url.path': `/api/v1/namespaces/shop/pods${path}`,
        'http.response.status_code': code,
      },
    },
    {
      ...{ ...at, name: what === 'create' ? 'Create etcd3' : 'GuaranteedUpdate etcd3', id: '2', parent: '1' },
      ...{ fromMs: storedMs[0] - 1, toMs: storedMs[1] + 1, attributes: key },
    },
    {
      ...{ ...at, name: 'etcdserverpb.KV/Txn', id: '3', parent: '2', kind: 3 },
      ...{ fromMs: storedMs[0], toMs: storedMs[1] },
    },
  ]
}
