// Owns the envelopes of the API's protobuf: `k8s\0` + runtime.Unknown, WatchEvent, lists, Status.
// Promises a value for any bytes: a record, a bookmark, a status or an error; lists are decoded item by item as they are asked for.
// Does not frame a stream (kube/frame-split.ts does). Numbers: apimachinery runtime/generated.proto, meta/v1/generated.proto.

import type { AnyRecord } from '../base/record.ts'
import { readEvent, readLease, readNode, readOwnerObject } from './protobuf-kinds.ts'
import { readPod } from './protobuf-pod.ts'
import type { Resource } from './resources.ts'
import {
  type ApiStatus,
  type Decoded,
  DecodeFailure,
  errorOf,
  type ListMeta,
  type Mutable,
  type OpenedList,
  type WatchItem,
} from './result.ts'
import {
  type Cursor,
  cursor,
  enter,
  leave,
  part,
  readInt,
  readShared,
  readTag,
  readText,
  skip,
} from './wire.ts'

/** `k8s\0`, read as one big-endian number. */
const MAGIC = 0x6b387300

/** An object on its own, as a GET answers it. */
export function decodeProtobuf(resource: Resource, bytes: Buffer): Decoded {
  try {
    const c = cursor(bytes)
    expectKind(openUnknown(c), resource)
    return { ok: true, record: readObject(c, resource) }
  } catch (thrown) {
    return { ok: false, error: errorOf(thrown) }
  }
}

/** One frame of a watch: WatchEvent{type = 1, object = 2 {raw = 1}} in `bytes[start, end)`. */
export function decodeWatchFrame(resource: Resource, bytes: Buffer, start: number, end: number): WatchItem {
  try {
    return readWatchEvent(cursor(bytes, start, end), resource)
  } catch (thrown) {
    return { kind: 'undecodable', error: errorOf(thrown) }
  }
}

function readWatchEvent(c: Cursor, resource: Resource): WatchItem {
  let type = ''
  let rawStart = -1
  let rawEnd = -1
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) type = readShared(c)
    else if (tag === 18) {
      const outer = enter(c)
      while (c.at < c.end) {
        const inner = readTag(c)
        const outerRaw = inner === 10 ? enter(c) : skip(c, inner)
        if (outerRaw === undefined) continue
        rawStart = c.at
        rawEnd = c.end
        leave(c, outerRaw)
      }
      leave(c, outer)
    } else skip(c, tag)
  }
  if (rawStart < 0) throw new DecodeFailure('malformed', 'a watch event has no object', `byte ${c.at}`)
  return readWatchObject(type, part(c, rawStart, rawEnd), resource)
}

function readWatchObject(type: string, c: Cursor, resource: Resource): WatchItem {
  const kind = openUnknown(c)
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') {
    expectKind(kind, resource)
    return { kind: 'object', type, record: readObject(c, resource) }
  }
  if (type === 'BOOKMARK') return readBookmark(c)
  if (type === 'ERROR') return { kind: 'status', status: readStatusMessage(c) }
  throw new DecodeFailure('malformed', 'a watch event of an unknown type', `byte ${c.at}`)
}

/** Checks the prefix, reads Unknown{typeMeta = 1, raw = 2} and narrows the cursor to raw. Returns the kind. */
function openUnknown(c: Cursor): string {
  if (c.end - c.at < 4) throw new DecodeFailure('truncated', 'no room for the k8s prefix', `byte ${c.at}`)
  if (c.bytes.readUInt32BE(c.at) !== MAGIC)
    throw new DecodeFailure('malformed', 'the k8s prefix is missing', `byte ${c.at}`)
  c.at += 4
  let kind = ''
  let start = -1
  let end = -1
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) kind = readTypeMeta(c)
    else if (tag === 18) {
      const outer = enter(c)
      start = c.at
      end = c.end
      leave(c, outer)
    } else skip(c, tag)
  }
  if (start < 0) throw new DecodeFailure('truncated', 'the envelope holds no object', `byte ${c.at}`)
  c.at = start
  c.end = end
  return kind
}

/** runtime.TypeMeta: apiVersion = 1, kind = 2. */
function readTypeMeta(c: Cursor): string {
  const outer = enter(c)
  let kind = ''
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 18) kind = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return kind
}

function expectKind(kind: string, resource: Resource): void {
  const expected = resource.record === 'owners' ? 'PartialObjectMetadata' : resource.kind
  if (kind !== expected)
    throw new DecodeFailure('unexpected-kind', `expected ${expected}, got ${kind || 'no kind'}`, 'typeMeta')
}

function readObject(c: Cursor, resource: Resource): AnyRecord {
  switch (resource.record) {
    case 'pods':
      return readPod(c)
    case 'events':
      return readEvent(c)
    case 'nodes':
      return readNode(c)
    case 'leases':
      return readLease(c)
    case 'owners':
      return readOwnerObject(c, resource)
    case 'related':
    case 'custom':
      throw new DecodeFailure('unsupported', 'this resource is read as JSON only', resource.source)
  }
}

/** A bookmark is an object of the stream's kind with metadata = 1 alone: resourceVersion = 6, annotations = 12. */
function readBookmark(c: Cursor): WatchItem {
  let resourceVersion = ''
  let initialEventsEnd = false
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag !== 10) {
      skip(c, tag)
      continue
    }
    const outer = enter(c)
    while (c.at < c.end) {
      const inner = readTag(c)
      if (inner === 50) resourceVersion = readText(c)
      else if (inner === 98) initialEventsEnd = isInitialEventsEnd(c) || initialEventsEnd
      else skip(c, inner)
    }
    leave(c, outer)
  }
  return { kind: 'bookmark', resourceVersion, initialEventsEnd }
}

function isInitialEventsEnd(c: Cursor): boolean {
  const outer = enter(c)
  let key = ''
  let value = ''
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) key = readShared(c)
    else if (tag === 18) value = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return key === 'k8s.io/initial-events-end' && value === 'true'
}

/** A list. A broken item costs itself; a broken envelope the page. */
export function openList(resource: Resource, bytes: Buffer): OpenedList {
  try {
    const c = cursor(bytes)
    const kind = openUnknown(c)
    if (!kind.endsWith('List'))
      throw new DecodeFailure('unexpected-kind', `expected a list, got ${kind}`, 'typeMeta')
    const { meta, places } = readList(c)
    return { ok: true, meta, items: itemsAt(c, places, resource) }
  } catch (thrown) {
    return { ok: false, error: errorOf(thrown) }
  }
}

function* itemsAt(c: Cursor, places: readonly number[], resource: Resource): Generator<Decoded> {
  for (let at = 0; at + 1 < places.length; at += 2)
    yield readItem(part(c, places[at] ?? 0, places[at + 1] ?? 0), resource)
}

/** metadata = 1, items = 2 in all lists; `places` are where the items begin and end, in turn. */
function readList(c: Cursor): { readonly meta: ListMeta; readonly places: readonly number[] } {
  let meta: ListMeta = { resourceVersion: '' }
  const places: number[] = []
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) meta = readListMeta(c)
    else if (tag === 18) {
      const outer = enter(c)
      places.push(c.at, c.end)
      leave(c, outer)
    } else skip(c, tag)
  }
  return { meta, places }
}

function readItem(c: Cursor, resource: Resource): Decoded {
  try {
    return { ok: true, record: readObject(c, resource) }
  } catch (thrown) {
    return { ok: false, error: errorOf(thrown) }
  }
}

/** ListMeta: resourceVersion = 2, continue = 3, remainingItemCount = 4. */
function readListMeta(c: Cursor): ListMeta {
  const outer = enter(c)
  const meta: Mutable<ListMeta> = { resourceVersion: '' }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 18) meta.resourceVersion = readText(c)
    else if (tag === 26) {
      const token = readText(c)
      if (token !== '') meta.continueToken = token
    } else if (tag === 32) meta.remaining = readInt(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return meta
}

/** The body of a refused request. */
export function decodeStatus(bytes: Buffer): ApiStatus | undefined {
  try {
    const c = cursor(bytes)
    return openUnknown(c) === 'Status' ? readStatusMessage(c) : undefined
  } catch (thrown) {
    errorOf(thrown)
    return undefined
  }
}

/** Status: metadata = 1, message = 3, reason = 4, details = 5, code = 6. */
function readStatusMessage(c: Cursor): ApiStatus {
  const status: Mutable<ApiStatus> = { code: 0 }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 48) status.code = readInt(c)
    else if (tag === 34) status.reason = readShared(c)
    else if (tag === 26) status.message = readText(c)
    else if (tag === 10) {
      const { continueToken } = readListMeta(c)
      if (continueToken !== undefined) status.continueToken = continueToken
    } else if (tag === 42) readStatusDetails(c, status)
    else skip(c, tag)
  }
  return status
}

/** StatusDetails: causes = 4 {reason = 1}, retryAfterSeconds = 5. */
function readStatusDetails(c: Cursor, status: Mutable<ApiStatus>): void {
  const outer = enter(c)
  const causes: string[] = []
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 40) {
      const seconds = readInt(c)
      if (seconds > 0) status.retryAfterSeconds = seconds
    } else if (tag === 34) causes.push(readCauseReason(c))
    else skip(c, tag)
  }
  leave(c, outer)
  if (causes.length > 0) status.causes = causes
}

function readCauseReason(c: Cursor): string {
  const outer = enter(c)
  let reason = ''
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) reason = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return reason
}
