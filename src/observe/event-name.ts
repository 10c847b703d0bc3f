// Owns the reading of the moment that client-go hides in an event's name: `NAME.<hex of time.UnixNano()>`.
// Promises undefined unless the event's own coarse stamp confirms the suffix, since other writers name events as they like.
// Does not know what the event means.

import type { EventRecord } from '../base/record.ts'
import { MILLISECOND, SECOND, type UnixNano, unixNano } from '../base/time.ts'

/** client-go prints UnixNano with `%x`: 16 digits from 2004 to 2262 (k8s.io/client-go/tools/record/event.go, makeEvent). */
const SUFFIX = /\.([0-9a-f]{16})$/
/** The events.k8s.io recorder takes the suffix a few µs after eventTime; more than this apart they are not of one call. */
const NEAR = MILLISECOND * 10n

/** The reporter's wall clock at the record call, in ns; undefined where the name does not carry it. */
export function eventNameTime(event: EventRecord): UnixNano | undefined {
  const match = SUFFIX.exec(event.name)
  if (!match) return undefined
  const at = unixNano(BigInt(`0x${match[1]}`))
  return confirmed(at, event) ? at : undefined
}

function confirmed(at: UnixNano, event: EventRecord): boolean {
  if (event.eventTime !== undefined) return at >= event.eventTime && at - event.eventTime < NEAR
  return event.firstSeconds !== undefined && at / SECOND === BigInt(event.firstSeconds)
}
