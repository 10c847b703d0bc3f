// Owns reading and writing one Lease as it stands at the API server, by compare-and-set on its resourceVersion.
// Promises that what others put on the Lease (labels, annotations, unknown fields) is written back, and that conflicts are values.
// Does not decide who leads: controller/election.ts does.

import { formatRfc3339, type UnixNano } from '../base/time.ts'
import { type Json, mapAt, numberAt, objectAt, textAt } from '../decode/json-fields.ts'
import { errorOf } from '../decode/result.ts'
import type { Result } from './api.ts'
import { type Caller, callJson, type JsonCall } from './json-call.ts'

export interface Lease {
  readonly resourceVersion: string
  /** Empty where it was released. */
  readonly holder: string
  readonly durationMs: number | undefined
  readonly transitions: number
  readonly annotations: Readonly<Record<string, string>>
  /** The spec as text: that it differs from what was read before is what counts as a renewal. */
  readonly spec: string
  /** As it was read. */
  readonly object: Json
}

export interface LeaseWrite {
  readonly holder: string
  readonly durationMs: number
  readonly transitions: number
  readonly renewTime: UnixNano
  /** Absent: as it was. */
  readonly acquireTime?: UnixNano
  /** Set beside those that are there already. */
  readonly annotations?: Readonly<Record<string, string>>
}

export interface LeaseStore {
  /** Undefined where there is none. */
  read(): Promise<Result<Lease | undefined>>
  create(write: LeaseWrite): Promise<Result<Lease>>
  /** Fails with a conflict where the Lease has changed since `from` was read. */
  update(from: Lease, write: LeaseWrite): Promise<Result<Lease>>
}

const ROOT = '/apis/coordination.k8s.io/v1'

export function createLeaseStore(
  caller: Caller,
  options: { readonly namespace: string; readonly name: string; readonly timeoutMs: number },
): LeaseStore {
  const { namespace, name, timeoutMs } = options
  const all = `${ROOT}/namespaces/${encodeURIComponent(namespace)}/leases`
  const one = `${all}/${encodeURIComponent(name)}`
  const call = async (request: JsonCall): Promise<Result<Lease>> => {
    const answer = await callJson(caller, { ...request, timeoutMs })
    return answer.ok ? leaseOf(answer.value) : answer
  }
  return {
    read: async () => {
      const read = await call({ path: one })
      return !read.ok && read.failure.kind === 'not-found' ? { ok: true, value: undefined } : read
    },
    create: (write) => call({ method: 'POST', path: all, body: newLease(namespace, name, write) }),
    update: (from, write) => call({ method: 'PUT', path: one, body: written(from.object, write) }),
  }
}

function newLease(namespace: string, name: string, write: LeaseWrite): Json {
  const bare = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace } }
  return written(bare, write)
}

function written(object: Json, write: LeaseWrite): Json {
  const metadata = (object['metadata'] ?? {}) as Json
  const annotations = { ...(metadata['annotations'] as Json | undefined), ...write.annotations }
  return {
    ...object,
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: {
      ...(object['spec'] as Json | undefined),
      holderIdentity: write.holder,
      // The API server refuses 0; client-go releases with 1 too.
      leaseDurationSeconds: Math.max(1, Math.ceil(write.durationMs / 1000)),
      renewTime: formatRfc3339(write.renewTime, 6),
      leaseTransitions: write.transitions,
      ...(write.acquireTime === undefined ? {} : { acquireTime: formatRfc3339(write.acquireTime, 6) }),
    },
  }
}

function leaseOf(object: Json): Result<Lease> {
  try {
    const metadata = objectAt(object, 'metadata', '') ?? {}
    const spec = objectAt(object, 'spec', '') ?? {}
    const seconds = numberAt(spec, 'leaseDurationSeconds', 'spec')
    return {
      ok: true,
      value: {
        resourceVersion: textAt(metadata, 'resourceVersion', 'metadata') ?? '',
        holder: textAt(spec, 'holderIdentity', 'spec') ?? '',
        durationMs: seconds === undefined ? undefined : seconds * 1000,
        transitions: numberAt(spec, 'leaseTransitions', 'spec') ?? 0,
        annotations: mapAt(metadata, 'annotations', 'metadata') ?? {},
        spec: JSON.stringify(spec),
        object,
      },
    }
  } catch (thrown) {
    const error = errorOf(thrown)
    return { ok: false, failure: { kind: 'undecodable', message: `${error.what} at ${error.where}` } }
  }
}
