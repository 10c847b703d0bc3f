// Owns the form of an answer: which encoding, whole or metadata only, as the Accept header and the kind allow; and Statuses.
// Promises the bytes and content types of an API server. Does not choose what is answered.

import {
  encodeList,
  encodeObject,
  frame,
  hasSchema,
  message,
  type Obj,
  unknown,
  wrapWatchEvent,
} from './encode.ts'
import { eventGroup } from './event-groups.ts'
import type { ServedResource } from './resources.ts'
import type { Stored } from './store.ts'

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

export interface Form {
  readonly encoding: 'protobuf' | 'json'
  /** Metadata only. */
  readonly partial: boolean
}

/** The first form of an Accept header that there is for this kind; undefined: 406. */
export function formOf(accept: string | undefined, resource: ServedResource | undefined): Form | undefined {
  if (accept === undefined || accept === '') return { encoding: 'json', partial: false }
  for (const entry of accept.split(',')) {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim())
    const as = parameters.find((one) => one.startsWith('as='))?.slice(3)
    if (as !== undefined && !as.startsWith('PartialObjectMetadata')) continue
    const partial = as !== undefined
    if (type === PROTOBUF && (partial || hasProtobuf(resource))) return { encoding: 'protobuf', partial }
    if (type === 'application/json' || type === '*/*' || type === 'application/*')
      return { encoding: 'json', partial }
  }
  return undefined
}

/** Of a Status, where there is no resource, there is one. Workloads are read whole in JSON only. */
const hasProtobuf = (resource: ServedResource | undefined): boolean =>
  resource === undefined || (!resource.isCustom && hasSchema(resource.kind))

export const contentTypeOf = ({ encoding }: Form): string =>
  encoding === 'protobuf' ? PROTOBUF : 'application/json'

const partialOf = (object: Obj): Obj => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: object['metadata'],
})

const shown = (object: Obj, { partial }: Form): Obj => (partial ? partialOf(object) : object)

export function objectBytes(object: Obj, form: Form): Buffer {
  const what = object['kind'] === 'Status' ? object : shown(object, form)
  return form.encoding === 'protobuf' ? encodeObject(what) : Buffer.from(JSON.stringify(what))
}

export function eventBytes(type: string, object: Obj, form: Form): Buffer {
  const what = object['kind'] === 'Status' ? object : shown(object, form)
  return form.encoding === 'json'
    ? Buffer.from(`${JSON.stringify({ type, object: what })}\n`)
    : frame(wrapWatchEvent(type, encodeObject(what)))
}

/** From bytes that are there already, where they are. */
export function addedBytes(stored: Stored, { apiVersion, kind }: Kind, form: Form): Buffer {
  if (form.encoding === 'json' || form.partial) return eventBytes('ADDED', stored.object, form)
  return frame(wrapWatchEvent('ADDED', unknown(apiVersion, kind, bareOf(stored))))
}

interface Kind {
  readonly apiVersion: string
  readonly kind: string
}

export function kindOf(resource: ServedResource, { partial }: Form): Kind {
  if (partial) return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' }
  const { group, kind, version } = resource
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind }
}

export function listBytes(
  resource: ServedResource,
  form: Form,
  metadata: Obj,
  items: readonly Stored[],
): Buffer {
  const { apiVersion, kind } = kindOf(resource, form)
  if (form.encoding === 'protobuf') {
    const bare = (one: Stored): Buffer => (form.partial ? message(kind, partialOf(one.object)) : bareOf(one))
    return encodeList(apiVersion, kind, metadata, items.map(bare))
  }
  const head = JSON.stringify({ kind: `${kind}List`, apiVersion, metadata }).slice(0, -1)
  const texts = items.map(({ object }) =>
    JSON.stringify(itemOf(shown(eventGroup(resource, object), form), resource)),
  )
  return Buffer.from(`${head},"items":[${texts.join(',')}]}`)
}

function itemOf(object: Obj, resource: ServedResource): Obj {
  if (resource.isCustom) return object
  const { apiVersion: _, kind: __, ...item } = object
  return item
}

export function bareOf(stored: Stored): Buffer {
  stored.bare ??= message(String(stored.object['kind']), stored.object)
  return stored.bare
}

export interface Refusal {
  readonly code: number
  readonly reason?: string
  readonly message?: string
  readonly details?: Obj
  readonly continueToken?: string
  readonly retryAfter?: number
  readonly causes?: readonly string[]
}

export function statusObject({ causes, code, continueToken, details, message: words, reason }: Refusal): Obj {
  const because = causes ? { causes: causes.map((one) => ({ reason: one })) } : {}
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: continueToken === undefined ? {} : { continue: continueToken },
    status: 'Failure',
    message: words ?? reason ?? `code ${code}`,
    reason: reason ?? '',
    ...(details || causes ? { details: { ...details, ...because } } : {}),
    code,
  }
}
