// Owns the way from an API object in JSON to a record, a bookmark, a status or an error.
// Promises a value for any input: garbage never throws; an error says what was wrong and at which path.
// Does not frame a stream, and does not keep the raw object.

import type { Source } from '../base/frame.ts'
import type { AnyRecord } from '../base/record.ts'
import { asObject, type Json, listAt, mapAt, numberAt, objectAt, put, textAt } from './json-fields.ts'
import { customOf, eventOf, leaseOf, nodeOf, ownerOf } from './json-kinds.ts'
import { podOf } from './json-pod.ts'
import { relatedOf } from './json-related.ts'
import { type Resource, resourceOf } from './resources.ts'
import {
  type ApiStatus,
  type Decoded,
  DecodeFailure,
  errorOf,
  type ListMeta,
  type Mutable,
  type WatchItem,
} from './result.ts'

/** An object of the named stream, as it stands in a recording or came from the API. */
export function decodeJson(source: Source, object: unknown): Decoded {
  const resource = resourceOf(source)
  if (resource) return decodeJsonObject(resource, object)
  return { ok: false, error: { kind: 'unsupported', what: 'no record for this resource', where: source } }
}

export function decodeJsonObject(resource: Resource, object: unknown): Decoded {
  try {
    return { ok: true, record: recordOf(resource, asObject(object, 'object')) }
  } catch (thrown) {
    return { ok: false, error: errorOf(thrown) }
  }
}

function recordOf(resource: Resource, object: Json): AnyRecord {
  switch (resource.record) {
    case 'pods':
      return podOf(object)
    case 'events':
      return eventOf(object)
    case 'nodes':
      return nodeOf(object)
    case 'leases':
      return leaseOf(object)
    case 'owners':
      return ownerOf(object, resource)
    case 'related':
      return relatedOf(object, resource.source)
    case 'custom':
      return customOf(object)
  }
}

/** One parsed line of a JSON watch: `{type, object}`. */
export function decodeJsonEvent(resource: Resource, event: unknown): WatchItem {
  try {
    const from = asObject(event, 'event')
    return readEvent(resource, textAt(from, 'type', ''), asObject(from['object'], 'object'))
  } catch (thrown) {
    return { kind: 'undecodable', error: errorOf(thrown) }
  }
}

function readEvent(resource: Resource, type: string | undefined, object: Json): WatchItem {
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED')
    return { kind: 'object', type, record: recordOf(resource, object) }
  if (type === 'BOOKMARK') return readBookmark(object)
  if (type === 'ERROR') return { kind: 'status', status: readStatus(object) }
  throw new DecodeFailure('malformed', 'a watch event of an unknown type', 'type')
}

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'
const BOOKMARK_ANNOTATIONS: ReadonlySet<string> = new Set([INITIAL_EVENTS_END])

function readBookmark(object: Json): WatchItem {
  const meta = objectAt(object, 'metadata', '') ?? {}
  const annotations = mapAt(meta, 'annotations', 'metadata', BOOKMARK_ANNOTATIONS)
  return {
    kind: 'bookmark',
    resourceVersion: textAt(meta, 'resourceVersion', 'metadata') ?? '',
    initialEventsEnd: annotations?.[INITIAL_EVENTS_END] === 'true',
  }
}

/** `JSON.parse` as a value; undefined cannot be JSON, so it means that the text is not. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export interface JsonList {
  readonly meta: ListMeta
  /** Raw items, still to be decoded one by one. */
  readonly items: readonly unknown[]
}

export function openJsonList(body: unknown): JsonList | undefined {
  try {
    const list = asObject(body, 'list')
    const items = list['items'] ?? []
    return Array.isArray(items) ? { meta: readListMeta(list), items } : undefined
  } catch (thrown) {
    errorOf(thrown)
    return undefined
  }
}

function readListMeta(list: Json): ListMeta {
  const from = objectAt(list, 'metadata', '') ?? {}
  const meta: Mutable<ListMeta> = { resourceVersion: textAt(from, 'resourceVersion', 'metadata') ?? '' }
  put(meta, 'continueToken', textAt(from, 'continue', 'metadata'))
  put(meta, 'remaining', numberAt(from, 'remainingItemCount', 'metadata'))
  return meta
}

/** The body of a refused request, if it is a Status. */
export function statusOf(body: unknown): ApiStatus | undefined {
  try {
    const object = asObject(body, 'status')
    return object['kind'] === 'Status' ? readStatus(object) : undefined
  } catch (thrown) {
    errorOf(thrown)
    return undefined
  }
}

function readStatus(object: Json): ApiStatus {
  const status: Mutable<ApiStatus> = { code: numberAt(object, 'code', '') ?? 0 }
  put(status, 'reason', textAt(object, 'reason', ''))
  put(status, 'message', textAt(object, 'message', ''))
  const meta = objectAt(object, 'metadata', '')
  if (meta) put(status, 'continueToken', textAt(meta, 'continue', 'metadata'))
  const details = objectAt(object, 'details', '')
  if (!details) return status
  const seconds = numberAt(details, 'retryAfterSeconds', 'details')
  if (seconds !== undefined && seconds > 0) status.retryAfterSeconds = seconds
  put(status, 'causes', listAt(details, 'causes', 'details', readCause))
  return status
}

const readCause = (from: Json, where: string): string => textAt(from, 'reason', where) ?? ''
