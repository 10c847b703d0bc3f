// Owns the reading of the moment that client-go hides in an event's name: `NAME.<hex of time.UnixNano()>`.
// Promises undefined unless the event's own coarse stamp confirms the suffix, since other writers name events as they like.
// Does not know what the event means.

import type { EventRecord } from '../base/record.ts'
import { MILLISECOND, SECOND, toBigint, type UnixNano, unixNano } from '../base/time.ts'

/** client-go prints UnixNano with `%x`: 16 digits from 2004 to 2262 (k8s.io/client-go/tools/record/event.go, makeEvent). */
const DIGITS = 16
/** The events.k8s.io recorder takes the suffix a few µs after eventTime; more than this apart they are not of one call. */
const NEAR = MILLISECOND * 10n

/** The reporter's wall clock at the record call, in ns; undefined where the name does not carry it. */
export function eventNameTime(event: EventRecord): UnixNano | undefined {
  const { name } = event
  const from = name.length - DIGITS
  if (from < 1 || name.charCodeAt(from - 1) !== POINT_CODE) return undefined
  const high = hexAt(name, from)
  const low = hexAt(name, from + DIGITS / 2)
  if (high === undefined || low === undefined) return undefined
  const at = unixNano((toBigint(high) << 32n) | toBigint(low))
  return confirmed(at, event) ? at : undefined
}

const POINT_CODE = 46

/** Eight lower-case hexadecimal digits. */
function hexAt(text: string, from: number): number | undefined {
  let value = 0
  for (let at = from; at < from + DIGITS / 2; at++) {
    const code = text.charCodeAt(at)
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : undefined
    if (digit === undefined) return undefined
    value = value * 16 + digit
  }
  return value
}

function confirmed(at: UnixNano, event: EventRecord): boolean {
  if (event.eventTime !== undefined) return at >= event.eventTime && at - event.eventTime < NEAR
  return event.firstSeconds !== undefined && at / SECOND === toBigint(event.firstSeconds)
}
