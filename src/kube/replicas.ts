// Owns finding the pods in which Podspan serves its page.
// Promises those that are ready, the one that has run longest first: each replica watches everything, and it has seen the most.
// Does not connect to them.

import type { Json } from '../decode/json-fields.ts'
import { asObject, mapAt, objectAt, textAt } from '../decode/json-fields.ts'
import { errorOf } from '../decode/result.ts'
import type { Result } from './api.ts'
import { type Caller, callJson } from './json-call.ts'
import type { PodPort } from './port-forward.ts'

/** On every pod of the chart whose page is on; its value is the port. */
export const PAGE_LABEL = 'podspan.dev/page-port'

export interface Replica extends PodPort {
  /** ms since the epoch; 0 where it does not run yet. */
  readonly startedMs: number
  readonly isReady: boolean
}

const LIMIT = 100

/** Of all namespaces where none is named. */
export async function listReplicas(
  caller: Caller,
  namespace: string | undefined,
): Promise<Result<readonly Replica[]>> {
  const place = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  const query = `labelSelector=${encodeURIComponent(PAGE_LABEL)}&limit=${LIMIT}`
  const answer = await callJson(caller, { path: `/api/v1${place}/pods?${query}` })
  if (!answer.ok) return answer
  try {
    const { items } = answer.value
    const found = (Array.isArray(items) ? items : []).flatMap((item) => replicaOf(asObject(item, 'items')))
    return { ok: true, value: found.sort(bestFirst) }
  } catch (thrown) {
    const { what, where } = errorOf(thrown)
    return { ok: false, failure: { kind: 'undecodable', message: `${what} at ${where}` } }
  }
}

const bestFirst = (a: Replica, b: Replica): number =>
  Number(b.isReady) - Number(a.isReady) || a.startedMs - b.startedMs || (a.pod < b.pod ? -1 : 1)

function replicaOf(item: Json): Replica[] {
  const metadata = objectAt(item, 'metadata', '') ?? {}
  const status = objectAt(item, 'status', '') ?? {}
  const port = Number(mapAt(metadata, 'labels', 'metadata')?.[PAGE_LABEL])
  const [namespace, pod] = [textAt(metadata, 'namespace', 'metadata'), textAt(metadata, 'name', 'metadata')]
  const isGoing = textAt(metadata, 'deletionTimestamp', 'metadata') !== undefined
  if (!namespace || !pod || !Number.isInteger(port) || port < 1 || port > 65_535 || isGoing) return []
  return [{ namespace, pod, port, startedMs: startedOf(status), isReady: isReady(status) }]
}

const listOf = (from: Json, key: string): Json[] => {
  const value = from[key]
  return Array.isArray(value) ? value.map((one) => asObject(one, `status.${key}`)) : []
}

const isReady = (status: Json): boolean =>
  listOf(status, 'conditions').some(({ type, status: is }) => type === 'Ready' && is === 'True')

/** Since its container runs: what a container before it has seen is gone. */
function startedOf(status: Json): number {
  const times = listOf(status, 'containerStatuses').flatMap((container) => {
    const running = objectAt(objectAt(container, 'state', 'status') ?? {}, 'running', 'status')
    const at = running && Date.parse(textAt(running, 'startedAt', 'status') ?? '')
    return at === undefined || Number.isNaN(at) ? [] : [at]
  })
  return times.length === 0 ? 0 : Math.max(...times)
}
