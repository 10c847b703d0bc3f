// Owns the way from one container's facts to its history (container-history.ts).
// Promises that a run found in the events and the same run found in the status are one run. Does not make operations of them.

import type { ContainerSpec } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import { type Clocks, combine, type Draft, UNSEEN, unseen } from '../timeline/combine.ts'
import type { Boundary } from '../timeline/weight.ts'
import type { Fact } from '../timeline/facts.ts'
import type { ContainerHistory } from './container-history.ts'
import { eachFailed, inOrder, NEVER_STARTED } from './occurrences.ts'
import { beginPull, endPull, failPull, type Pull, SAME_FAILURE } from './pull-history.ts'
import { isKill } from './probe-kills.ts'
import { renumber } from './renumber.ts'
import { type FailedCreate, type Run, runAt } from './runs.ts'

/** Puts one container's facts together. */
export function tellHistory(
  spec: ContainerSpec,
  facts: readonly Fact[],
  clocks: Clocks,
  isStoppedForProbes = false,
): ContainerHistory {
  const events: Fact[] = []
  const statuses: Fact[] = []
  const unhealthy: Fact[] = []
  const kills: Fact[] = []
  const waiting: Fact[] = []
  const hookFailures: Draft[] = []
  for (const fact of facts) {
    if (fact.what === 'unhealthy') unhealthy.push(fact)
    else if (fact.what === 'waiting') waiting.push(fact)
    else if (isKill(fact)) kills.push(fact)
    else if (fact.what === 'hook failed') hookFailures.push(combine('hook failed', fact.stamps, clocks))
    else (fact.group === '' ? statuses : events).push(fact)
  }
  const hookFailing = waiting.find(({ detail }) => detail?.reason === 'PostStartHookError')
  const history: ContainerHistory = {
    spec,
    pulls: [],
    runs: new Map(),
    failedCreates: [],
    untold: 0,
    unhealthy,
    kills,
    isStoppedForProbes,
    hookFailures,
    hookFailedBy: hookFailing && combine('hook failed', hookFailing.stamps, clocks),
    waiting,
  }
  walkEvents(history, events, statuses, clocks)
  renumber(history, statuses, clocks)
  for (const fact of statuses) addStatus(history, fact, clocks)
  for (const run of history.runs.values()) doubtImage(history, run)
  return history
}

/** Between a run's image and its creation the status showed that creating failed: the image event seen is of an earlier try. */
function doubtImage({ waiting, failedCreates }: ContainerHistory, run: Run): void {
  const { image, created } = run
  const from = image?.best
  const failures = failedCreates.flatMap(({ at }) => at.best ?? [])
  if (image === undefined || from === undefined || failures.some((at) => at > from)) return
  const shown = waiting.flatMap(({ detail, stamps }) => {
    const seen = stamps.find(({ clock }) => clock === 'observer')?.at
    return seen !== undefined && CREATE_FAILED.test(detail?.reason ?? '') ? [seen] : []
  })
  const doubted = shown.some(
    (seen) =>
      seen > from &&
      (created?.best === undefined || seen < created.best) &&
      !isReportOf(failures, seen, shown),
  )
  if (doubted) run.image = ofEarlierTry(image)
}

/** Whether a failure that is known of is what the status shows, a second late as it may be: no other status came between. */
function isReportOf(failures: readonly UnixNano[], seen: UnixNano, shown: readonly UnixNano[]): boolean {
  const last = failures.findLast((at) => at < seen)
  return last !== undefined && !shown.some((other) => other > last && other < seen)
}

const CREATE_FAILED = /^(CreateContainer(Config)?Error|PreCreateHookError)$/

/** Its own image came after it, if not with it. */
export const ofEarlierTry = ({ earliest }: Draft): Draft => ({ ...unseen(), earliest })

interface Walk {
  image: Draft | undefined
  cached: boolean
  /** How often an image was there, by event. */
  readonly images: Map<string, number>
  /** Pulls before this place were for attempts that are told. */
  pullsFrom: number
  /** The nth failure is the nth run's. */
  readonly eachFailed: boolean
  last: Run | undefined
  failedAt: bigint | undefined
}

function walkEvents(
  history: ContainerHistory,
  facts: readonly Fact[],
  statuses: readonly Fact[],
  clocks: Clocks,
): void {
  const walk: Walk = {
    image: undefined,
    cached: false,
    images: new Map(),
    pullsFrom: 0,
    eachFailed: eachFailed(facts, statuses),
    last: undefined,
    failedAt: undefined,
  }
  const { pulls } = history
  for (const { fact, key } of inOrder(facts, clocks)) {
    const draft = (boundary: Boundary): Draft => combine(boundary, fact.stamps, clocks)
    if (fact.what === 'pulling') beginPull(pulls, draft('pulling'), fact.detail)
    else if (fact.what === 'pull failed')
      walk.failedAt = failPull(pulls, fact, draft('pull failed'), key, walk.failedAt)
    else if (fact.what === 'pulled') {
      const ended = draft('pulled')
      endPull(pulls, fact, ended, clocks)
      setImage(walk, fact, ended, false)
    } else if (fact.what === 'image present') setImage(walk, fact, draft('image present'), true)
    else if (fact.what === 'created container')
      createRun(history, walk, fact.index, draft('created container'))
    else if (fact.what === 'started container')
      startRun(history, walk, fact.index, draft('started container'))
    else if (fact.what === 'container failed')
      failContainer(history, walk, draft('container failed'), fact, key)
  }
}

function setImage(walk: Walk, { group, index }: Fact, image: Draft, cached: boolean): void {
  walk.image = image
  walk.cached = cached
  walk.images.set(group, index + 1)
}

/** The last image that was there; of an earlier try where tries were not seen, and images are fewer than tries. */
function imageOf({ image, images }: Walk, number: number, isNext: boolean): Draft | undefined {
  if (!image || isNext) return image
  let seen = 0
  for (const count of images.values()) seen += count
  return seen < number ? ofEarlierTry(image) : image
}

/** An event's count tells which occurrence it is even where earlier ones were not seen; several events of one kind go by their order. */
function nextRun(history: ContainerHistory, walk: Walk, occurrence: number): Run {
  const number = Math.max(history.untold, occurrence)
  const isNext = number === history.untold
  const run = runAt(history.runs, number)
  run.image = imageOf(walk, number + 1 + (history.failedCreates.at(-1)?.number ?? 0), isNext)
  run.cached = walk.cached
  run.asked = takePulls(history, walk, run, isNext)
  history.untold = number + 1
  walk.last = run
  return run
}

/**
 * The pulls since the attempt before were for this one, or for one between them that was not seen; one that was asked for when the image had come
 * is for a later one. Returns when this one's were first asked for.
 */
function takePulls(
  { pulls }: ContainerHistory,
  walk: Walk,
  attempt: Run | FailedCreate,
  isNext: boolean,
): Draft | undefined {
  const isPresent = walk.image !== undefined && walk.cached
  const came = pulls.slice(walk.pullsFrom).findLastIndex(hasCome)
  const until = isPresent || came < 0 ? pulls.length : walk.pullsFrom + came + 1
  const taken = pulls.slice(walk.pullsFrom, until)
  for (const pull of taken) pull.attempt = attempt
  walk.pullsFrom = until
  walk.image = undefined
  // What came before was for another one: this one found its image there, or had a pull of its own.
  const others = isPresent ? taken : taken.slice(0, -1)
  return taken.slice(others.findLastIndex(hasCome) + 1).at(isNext ? 0 : -1)?.requested
}

const hasCome = ({ ended, failed }: Pull): boolean => ended !== undefined && failed === undefined

function createRun(history: ContainerHistory, walk: Walk, occurrence: number, created: Draft): void {
  nextRun(history, walk, occurrence).created = created
}

function startRun(history: ContainerHistory, walk: Walk, occurrence: number, started: Draft): void {
  const { last } = walk
  // Without one that waits to be started, this run's `Created` was dropped.
  const run = last && !last.started && !last.failed ? last : nextRun(history, walk, occurrence)
  run.started = started
}

/** The second, shorter report of a failure that is told in full as well, such as "Error: ImageInspectError". */
export const SHORT_REPORT = /^Error: \w+$/

/** Where both are dated to a second only, the shorter one may stand first; its count is that of the other. */
function isOtherReport(told: FailedCreate, message: string, { index }: Fact, key: bigint): boolean {
  const isNear = told.at.best !== undefined && key - told.at.best < SAME_FAILURE
  if (!isNear || told.message === message) return false
  return SHORT_REPORT.test(message) || (SHORT_REPORT.test(told.message) && told.number === index + 1)
}

function failContainer(history: ContainerHistory, walk: Walk, at: Draft, fact: Fact, key: bigint): void {
  const message = fact.detail?.message ?? 'container failed'
  const run = walk.last
  const isOpen = run !== undefined && run.created && !run.started && !run.failed
  if (walk.eachFailed && fact.index >= history.untold) {
    // So did the one before, unseen.
    if (isOpen) run.failed = { at: unseen(), message }
    nextRun(history, walk, fact.index).failed = { at, message }
  } else if (isOpen && !isOfImage(fact)) run.failed = { at, message }
  else failCreate(history, walk, at, fact, message, key)
  walk.image = undefined
}

/** The kubelet looks for the image before it creates the container. */
const isOfImage = ({ detail }: Fact): boolean =>
  detail?.reason === 'InspectFailed' || detail?.message === 'Error: ImageInspectError'

function failCreate(
  history: ContainerHistory,
  walk: Walk,
  at: Draft,
  fact: Fact,
  message: string,
  key: bigint,
): void {
  const { failedCreates, untold: beforeRun } = history
  const last = failedCreates.at(-1)
  if (last && isOtherReport(last, message, fact, key)) {
    if (!SHORT_REPORT.test(message)) last.message = message
    return
  }
  const next = (last?.number ?? 0) + 1
  const number = Math.max(next, fact.index + 1)
  const isNext = number === next
  const image = imageOf(walk, number + beforeRun, isNext)
  const failed: FailedCreate = { asked: undefined, image, at, message, number, beforeRun }
  failedCreates.push(failed)
  failed.asked = takePulls(history, walk, failed, isNext)
}

/** What the status says of a run joins what the events said of the run with the same restart count. */
function addStatus(history: ContainerHistory, fact: Fact, clocks: Clocks): void {
  const draft = (boundary: Boundary, stamps: readonly Stamp[] = fact.stamps): Draft =>
    combine(boundary, stamps, clocks)
  if (fact.what === 'started container') {
    const run = runAt(history.runs, fact.index)
    run.started = draft('started container', [...(run.started?.stamps ?? []), ...fact.stamps])
  } else if (fact.what === 'finished container') {
    const run = runAt(history.runs, fact.index)
    run.finished = draft('finished container')
    run.exitCode = fact.detail?.exitCode
    run.exitReason = fact.detail?.reason
    run.exitMessage = fact.detail?.message
    if (!isSeen(run.failed) && NEVER_STARTED.has(run.exitReason ?? '')) run.failed = takeFailure(history, run)
  } else if (fact.what === 'startup passed')
    runAt(history.runs, fact.index).startupPassed = draft('startup passed')
  else if (fact.what === 'container ready') {
    const run = runAt(history.runs, fact.index)
    run.ready = draft('container ready')
    run.readyStamps = fact.stamps
  } else if (fact.what === 'container unready') runAt(history.runs, fact.index).unreadyStamps = fact.stamps
}

const isSeen = (failed: Run['failed']): boolean => failed !== undefined && failed.at.rank < UNSEEN

/** A failure to start whose `Created` was dropped looks like a failure to create, until the status tells of the run. */
function takeFailure(history: ContainerHistory, { finished, exitMessage }: Run): Run['failed'] {
  const { earliest, latest } = finished ?? unseen()
  if (earliest === undefined || latest === undefined || exitMessage === undefined) return undefined
  const index = history.failedCreates.findIndex(
    ({ at, message }) =>
      at.best !== undefined && at.best >= earliest && at.best <= latest && message.includes(exitMessage),
  )
  const [taken] = index < 0 ? [] : history.failedCreates.splice(index, 1)
  return taken && { at: taken.at, message: taken.message }
}
