// Owns the pure middle as one fold: frames in, finished traces out.
// Promises that equal frames give equal traces, that time enters only by a frame's `t`, and that a start is told once.
// Does no IO and keeps no trace after it was returned.

import type { Frame, ObjectFrame } from '../base/frame.ts'
import { isReady, wasReady } from '../observe/pod.ts'
import type { PodRecord } from '../base/record.ts'
import {
  add,
  type DurationNano,
  durationNano,
  fromSeconds,
  SECOND,
  seconds,
  type UnixNano,
} from '../base/time.ts'
import type { Ending } from '../operations/milestones.ts'
import { type Startup, tellStartup } from '../operations/startup.ts'
import type { Clocks } from '../timeline/claim.ts'
import { offsetOf, shiftOf, shiftOfStamp } from '../timeline/clocks.ts'
import type { End, PodTimeline } from '../timeline/pod-timeline.ts'
import type { NativeSpan } from '../base/native.ts'
import { foldFrame } from '../timeline/fold.ts'
import { knownIn } from '../timeline/native-fold.ts'
import { emptySift, type NativeSift, siftSpans } from '../timeline/native-sift.ts'
import { lagNow } from '../timeline/lag.ts'
import { surroundingsOf } from '../timeline/related.ts'
import { count, emptyWorld, finish, type World } from '../timeline/world.ts'
import { buildTrace, type Cluster } from './build.ts'
import { crashedAfterReady } from './crashed.ts'
import { isUid } from './identity.ts'
import { byCreation, type InFlight, inFlightOf } from './in-flight.ts'
import { incomingOf } from './incoming.ts'
import { nativeOf, settleNative, takeLate, withNative } from './native-spans.ts'
import type { LateSpans, Outcome, Trace } from './trace.ts'
import { nothingPassed, pass, type Passed } from './passing.ts'

export interface PipelineOptions {
  /** How long evidence may settle after the end of a start. Default 5 s. */
  readonly settle?: DurationNano
  /** A start that is not over after this is a timeout. Default 10 min. */
  readonly startTimeout?: DurationNano
  readonly clusterName?: string
  readonly clusterUid?: string
  /** Which pods whose start was over when we first saw them are traced all the same. Default none. */
  readonly backfill?: (pod: PodRecord) => boolean
  /** Of so many starts that are due, how many may be told at once; `more` tells the others. Default all. */
  readonly room?: (due: number) => number
}

/** What the clock of one node (or `apiserver`, `scheduler`) is off from ours; undefined ends are unknown. */
export interface ClockReport {
  readonly clock: string
  readonly offsetFrom?: DurationNano
  readonly offsetTo?: DurationNano
  readonly samples: number
}

export interface Pipeline {
  /** Takes one frame; returns the traces that became final by it, in order of their end. */
  push(frame: Frame): Trace[]
  /** More of those that are final; none where `isBehind` is false. */
  more(): Trace[]
  /** Whether starts are over and settled that found no room to be told. */
  isBehind(): boolean
  inFlight(): InFlight[]
  /** Which native spans of a request, of those whose names `wantsSpan`, are worth a frame: the others are of no start. */
  chooseSpans(spans: readonly NativeSpan[], t: UnixNano): readonly NativeSpan[]
  /** What the last frame brought for traces that were returned before. */
  late(): readonly LateSpans[]
  /** The trace of a pod that has not been returned yet, as it stands. */
  traceOf(uid: string): Trace | undefined
  /** Whether the start of this pod is still to be told: it is in flight, or its evidence settles. */
  holds(uid: string): boolean
  clocks(): ClockReport[]
  /** The clocks, the watch's lag and the store's order as they are known now, for whoever dates by them besides: the very ones. */
  models(): Omit<Clocks, 'around'>
  /** How late the watch has shown things of late, the writing included; undefined where fine stamps were too rare to say. */
  lag(): DurationNano | undefined
  /** The times by which starts have been told, for whoever decides by time besides. */
  passed(): Passed
  /** Counts by name: frames, garbage by kind, limits reached. */
  counters(): Readonly<Record<string, number>>
}

const SETTLE = seconds(5)
/** Where native spans come, for their exporters batch for 5 s by default. */
export const NATIVE_SETTLE = seconds(10)

export { isWantedName as wantsSpan } from '../observe/native.ts'
const START_TIMEOUT = seconds(600)

interface State {
  readonly world: World
  readonly cluster: Cluster
  readonly settle: DurationNano
  readonly startTimeout: DurationNano
  /** Pods whose end was seen, in that order; settling takes equally long for all. */
  readonly settling: string[]
  /** Pods whose start is to be told now. */
  readonly due: string[]
  readonly room: (due: number) => number
  readonly sift: NativeSift
  readonly passing: ReturnType<typeof nothingPassed>
  /** As they were when nothing was due that had not been told. */
  readonly told: ReturnType<typeof nothingPassed>
  late: readonly LateSpans[]
  nextSweep: UnixNano
}

export function createPipeline(options: PipelineOptions = {}): Pipeline {
  const state: State = {
    world: emptyWorld(options.backfill),
    cluster: { name: options.clusterName, uid: options.clusterUid },
    settle: options.settle ?? SETTLE,
    startTimeout: options.startTimeout ?? START_TIMEOUT,
    settling: [],
    due: [],
    room: options.room ?? ((due) => due),
    sift: emptySift(),
    passing: nothingPassed(),
    told: nothingPassed(),
    late: [],
    nextSweep: 0n as UnixNano,
  }
  return {
    push: (frame) => push(state, frame),
    more: () => tellDue(state),
    isBehind: () => state.due.length > 0,
    inFlight: () => listInFlight(state),
    chooseSpans: (spans, t) => siftSpans(state.sift, spans, t, knownIn(state.world)),
    late: () => state.late,
    traceOf: (uid) => {
      const timeline = state.world.pods.get(uid)
      return timeline && tell(state, timeline, timeline.ended?.outcome ?? 'starting')
    },
    holds: (uid) => state.world.pods.has(uid),
    clocks: () => reportClocks(state),
    models: () => state.world,
    lag: () => reportLag(state),
    passed: () => state.told,
    counters: () => ({ ...state.world.counters, 'pods in flight': state.world.pods.size }),
  }
}

function push(state: State, frame: Frame): Trace[] {
  pass(state.passing, frame)
  const told = advance(state)
  foldFrame(state.world, frame)
  state.late = frame.kind === 'otlp' ? takeLate(state.world) : NO_LATE
  if (frame.kind === 'added' || frame.kind === 'modified' || frame.kind === 'deleted') noteEnd(state, frame)
  if (frame.kind === 'tick' && frame.final) told.push(...tellAll(state))
  return told
}

const NO_LATE: readonly LateSpans[] = []

/** Native spans come late: where they do, they are waited for. */
const settleOf = ({ settle, world }: State): DurationNano =>
  world.native && settle < NATIVE_SETTLE ? NATIVE_SETTLE : settle

/** Time has gone on: what has settled by now is told, before the frame that says so is taken in. */
function advance(state: State): Trace[] {
  const { due, settling } = state
  const { read, watched } = state.passing
  for (;;) {
    const uid = settling[0]
    const timeline = uid === undefined ? undefined : state.world.pods.get(uid)
    if (uid === undefined || (timeline?.ended && add(timeline.ended.seenAt, settleOf(state)) > read)) break
    settling.shift()
    due.push(uid)
  }
  if (watched >= state.nextSweep) sweepTimeouts(state)
  return tellDue(state)
}

function tellDue(state: State): Trace[] {
  const { due, passing, room, world } = state
  const told: Trace[] = []
  if (due.length > 0)
    for (const uid of due.splice(0, room(due.length))) {
      const timeline = world.pods.get(uid)
      if (timeline?.ended) pushTold(state, timeline, timeline.ended.outcome, told)
    }
  if (due.length > 0) return told
  state.told.now = passing.now
  state.told.read = passing.read
  state.told.watched = passing.watched
  return told
}

/** Every second is often enough: a timeout's own moment does not depend on when it is noticed. */
function sweepTimeouts(state: State): void {
  state.nextSweep = add(state.passing.watched, SECOND)
  for (const timeline of state.world.pods.values()) {
    if (timeline.ended || !isOverdue(state, timeline)) continue
    timeline.ended = { outcome: 'timeout', seenAt: state.passing.now }
    // One that had timed out before we first saw it was told by whoever watched then.
    const stale =
      timeline.firstPhase !== 'live' &&
      timeline.firstSeen >= add(createdOf(state, timeline), state.startTimeout)
    const isUntold = stale && !state.world.backfill(timeline.pod)
    if (isUntold || ranLongBefore(timeline.pod, state.startTimeout)) finish(state.world, timeline.uid)
    else state.due.push(timeline.uid)
  }
}

/** Once a second for all that are in flight: the clock is asked only of those that may be. */
function isOverdue(state: State, timeline: PodTimeline): boolean {
  const { startTimeout } = state
  const now = state.passing.watched
  const stamp = createdStamp(timeline)
  if (stamp <= timeline.firstSeen && now < add(stamp, startTimeout)) return false
  return now >= add(createdOf(state, timeline), startTimeout)
}

const createdStamp = ({ pod, firstSeen }: PodTimeline): UnixNano =>
  pod.createdSeconds === undefined || pod.createdSeconds <= 0 ? firstSeen : fromSeconds(pod.createdSeconds)

/** By our clock: an API server's that is off by more than the timeout would end every start at once, or none. */
function createdOf({ world }: State, timeline: PodTimeline): UnixNano {
  const { firstPhase, firstSeen } = timeline
  const stamp = createdStamp(timeline)
  const shift =
    firstPhase === 'live'
      ? shiftOfStamp(world.clocks, 'apiserver', stamp, firstSeen)
      : shiftOf(world.clocks, 'apiserver', firstSeen)
  return add(stamp, shift.by)
}

function noteEnd(state: State, { kind, record, t, phase }: ObjectFrame): void {
  if (record.resource !== 'pods') return
  const { uid } = record
  const timeline = state.world.pods.get(uid)
  if (!timeline || timeline.ended) return
  const outcome = timeline.isListed ? listedEndOf(timeline.pod, kind) : endOf(timeline.pod, kind)
  if (!outcome) return
  if (phase === 'live' && ranLongBefore(timeline.pod, state.startTimeout)) return finish(state.world, uid)
  timeline.ended = { outcome, seenAt: t }
  state.settling.push(uid)
}

/** Of several ends that were not seen as they came, the first. */
function listedEndOf(pod: PodRecord, kind: ObjectFrame['kind']): End['outcome'] | undefined {
  if (wasReady(pod)) return 'ready'
  return endedWhenAsked(pod) ? 'deleted' : endOf(pod, kind)
}

/** A container that ended when its pod had been asked to end was ended by that. */
function endedWhenAsked(pod: PodRecord): boolean {
  const { deletionSeconds, deletionGraceSeconds = 0, phase } = pod
  if (deletionSeconds === undefined || isReady(pod) || (phase !== 'Failed' && phase !== 'Succeeded'))
    return false
  return [...(pod.initContainerStatuses ?? []), ...(pod.containerStatuses ?? [])].some(
    ({ state }) =>
      state?.kind === 'terminated' && (state.finishedSeconds ?? 0) >= deletionSeconds - deletionGraceSeconds,
  )
}

function endOf(pod: PodRecord, kind: ObjectFrame['kind']): End['outcome'] | undefined {
  if (isReady(pod)) return 'ready'
  if (pod.phase === 'Succeeded') return 'completed'
  if (pod.phase === 'Failed') return 'failed'
  if (pod.deletionSeconds !== undefined || kind === 'deleted') return 'deleted'
  return undefined
}

/** A mirror that was made anew tells of a static pod that has run all the time: what it shows is no start. */
function ranLongBefore(pod: PodRecord, startTimeout: DurationNano): boolean {
  const { annotations, containerStatuses = [], createdSeconds } = pod
  if (annotations?.['kubernetes.io/config.mirror'] === undefined || createdSeconds === undefined) return false
  const limit = fromSeconds(createdSeconds)
  return containerStatuses.some(({ state, lastState }) =>
    [state, lastState].some((run) => {
      const started = run && run.kind !== 'waiting' ? run.startedSeconds : undefined
      return started !== undefined && started > 0 && add(fromSeconds(started), startTimeout) < limit
    }),
  )
}

function tellAll(state: State): Trace[] {
  const told: Trace[] = []
  for (const timeline of [...state.world.pods.values()])
    pushTold(state, timeline, timeline.ended?.outcome ?? 'starting', told)
  state.settling.length = 0
  state.due.length = 0
  return told.sort((a, b) => compareEnds(a, b))
}

const compareEnds = (a: Trace, b: Trace): number => {
  const [x, y] = [a.spans[0]?.end.best ?? 0n, b.spans[0]?.end.best ?? 0n]
  return x < y ? -1 : x > y ? 1 : a.uid < b.uid ? -1 : 1
}

function pushTold(state: State, timeline: PodTimeline, ending: Ending, told: Trace[]): void {
  const native = nativeOf(state.world, timeline, state.passing.now)
  const trace = tell(state, timeline, ending, native)
  if (trace && native) settleNative(state.world, trace, native, state.passing.now)
  if (trace) told.push(trace)
  else count(state.world, 'garbage.pod without times')
  const { malformed } = incomingOf(state.world, timeline.pod)
  if (malformed > 0) count(state.world, 'garbage.trace context', malformed)
  finish(state.world, timeline.uid)
}

function tell(
  state: State,
  timeline: PodTimeline,
  ending: Ending,
  native = nativeOf(state.world, timeline, state.passing.now),
): Trace | undefined {
  if (!isUid(timeline.uid)) count(state.world, 'garbage.uid')
  const startup = startupOf(state, timeline, ending, native)
  if (!startup) return undefined
  const crashed = ending === 'ready' ? crashedAfterReady(startup, timeline.ended, settleOf(state)) : undefined
  const outcome = crashed ? 'unstable' : (ending as Outcome)
  const trace = buildTrace(state.world, state.cluster, startup, outcome, crashed)
  return native ? withNative(state.world, trace, native, state.passing.now) : trace
}

function startupOf(
  state: State,
  timeline: PodTimeline,
  ending: Ending,
  native = nativeOf(state.world, timeline, state.passing.now),
): Startup | undefined {
  const node = timeline.pod.nodeName === undefined ? undefined : state.world.nodes.get(timeline.pod.nodeName)
  const { clocks, lag, revisions, related, owners } = state.world
  const surroundings = surroundingsOf(related, owners)
  const snapshot = { timeline, node, clocks, lag, revisions, surroundings, native }
  return tellStartup(snapshot, ending, state.passing.now, state.startTimeout)
}

function listInFlight(state: State): InFlight[] {
  const found: InFlight[] = []
  for (const timeline of state.world.pods.values()) {
    if (timeline.ended) continue
    const startup = startupOf(state, timeline, 'starting')
    if (startup) found.push(inFlightOf(state.world, startup))
  }
  return found.sort(byCreation)
}

const nanos = (value: number): DurationNano => durationNano(BigInt(Math.round(value)))

function reportLag({ world, passing: { now } }: State): DurationNano | undefined {
  const lag = lagNow(world.lag, now)
  return lag === undefined ? undefined : nanos(lag)
}

function reportClocks({ world, passing: { now } }: State): ClockReport[] {
  return [...world.clocks.clocks.keys()].sort().map((clock) => {
    const offset = offsetOf(world.clocks, clock, now)
    return {
      clock,
      samples: offset?.samples ?? 0,
      ...(offset && Number.isFinite(offset.from) ? { offsetFrom: nanos(offset.from) } : {}),
      ...(offset && Number.isFinite(offset.to) ? { offsetTo: nanos(offset.to) } : {}),
    }
  })
}
