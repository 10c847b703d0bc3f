// Owns which probe of which start is meant when one speaks of a container's readiness or startup probe, and what all starts say of it.
// Promises probes with the same settings together, each with when its container was ready as far as the start says it.
// Does not know what would be changed: probe-period.ts and initial-delay.ts do.

import { milliseconds } from '../base/time.ts'
import { type CutRange, oneCut } from './advice.ts'
import { type BootTimes, type End, estimateBootTimes, expect } from './boot-times.ts'
import { type Probing, probingOf } from './probe-timing.ts'
import type { Start, Step } from './start.ts'

export type ProbeName = 'readiness' | 'startup probe'

export interface Probed {
  readonly start: Start
  readonly step: Step
  readonly probing: Probing
}

/** Probes of one container with one set of settings. */
export interface ProbeGroup {
  readonly name: ProbeName
  readonly container: string
  readonly probed: readonly Probed[]
  readonly times: BootTimes
  /** Whether the times say more than that the container was ready at some moment before it was seen so. */
  readonly told: boolean
}

export function groupProbes(starts: readonly Start[], name: ProbeName): ProbeGroup[] {
  const groups = new Map<string, Probed[]>()
  for (const start of starts) {
    for (const probed of probesOf(start, name)) {
      const { period, delay, threshold } = probed.probing
      const key = `${probed.step.container}/${period}/${delay}/${threshold}`
      const list = groups.get(key)
      if (list) list.push(probed)
      else groups.set(key, [probed])
    }
  }
  return [...groups.values()].map((probed) => groupOf(name, probed))
}

function groupOf(name: ProbeName, probed: readonly Probed[]): ProbeGroup {
  const times = estimateBootTimes(probed.map(({ probing }) => probing.ready))
  return { name, container: probed[0]?.step.container ?? '', probed, times, told: isTold(probed) }
}

/** The probe that passed, of each container; those of runs that ended before are failed attempts. */
function probesOf(start: Start, name: ProbeName): Probed[] {
  return start.steps.flatMap((step) => {
    if (step.name !== name) return []
    const begun = start.steps.findLast(
      (each) =>
        each.name === 'start container' &&
        each.container === step.container &&
        each.end.best <= step.start.best,
    )
    const probing = probingOf(step, begun?.end.best ?? step.start.best)
    return probing ? [{ start, step, probing }] : []
  })
}

/** Whether starts tell when their container was ready: some look failed, or looks fell so soon in some that little was left open. */
function isTold(probed: readonly Probed[]): boolean {
  if (probed.some(({ probing }) => probing.failedBefore)) return true
  const seen = probed.map(({ probing }) => probing.ready.until)
  return Math.min(...seen) <= seen.reduce((sum, each) => sum + each, 0) / seen.length / 2
}

export function cutRange(
  { times, told }: ProbeGroup,
  { step, probing }: Probed,
  saved: (probing: Probing, boot: number, end: End) => number,
): CutRange {
  const { low, likely, high } = expect(times, probing.ready, (boot, end) => saved(probing, boot, end))
  const cut = (by: number) => oneCut(step, milliseconds(by))
  return { low: cut(low), likely: told ? cut(likely) : undefined, high: cut(high), step }
}
