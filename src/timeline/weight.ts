// Owns what each kind of stamp says of its boundary: how far the truth may lie to either side, and how fine it is.
// Promises figures that were measured on a real cluster (docs/accuracy.md); a side that a stamp does not bound is undefined.
// Does not combine stamps: combine.ts does.

import type { What } from '../observe/observation.ts'
import type { Stamp } from '../base/stamp.ts'
import { type DurationNano, durationNano, milliseconds, minus, SECOND, ZERO } from '../base/time.ts'

export interface Weight {
  /** The truth lies at most this long before the stamp; undefined: the stamp says nothing about how early. */
  readonly back: DurationNano | undefined
  /** The truth lies at most this long after the stamp. */
  readonly ahead: DurationNano | undefined
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
  | 'ready on node listed'
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

const wholeSecond = (rank: number, slack: DurationNano = ZERO, back: DurationNano = ZERO): Weight => ({
  back,
  ahead: durationNano(SECOND + slack),
  lag: ZERO,
  rank,
})

function notAfter(rank: number, slack: DurationNano = ZERO, lag: DurationNano = ZERO): Weight {
  return { back: undefined, ahead: slack, lag, rank }
}

/** How long after its boundary each event is recorded (usual, greatest), in ms. */
const EVENT_NAMES: Partial<Record<Boundary, Weight>> = {
  'created container': exact(1.9, 0.07),
  'started container': exact(1.9, 0.06),
  pulled: exact(4.9, 1),
  'image present': exact(1.9, 0.05),
  pulling: exact(1, 0.02),
  'sandbox failed': exact(20, 1),
  // The scheduler records after its request returned: 0.3 to 37 ms behind what was stored.
  bound: notAfter(2, ZERO, milliseconds(2.5)),
  // Its controller waits for an attachment by looking at it twice a second.
  attached: notAfter(3, ZERO, milliseconds(260)),
  'attach failed': notAfter(3, ZERO, milliseconds(260)),
  // The first container's first event: its turn comes soon after the network, but not at once.
  'network ready': notAfter(2, ZERO, milliseconds(0.9)),
}
const OTHER_EVENT: Weight = exact(5, 0.1)

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

const TOLD_LAG = milliseconds(10)

/**
 * Too few events come from an autoscaler to know its clock, and there is no Lease of it: what it told was over when we received it,
 * and probably when it says.
 */
function weighTold({ at, receivedAt }: Stamp): Weight {
  const late = receivedAt === undefined || receivedAt <= at ? ZERO : durationNano(receivedAt - at)
  return notAfter(3, late, TOLD_LAG)
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

/** Both durations are cut to 1 ms, and the event lags the pull's end (measured: 0.02 to 1.06 ms in all). */
const PULL_BEGAN: Weight = {
  back: milliseconds(2.4),
  ahead: milliseconds(0.9),
  lag: milliseconds(0.5),
  rank: 1,
}
const CONFIG_SEEN: Weight = { back: ZERO, ahead: ZERO, lag: ZERO, rank: 0 }
const OF_SECOND = wholeSecond(5)
const OF_SECOND_OR_LATER = wholeSecond(5, WRITE_SLACK)
/** The second says nothing of how late. */
const NOT_BEFORE: Weight = { back: ZERO, ahead: undefined, lag: ZERO, rank: 6 }
/** What it tells of may have been over just before its second. */
const TOLD_IN_SECOND = notAfter(5, SECOND)
const WRITTEN_BY = notAfter(7, durationNano(SECOND + WRITE_SLACK))
const LISTED_BY = notAfter(9)
/** From a list, the stamp is of the last transition; the first may lie anywhere before. */
const LISTED_READY: Weight = { back: undefined, ahead: undefined, lag: ZERO, rank: 6 }
/** The node decided the last one in its second, and the first not later. */
const LISTED_READY_ON_NODE = notAfter(6, SECOND)
/** Until 1.35 this condition's stamp may be late by a whole SyncPod: it only bounds from above. */
const NETWORK_READY = notAfter(6, SECOND)

/** What this stamp says of this boundary. Live receipts are weighed with the watch's lag, in combine.ts. */
export function weighStamp(boundary: Boundary, stamp: Stamp): Weight {
  switch (stamp.source) {
    case 'event-name':
    case 'event-time':
      return NODE_STEPS.has(boundary) ? weighTold(stamp) : (EVENT_NAMES[boundary] ?? OTHER_EVENT)
    case 'config-seen':
      return CONFIG_SEEN
    case 'native-span':
      return weighNative(boundary, stamp)
    case 'pull-duration':
      return PULL_BEGAN
    case 'event-second':
      return TOLD_LATER.has(boundary)
        ? TOLD_IN_SECOND
        : wholeSecond(5, ZERO, EVENT_NAMES[boundary]?.back ?? ZERO)
    case 'condition-second':
      return weighCondition(boundary)
    case 'state-second':
    case 'deletion-second':
      return OF_SECOND_OR_LATER
    case 'start-second':
      return OF_SECOND
    case 'creation-second':
      return NOT_BEFORE
    case 'field-manager-second':
      return WRITTEN_BY
    default:
      return LISTED_BY
  }
}

function weighCondition(boundary: Boundary): Weight {
  // Stored after its stamp, by as long as the writer held it back.
  if (boundary === 'ready stored') return NOT_BEFORE
  if (boundary === 'ready listed') return LISTED_READY
  if (boundary === 'ready on node listed') return LISTED_READY_ON_NODE
  if (boundary === 'network ready') return NETWORK_READY
  // The writer stamps it before it writes, and what was bound or stepped on is what is stored.
  return boundary === 'bound' || boundary === 'node claim step' ? OF_SECOND_OR_LATER : OF_SECOND
}
