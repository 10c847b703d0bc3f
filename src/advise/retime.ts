// Owns the one rule by which a start would have gone otherwise: some steps end earlier, and what waited for them begins earlier.
// Promises that without cuts nothing moves, that more cut never saves less, and that unrounded no cut saves more than itself.
// Does not know which cut is reasonable: each counterfactual says so.
//
// What a step waited for is not in a trace; it follows from how a pod is started. The kubelet's worker of a pod does one thing after the
// other, so a step of its own waits for all that ended before, but for readiness, which blocks nobody. A probe waits for its own
// container. Gates and the report of Ready wait for everything. The time between what was waited for and the step itself stays as it was,
// but for a gap that has a cut of its own.

import { type DurationNano, durationNano, SECOND, ZERO } from '../base/time.ts'
import { numberAt, type Start, type Step } from './start.ts'

/** By how much each step would have been shorter; negative where it would have been longer. */
export type Cuts = ReadonlyMap<Step, DurationNano>

/**
 * Parts of the kubelet look only now and then: it notices every second what containers do, and a startup probe's period began before
 * the container did. There a shift comes through in whole looks: fewer (`down`) or one more (`up`) by chance, or itself on average.
 */
export type Rounding = 'down' | 'none' | 'up'

const PROBES: ReadonlySet<string> = new Set(['startup probe', 'readiness'])
const LAST: ReadonlySet<string> = new Set(['readiness gate', 'report status'])
/** No work of anybody: it is the time between two steps. */
const GAP = 'unaccounted'
/** `--relist-period` of the kubelet's pod lifecycle event generator (pleg/generic.go, `genericPlegRelistPeriod`). */
const RELIST = SECOND

/** By how much the start would have been shorter. */
export function savingOf({ steps, end }: Start, cuts: Cuts, rounding: Rounding = 'none'): DurationNano {
  const closed = steps.filter((step) => step.name !== GAP && !step.open && step.end.best <= end)
  const gaps = steps.filter((step) => step.name === GAP && cuts.has(step))
  const probed = closed.some(({ name }) => PROBES.has(name))
  const ends: bigint[] = []
  closed.forEach((step, index) => {
    const shift = shiftOf(step, closed, ends, index, (from) => cutBetween(gaps, cuts, from, step))
    const rounded = round(shift, quantumOf(step, closed, probed), rounding)
    ends.push(step.end.best - rounded - (cuts.get(step) ?? ZERO))
  })
  return durationNano(latestEnd(closed) - latestOf(ends))
}

/** By how much earlier a step begins: as much as the last of what it waited for ends earlier, and the gap after that is shorter. */
function shiftOf(
  step: Step,
  closed: readonly Step[],
  ends: readonly bigint[],
  index: number,
  cutFrom: (from: bigint) => bigint,
): bigint {
  let [before, after] = latestWaited(step, closed, ends, index, waitsFor)
  if (before === undefined) [before, after] = latestWaited(step, closed, ends, index, waitsForWorker)
  return before === undefined || after === undefined ? 0n : before - after + cutFrom(before)
}

const cutBetween = (gaps: readonly Step[], cuts: Cuts, from: bigint, { start }: Step): bigint =>
  gaps
    .filter((gap) => gap.start.best >= from && gap.end.best <= start.best)
    .reduce((sum, gap) => sum + (cuts.get(gap) ?? ZERO), 0n)

/** The last end of what a step waited for: as it was, and as it would have been. */
function latestWaited(
  step: Step,
  closed: readonly Step[],
  ends: readonly bigint[],
  index: number,
  waits: (step: Step, earlier: Step) => boolean,
): [bigint | undefined, bigint | undefined] {
  let before: bigint | undefined
  let after: bigint | undefined
  for (let each = 0; each < index; each++) {
    const earlier = closed[each] as Step
    if (!waits(step, earlier)) continue
    // Estimates of what came one after the other may lie the other way round by some ms; a report is of all that is ready by then.
    const over = earlier.end.best - step.start.best
    if (over > 0n && (!LAST.has(step.name) || LAST.has(earlier.name))) continue
    const late = over > 0n ? over : 0n
    if (before === undefined || earlier.end.best - late > before) before = earlier.end.best - late
    const end = (ends[each] as bigint) - late
    if (after === undefined || end > after) after = end
  }
  return [before, after]
}

function waitsFor(step: Step, earlier: Step): boolean {
  if (LAST.has(step.name)) return true
  if (PROBES.has(step.name)) return earlier.container === step.container
  return waitsForWorker(step, earlier)
}

/** A readiness that failed is one whose container ended, and what is done about that comes after. */
const waitsForWorker = (_: Step, { name, failed }: Step): boolean =>
  (name !== 'readiness' || failed) && !LAST.has(name)

/** How often whoever ends this step looks whether it can end; zero where nobody has to look. */
function quantumOf(step: Step, steps: readonly Step[], probed: boolean): bigint {
  switch (step.name) {
    case 'startup probe':
      return BigInt(numberAt(step, 'podspan.probe.period_seconds') ?? 0) * SECOND
    case 'readiness':
      return steps.some(({ name, container }) => name === 'startup probe' && container === step.container)
        ? ZERO
        : RELIST
    case 'run init container':
      return RELIST
    case 'report status':
      return probed ? ZERO : RELIST
    default:
      return ZERO
  }
}

function round(shift: bigint, quantum: bigint, rounding: Rounding): bigint {
  if (rounding === 'none' || quantum === 0n) return shift
  const rest = ((shift % quantum) + quantum) % quantum
  if (rest === 0n) return shift
  return rounding === 'down' ? shift - rest : shift - rest + quantum
}

const latestEnd = (steps: readonly Step[]): bigint => latestOf(steps.map(({ end }) => end.best))

const latestOf = (ends: readonly bigint[]): bigint => ends.reduce((a, b) => (a > b ? a : b), ends[0] ?? 0n)
