// Owns the life of one start as moments that follow from one another, what is written at which, and what is true at which.
// Promises causes before effects: a kubelet acts after it was told, an event is recorded after what it reports, writes of an object are
// in order. Draws no times itself: a life is made once, and each start draws its own moments for it (draw.ts).

import type { Obj } from '../encode.ts'
import type { StartIdentity } from '../template.ts'
import {
  type At,
  type ContainerPlan,
  type ContainerState,
  eventObject,
  type EventPlan,
  podObject,
  type PodState,
} from './objects.ts'

/** A moment lies behind another by a draw of a stage, times a factor; and not before some. */
export interface MomentRule {
  readonly after: number
  readonly stage: string | undefined
  /** A length that is fixed, in ms. */
  readonly ms: number
  readonly notBefore: number
}

export interface Step {
  readonly moment: number
  readonly stream: 'pods' | 'events'
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** Which object of the start: 0 is the pod, then its events. */
  readonly object: number
  readonly make: (identity: StartIdentity, at: At) => Obj
}

/** What truly happened: a boundary of a span, as the trace names it. */
export interface Truth {
  readonly span: string
  readonly container?: string
  readonly side: 'start' | 'end'
  readonly moment: number
  /** Of several of that name and container, from 0. */
  readonly place: number
}

export interface Life {
  readonly name: string
  readonly outcome: 'ready' | 'deleted' | 'timeout'
  readonly moments: readonly MomentRule[]
  readonly steps: readonly Step[]
  readonly truths: readonly Truth[]
  /** The moments that are of the node's clock wherever they are shown. */
  readonly onNode: ReadonlySet<number>
}

/** The kubelet's limit of events for one object: a burst of so many, and then one in five minutes. */
const EVENTS_MAX = 25

export class LifeWriter {
  readonly moments: MomentRule[] = []
  readonly steps: Step[] = []
  readonly truths: Truth[] = []
  readonly onNode = new Set<number>()
  private readonly events = new Map<
    string,
    { object: number; first: number; count: number; stored: number }
  >()
  private pod: PodState
  private written = -1
  private sent = 0
  private objects = 0

  constructor(containers: readonly ContainerPlan[], isGated: boolean) {
    const created = this.moment({ after: -1, ms: 0 })
    const base = { containers, isGated, isBound: false, conditions: {}, states: {}, restarts: {} }
    // The API server stamps a little before it stores.
    const asked = this.moment({ after: created, ms: -1.5 })
    this.pod = { ...base, created: asked, written: asked, phase: 'Pending' }
    this.store(created, 'ADDED')
    this.true('pod startup', 'start', created)
  }

  moment(rule: { after: number; stage?: string; ms?: number; notBefore?: number; node?: true }): number {
    const { after, ms = 0, node, notBefore = -1, stage } = rule
    this.moments.push({ after, stage, ms, notBefore })
    const index = this.moments.length - 1
    if (node) this.onNode.add(index)
    return index
  }

  /** The moment as the node's clock shows it. */
  node(moment: number): number {
    return this.moment({ after: moment, node: true })
  }

  true(span: string, side: 'start' | 'end', moment: number, container?: string): void {
    const place = this.truths.filter(
      (one) => one.span === span && one.side === side && one.container === container,
    ).length
    this.truths.push({ span, side, moment, place, ...(container === undefined ? {} : { container }) })
  }

  private store(moment: number, type: Step['type']): void {
    const state = this.pod
    this.written = moment
    const make = (identity: StartIdentity, at: At): Obj => podObject(state, identity, at)
    this.steps.push({ moment, stream: 'pods', type, object: 0, make })
  }

  /** The pod is written some time after the cause, and after it was written last. Returns when. */
  write(cause: number, change: Partial<PodState>, rule: { stage?: string; ms?: number } = {}): number {
    const { ms = 2, stage } = rule
    const moment = this.moment({ after: cause, ms, notBefore: this.written, ...(stage ? { stage } : {}) })
    // Whoever writes, the API server says when (managedfieldsupdater.go).
    this.pod = { ...this.pod, ...change, written: moment }
    this.store(moment, 'MODIFIED')
    return moment
  }

  get state(): PodState {
    return this.pod
  }

  withState(container: string, state: ContainerState): Partial<PodState> {
    return { states: { ...this.pod.states, [container]: state } }
  }

  withConditions(more: PodState['conditions']): Partial<PodState> {
    return { conditions: { ...this.pod.conditions, ...more } }
  }

  remove(cause: number): void {
    const moment = this.moment({ after: cause, ms: 5, notBefore: this.written })
    this.store(moment, 'DELETED')
  }

  /** Recorded after what it reports; an equal one counts up; what exceeds the kubelet's limit is dropped. Returns when it was recorded. */
  event(
    reported: number,
    reason: string,
    message: string,
    rule: { lag?: string; container?: ContainerPlan } = {},
  ): number {
    const { container, lag } = rule
    const isScheduler = reason === 'Scheduled' || reason === 'FailedScheduling'
    const recorded = this.moment({ after: reported, ms: lag ? 0 : 0.02, ...(lag ? { stage: lag } : {}) })
    const shown = isScheduler ? recorded : this.node(recorded)
    const key = `${reason} ${container?.name} ${message}`
    const known = this.events.get(key)
    if (!isScheduler) this.sent += 1
    if (!isScheduler && this.sent > EVENTS_MAX) return recorded
    const stored = this.moment({ after: recorded, stage: 'event delay', notBefore: known?.stored ?? -1 })
    const object = known?.object ?? ++this.objects
    const count = (known?.count ?? 0) + 1
    const first = known?.first ?? shown
    this.events.set(key, { object, first, count, stored })
    const plan: EventPlan = {
      reason,
      message,
      first,
      last: shown,
      stored,
      count,
      ...(container ? { container } : {}),
    }
    const make = (identity: StartIdentity, at: At): Obj => eventObject(plan, identity, at)
    this.steps.push({ moment: stored, stream: 'events', type: known ? 'MODIFIED' : 'ADDED', object, make })
    return recorded
  }

  life(name: string, outcome: Life['outcome']): Life {
    const { moments, onNode, steps, truths } = this
    return { name, outcome, moments, steps, truths, onNode }
  }
}
