// Owns `pull image` with its wait and its transfer, and the back-off between failed pulls.
// Promises that a wait names the pulls of other pods that ended meanwhile on the same node, and the last of them.

import { add, milliseconds, toMilliseconds, type UnixNano } from '../base/time.ts'
import type { Stamp } from '../base/stamp.ts'
import type { NodeTimeline } from '../timeline/node-timeline.ts'
import { isBusyBeside } from '../timeline/node-activity.ts'
import { pullsAhead } from '../timeline/node-timeline.ts'
import { type Draft, unseen } from '../timeline/combine.ts'
import type { ContainerHistory } from './container-history.ts'
import { type Run, runsInOrder } from './runs.ts'
import type { Pull } from './pull-history.ts'
import type { OperationAttribute } from './operation.ts'
import { comesBefore, isObserved, type Plan, type Planned } from './plan.ts'

/** A wait shorter than this is the kubelet looking for credentials, not a queue. */
const QUEUE_MIN_MS = 1

/** What images are pulled for: a container, or volumes of the pod. */
export interface Puller {
  /** Where the paths of its pulls begin. */
  readonly path: string
  /** Undefined for volumes. */
  readonly container?: string
  readonly image: string
  readonly imagePullPolicy: string | undefined
  readonly pulls: readonly Pull[]
  readonly attributes?: Readonly<Record<string, OperationAttribute>>
  /** What a pull was for: it came after the pull, if that succeeded. */
  readonly attemptOf: (pull: Pull) => Draft | undefined
}

export function pullerOf(history: ContainerHistory): Puller {
  const { spec, pulls } = history
  const { name, image, imagePullPolicy } = spec
  return {
    path: name,
    container: name,
    image,
    imagePullPolicy,
    pulls,
    attemptOf: (pull) => attemptOf(history, pull),
  }
}

export function planPulls(
  plan: Plan,
  uid: string,
  puller: Puller,
  node: NodeTimeline | undefined,
  after: Draft | undefined,
): void {
  const { pulls } = puller
  let from = after
  pulls.forEach((pull, index) => {
    comesBefore(plan, from, pull.requested)
    const next = puller.attemptOf(pull)
    const following = pulls[index + 1]?.requested ?? (pull.failed ? undefined : next)
    const end = pull.ended ?? (following ? unseen() : undefined)
    pull.ended = end
    allowForOthers(uid, pull, node)
    if (pull.transfer) comesBefore(plan, pull.requested, pull.transfer)
    comesBefore(plan, pull.transfer ?? pull.requested, end)
    comesBefore(plan, end, following)
    if (following !== next && !pull.failed) comesBefore(plan, end, next)
    plan.planned.push(planPull(uid, puller, pull, index, node))
    if (pull.failed) {
      const until = pulls[index + 1]?.requested ?? beforeNext(plan, end, next)
      plan.planned.push(backOff(puller, pull, index, end ?? pull.requested, until))
    }
    from = end
  })
}

/**
 * What the image was for. Where events do not tell: the first run of the status alone that may have come after it; the last, where each run
 * asks for its image anew, and it may be of any.
 */
function attemptOf({ failedCreates, runs, spec, untold }: ContainerHistory, pull: Pull): Draft | undefined {
  const { attempt, ended, requested } = pull
  if (attempt) return 'at' in attempt ? attempt.at : signAfterImage(attempt)
  const at = requested.best ?? ended?.best
  const signs = runsInOrder(runs).flatMap(([number, run]) => {
    const sign = number < untold ? undefined : signAfterImage(run)
    return sign && (at === undefined || sign.latest === undefined || sign.latest >= at) ? [sign] : []
  })
  return (
    signs.at(spec.imagePullPolicy === 'Always' ? -1 : 0) ?? (untold === 0 ? failedCreates[0]?.at : undefined)
  )
}

const signAfterImage = ({ created, started, failed, finished }: Run): Draft | undefined =>
  created ?? started ?? failed?.at ?? finished

/**
 * The kubelet asks for the image's size before it records the pull's end, and a runtime that is busy answers late (measured, where several pods
 * were started at once on two cores, beside tests: more than 5 ms in 48 of 293 pulls, more than 45 in 2 of them).
 */
const BESIDE_OTHERS = milliseconds(40)

/** And its time begins to count before the runtime is asked (measured in the same pulls: by up to 6.5 ms). */
const ASKED_LATE = milliseconds(7)

function allowForOthers(uid: string, { ended, transfer }: Pull, node: NodeTimeline | undefined): void {
  if (!node?.activity || ended?.source !== 'event-name' || ended.earliest === undefined) return
  const told = ended.stamps.find(({ source }) => source === 'event-name')
  if (!told || !isBusyBeside(node.activity, uid, told.at)) return
  ended.earliest = (ended.earliest - BESIDE_OTHERS) as UnixNano
  if (transfer?.latest !== undefined && transfer.source === 'pull-duration')
    transfer.latest = add(transfer.latest, ASKED_LATE)
}

/** After the last failed pull that was seen, another one came before whatever is known next. */
function beforeNext(plan: Plan, failed: Draft | undefined, next: Draft | undefined): Draft | undefined {
  if (!next) return undefined
  const again = unseen()
  comesBefore(plan, failed, again)
  comesBefore(plan, again, next)
  return again
}

function planPull(
  uid: string,
  puller: Puller,
  pull: Pull,
  index: number,
  node: NodeTimeline | undefined,
): Planned {
  const { container, pulls } = puller
  const image = pull.detail?.image ?? puller.image
  const path = `${puller.path}/pull image/${index + 1}`
  const ahead = waitedBehind(uid, pull, node)
  const bytes = pull.detail?.bytes
  const attributes: Record<string, OperationAttribute> = { 'container.image.name': image }
  if (bytes !== undefined) attributes['podspan.image.bytes'] = bytes
  if (puller.imagePullPolicy === 'Always') attributes['podspan.image.pull_policy'] = 'Always'
  Object.assign(attributes, puller.attributes, ahead.attributes)
  return {
    name: 'pull image',
    path,
    actor: 'kubelet',
    subject: image,
    container,
    start: pull.requested,
    end: pull.ended,
    error: pull.failed,
    attempt: pulls.length > 1 ? index + 1 : undefined,
    attributes,
    waitedFor: ahead.waitedFor,
    children: planParts(path, container, pull),
  }
}

function planParts(path: string, container: string | undefined, pull: Pull): Planned[] {
  if (!pull.transfer || !pull.ended) return []
  const waited = waitMs(pull)
  const transfer: Planned = {
    name: 'transfer and unpack',
    path: `${path}/transfer and unpack`,
    actor: 'container runtime',
    container,
    start: pull.transfer,
    end: pull.ended,
  }
  if (waited < QUEUE_MIN_MS) return [transfer]
  const wait: Planned = {
    name: 'wait for pull slot',
    path: `${path}/wait for pull slot`,
    actor: 'kubelet',
    container,
    start: pull.requested,
    end: pull.transfer,
  }
  return [wait, transfer]
}

/** How long the pull waited before the runtime was asked, by the event's own two durations. */
function waitMs({ detail }: Pull): number {
  if (detail?.pull === undefined || detail.withWaiting === undefined) return 0
  return toMilliseconds((detail.withWaiting - detail.pull) as typeof detail.pull)
}

interface Ahead {
  readonly attributes: Readonly<Record<string, OperationAttribute>>
  readonly waitedFor: { readonly uid: string; readonly why: string }[]
}

const NOBODY: Ahead = { attributes: {}, waitedFor: [] }

/** A wait of less than this is not worth naming who was ahead: credentials take as long. */
const BEHIND_MIN_MS = 100

function waitedBehind(uid: string, pull: Pull, node: NodeTimeline | undefined): Ahead {
  const from = stampOf(pull.requested)
  const to = pull.transfer && stampOf(pull.transfer)
  if (!node || !from || !to || waitMs(pull) < BEHIND_MIN_MS) return NOBODY
  const ahead = pullsAhead(node, uid, from.at, to.at)
  const last = ahead.at(-1)
  if (!last) return NOBODY
  return {
    attributes: { 'podspan.pull.queued_behind': ahead.length, 'podspan.pull.queued_behind.last': last.pod },
    waitedFor: [{ uid: last.uid, why: 'queued behind its image pull' }],
  }
}

const stampOf = (draft: Draft): Stamp | undefined =>
  draft.stamps.find(({ source }) => source === 'event-name' || source === 'pull-duration')

function backOff(
  { attributes, container, image, path }: Puller,
  pull: Pull,
  index: number,
  from: Draft,
  until: Draft | undefined,
): Planned {
  return {
    name: 'back-off',
    path: `${path}/back-off/pull/${index + 1}`,
    actor: 'kubelet',
    subject: pull.detail?.image ?? container ?? image,
    container,
    start: from,
    end: until,
    attributes: { 'podspan.backoff.after': 'pull image', ...attributes },
  }
}

/** The first boundary of a container that is evidence of its turn having come. */
export function firstSign(history: ContainerHistory): Draft | undefined {
  const first = history.runs.get(0)
  const failed = history.failedCreates[0]
  const candidates = [history.pulls[0]?.requested, failed?.image, failed?.at, first?.image].filter(isObserved)
  return candidates.reduce(earlierOf, undefined) ?? first?.created ?? first?.started
}

const earlierOf = (a: Draft | undefined, b: Draft | undefined): Draft | undefined =>
  a?.best !== undefined && (b?.best === undefined || a.best <= b.best) ? a : b
