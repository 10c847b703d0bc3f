// Owns the way from an OTLP export request to native spans: what is asked for by name is read, everything else is skipped unread.
// Promises a value for any input: a request that is none is an error, a span without ids or a time is left out and counted.
// Does not know which names are asked for, nor how the request came.

import {
  JOIN_ATTRIBUTES,
  type NativeBody,
  type NativeOrigin,
  type NativeSpan,
  type SpanDetail,
  type SpanKind,
} from '../base/native.ts'
import { type UnixNano, unixNano } from '../base/time.ts'
import { fromJson } from './otlp-from-json.ts'
import { EXPORT_REQUEST, SPAN_BODY } from './otlp-messages.ts'
import { describe, ORIGIN_BYTES_MAX, originsOf } from './otlp-origin.ts'
import { type DecodeError, errorOf } from './result.ts'
import { type Cursor, cursor, enter, leave, readInt, readShared, readTag, readText, skip } from './wire.ts'

export interface DecodedSpans {
  readonly spans: readonly NativeSpan[]
  /** All that were in the request. */
  readonly total: number
  /** Of these, those that nobody wished for. */
  readonly skipped: number
  /** And those that are none: without ids, a name or times, that end before they start, or whose resource has no end. */
  readonly invalid: number
}

export type DecodedRequest =
  | ({ readonly ok: true } & DecodedSpans)
  | { readonly ok: false; readonly error: DecodeError }

/** Which spans of a request are kept. */
export interface Wishes {
  /** Asked first, by name alone: what is not wanted is not even read. */
  wants(name: string): boolean
  /** Chooses among those that were read; their bodies are not there yet. */
  pick(spans: readonly NativeSpan[]): readonly NativeSpan[]
}

export const EVERY_SPAN: Wishes = { wants: () => true, pick: (spans) => spans }

export function decodeSpans(bytes: Uint8Array, { wants, pick }: Wishes): DecodedRequest {
  const found: Found = { spans: [], total: 0, skipped: 0, invalid: 0, wants }
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    eachMessage(cursor(buffer), REQUEST.resourceSpans, (c) => readResourceSpans(c, found))
    const { spans, total, invalid } = found
    const picked = pick(spans)
    detach(picked)
    return {
      ok: true,
      spans: picked,
      total,
      skipped: found.skipped + spans.length - picked.length,
      invalid,
    }
  } catch (thrown) {
    return { ok: false, error: errorOf(thrown) }
  }
}

/** The same of a request in OTLP/JSON, parsed. */
export function decodeJsonSpans(json: unknown, wishes: Wishes): DecodedRequest {
  try {
    return decodeSpans(fromJson(EXPORT_REQUEST, json), wishes)
  } catch (thrown) {
    return { ok: false, error: errorOf(thrown) }
  }
}

interface Found {
  readonly spans: NativeSpan[]
  total: number
  skipped: number
  invalid: number
  readonly wants: (name: string) => boolean
}

/** Tags of sized fields: their number × 8 + 2. */
const REQUEST = { resourceSpans: 10 } as const
const RESOURCE_SPANS = { resource: 10, scopeSpans: 18 } as const
const SCOPE_SPANS = { spans: 18 } as const

/** Visits each message with this tag; the cursor is narrowed to it. */
function eachMessage(c: Cursor, wanted: number, visit: (c: Cursor) => void): void {
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag !== wanted) skip(c, tag)
    else {
      const outer = enter(c)
      visit(c)
      leave(c, outer)
    }
  }
}

/** The resource may stand after its spans: it is looked for first. */
function readResourceSpans(c: Cursor, found: Found): void {
  const start = c.at
  const originFor = originsOf(withoutField(c, RESOURCE_SPANS.scopeSpans))
  c.at = start
  eachMessage(c, RESOURCE_SPANS.scopeSpans, (inner) => {
    const from = inner.at
    const scope = withoutField(inner, SCOPE_SPANS.spans)
    inner.at = from
    let origin: NativeOrigin | undefined
    const originOf = (): NativeOrigin | undefined => (origin ??= originFor(scope))
    eachMessage(inner, SCOPE_SPANS.spans, (one) => readSpan(one, found, originOf))
  })
}

/** A copy of the message at the cursor but for one field; undefined where it is too long to be of a resource or scope. */
function withoutField(c: Cursor, left: number): Buffer | undefined {
  let filled = 0
  while (c.at < c.end) {
    const from = c.at
    const tag = readTag(c)
    skip(c, tag)
    if (tag === left) continue
    if (filled + c.at - from > scratch.length) return undefined
    filled += c.bytes.copy(scratch, filled, from, c.at)
  }
  return Buffer.from(scratch.subarray(0, filled))
}

const scratch = Buffer.alloc(ORIGIN_BYTES_MAX)

const TRACE_ID = 10
const SPAN_ID = 18
const PARENT_ID = 34
const NAME = 42
const KIND = 48
const START = 57
const END = 65
const ATTRIBUTE = 74
const STATUS = 122

const TRACE_ID_BYTES = 16
const SPAN_ID_BYTES = 8
const NO_ATTRIBUTES = {}
/** `STATUS_CODE_ERROR`. */
const ERROR = 2

/** One span's fields on their way; the places of the ids, which are read only if it is kept. */
class Draft {
  name = ''
  traceAt = -1
  spanAt = -1
  parentAt = -1
  kind = 0
  start = 0n
  end = 0n
  failed = false
  attributes: Record<string, string> | undefined
  /** Of all fields but the ids. */
  length = 0
}

function readSpan(c: Cursor, found: Found, originOf: () => NativeOrigin | undefined): void {
  found.total++
  const from = c.at
  const draft = new Draft()
  while (c.at < c.end) {
    const at = c.at
    const tag = readTag(c)
    if (!readId(c, tag, draft)) {
      readField(c, tag, draft)
      draft.length += c.at - at
    }
    if (tag === NAME && !found.wants(draft.name)) {
      found.skipped++
      c.at = c.end
      return
    }
  }
  const { start, end, name, traceAt, spanAt, parentAt } = draft
  const isSpan = traceAt >= 0 && spanAt >= 0 && name !== '' && start > 0n && end >= start
  if (!isSpan || isZero(c.bytes, traceAt, TRACE_ID_BYTES) || isZero(c.bytes, spanAt, SPAN_ID_BYTES)) {
    found.invalid++
    return
  }
  const origin = originOf()
  if (!origin) {
    found.invalid++
    return
  }
  const hasParent = parentAt >= 0 && !isZero(c.bytes, parentAt, SPAN_ID_BYTES)
  found.spans.push({
    traceId: hexOf(c.bytes, traceAt, TRACE_ID_BYTES),
    spanId: hexOf(c.bytes, spanAt, SPAN_ID_BYTES),
    parentSpanId: hasParent ? hexOf(c.bytes, parentAt, SPAN_ID_BYTES) : undefined,
    name,
    kind: (draft.kind >= 0 && draft.kind <= 5 ? draft.kind : 0) as SpanKind,
    start: unixNano(start),
    end: unixNano(end),
    failed: draft.failed,
    attributes: draft.attributes ?? NO_ATTRIBUTES,
    origin,
    body: new Body(c.bytes, from, c.end, draft.length),
  })
}

/** Whether it was one of the three ids; one of a wrong length is none. */
function readId(c: Cursor, tag: number, draft: Draft): boolean {
  if (tag !== TRACE_ID && tag !== SPAN_ID && tag !== PARENT_ID) return false
  const length = readInt(c)
  const at = c.at
  if (length < 0 || length > c.end - at) {
    c.at = c.end
    return true
  }
  c.at = at + length
  if (tag === TRACE_ID) draft.traceAt = length === TRACE_ID_BYTES ? at : -1
  else if (length !== SPAN_ID_BYTES) return true
  else if (tag === SPAN_ID) draft.spanAt = at
  else draft.parentAt = at
  return true
}

function readField(c: Cursor, tag: number, draft: Draft): void {
  switch (tag) {
    case NAME:
      draft.name = readShared(c)
      return
    case KIND:
      draft.kind = readInt(c)
      return
    case START:
      draft.start = readTime(c)
      return
    case END:
      draft.end = readTime(c)
      return
    case ATTRIBUTE:
      return readAttribute(c, draft)
    case STATUS:
      draft.failed = readStatus(c) === ERROR
      return
    default:
      skip(c, tag)
  }
}

function readTime(c: Cursor): UnixNano {
  const at = c.at
  skip(c, START)
  return unixNano(c.view.getBigUint64(at, true))
}

function readStatus(c: Cursor): number {
  const outer = enter(c)
  let code = 0
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 24) code = readInt(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return code
}

/** Either may stand first: OpenTelemetry's Collector writes the fields of a message backwards. */
function readAttribute(c: Cursor, draft: Draft): void {
  const outer = enter(c)
  let key: string | undefined
  let valueAt = -1
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) {
      key = readShared(c)
      if (!JOIN_ATTRIBUTES.has(key)) return leave(c, outer)
    } else {
      if (tag === 18) valueAt = c.at
      skip(c, tag)
    }
  }
  if (key !== undefined && valueAt >= 0) {
    c.at = valueAt
    const value = readValue(c)
    if (value !== undefined) (draft.attributes ??= {})[key] = value
  }
  leave(c, outer)
}

/** Text, or a whole number as text; nothing else is read for joining. */
function readValue(c: Cursor): string | undefined {
  const outer = enter(c)
  let value: string | undefined
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) value = readText(c)
    else if (tag === 24) value = String(readInt(c))
    else skip(c, tag)
  }
  leave(c, outer)
  return value
}

interface HexSlices {
  hexSlice(start: number, end: number): string
}

const hexOf = (bytes: Buffer, at: number, length: number): string =>
  (bytes as Buffer & HexSlices).hexSlice(at, at + length)

function isZero(bytes: Buffer, at: number, length: number): boolean {
  for (let index = at; index < at + length; index++) if (bytes[index] !== 0) return false
  return true
}

class Body implements NativeBody {
  bytes: Buffer
  /** Where in the request the span stands, with its ids. */
  readonly #from: number
  readonly #to: number
  /** Without them. */
  readonly length: number

  constructor(request: Buffer, from: number, to: number, length: number) {
    this.bytes = request
    this.#from = from
    this.#to = to
    this.length = length
  }

  /** Moves the span without its ids to a place in memory that holds nothing else. */
  detach(memory: Buffer, at: number): void {
    const c = cursor(this.bytes, this.#from, this.#to)
    let filled = at
    while (c.at < c.end) {
      const start = c.at
      const tag = readTag(c)
      skip(c, tag)
      if (tag !== TRACE_ID && tag !== SPAN_ID && tag !== PARENT_ID)
        filled += c.bytes.copy(memory, filled, start, c.at)
    }
    this.bytes = memory.subarray(at, at + this.length)
  }

  describe(): SpanDetail {
    return describe(SPAN_BODY, this.bytes) as SpanDetail
  }
}

/** So that what is kept does not hold the request it came in. */
function detach(spans: readonly NativeSpan[]): void {
  const bodies = spans.map(({ body }) => body as Body)
  const memory = Buffer.allocUnsafeSlow(bodies.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const body of bodies) {
    body.detach(memory, at)
    at += body.length
  }
}
