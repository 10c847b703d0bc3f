// Owns what let a rollout go on: pods that became available or ended, and what had to be there before a pod was made.
// Promises that nothing is taken for a cause that came after its effect, but for what the clocks leave open.
// Does not partition the time: holds.ts does.

import { SECOND, type UnixNano } from '../base/time.ts'
import type { Instant } from '../timeline/instant.ts'
import type { Book, Refusal } from './book.ts'
import { instantOf } from './members.ts'
import type { OldPod, RolloutPod } from './rollout.ts'
import type { Run } from './runs.ts'
import type { Limits } from './workload.ts'

/** Something that others waited for: it went on from `from` to `at`. */
export interface Milestone {
  readonly from: UnixNano
  readonly at: Instant
  readonly pod?: RolloutPod
  readonly old?: OldPod
}

export interface Course {
  readonly run: Run
  readonly limits: Limits
  readonly start: UnixNano
  readonly end: UnixNano
  readonly isComplete: boolean
  /** Neither complete nor given up. */
  readonly isRolling: boolean
  /** Since when anybody watched; what went before that is known only as far as objects still tell. */
  readonly watchedFrom: UnixNano
  readonly pods: readonly RolloutPod[]
  readonly old: readonly OldPod[]
  /** Pods of this revision that were there already: it was taken up again. */
  readonly before: number
  readonly milestones: readonly Milestone[]
  /** When the controller of a Deployment let its ReplicaSet have so many pods. */
  readonly scalings: readonly { readonly at: UnixNano; readonly to: number }[]
  readonly refusals: readonly { readonly at: UnixNano; readonly message: string }[]
  readonly halts: readonly {
    readonly from: UnixNano
    readonly to: UnixNano
    readonly kind: 'paused' | 'suspended'
  }[]
}

export function milestonesOf(run: Run, pods: readonly RolloutPod[], old: readonly OldPod[]): Milestone[] {
  const made = pods.flatMap((pod): Milestone[] => {
    const at = run.history.kind === 'Job' ? pod.finished : pod.available
    return at ? [{ from: pod.created.best, at, pod }] : []
  })
  return [...made, ...old.flatMap((one) => leavingOf(run, one))]
}

/**
 * A Deployment's controller goes on as soon as it has asked an old pod to go, unless it recreates; a StatefulSet needs the pod's name, and a
 * DaemonSet the node.
 */
function leavingOf(run: Run, old: OldPod): Milestone[] {
  const { kind } = run.history
  const waits = waitsForOld(run)
  const at = kind === 'StatefulSet' ? old.gone : old.stopped
  return waits && at ? [{ from: old.deleting.best, at, old }] : []
}

/** Whether new pods need old ones to be gone. */
export const waitsForOld = ({ history, version }: Run): boolean =>
  history.kind === 'StatefulSet' ||
  history.kind === 'DaemonSet' ||
  (history.kind === 'Deployment' && version?.limits.strategy === 'Recreate')

/** The old pod whose place this one took: its name in a StatefulSet, its node in a DaemonSet. */
export function predecessorOf({ run, milestones }: Course, pod: RolloutPod): Milestone | undefined {
  const { kind } = run.history
  if (kind !== 'StatefulSet' && kind !== 'DaemonSet') return undefined
  const same = ({ old }: Milestone): boolean =>
    old !== undefined && (kind === 'StatefulSet' ? old.name === pod.name : old.node === pod.node)
  return milestones.filter(same).findLast(({ at }) => at.earliest <= pod.created.latest)
}

/** The latest that may have been over by then; of Jobs' pods one that failed since the last pod was made, for the back-off after it. */
export function lastBefore(
  { milestones, run, pods }: Course,
  at: UnixNano,
  but?: RolloutPod,
): Milestone | undefined {
  const before = milestones.filter((one) => one.pod !== but && one.at.earliest <= at && one.from < at)
  if (run.history.kind === 'Job') {
    const made = pods.findLast((pod) => pod !== but && pod.created.best < at)?.created.best ?? 0n
    const failed = before.findLast(({ pod, at: ended }) => pod?.failed !== undefined && ended.best > made)
    if (failed) return failed
  }
  const reached = (one: Milestone): bigint => (one.at.best < at ? one.at.best : at)
  return before.reduce<Milestone | undefined>(
    (last, one) => (last && reached(last) >= reached(one) ? last : one),
    undefined,
  )
}

/** When a Deployment's controller let there be a pod more: not after the pod itself. */
export function decidedOf({ scalings, pods, before }: Course, pod: RolloutPod): UnixNano {
  const place = before + pods.indexOf(pod) + 1
  const scaling = scalings.find(({ to, at }) => to >= place && at <= pod.created.best + SLACK)
  return scaling && scaling.at < pod.created.best ? scaling.at : pod.created.best
}

/** Events are recorded a little after what they say. */
const SLACK = SECOND

/** Creations of one batch are within this of each other. */
const BATCH = SECOND

/** Since when creating a pod that was made at `at` had been refused; nothing where the last refusal had long been overcome. */
export function refusedBefore({ refusals, pods }: Course, at: UnixNano, but?: RolloutPod) {
  const before = refusals.filter((one) => one.at < at)
  const last = before.at(-1)
  if (!last) return undefined
  const overcome = pods.some(
    (pod) => pod !== but && pod.created.best > last.at + BATCH && pod.created.best < at - BATCH,
  )
  if (overcome) return undefined
  const since = pods.findLast((pod) => pod !== but && pod.created.best < last.at)?.created.best
  const first = before.find((one) => since === undefined || one.at > since)
  return first && { from: first.at, message: last.message }
}

/** In order of time, within the run. */
export function refusalsIn(book: Book, run: Run, start: UnixNano, end: UnixNano): Course['refusals'] {
  const own: readonly Refusal[] = book.refusals.get(run.creator) ?? []
  return dated(book, own)
    .map(({ at, of }) => ({ at, message: of.message }))
    .filter(({ at }) => at >= start && at <= end)
}

export function scalingsIn(book: Book, run: Run, start: UnixNano, end: UnixNano): Course['scalings'] {
  const own = (book.scalings.get(run.history.uid) ?? []).filter(
    ({ replicaSet }) => replicaSet === run.replicaSet,
  )
  return dated(book, own)
    .map(({ at, of }) => ({ at, to: of.to }))
    .filter(({ at }) => at >= start && at <= end)
}

/** Pods of the revision that were made before the run, and were not asked to go before it. */
export function keptOf(book: Book, run: Run, start: UnixNano): number {
  let kept = 0
  for (const { hash, created, deleting } of book.pods.of(run.creator)) {
    if (hash !== run.hash) continue
    const [made, gone] = [created, deleting].map((stamps) => instantOf(book, 'created', stamps)?.best)
    if (made !== undefined && made < start && (gone === undefined || gone > start)) kept++
  }
  return kept
}

function dated<V extends Pick<Refusal, 'stamps'>>(book: Book, list: readonly V[]): { at: UnixNano; of: V }[] {
  return list
    .flatMap((of) => {
      const at = instantOf(book, 'noted', of.stamps)?.best
      return at === undefined ? [] : [{ at, of }]
    })
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

/** When the workload was paused or suspended. */
export function haltsIn(book: Book, run: Run, start: UnixNano, end: UnixNano): Course['halts'] {
  const halts: { from: UnixNano; to: UnixNano; kind: 'paused' | 'suspended' }[] = []
  let open: (typeof halts)[number] | undefined
  for (const { kind, stamps, version } of run.changes) {
    const at = instantOf(book, 'ready stored', stamps)?.best
    if (kind === 'halted' && at !== undefined && version?.halted) {
      open = { from: at < start ? start : at, to: end, kind: version.halted }
      halts.push(open)
    } else if (kind === 'resumed' && open && at !== undefined) {
      open.to = at > end ? end : at
      open = undefined
    }
  }
  return halts
}
