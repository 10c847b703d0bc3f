// Owns what each kind of stamp says of its boundary: how far the truth may lie to either side, and how fine it is.
// Promises figures that were measured on a real cluster (docs/accuracy.md); a side that a stamp does not bound is undefined.
// Does not combine stamps: combine.ts does.

import type { What } from '../observe/observation.ts'
import type { Stamp } from '../base/stamp.ts'
import { type DurationNano, durationNano, milliseconds, minus, SECOND, ZERO } from '../base/time.ts'

export interface Weight {
  /** The truth lies at most this long before the stamp; undefined: the stamp says nothing about how early. */
  readonly back?: DurationNano
  /** The truth lies at most this long after the stamp. */
  readonly ahead?: DurationNano
  /** The truth is usually this long before the stamp. */
  readonly lag: DurationNano
  /** 0 is the finest; a coarser stamp never overrules a finer one. */
  readonly rank: number
}

/** What the boundary is, beyond what happened: for a condition, when its writer decided, or when it was stored. */
export type Boundary =
  | What
  | 'ready on node'
  | 'ready stored'
  | 'ready listed'
  | 'node asked for'
  | 'node claim step'
  | 'transfer began'
  | 'sandbox began'
  | 'wait began'

const exact = (back: number, lag: number): Weight => ({
  back: milliseconds(back),
  ahead: ZERO,
  lag: milliseconds(lag),
  rank: 1,
})

/** How long after its boundary each event is recorded (usual, greatest), in ms. */
const EVENT_NAMES: Partial<Record<Boundary, Weight>> = {
  'created container': exact(1.9, 0.07),
  'started container': exact(1.9, 0.06),
  pulled: exact(4.9, 1),
  'image present': exact(1.9, 0.05),
  pulling: exact(1, 0.02),
  'sandbox failed': exact(20, 1),
  // The scheduler records after its request returned: 0.3 to 37 ms behind what was stored.
  bound: { ahead: ZERO, lag: milliseconds(2.5), rank: 2 },
  // Its controller waits for an attachment by looking at it twice a second.
  attached: { ahead: ZERO, lag: milliseconds(260), rank: 3 },
  'attach failed': { ahead: ZERO, lag: milliseconds(260), rank: 3 },
  // The first container's first event: its turn comes soon after the network, but not at once.
  'network ready': { ahead: ZERO, lag: milliseconds(0.9), rank: 2 },
}
const OTHER_EVENT: Weight = exact(5, 0.1)

const wholeSecond = (rank: number, slack: DurationNano = ZERO): Weight => ({
  back: ZERO,
  ahead: durationNano(SECOND + slack),
  lag: ZERO,
  rank,
})
const notBefore = (rank: number): Weight => ({ back: ZERO, lag: ZERO, rank })
const notAfter = (rank: number, slack: DurationNano = ZERO): Weight => ({ ahead: slack, lag: ZERO, rank })

/** What an event of these says was over when it was recorded, by more than a moment. */
const TOLD_LATER: ReadonlySet<Boundary> = new Set([
  'bound',
  'attached',
  'attach failed',
  'node asked for',
  'node claim step',
])

/** What autoscalers tell after it has happened: after a request or two, or when another controller has seen it in the status. */
const NODE_STEPS: ReadonlySet<Boundary> = new Set(['node asked for', 'node claim step'])

/**
 * Too few events come from an autoscaler to know its clock, and there is no Lease of it: what it told was over when we received it,
 * and probably when it says.
 */
function weighTold({ at, receivedAt }: Stamp): Weight {
  const late = receivedAt === undefined || receivedAt <= at ? ZERO : durationNano(receivedAt - at)
  return { ahead: late, lag: milliseconds(10), rank: 3 }
}

const CALLS_ENDED: ReadonlySet<Boundary> = new Set([
  'network ready',
  'sandbox failed',
  'pulled',
  'pull failed',
  'created container',
  'started container',
  'container failed',
])

/** A moment, or a stretch: of an answer that is on its way near its begin, else near its end, since a store answers when it has stored. */
const weighNative = (boundary: Boundary, { resolution }: Stamp): Weight => ({
  back: ZERO,
  ahead: resolution,
  lag: CALLS_ENDED.has(boundary) ? ZERO : minus(resolution),
  rank: 0,
})

/** The API server or the runtime takes its stamp a little before the boundary is reached. */
const WRITE_SLACK = milliseconds(250)

/** What this stamp says of this boundary. Live receipts are weighed with the watch's lag, in combine.ts. */
export function weighStamp(boundary: Boundary, stamp: Stamp): Weight {
  switch (stamp.source) {
    case 'event-name':
    case 'event-time':
      return NODE_STEPS.has(boundary) ? weighTold(stamp) : (EVENT_NAMES[boundary] ?? OTHER_EVENT)
    case 'config-seen':
      return { back: ZERO, ahead: ZERO, lag: ZERO, rank: 0 }
    case 'native-span':
      return weighNative(boundary, stamp)
    case 'pull-duration':
      // Both durations are cut to 1 ms, and the event lags the pull's end (measured: 0.02 to 1.06 ms in all).
      return { back: milliseconds(2.4), ahead: milliseconds(0.9), lag: milliseconds(0.5), rank: 1 }
    case 'event-second':
      // What it tells of may have been over just before its second.
      return TOLD_LATER.has(boundary)
        ? notAfter(5, SECOND)
        : { ...wholeSecond(5), back: EVENT_NAMES[boundary]?.back ?? ZERO }
    case 'condition-second':
      return weighCondition(boundary)
    case 'state-second':
      return wholeSecond(5, WRITE_SLACK)
    case 'start-second':
      return wholeSecond(5)
    case 'deletion-second':
      return wholeSecond(5, WRITE_SLACK)
    case 'creation-second':
      return notBefore(6)
    case 'field-manager-second':
      return notAfter(7, durationNano(SECOND + WRITE_SLACK))
    default:
      return notAfter(9)
  }
}

function weighCondition(boundary: Boundary): Weight {
  // Stored after its stamp, by as long as the writer held it back.
  if (boundary === 'ready stored') return notBefore(6)
  // From a list, the stamp is of the last transition; the first may lie anywhere before.
  if (boundary === 'ready listed') return { lag: ZERO, rank: 6 }
  // Until 1.35 this condition's stamp may be late by a whole SyncPod: it only bounds from above.
  if (boundary === 'network ready') return notAfter(6, SECOND)
  // The writer stamps it before it writes, and what was bound or stepped on is what is stored.
  return wholeSecond(5, boundary === 'bound' || boundary === 'node claim step' ? WRITE_SLACK : ZERO)
}
