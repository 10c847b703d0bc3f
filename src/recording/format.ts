// Owns the form of a recording: JSON lines, a header first, then one received object a line.
// Promises that every line becomes a header, an entry or a named problem; nothing throws and nothing is guessed.
// Does not read files (read.ts), put lines in order (order.ts) or trim objects (decode/).

import type { Phase } from '../base/frame.ts'
import { type DurationNano, durationNano, type UnixNano, unixNano } from '../base/time.ts'

export const FORMAT = 'recording/v1'

/** The resource of a line whose object is an OTLP/JSON export request: spans that other components sent. */
export const OTLP = 'otlp'

/** The annotation of the bookmark that ends an initial list. */
export const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

export const LINE_TYPES = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'] as const
export type LineType = (typeof LINE_TYPES)[number]

export interface RecordingHeader {
  /** The server's version, `v1.36.3`. */
  readonly kubernetes?: string
  readonly cluster?: string
  readonly clusterUid?: string
  readonly startedAt?: UnixNano
}

/** One received object, as it stands in the file. */
export interface RecordedFrame {
  readonly t: UnixNano
  readonly resource: string
  readonly type: LineType
  readonly object: Readonly<Record<string, unknown>>
  readonly phase?: Phase
  /** How long nothing was read before `t`, where that was long. */
  readonly heldUp?: DurationNano
}

/** What is wrong with a line: a kind of few values to count by, and what was expected instead. */
export interface LineProblem {
  readonly problem: string
  readonly expected: string
}

export type Line =
  | { readonly kind: 'header'; readonly header: RecordingHeader }
  | { readonly kind: 'foreign-header'; readonly format: string }
  | { readonly kind: 'frame'; readonly frame: RecordedFrame }
  | ({ readonly kind: 'broken' } & LineProblem)

export function parseLine(text: string): Line {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return broken('is not JSON', 'one complete JSON object')
  }
  if (!isObject(value))
    return broken('is not an object', 'a JSON object such as {"t":"…","resource":"pods",…}')
  return 'podspan' in value ? parseHeader(value) : parseFrame(value)
}

export function formatHeader(header: RecordingHeader): string {
  const { startedAt, ...rest } = header
  return JSON.stringify({ podspan: FORMAT, ...rest, ...(startedAt && { startedAt: startedAt.toString() }) })
}

export function formatFrame(frame: RecordedFrame): string {
  const { t, heldUp, ...rest } = frame
  return JSON.stringify({
    t: t.toString(),
    ...rest,
    ...(heldUp !== undefined && { heldUp: heldUp.toString() }),
  })
}

function parseHeader(value: Readonly<Record<string, unknown>>): Line {
  const format = value['podspan']
  if (format !== FORMAT) {
    // Another version means other lines; anything else is a bad header, and the lines below it may be fine.
    if (typeof format === 'string' && /^recording\/v\d+$/.test(format))
      return { kind: 'foreign-header', format }
    return broken('is not a header', `{"podspan":"${FORMAT}",…}`)
  }
  const startedAt = parseNano(value['startedAt'])
  return {
    kind: 'header',
    header: {
      ...textField(value, 'kubernetes'),
      ...textField(value, 'cluster'),
      ...textField(value, 'clusterUid'),
      ...(startedAt !== undefined && { startedAt }),
    },
  }
}

function parseFrame(value: Readonly<Record<string, unknown>>): Line {
  const t = parseNano(value['t'])
  const { resource, object } = value
  const type = LINE_TYPES.find((known) => known === value['type'])
  if (t === undefined) return broken('has no time', '"t" as a string of nanoseconds since 1970')
  if (typeof resource !== 'string')
    return broken('has no resource', '"resource" as a plural name, such as "pods"')
  if (type === undefined) return broken('has no type', `"type" as one of ${LINE_TYPES.join(', ')}`)
  if (!isObject(object)) return broken('has no object', '"object" as the Kubernetes object that was received')
  const phase = parsePhase(value['phase'])
  const heldUp = parseNano(value['heldUp'])
  return {
    kind: 'frame',
    frame: {
      ...{ t, resource, type, object },
      ...(phase && { phase }),
      ...(heldUp !== undefined && { heldUp: durationNano(heldUp) }),
    },
  }
}

/** A number has lost its last digits in JSON already, but is within a microsecond: better than no time. */
function parseNano(value: unknown): UnixNano | undefined {
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return unixNano(BigInt(value))
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return unixNano(BigInt(value))
  return undefined
}

function parsePhase(value: unknown): Phase | undefined {
  return value === 'initial' || value === 'live' || value === 'relist' ? value : undefined
}

function textField<K extends string>(
  value: Readonly<Record<string, unknown>>,
  key: K,
): { [P in K]?: string } {
  const text = value[key]
  return (typeof text === 'string' && text !== '' ? { [key]: text } : {}) as { [P in K]?: string }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const broken = (problem: string, expected: string): Line => ({ kind: 'broken', problem, expected })
