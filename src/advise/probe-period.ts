// Owns the advice that a probe should look more often.
// Promises only periods that divide the old one: every look that there was would still be one, so that nothing is seen later.
// Does not touch failureThreshold, which has to grow as the period shrinks: the advice says so.

import { allTogether, type Counterfactual, type CutRange } from './advice.ts'
import { cutRange, groupProbes, type Probed, type ProbeGroup, type ProbeName } from './probes.ts'
import { fasterPeriod, savedByPeriod } from './probe-timing.ts'
import type { Start } from './start.ts'

export const findReadinessPeriods = (starts: readonly Start[]): Counterfactual[] =>
  findPeriods(starts, 'readiness', 'readiness')

export const findStartupPeriods = (starts: readonly Start[]): Counterfactual[] =>
  findPeriods(starts, 'startup probe', 'startupProbe')

function findPeriods(starts: readonly Start[], name: ProbeName, field: string): Counterfactual[] {
  const each = groupProbes(starts, name).flatMap(periodOf)
  const periods = [...new Set(each.map(({ to }) => to))].join(' or ')
  const change = `${field} ${periods} of all ${each.length} containers with a slower one`
  return [...each, ...allTogether(each, { to: periods, change })]
}

function periodOf(group: ProbeGroup): Counterfactual[] {
  const { name, container, probed } = group
  const settings = probed[0]?.probing
  const period = settings && fasterPeriod(settings, name)
  if (settings === undefined || period === undefined) return []
  const [from, to] = [settings.period / 1000, period / 1000]
  const cuts = new Map<Start, CutRange>()
  for (const each of probed) {
    if (!isFollowedAtOnce(each, name)) continue
    const range = cutRange(group, each, (probing, boot, end) => savedByPeriod(probing, period, boot, end))
    cuts.set(each.start, range)
  }
  return [
    {
      kind: name === 'readiness' ? 'readiness period' : 'startup probe period',
      span: name,
      container,
      from: `periodSeconds ${from}`,
      to: `periodSeconds ${to}`,
      change: `${name === 'readiness' ? 'readiness' : 'startupProbe'} periodSeconds ${from} → ${to} of container ${container}`,
      note:
        name === 'readiness'
          ? `it goes on looking so often: failureThreshold × ${from / to} bears failures as long as before`
          : `failureThreshold × ${from / to} gives up no sooner than before`,
      cuts,
    },
  ]
}

/** Where readiness took its own time after the startup probe had passed, the container was not ready then: sooner would be no gain. */
function isFollowedAtOnce({ start, step }: Probed, name: ProbeName): boolean {
  if (name === 'readiness') return true
  const next = groupProbes([start], 'readiness').find(({ container }) => container === step.container)
  return !next?.probed.some(({ probing }) => probing.failedBefore)
}
