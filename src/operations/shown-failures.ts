// Owns failures of pulls and creations that only the status shows, by what their container waits for: the events that tell of them were lost, or may not be seen.
// Promises one failed attempt where the status showed that there was one, over when it was shown at the latest. How many there were the status does not say.

import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import { durationNano, earliest, latest, minus, add, seconds } from '../base/time.ts'
import { type Clocks, combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { ContainerHistory } from './container-history.ts'
import { ofEarlierTry } from './tell-history.ts'
import type { Pull } from './pull-history.ts'
import { type Run, runsInOrder } from './runs.ts'

export const NOT_PULLED =
  /^(ErrImagePull|ImagePullBackOff|ErrImageNeverPull|RegistryUnavailable|SignatureValidationFailed)$/
export const NOT_CREATED =
  /^(CreateContainer(Config)?Error|PreCreateHookError|InvalidImageName|ImageInspectError)$/

/** What the status first showed of such a failure. */
interface Shown {
  readonly at: Draft
  readonly message: string
}

/** `images`: those of the pod's volumes, whose failures the containers that mount them are told as well. */
export function addShownFailures(
  history: ContainerHistory,
  images: readonly { readonly image: string }[],
  clocks: Clocks,
): void {
  if (history.waiting.length === 0) return
  const isOwn = ({ detail }: Fact): boolean =>
    !images.some(({ image }) => detail?.message?.includes(image) ?? false)
  const waiting = history.waiting.filter(isOwn)
  const pull = history.pulls.some(({ failed }) => failed !== undefined)
    ? undefined
    : firstShown(waiting, NOT_PULLED, clocks)
  if (pull) addFailedPulls(history, pull)
  const create = history.failedCreates.length > 0 ? undefined : firstShown(waiting, NOT_CREATED, clocks)
  if (!create) return
  const next = runAfter(history, create.at)
  // The image that was seen before the failure was shown may be of that try.
  const image = next?.[1].image
  if (next && image && timeOf(image) <= timeOf(create.at)) next[1].image = ofEarlierTry(image)
  const beforeRun = next?.[0] ?? Math.max(-1, ...history.runs.keys()) + 1
  history.failedCreates.push({
    ...{ asked: undefined, image: undefined, ...create },
    ...{ number: 1, beforeRun, isFromStatus: true },
  })
}

/** The fullest of what was said, and the first that was seen of it. */
function firstShown(waiting: readonly Fact[], reasons: RegExp, clocks: Clocks): Shown | undefined {
  const shown = waiting.filter(({ detail }) => reasons.test(detail?.reason ?? ''))
  const drafts = shown.map(({ stamps }) => combine('waiting', stamps, clocks))
  const at = drafts.reduce<Draft | undefined>((a, b) => (a && timeOf(a) <= timeOf(b) ? a : b), undefined)
  if (!at) return undefined
  const said = shown.find(({ detail }) => detail?.message && !BACK_OFF.test(detail.reason ?? '')) ?? shown[0]
  return { at, message: said?.detail?.message ?? said?.detail?.reason ?? 'failed' }
}

/** It says that the kubelet waits, and since 1.32 why. */
const BACK_OFF = /BackOff$/

const timeOf = ({ best = 0n as UnixNano }: Draft): UnixNano => best

function addFailedPulls(history: ContainerHistory, { at, message }: Shown): void {
  const { pulls } = history
  const before = pulls.findLastIndex((pull) => !pull.ended && timeOf(pull.requested) <= timeOf(at))
  const shown = pulls[before]
  if (shown) Object.assign(shown, { ended: at, failed: message })
  else {
    const attempt = runAfter(history, at)?.[1]
    const detail = { image: history.spec.image }
    pulls.unshift({ requested: unseen(), transfer: undefined, ended: at, failed: message, detail, attempt })
  }
  pulls.forEach((pull, place) => {
    const next = pulls[place + 1]
    if (!next || pull.ended || pull.attempt !== next.attempt) return
    pull.failed = message
    pull.ended = failedBefore(pull, next, place)
  })
}

/** The kubelet waits 10 s after a failure, and twice as long after each further one, up to 5 min. */
const FIRST_BACK_OFF = seconds(10)
const DOUBLINGS_MAX = 5

/** A pull that was asked for again had failed, by as long before as the kubelet usually waits. */
function failedBefore({ requested }: Pull, next: Pull, place: number): Draft {
  const from = requested.best
  const until = next.requested.best
  if (from === undefined || until === undefined) return unseen()
  const waited = durationNano(FIRST_BACK_OFF * 2n ** BigInt(Math.min(place, DOUBLINGS_MAX)))
  return { ...unseen(), best: latest(from, earliest(until, add(until, minus(waited)))) }
}

/** The first run that the status had not shown yet; one that it never showed, if it may have begun later. */
function runAfter({ runs }: ContainerHistory, at: Draft): [number, Run] | undefined {
  return runsInOrder(runs).find(([, { created, started, finished }]) => {
    const shown = [started, finished].flatMap((draft) => draft?.stamps.filter(isOfStatus) ?? [])
    if (shown.length > 0) return shown.every((stamp) => stamp.at > timeOf(at))
    const begun = [created, started].find((draft) => draft?.best !== undefined)
    return begun === undefined || (begun.latest ?? timeOf(begun)) >= timeOf(at)
  })
}

const isOfStatus = ({ source }: Stamp): boolean => source === 'status-receipt' || source === 'list-receipt'
