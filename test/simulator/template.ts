// Owns the fast making of many different frames: an object is encoded once with stand-ins, and patched in place afterwards.
// Promises that a patched frame is byte for byte what the encoder would have written for that identity and those times, in JSON and
// in protobuf. Does not send.

import { formatRfc3339, SECOND, type UnixNano, unixNano } from '../../src/base/time.ts'
import { encodeWatchEvent, frame, message, type Obj, varint } from './encode.ts'

export type Encoding = 'json' | 'protobuf'

export interface StartIdentity {
  readonly uid: string
  readonly name: string
  readonly node: string
  readonly eventUid: string
  readonly resourceVersion: string
}

/** An object as a function of whose it is and when the moments were that it shows. */
export interface Pattern {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object(identity: StartIdentity, at: (moment: number) => UnixNano): Obj
}

type Text = keyof StartIdentity
type Slot =
  | { readonly at: number; readonly kind: 'text'; readonly text: Text }
  | { readonly at: number; readonly kind: 'second' | 'hex' | 'micro' | 'nanos'; readonly step: number }

export interface Template {
  readonly bytes: Buffer
  readonly slots: readonly Slot[]
}

/** Stand-ins of the same width as what replaces them, and found nowhere else. */
const STAND_IN: StartIdentity = {
  uid: '5e471e1a-0000-4000-8000-00000000cafe',
  name: 'checkout-6f5d8c9b7c-zzzzz',
  node: 'node-9999',
  eventUid: '5e471e1a-0000-4000-8000-00000000beef',
  resourceVersion: '9876543210',
}
/** In 2033; five bytes as a varint, as every second until 2038 is. */
const standInAt = (step: number): UnixNano =>
  unixNano(BigInt(2_000_000_000 + step) * SECOND + 987_654_000n + BigInt(step))

/** `revision` is the store's: it grows with every write of the whole cluster, in the order of time. */
export const identityOf = (number: number, step: number, revision: number, nodes = 200): StartIdentity => ({
  uid: `${hex(number, 8)}-7b1d-4c3e-9a5f-${hex(Math.imul(number, 0x9e3779b1) >>> 0, 12)}`,
  name: `checkout-6f5d8c9b7c-${number.toString(36).padStart(5, '0')}`,
  node: `node-${String(number % nodes).padStart(4, '0')}`,
  eventUid: `${hex(number, 8)}-e0e0-4000-8000-${hex(step, 12)}`,
  resourceVersion: String(1_000_000_000 + revision),
})

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** The frame of a watch, with what separates it from the next. `moments`: how many the pattern may ask for. */
export function watchTemplate(pattern: Pattern, encoding: Encoding, moments: number): Template {
  const object = pattern.object(STAND_IN, standInAt)
  const bytes =
    encoding === 'json'
      ? Buffer.from(`${JSON.stringify({ type: pattern.type, object })}\n`)
      : frame(encodeWatchEvent(pattern.type, object))
  return templateOf(bytes, encoding, moments)
}

/** The object alone, as an item of a list. */
export function itemTemplate(pattern: Pattern, encoding: Encoding, moments: number): Template {
  const { kind, apiVersion, ...item } = pattern.object(STAND_IN, standInAt)
  const bytes =
    encoding === 'json' ? Buffer.from(JSON.stringify(item)) : message(String(kind), { ...item, apiVersion })
  return templateOf(bytes, encoding, moments)
}

function templateOf(bytes: Buffer, encoding: Encoding, moments: number): Template {
  const slots: Slot[] = []
  const find = (needle: Buffer, skip: number, make: (at: number) => Slot): void => {
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1))
      slots.push(make(at + skip))
  }
  for (const text of Object.keys(STAND_IN) as Text[])
    find(Buffer.from(STAND_IN[text]), 0, (at) => ({ at, kind: 'text', text }))
  for (let step = 0; step < moments; step++) {
    const moment = standInAt(step)
    find(Buffer.from(moment.toString(16)), 0, (at) => ({ at, kind: 'hex', step }))
    if (encoding === 'json') {
      find(Buffer.from(formatRfc3339(moment, 0)), 0, (at) => ({ at, kind: 'second', step }))
      find(Buffer.from(formatRfc3339(moment, 6)), 0, (at) => ({ at, kind: 'micro', step }))
    } else {
      const seconds = Buffer.concat([Buffer.from([8]), varint(moment / SECOND)])
      find(seconds, 1, (at) => ({ at, kind: 'second', step }))
      // A MicroTime's nanos follow its seconds.
      const nanos = Buffer.concat([seconds, Buffer.from([16]), varint(987_654_000n)])
      find(nanos, seconds.length + 1, (at) => ({ at, kind: 'nanos', step }))
    }
  }
  return { bytes, slots }
}

export function patch(
  template: Template,
  encoding: Encoding,
  identity: StartIdentity,
  at: (step: number) => UnixNano,
): Buffer {
  const bytes = Buffer.from(template.bytes)
  for (const slot of template.slots) {
    if (slot.kind === 'text') bytes.write(identity[slot.text], slot.at, 'latin1')
    else if (slot.kind === 'hex') bytes.write(hexOf(at(slot.step)), slot.at, 'latin1')
    else if (slot.kind === 'micro') bytes.write(formatRfc3339(at(slot.step), 6), slot.at, 'latin1')
    else if (slot.kind === 'nanos') writeFive(bytes, slot.at, Number(at(slot.step) % SECOND))
    else if (encoding === 'json') bytes.write(formatSecond(at(slot.step)), slot.at, 'latin1')
    else writeFive(bytes, slot.at, Number(at(slot.step) / SECOND))
  }
  return bytes
}

/** A varint of five bytes, whatever the value; decoders take the longer form of a small one too. */
function writeFive(bytes: Buffer, at: number, value: number): void {
  for (let index = 0; index < 4; index++) bytes[at + index] = ((value >>> (7 * index)) & 127) | 128
  bytes[at + 4] = (value >>> 28) & 127
}

let hexed = { at: 0n, text: '' }

/** All pods of a step share its moment. */
function hexOf(at: UnixNano): string {
  if (at !== hexed.at) hexed = { at, text: at.toString(16) }
  return hexed.text
}

let formatted = { second: 0n, text: '' }

/** Nearly all stamps of a burst are of the same few seconds. */
function formatSecond(at: UnixNano): string {
  const second = at / SECOND
  if (second !== formatted.second) formatted = { second, text: formatRfc3339(at, 0) }
  return formatted.text
}
