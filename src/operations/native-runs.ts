// Owns what the kubelet's calls to the runtime add to what containers went through: when each pull, creation and start really was.
// Promises that a call is taken for the run it names; one that names none, for the event that was recorded right after it. A run that no
// event told is one all the same. Does not plan operations.

import type { Stamp } from '../base/stamp.ts'
import { add, type DurationNano, durationNano, milliseconds, SECOND } from '../base/time.ts'
import { type Clocks, combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Boundary } from '../timeline/weight.ts'
import type { ContainerHistory } from './container-history.ts'
import { newRun, type Run } from './runs.ts'
import { callsNamed, type NativeEvidence, type RuntimeCall } from './native-evidence.ts'
import type { Pull } from './pull-history.ts'

/** `pulls`: those of the pod that are of no container. */
export function refineHistories(
  histories: readonly ContainerHistory[],
  pulls: readonly Pull[],
  evidence: NativeEvidence,
  clocks: Clocks,
): void {
  const byName = new Map(histories.map((history) => [history.spec.name, history]))
  for (const call of callsNamed(evidence, 'CreateContainer', 'succeeded'))
    refineCreation(runOf(byName, histories, call, 'created'), call, clocks)
  for (const call of callsNamed(evidence, 'StartContainer', 'succeeded'))
    refine(runOf(byName, histories, call, 'started'), 'started', 'started container', call.end, clocks)
  for (const call of callsNamed(evidence, 'StartContainer', 'failed'))
    failRun(runOf(byName, histories, call, 'started'), call, clocks)
  refineFailedCreates(histories, callsNamed(evidence, 'CreateContainer', 'failed'), clocks)
  refinePulls([...pulls, ...histories.flatMap((history) => history.pulls)], evidence, clocks)
}

function refineCreation(run: Run | undefined, { end, start }: RuntimeCall, clocks: Clocks): void {
  if (run) run.image = presentBy(run.image, combine('sandbox began', [start], clocks))
  refine(run, 'created', 'created container', end, clocks)
}

/** The image was there by the call at the latest, whatever events say of it, unless they say that it came later. */
function presentBy(image: Draft | undefined, called: Draft): Draft {
  if (!image) return { ...called, earliest: undefined }
  const { best, latest } = called
  if (best === undefined || latest === undefined) return image
  if (image.earliest !== undefined && image.earliest > latest) return image
  if (image.latest === undefined || image.latest > latest) image.latest = latest
  if (image.best === undefined || image.best > latest) image.best = best
  return image
}

function refine(
  run: Run | undefined,
  key: 'created' | 'started',
  boundary: Boundary,
  stamp: Stamp,
  clocks: Clocks,
): void {
  if (run) run[key] = refined(run[key], boundary, stamp, clocks)
}

/** The draft itself, since others may share it. */
export function refined(draft: Draft | undefined, boundary: Boundary, stamp: Stamp, clocks: Clocks): Draft {
  const fresh = combine(boundary, [...(draft?.stamps ?? []), stamp], clocks)
  return draft ? Object.assign(draft, fresh) : fresh
}

function runOf(
  byName: ReadonlyMap<string, ContainerHistory>,
  histories: readonly ContainerHistory[],
  call: RuntimeCall,
  key: 'created' | 'started',
): Run | undefined {
  const { container, attempt } = call
  if (container === undefined || attempt === undefined) return runRecordedAfter(histories, call, key)
  const history = byName.get(container)
  if (!history) return undefined
  let run = history.runs.get(attempt)
  if (!run) history.runs.set(attempt, (run = newRun()))
  return run
}

/** Of CRI-O's spans none says which container it is of. Its event is recorded right after the call. */
function runRecordedAfter(
  histories: readonly ContainerHistory[],
  { end }: RuntimeCall,
  key: 'created' | 'started',
): Run | undefined {
  const runs = histories.flatMap((history) => [...history.runs.values()])
  const after = runs.filter((run) => isRecordedAfter(run[key] ?? run.failed?.at, end))
  return after.length === 1 ? after[0] : undefined
}

/** An event is recorded when its call has returned: most within a millisecond, on a busy machine 20 (docs/accuracy.md). */
const RECORDED_WITHIN = milliseconds(50)

const isRecordedAfter = (draft: Draft | undefined, { at }: Stamp): boolean =>
  eventOf(draft) !== undefined && isWithin(eventOf(draft)?.at ?? at, at, RECORDED_WITHIN)

const isWithin = (event: Stamp['at'], at: Stamp['at'], within: DurationNano): boolean =>
  event >= at && event <= add(at, within)

/** By the same clock as the call. */
const eventOf = (draft: Draft | undefined): Stamp | undefined =>
  draft?.stamps.find(({ source }) => source === 'event-name')

function failRun(run: Run | undefined, { end, error }: RuntimeCall, clocks: Clocks): void {
  if (!run || error === undefined || run.started) return
  run.failed = {
    at: refined(run.failed?.at, 'container failed', end, clocks),
    message: run.failed?.message ?? error,
  }
}

function refineFailedCreates(
  histories: readonly ContainerHistory[],
  calls: readonly RuntimeCall[],
  clocks: Clocks,
): void {
  const failures = histories.flatMap(({ failedCreates }) => failedCreates)
  for (const { end } of calls) {
    const told = failures.filter(({ at }) => isRecordedAfter(at, end))
    const [only] = told
    if (only && told.length === 1) refined(only.at, 'container failed', end, clocks)
  }
}

/** `Pulled` is recorded after the image's size was asked for as well. */
const PULLED_WITHIN = durationNano(SECOND / 4n)

/** Pulls of one pod follow each other, so that at most one of its calls ends right before an event of it. */
function refinePulls(pulls: readonly Pull[], evidence: NativeEvidence, clocks: Clocks): void {
  const calls = new Set(evidence.calls.filter(({ name }) => name === 'PullImage'))
  const take = (pull: Pull, call: RuntimeCall | undefined): void => {
    if (!call || !pull.ended || !isOfOutcome(pull, call)) return
    calls.delete(call)
    pull.transfer = refined(pull.transfer, 'transfer began', call.start, clocks)
    refined(pull.ended, pull.failed === undefined ? 'pulled' : 'pull failed', call.end, clocks)
  }
  for (const pull of pulls) {
    const told = eventOf(pull.ended)
    take(pull, told && [...calls].findLast(({ end }) => isWithin(told.at, end.at, PULLED_WITHIN)))
  }
  for (const pull of pulls.filter(({ ended }) => ended && !eventOf(ended)))
    take(pull, onlyIn(pull, calls, clocks))
}

/** A repeat is dated to a second: the call is of it if no other of that outcome ended then. */
function onlyIn(pull: Pull, calls: ReadonlySet<RuntimeCall>, clocks: Clocks): RuntimeCall | undefined {
  const { earliest, latest } = pull.ended ?? unseen()
  const within = [...calls].filter((call) => {
    const { best } = combine('pulled', [call.end], clocks)
    const isIn = best !== undefined && (earliest ?? best) <= best && (latest ?? best) >= best
    return isIn && isOfOutcome(pull, call)
  })
  return within.length === 1 ? within[0] : undefined
}

const isOfOutcome = ({ failed }: Pull, { error }: RuntimeCall): boolean =>
  (error === undefined) === (failed === undefined)
