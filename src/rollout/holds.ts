// Owns the partition of a rollout's time: at each moment, the one thing that its end was waiting for.
// Promises holds in order that do not overlap and sum to the rollout, walked back from its end as a pod's critical path is.
// Does not sum or describe them: shares.ts does.

import { earliest, latest, seconds, since, type UnixNano } from '../base/time.ts'
import type { Instant } from '../timeline/instant.ts'
import { rootOf, type Span } from '../trace/trace.ts'
import {
  type Course,
  decidedOf,
  lastBefore,
  type Milestone,
  predecessorOf,
  refusedBefore,
  waitsForOld,
} from './milestones.ts'
import type { Because, Hold, RolloutPod } from './rollout.ts'

/** Enough for any rollout; it stops what does not advance. */
const STEPS_MAX = 100_000

/** Where the walk back has come to: up to which moment, and what could only come then. */
interface Place {
  readonly at: UnixNano
  /** The pod that was created then; absent at the end, and where an old pod was asked to go. */
  readonly pod?: RolloutPod
  /** True until a pod has been passed. */
  readonly isLast: boolean
}

/** The earliest first. */
export function findHolds(course: Course): Hold[] {
  const holds: Hold[] = []
  const used = new Set<Milestone>()
  let place: Place = { at: course.end, isLast: true }
  if (!course.isComplete) place = passOpen(course, place, holds)
  for (let step = 0; place.at > course.start && step < STEPS_MAX; step++)
    place = stepBack(course, place, used, holds)
  return holds.filter(({ from, to }) => to > from).reverse()
}

/** A rollout that is not over waits for the pod that has been on its way the longest; without one, for leave to create the next. */
function passOpen(course: Course, place: Place, holds: Hold[]): Place {
  if (course.halts.some(({ from, to }) => from <= place.at && to >= place.at)) return place
  const wanted = course.run.version?.wanted
  const there = course.pods.filter((pod) => !wasLost(pod, place.at))
  const isWhole = wanted !== undefined && course.before + there.length >= wanted
  const from = { ...place, isLast: wanted === undefined || isWhole }
  const open = there.find((pod) => isOnItsWay(pod, place.at))
  if (open) return passPod(course, open, from, holds)
  return (isWhole ? undefined : passRefusal(course, from, holds)) ?? from
}

const isBy = (over: Instant | undefined, at: UnixNano): boolean => over !== undefined && over.best <= at

/** Another one has to come in its place. What became of it later is of no account. */
const wasLost = ({ deleting, failed, stopped }: RolloutPod, at: UnixNano): boolean =>
  isBy(deleting, at) || (failed !== undefined && isBy(stopped, at))

const isOnItsWay = ({ available, created, finished }: RolloutPod, at: UnixNano): boolean =>
  created.best < at && !isBy(available, at) && !isBy(finished, at)

function stepBack(course: Course, place: Place, used: Set<Milestone>, holds: Hold[]): Place {
  const refused = place.pod && passRefusal(course, place, holds)
  if (refused) return refused
  const milestone = milestoneBefore(course, place, used)
  if (!milestone) {
    pushGap(course, course.start, place, undefined, holds)
    return { ...place, at: course.start }
  }
  used.add(milestone)
  const at = latest(course.start, earliest(milestone.at.best, place.at))
  pushGap(course, at, place, milestone, holds)
  return passMilestone(course, milestone, { ...place, at }, holds)
}

function passRefusal(course: Course, place: Place, holds: Hold[]): Place | undefined {
  const refused = refusedBefore(course, place.at, place.pod)
  if (!refused || refused.from >= place.at) return undefined
  const from = latest(refused.from, course.start)
  const { message } = refused
  holds.push({ kind: 'creation refused', from, to: place.at, actor: 'kube-apiserver', message })
  return { ...place, at: from }
}

function milestoneBefore(course: Course, place: Place, used: ReadonlySet<Milestone>): Milestone | undefined {
  const rest = { ...course, milestones: course.milestones.filter((one) => !used.has(one)) }
  const { pod } = place
  if (!pod) return lastBefore(rest, place.at)
  const predecessor = predecessorOf(rest, pod)
  if (predecessor) return predecessor
  return lastBefore(rest, course.run.history.kind === 'Deployment' ? decidedOf(course, pod) : place.at, pod)
}

function passMilestone(course: Course, { pod, old, at }: Milestone, place: Place, holds: Hold[]): Place {
  if (pod) return passPod(course, pod, place, holds)
  if (!old) return place
  const from = latest(course.start, earliest(old.deleting.best, place.at))
  const to = earliest(at.best, place.at)
  const because = becauseOf(course, { ...place, isLast: false })
  holds.push({ kind: 'stop old pod', from, to, actor: 'kubelet', old, because })
  return { at: from, isLast: false }
}

/** From its creation on: its start, the time that it has to be ready, and for a Job its work. */
function passPod(course: Course, pod: RolloutPod, place: Place, holds: Hold[]): Place {
  const because = becauseOf(course, place)
  const from = latest(course.start, earliest(pod.created.best, place.at))
  let to = place.at
  const within = (at: UnixNano): UnixNano => latest(from, earliest(at, to))
  if (pod.finished && pod.ready) {
    const ready = within(pod.ready.best)
    holds.push({ kind: 'run pod', from: ready, to, actor: 'container', pod, because })
    to = ready
  } else if (pod.available && pod.ready && pod.available !== pod.ready) {
    const ready = within(pod.ready.best)
    const actor = controllerOf(course)
    holds.push({ kind: 'wait for minReadySeconds', from: ready, to, actor, pod, because })
    to = ready
  }
  pushStart(pod, from, to, because, holds)
  return { at: from, pod, isLast: false }
}

/** Why what came after had to wait. */
function becauseOf({ run, limits }: Course, { isLast }: Place): Because {
  if (isLast) return 'last'
  if (run.history.kind === 'Job') return 'parallelism'
  if (run.history.kind === 'StatefulSet' && limits.ordered !== false) return 'ordered'
  return limits.strategy === 'Recreate' ? 'Recreate' : 'budget'
}

/** A start's own critical path, the latest part first; what it leaves open is the start itself. */
function pushStart(pod: RolloutPod, from: UnixNano, to: UnixNano, because: Because, holds: Hold[]): void {
  const base = { kind: 'start pod', actor: 'kubelet', pod, because } as const
  let cursor = to
  for (const { span, part } of criticalParts(pod)) {
    const end = earliest(part.to, cursor)
    const start = latest(part.from, from)
    if (end <= start) continue
    if (end < cursor) holds.push({ ...base, from: end, to: cursor })
    holds.push({ ...base, from: start, to: end, actor: span.actor, span })
    cursor = start
  }
  if (cursor > from) holds.push({ ...base, from, to: cursor })
}

/** Of all operations of a start, the latest first. */
function criticalParts({ trace }: RolloutPod) {
  if (!trace) return []
  const root = rootOf(trace)
  return trace.spans
    .filter((span: Span) => span !== root)
    .flatMap((span) => span.critical.map((part) => ({ span, part })))
    .sort((a, b) => (a.part.to > b.part.to ? -1 : a.part.to < b.part.to ? 1 : 0))
}

/** Between what let the rollout go on and its going on: halted, backing off, waiting for a person, else its controller's own time. */
function pushGap(
  course: Course,
  from: UnixNano,
  place: Place,
  milestone: Milestone | undefined,
  holds: Hold[],
): void {
  let to = place.at
  for (const halt of course.halts.toReversed()) {
    const start = latest(halt.from, from)
    const end = earliest(halt.to, to)
    if (end <= start) continue
    holds.push(gap(course, end, to, place, milestone))
    holds.push({ kind: halt.kind, from: start, to: end, actor: 'user' })
    to = start
  }
  holds.push(gap(course, from, to, place, milestone))
}

function gap(
  course: Course,
  from: UnixNano,
  to: UnixNano,
  { pod }: Place,
  milestone: Milestone | undefined,
): Hold {
  const failed = milestone?.pod?.failed
  const actor = controllerOf(course)
  if (course.run.history.kind === 'Job' && (pod || course.isRolling) && failed !== undefined)
    return { kind: 'back-off', from, to, actor, message: failed }
  const byHand = course.limits.strategy === 'OnDelete' && !pod
  if (byHand && milestone?.pod) return { kind: 'wait for deletion', from, to, actor: 'user' }
  if (isUnseen(course, from, to)) return { kind: 'unaccounted', from, to, actor: 'podspan' }
  return { kind: 'reconcile', from, to, actor }
}

/** A controller takes no longer, or something else held it. */
const CONTROLLER_MAX = seconds(5)

/** Old pods that went before anybody watched are forgotten, and so is a halt; without the workload, a halt at any time. */
function isUnseen({ run, watchedFrom }: Course, from: UnixNano, to: UnixNano): boolean {
  if (!run.version) return true
  if (from >= watchedFrom) return false
  return (waitsForOld(run) && !run.isFirst) || since(to, from) > CONTROLLER_MAX
}

const CONTROLLERS = {
  Deployment: 'deployment-controller',
  StatefulSet: 'statefulset-controller',
  DaemonSet: 'daemonset-controller',
  Job: 'job-controller',
} as const

export const controllerOf = ({ run }: Pick<Course, 'run'>): string => CONTROLLERS[run.history.kind]
