// Owns the form of an operation: a unit of work that one actor performs between two instants, with an outcome.
// Promises that children lie within their parent once `nest` has run. Does not know ids or OTLP: trace/ does.

import type { DurationNano, UnixNano } from '../base/time.ts'
import { earliest, latest, since, ZERO } from '../base/time.ts'
import type { Instant } from '../timeline/instant.ts'

/** The span names of docs/spans.md; low in cardinality, and exactly these. */
export type OperationName =
  | 'pod startup'
  | 'wait at scheduling gate'
  | 'schedule'
  | 'provision node'
  | 'launch node'
  | 'register node'
  | 'initialise node'
  | 'provision volume'
  | 'preempt'
  | 'wait in queue'
  | 'wait for quota'
  | 'admission checks'
  | 'creation refused'
  | 'wait for claim'
  | 'allocate devices'
  | 'prepare devices'
  | 'prepare pod and create sandbox'
  | 'attach volume'
  | 'mount volumes'
  | 'prepare pod'
  | 'create sandbox'
  | 'pull image'
  | 'wait for pull slot'
  | 'transfer and unpack'
  | 'create container'
  | 'start container'
  | 'run init container'
  | 'post-start hook'
  | 'startup probe'
  | 'readiness'
  | 'readiness gate'
  | 'report status'
  | 'back-off'
  | 'unaccounted'

export type OperationAttribute = string | number | boolean | readonly string[]

export interface Operation {
  readonly name: OperationName
  /** Unique within the pod and the same in every run over the same evidence; the span's id is made of it. */
  readonly path: string
  readonly actor: string
  readonly subject?: string | undefined
  readonly container?: string | undefined
  readonly start: Instant
  readonly end: Instant
  /** The component's own message where it failed. */
  readonly error?: string | undefined
  readonly attempt?: number | undefined
  /** Still going on when the root ended. */
  readonly open?: boolean | undefined
  readonly attributes: Readonly<Record<string, OperationAttribute>>
  readonly events: readonly OperationEvent[]
  /** UIDs of pods that it waited for, with the reason. */
  readonly waitedFor: readonly { readonly uid: string; readonly why: string }[]
  readonly children: readonly Operation[]
}

export interface OperationEvent {
  readonly at: UnixNano
  readonly name: string
  readonly attributes: Readonly<Record<string, OperationAttribute>>
}

type Optional = 'attributes' | 'events' | 'waitedFor' | 'children'
export type OperationInput = Omit<Operation, Optional> & Partial<Pick<Operation, Optional>>

/** Every operation has all fields, in this order: there are thousands a second, and equal shapes are cheap. */
export const operation = (input: OperationInput): Operation => ({
  name: input.name,
  path: input.path,
  actor: input.actor,
  subject: input.subject,
  container: input.container,
  start: input.start,
  end: input.end,
  error: input.error,
  attempt: input.attempt,
  open: input.open,
  attributes: input.attributes ?? NOTHING,
  events: input.events ?? NONE,
  waitedFor: input.waitedFor ?? NONE,
  children: input.children ?? NONE,
})

const NOTHING = {}
const NONE: readonly never[] = []

export const durationOf = ({ start, end }: Pick<Operation, 'start' | 'end'>): DurationNano =>
  end.best > start.best ? since(end.best, start.best) : ZERO

/** The operation cut to its parent; undefined where nothing of it lies within. */
export function nest(child: Operation, parent: Pick<Operation, 'start' | 'end'>): Operation | undefined {
  const { start, end } = child
  if (start.best >= parent.end.best && !(start.best === parent.end.best && end.best === start.best))
    return undefined
  if (end.best < parent.start.best) return undefined
  const inside = start.best >= parent.start.best && end.best <= parent.end.best
  if (inside && child.children.length === 0) return child
  const cut = inside
    ? child
    : {
        ...child,
        start: start.best < parent.start.best ? cutStart(start, parent.start) : within(start, parent),
        end: end.best > parent.end.best ? cutEnd(end, parent.end) : within(end, parent),
        // What surely went on when its parent was over had not failed by then.
        ...(end.best > parent.end.latest && { open: true, error: undefined }),
      }
  const children = child.children.map((one) => nest(one, cut)).filter((one) => one !== undefined)
  return { ...cut, children }
}

/** Cut at its parent's start, but no surer of it than it was. */
const cutStart = (start: Instant, limit: Instant): Instant => ({
  ...limit,
  latest: latest(start.latest, limit.latest),
  clamped: true,
})

/** Cut at its parent's end, but no surer of it than it was. */
const cutEnd = (end: Instant, limit: Instant): Instant => ({
  ...limit,
  earliest: earliest(end.earliest, limit.earliest),
  clamped: true,
})

function within(instant: Instant, parent: Pick<Operation, 'start' | 'end'>): Instant {
  const best = latest(parent.start.best, earliest(parent.end.best, instant.best))
  if (best === instant.best) return instant
  return {
    ...instant,
    best,
    earliest: earliest(instant.earliest, best),
    latest: latest(instant.latest, best),
    clamped: true,
  }
}
