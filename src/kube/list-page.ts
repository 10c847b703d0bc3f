// Owns one page of a list: the request, and its items decoded one at a time, as they are asked for, in either encoding.
// Promises that an item that cannot be decoded costs only itself, and that the page's own fields are checked first in JSON.
// Does not follow `continue`: the state machine decides that.

import type { AnyRecord } from '../base/record.ts'
import { decodeJsonObject, openJsonList, parseJson } from '../decode/json.ts'
import { openList } from '../decode/protobuf.ts'
import type { Resource } from '../decode/resources.ts'
import type { Decoded, DecodeError, ListMeta } from '../decode/result.ts'
import type { BodyRoom } from './body-room.ts'
import type { Connection } from './config.ts'
import type { Failure } from './failure.ts'
import { acceptOf, type Encoding } from './paths.ts'
import { fetchWhole, isProtobuf } from './request.ts'

export type ListedItem =
  | { readonly ok: true; readonly record: AnyRecord; readonly raw: unknown }
  | { readonly ok: false; readonly error: DecodeError }

export interface ReadPage {
  readonly kind: 'page'
  /** As it was answered, whatever was asked for. */
  readonly encoding: Encoding
  readonly bytes: number
  readonly meta: ListMeta
  /** Decoded as they are asked for: once, and before the room is used again. */
  readonly items: Iterable<ListedItem>
}

export type Page = ReadPage | { readonly kind: 'failed'; readonly failure: Failure }

export async function readPage(options: {
  readonly connection: Connection
  readonly resource: Resource
  readonly path: string
  readonly encoding: Encoding
  readonly signal: AbortSignal
  /** For all pages of a list; default: one of its own. */
  readonly room?: BodyRoom
}): Promise<Page> {
  const { connection, resource, path, encoding, room, signal } = options
  const accept = acceptOf(resource, encoding, 'list')
  const answer = await fetchWhole(connection, { path, accept, signal }, room)
  if (answer.kind === 'failed') return answer
  return isProtobuf(answer.contentType)
    ? protobufPage(resource, answer.body)
    : jsonPage(resource, answer.body)
}

const undecodable = (message: string): Page => ({ kind: 'failed', failure: { kind: 'undecodable', message } })

function protobufPage(resource: Resource, body: Buffer): Page {
  const list = openList(resource, body)
  if (!list.ok) return undecodable(list.error.what)
  const items = withoutRaw(list.items)
  return { kind: 'page', encoding: 'protobuf', bytes: body.length, meta: list.meta, items }
}

function* withoutRaw(items: Iterable<Decoded>): Generator<ListedItem> {
  for (const item of items) yield item.ok ? { ok: true, record: item.record, raw: undefined } : item
}

function jsonPage(resource: Resource, body: Buffer): Page {
  const list = openJsonList(parseJson(body.toString('utf8')))
  if (!list) return undecodable('the body is not a list')
  const items = decodedOf(resource, list.items)
  return { kind: 'page', encoding: 'json', bytes: body.length, meta: list.meta, items }
}

function* decodedOf(resource: Resource, items: readonly unknown[]): Generator<ListedItem> {
  for (const raw of items) {
    const decoded = decodeJsonObject(resource, raw)
    yield decoded.ok ? { ok: true, record: decoded.record, raw: withType(resource, raw) } : decoded
  }
}

/** Items of a list do not repeat its kind, which a recording needs beside each object. */
const withType = (resource: Resource, raw: unknown): unknown => ({
  apiVersion: resource.apiVersion,
  kind: resource.kind,
  ...(raw as object),
})
