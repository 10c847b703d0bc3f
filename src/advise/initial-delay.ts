// Owns the advice that a startup probe should stand in for initialDelaySeconds.
// Promises a likely saving only where starts tell how long their containers take; while a delay runs nobody asks them, so that else there
// are two ends only. Does not know liveness probes, which a startup probe holds back as well as the delay did.

import type { Counterfactual, CutRange } from './advice.ts'
import { cutRange, groupProbes, type ProbeGroup, type ProbeName } from './probes.ts'
import { savedByPeriod, savedByStartupProbe, STARTUP_PERIOD_MS } from './probe-timing.ts'
import type { Start } from './start.ts'

export function findInitialDelays(starts: readonly Start[]): Counterfactual[] {
  return [
    ...groupProbes(starts, 'readiness').flatMap((group) => delayOf(group, starts)),
    ...groupProbes(starts, 'startup probe').flatMap((group) => delayOf(group, starts)),
  ]
}

function delayOf(group: ProbeGroup, starts: readonly Start[]): Counterfactual[] {
  const { name, container, probed } = group
  const delay = probed[0]?.probing.delay ?? 0
  if (delay === 0 || (name === 'readiness' && hasStartupProbe(starts, container))) return []
  const cuts = new Map<Start, CutRange>()
  for (const each of probed)
    cuts.set(
      each.start,
      cutRange(group, each, (...asked) => savedWithout(name, ...asked)),
    )
  const seconds = delay / 1000
  const early = probed.filter(({ probing }) => !probing.failedBefore).length
  return [
    {
      kind: 'startup probe instead of initialDelaySeconds',
      span: name,
      container,
      from: `initialDelaySeconds ${seconds}`,
      to: `startupProbe periodSeconds ${STARTUP_PERIOD_MS / 1000}`,
      change:
        name === 'readiness'
          ? `startupProbe with periodSeconds 1 instead of initialDelaySeconds ${seconds} of container ${container}`
          : `startupProbe periodSeconds 1 without initialDelaySeconds ${seconds} of container ${container}`,
      note: `${early} of ${probed.length} passed the first probe after the delay`,
      cuts,
    },
  ]
}

/** A startup probe that is there already keeps the phase of its looks; a new one may fall anywhere. */
const savedWithout = (
  name: ProbeName,
  ...[probing, boot, end]: Parameters<typeof savedByStartupProbe>
): number =>
  name === 'readiness' || probing.period % STARTUP_PERIOD_MS !== 0
    ? savedByStartupProbe(probing, boot, end)
    : savedByPeriod({ ...probing, notBefore: 0 }, STARTUP_PERIOD_MS, boot, end)

const hasStartupProbe = (starts: readonly Start[], container: string): boolean =>
  starts.some(({ steps }) =>
    steps.some((step) => step.name === 'startup probe' && step.container === container),
  )
