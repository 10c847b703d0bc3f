// Owns when the kubelet would have seen a container ready with other settings of its probe.
// Promises what pkg/kubelet/prober does in 1.33 to 1.37: worker.go (run, doProbe) and prober_manager.go (AddPod, UpdatePodStatus).
// Does not know traces beyond one probe's step: probe-period.ts and initial-delay.ts ask it. Milliseconds after the container's start.
//
// A worker looks at once and then every period. A readiness worker is also asked to look whenever the kubelet makes a pod's status before
// the container is ready, and its period begins anew there: so the looks follow the first status that shows the container running, which
// comes within a second of its start. A startup worker is never asked: its looks go on from when the kubelet took up the pod, before its
// images were pulled, wherever the container's start falls. Both pass over a look until initialDelaySeconds after the whole second of the
// start, so that a delay counts up to the next look. A startup probe that passes makes the readiness worker look at once.

import { type DurationNano, SECOND, toMilliseconds, type UnixNano } from '../base/time.ts'
import type { Between, End } from './boot-times.ts'
import { numberAt, type Step } from './start.ts'

export interface Probing {
  /** When it was seen ready. */
  readonly seen: number
  readonly period: number
  readonly threshold: number
  /** Before this no look counted, for the initial delay. */
  readonly notBefore: number
  readonly delay: number
  /** A look before that one failed, so that the container was not ready then. */
  readonly failedBefore: boolean
  /** It became ready in here. */
  readonly ready: Between
}

/** Nobody needs to look more often while a pod starts, and a look costs the container something. */
const FAST_MS = 1000
const READINESS_MS = 2000

/** Undefined where the step does not say how it was probed, or did not pass. */
export function probingOf(step: Step, containerStart: UnixNano): Probing | undefined {
  const periodSeconds = numberAt(step, 'podspan.probe.period_seconds')
  if (periodSeconds === undefined || step.failed || step.open) return undefined
  // One that came and went took as long as it did for another reason than when it was looked at.
  if (numberAt(step, 'podspan.probe.times_lost') !== undefined) return undefined
  const period = periodSeconds * 1000
  const threshold = numberAt(step, 'podspan.probe.success_threshold') ?? 1
  const delay = (numberAt(step, 'podspan.probe.initial_delay_seconds') ?? 0) * 1000
  const begun = ms(containerStart - step.start.best)
  const seen = ms(step.end.best - step.start.best)
  const first = Math.max(0, seen - (threshold - 1) * period)
  const before = first - period
  const looked = begun + delay + (step.name === 'startup probe' && delay === 0 ? SHOWN_MS.low : 0)
  const failedBefore = before >= Math.max(looked, 0) || (step.events > 0 && before >= 0)
  // How well the moment itself is known does not matter: looks are as far apart as the period, wherever they lie.
  const over = failedBefore ? before : 0
  const until = Math.max(first, over + 1)
  const notBefore = delay === 0 ? 0 : Math.max(0, begun + delay - ms(containerStart % SECOND))
  return { seen, period, threshold, notBefore, delay, failedBefore, ready: { over, until } }
}

const ms = (by: bigint): number => toMilliseconds(by as DurationNano)

/** A period that divides the old one, so that every old look stays a look. Undefined where there is none worth having. */
export function fasterPeriod({ period }: Probing, name: string): number | undefined {
  const wanted = name === 'readiness' && period > READINESS_MS ? READINESS_MS : FAST_MS
  const faster = period % wanted === 0 ? wanted : FAST_MS
  return faster < period ? faster : undefined
}

/** How long until the kubelet's status shows that a container runs, which it looks for every second: before that no look counts. */
const SHOWN_MS: Readonly<Record<End, number>> = { low: 1000, likely: 500, high: 0 }

/** How much earlier it would have been seen ready, had it been so at `boot`, with the looks this far apart. */
export function savedByPeriod(probing: Probing, period: number, boot: number, end: End): number {
  const { seen, threshold, notBefore } = probing
  const first = seen - (threshold - 1) * probing.period
  const looked = lookAfter(Math.max(boot, notBefore, SHOWN_MS[end]), first, period)
  return Math.max(0, seen - (looked + (threshold - 1) * period))
}

/** The first look at or after a moment, of those that fall on `grid`. */
const lookAfter = (moment: number, grid: number, period: number): number =>
  grid - Math.floor((grid - moment) / period + 1e-9) * period

/** How long a startup probe that looks each second takes to see what is so already: its looks fall anywhere. */
const UNTIL_LOOK_MS: Readonly<Record<End, number>> = { low: FAST_MS, likely: FAST_MS / 2, high: 0 }

/** How much earlier, with a startup probe each second and no delay: readiness is looked at once after it. Negative where it is later. */
export const savedByStartupProbe = ({ seen }: Probing, boot: number, end: End): number =>
  seen - (Math.max(boot, SHOWN_MS[end]) + UNTIL_LOOK_MS[end])

export const STARTUP_PERIOD_MS = FAST_MS
