// Owns the dated evidence of rollouts: stamps of workloads, their pods and the events on them, each with its object and field.
// Promises what observe/ promises for pods: a live receipt is near what it dates, a list's only says "not later".
// Does not weigh or combine stamps: timeline/combine.ts does.

import type { ObjectFrame } from '../base/frame.ts'
import type { EventRecord } from '../base/record.ts'
import type { ClockName, Evidence, Stamp, StampSource } from '../base/stamp.ts'
import { fromSeconds, SECOND, type UnixNano } from '../base/time.ts'
import { eventNameTime } from '../observe/event-name.ts'
import { NANOSECOND } from '../observe/stamps.ts'

function evidenceOf({ record, source }: ObjectFrame, field: string, raw: string): Evidence {
  const { namespace, name, resourceVersion } = record
  return { object: `${source}/${namespace}/${name}`, resourceVersion, field, raw }
}

/** When the watch showed what the API server had stored. */
export function receipt(frame: ObjectFrame, field: string): Stamp {
  const source = frame.phase === 'live' && !frame.synthetic ? 'watch-receipt' : 'list-receipt'
  return {
    source,
    at: frame.t,
    clock: 'observer',
    resolution: NANOSECOND,
    evidence: evidenceOf(frame, field, ''),
    receivedAt: frame.t,
  }
}

export function wholeSecond(
  frame: ObjectFrame,
  source: StampSource,
  clock: ClockName,
  field: string,
  at: UnixNano | undefined,
): Stamp[] {
  if (at === undefined) return []
  const raw = String(at / SECOND)
  return [{ source, at, clock, resolution: SECOND, evidence: evidenceOf(frame, field, raw) }]
}

/** When an object was stored. */
export function creation(frame: ObjectFrame): Stamp[] {
  const { createdSeconds } = frame.record
  const at = createdSeconds === undefined ? undefined : fromSeconds(createdSeconds)
  const coarse = wholeSecond(frame, 'creation-second', 'apiserver', 'metadata.creationTimestamp', at)
  // Only a first sight that is live is of the creation; anything else came later.
  return frame.kind === 'added' ? [...coarse, receipt(frame, 'metadata')] : coarse
}

/** When a component recorded this event: its name's nanoseconds, else its second, and when it was shown. */
export function recorded(frame: ObjectFrame, event: EventRecord): Stamp[] {
  const repeated = Math.max(event.count ?? 1, event.seriesCount ?? 1) > 1
  const fine = repeated ? undefined : eventNameTime(event)
  const shown = {
    ...receipt(frame, 'metadata'),
    source: frame.phase === 'live' ? 'event-receipt' : 'list-receipt',
  } as const
  if (fine !== undefined) {
    const evidence = evidenceOf(frame, 'metadata.name', fine.toString(16))
    const receivedAt = frame.phase === 'live' ? frame.t : undefined
    return [
      { source: 'event-name', at: fine, clock: 'controller', resolution: NANOSECOND, evidence, receivedAt },
      shown,
    ]
  }
  const { lastSeconds } = event
  const at = lastSeconds === undefined ? undefined : fromSeconds(lastSeconds)
  return [...wholeSecond(frame, 'event-second', 'controller', 'lastTimestamp', at), shown]
}
