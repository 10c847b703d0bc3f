// Owns how a trace context is written: W3C `traceparent`, and the annotations in which objects carry one.
// Promises that what is not a context by its specification is none, and is told apart from one that is not there.
// Does not say what a context is good for: trace/incoming.ts and session/ do.

import { digitsOf, isUid, swapHalves } from './pod-trace.ts'

export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
}

/** What one object carries. `malformed`: how many of its annotations hold no context. */
export interface Carried {
  readonly context?: TraceContext
  readonly malformed: number
}

/** The annotation of whoever created an object: W3C `traceparent`. */
export const CREATORS_KEY = 'tracing.k8s.io/traceparent'
/** The annotation that names the trace of a pod's own start. */
export const OWN_KEY = 'podspan.dev/traceparent'
/** What was proposed before: base64, of OpenCensus' binary form or of a `traceparent`. */
const OLDER_KEY = 'trace.kubernetes.io/context'
/** The environment variable of OpenTelemetry, in which CI systems hand a context on. */
export const CONTEXT_VARIABLE = 'TRACEPARENT'

/** https://www.w3.org/TR/trace-context: version 00 ends after its flags, a later one may go on behind a dash. */
const TRACEPARENT =
  /^(?:00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$|(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:$|-))/

export function parseTraceparent(text: string): TraceContext | undefined {
  const [, first, second, laterFirst, laterSecond] = TRACEPARENT.exec(text) ?? []
  return contextOf(first ?? laterFirst ?? '', second ?? laterSecond ?? '')
}

/** Of the root of a pod's start, which follows from the pod's UID; undefined where that is none. */
export function ownContext(uid: string): string | undefined {
  if (!isUid(uid)) return undefined
  const digits = digitsOf(uid)
  return `00-${swapHalves(digits)}-${digits.slice(0, 16)}-01`
}

export function carriedBy(annotations: Readonly<Record<string, string>> | undefined): Carried {
  let malformed = 0
  for (const [key, parse] of FORMS) {
    const text = annotations?.[key]
    if (text === undefined) continue
    const context = parse(text)
    if (context) return { context, malformed }
    malformed += 1
  }
  return { malformed }
}

const FORMS: readonly (readonly [key: string, parse: (text: string) => TraceContext | undefined])[] = [
  [CREATORS_KEY, parseTraceparent],
  [OLDER_KEY, parseOlder],
]

/** Longer ones than a `traceparent` with a tail of its own are nobody's. */
const OLDER_CHARS_MAX = 512

function parseOlder(text: string): TraceContext | undefined {
  if (text.length > OLDER_CHARS_MAX || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  let bytes: string
  try {
    bytes = atob(text)
  } catch {
    return undefined
  }
  return parseBinary(bytes) ?? parseTraceparent(bytes)
}

/** Version 0, then each field behind its number: 0 the trace's id, 1 the span's, 2 the options. */
function parseBinary(bytes: string): TraceContext | undefined {
  const isForm =
    bytes.length === 29 && bytes.startsWith('\0\0') && bytes[18] === '\x01' && bytes[27] === '\x02'
  return isForm ? contextOf(hexOf(bytes.slice(2, 18)), hexOf(bytes.slice(19, 27))) : undefined
}

const hexOf = (bytes: string): string =>
  [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('')

/** Ids of zeros alone stand for none. */
function contextOf(traceId: string, spanId: string): TraceContext | undefined {
  return /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(spanId) ? { traceId, spanId } : undefined
}
