// Owns the rare calls beside the watch: one pod, a workload's pods, past events, the cluster's identity, our own rights.
// Promises a value for each: what was asked for, or the failure; nothing is retried here.
// Does not watch.

import type { AnyRecord, EventRecord, OwnerRecord, PodRecord } from '../base/record.ts'
import { parseJson } from '../decode/json.ts'
import { asObject, type Json, mapAt, numberAt, objectAt, textAt } from '../decode/json-fields.ts'
import { knownResource } from '../decode/resources.ts'
import { errorOf } from '../decode/result.ts'
import { BodyRoom } from './body-room.ts'
import type { Connection } from './config.ts'
import type { Failure } from './failure.ts'
import { readPage } from './list-page.ts'
import { pathOf, queryOf, type Scope } from './paths.ts'
import { fetchWhole } from './request.ts'

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure }

export interface Workload {
  readonly source: string
  readonly name: string
  readonly namespace: string
  readonly uid: string
  /** As a label selector's text. */
  readonly selector: string
  /** `deployment.kubernetes.io/revision`. */
  readonly revision?: string
  readonly replicas?: number
}

export interface WorkloadPods {
  readonly workload: Workload
  /** The Deployment's current ReplicaSet; absent for other workloads and before the first. */
  readonly replicaSet?: OwnerRecord
  readonly pods: readonly PodRecord[]
}

export interface AccessQuestion {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
}

export interface ReadEventsOptions {
  readonly involvedUid?: string
  /** No more than this many; default 5,000. */
  readonly limit?: number
}

export interface PageReader {
  /** With how many more there are, where the server says so; false ends the reading. */
  take(records: readonly AnyRecord[], remaining: number | undefined): boolean
}

export interface ClusterApi {
  getPod(namespace: string, name: string): Promise<Result<PodRecord>>
  listPods(scope: Scope): Promise<Result<readonly PodRecord[]>>
  /** Page by page, so that no more is kept than `take` keeps; true where it ended the reading before the list did. */
  readPages(source: 'pods' | 'events', scope: Scope, reader: PageReader): Promise<Result<boolean>>
  /** `source` is `deployments`, `statefulsets`, `daemonsets`, `replicasets` or `jobs`. */
  workloadPods(source: string, namespace: string, name: string): Promise<Result<WorkloadPods>>
  /** `truncated` where the limit was reached. */
  readEvents(
    namespace: string | undefined,
    options?: ReadEventsOptions,
  ): Promise<Result<{ readonly events: readonly EventRecord[]; readonly truncated: boolean }>>
  /** The UID of the kube-system namespace, which identifies a cluster. */
  clusterUid(): Promise<Result<string>>
  serverVersion(): Promise<Result<string>>
  /** Whether we may; answered by the API server itself. */
  may(question: AccessQuestion): Promise<Result<boolean>>
}

const PAGE_ITEMS = 500
const EVENTS_LIMIT = 5000
const PODS_LIMIT = 100_000

const failed = (failure: Failure): { readonly ok: false; readonly failure: Failure } => ({
  ok: false,
  failure,
})

export function createApi(connection: Connection, signal: AbortSignal): ClusterApi {
  const call = { connection, signal }
  return {
    getPod: (namespace, name) => getPod(call, namespace, name),
    listPods: async (scope) => {
      const read = await listAll(call, 'pods', scope, PODS_LIMIT)
      return read.ok ? { ok: true, value: read.value.records as readonly PodRecord[] } : read
    },
    readPages: (source, scope, reader) => readPages(call, source, scope, { ...reader, items: PAGE_ITEMS }),
    workloadPods: (source, namespace, name) => workloadPods(call, source, namespace, name),
    readEvents: (namespace, options) => readEvents(call, namespace, options ?? {}),
    clusterUid: () =>
      readJson(call, '/api/v1/namespaces/kube-system', (body) => text(objectAt(body, 'metadata', ''), 'uid')),
    serverVersion: () => readJson(call, '/version', (body) => text(body, 'gitVersion')),
    may: (question) => may(call, question),
  }
}

interface Call {
  readonly connection: Connection
  readonly signal: AbortSignal
}

const text = (from: Json | undefined, key: string): string => (from ? (textAt(from, key, '') ?? '') : '')

/** A JSON answer read by `read`, which may refuse it as the decoders do. */
async function readJson<T>(
  call: Call,
  path: string,
  read: (body: Json) => T,
  post?: unknown,
): Promise<Result<T>> {
  const answer = await fetchWhole(call.connection, {
    path,
    accept: 'application/json',
    signal: call.signal,
    ...(post === undefined ? {} : { method: 'POST', body: JSON.stringify(post) }),
  })
  if (answer.kind === 'failed') return failed(answer.failure)
  try {
    return { ok: true, value: read(asObject(parseJson(answer.body.toString('utf8')), 'body')) }
  } catch (thrown) {
    const error = errorOf(thrown)
    return failed({ kind: 'undecodable', message: `${error.what} at ${error.where}` })
  }
}

/** By name through a list of one: the same decoder, and the same 403 as the watch would meet. */
async function getPod(call: Call, namespace: string, name: string): Promise<Result<PodRecord>> {
  const read = await listAll(call, 'pods', { namespace, fieldSelector: `metadata.name=${name}` }, 1)
  if (!read.ok) return read
  const pod = read.value.records[0]
  if (pod?.resource === 'pods') return { ok: true, value: pod }
  return failed({ kind: 'not-found', message: `pods "${name}" not found in ${namespace}`, code: 404 })
}

interface Listed {
  readonly records: readonly AnyRecord[]
  readonly truncated: boolean
}

async function listAll(call: Call, source: string, scope: Scope, limit: number): Promise<Result<Listed>> {
  const records: AnyRecord[] = []
  const read = await readPages(call, source, scope, {
    items: Math.min(PAGE_ITEMS, limit),
    take: (page) => {
      for (const record of page) records.push(record)
      return records.length < limit
    },
  })
  if (!read.ok) return read
  return { ok: true, value: { records: records.slice(0, limit), truncated: read.value } }
}

/** The result says whether there would have been more. */
async function readPages(
  call: Call,
  source: string,
  scope: Scope,
  { items, take }: PageReader & { readonly items: number },
): Promise<Result<boolean>> {
  const resource = knownResource(source)
  const room = new BodyRoom()
  let token: string | undefined
  let more = true
  do {
    const path = queryOf(resource, scope, {
      limit: items,
      ...(token === undefined ? {} : { continue: token }),
    })
    const page = await readPage({ ...call, resource, path, encoding: 'protobuf', room })
    if (page.kind === 'failed') {
      // A list that takes minutes outlives its version; the server offers to go on with a later one.
      const { kind, continueToken } = page.failure
      if (kind !== 'expired' || continueToken === undefined || continueToken === token)
        return failed(page.failure)
      token = continueToken
      continue
    }
    more = take(
      [...page.items].flatMap((item) => (item.ok ? [item.record] : [])),
      page.meta.remaining,
    )
    token = page.meta.continueToken
  } while (token !== undefined && more)
  return { ok: true, value: token !== undefined }
}

async function readEvents(
  call: Call,
  namespace: string | undefined,
  options: ReadEventsOptions,
): ReturnType<ClusterApi['readEvents']> {
  const scope: Scope = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(options.involvedUid === undefined
      ? {}
      : { fieldSelector: `involvedObject.uid=${options.involvedUid}` }),
  }
  const read = await listAll(call, 'events', scope, options.limit ?? EVENTS_LIMIT)
  if (!read.ok) return read
  const { records, truncated } = read.value
  return { ok: true, value: { events: records as readonly EventRecord[], truncated } }
}

async function workloadPods(
  call: Call,
  source: string,
  namespace: string,
  name: string,
): Promise<Result<WorkloadPods>> {
  const path = pathOf(knownResource(source), namespace, name)
  const found = await readJson(call, path, (body) => readWorkload(source, body))
  if (!found.ok) return found
  const workload = found.value
  const scope = { namespace, labelSelector: workload.selector }
  const replicaSet = source === 'deployments' ? await currentReplicaSet(call, workload) : undefined
  if (replicaSet && !replicaSet.ok) return replicaSet
  const pods = await listAll(call, 'pods', scope, PODS_LIMIT)
  if (!pods.ok) return pods
  const owner = replicaSet?.value ?? workload
  const owned = (pods.value.records as readonly PodRecord[]).filter((pod) => controllerUid(pod) === owner.uid)
  return {
    ok: true,
    value: { workload, pods: owned, ...(replicaSet?.value ? { replicaSet: replicaSet.value } : {}) },
  }
}

const controllerUid = (object: PodRecord | OwnerRecord): string | undefined =>
  object.owners?.find((owner) => owner.controller)?.uid

/** The ReplicaSet that carries the Deployment's own revision. */
async function currentReplicaSet(call: Call, workload: Workload): Promise<Result<OwnerRecord | undefined>> {
  const { namespace, selector, uid, revision } = workload
  const read = await listAll(call, 'replicasets', { namespace, labelSelector: selector }, PAGE_ITEMS)
  if (!read.ok) return read
  const sets = read.value.records as readonly OwnerRecord[]
  const current = sets.find(
    (set) =>
      controllerUid(set) === uid && set.annotations?.['deployment.kubernetes.io/revision'] === revision,
  )
  return { ok: true, value: current }
}

function readWorkload(source: string, body: Json): Workload {
  const meta = objectAt(body, 'metadata', '') ?? {}
  const spec = objectAt(body, 'spec', '') ?? {}
  const revision = mapAt(meta, 'annotations', 'metadata', REVISION)?.['deployment.kubernetes.io/revision']
  const replicas = numberAt(spec, 'replicas', 'spec')
  return {
    source,
    name: text(meta, 'name'),
    namespace: text(meta, 'namespace'),
    uid: text(meta, 'uid'),
    selector: selectorText(objectAt(spec, 'selector', 'spec')),
    ...(revision === undefined ? {} : { revision }),
    ...(replicas === undefined ? {} : { replicas }),
  }
}

const REVISION: ReadonlySet<string> = new Set(['deployment.kubernetes.io/revision'])

/** A LabelSelector in the query's form. */
export function selectorText(selector: Json | undefined): string {
  if (!selector) return ''
  const parts = Object.entries(mapAt(selector, 'matchLabels', 'selector') ?? {}).map(([k, v]) => `${k}=${v}`)
  const expressions = selector['matchExpressions']
  for (const each of Array.isArray(expressions) ? expressions : [])
    parts.push(expressionText(asObject(each, 'selector.matchExpressions')))
  return parts.join(',')
}

function expressionText(from: Json): string {
  const key = text(from, 'key')
  const values = Array.isArray(from['values']) ? from['values'].join(',') : ''
  switch (from['operator']) {
    case 'In':
      return `${key} in (${values})`
    case 'NotIn':
      return `${key} notin (${values})`
    case 'DoesNotExist':
      return `!${key}`
    default:
      return key
  }
}

function may(call: Call, question: AccessQuestion): Promise<Result<boolean>> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: question },
  }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  return readJson(call, path, (body) => objectAt(body, 'status', '')?.['allowed'] === true, review)
}
