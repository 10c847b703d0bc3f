// Owns the advice that init containers which do not need each other should do their work at once, in one container.
// Promises both ends: all but the longest run and are noticed for free, or their work only adds up and no more than their making is saved.
// Does not know whether they need each other: whoever wrote them does.

import { type DurationNano, ZERO } from '../base/time.ts'
import type { Counterfactual, CutRange } from './advice.ts'
import { durationOf, type Start, type Step } from './start.ts'

const MAKING: ReadonlySet<string> = new Set(['create container', 'start container'])
const RUNNING = 'run init container'

export function findInitContainers(starts: readonly Start[]): Counterfactual[] {
  const cuts = new Map<Start, CutRange>()
  const totals = new Map<string, DurationNano>()
  for (const start of starts) {
    const range = rangeOf(start)
    if (!range) continue
    cuts.set(start, range)
    for (const { name, container = '', ...step } of start.steps)
      if (name === RUNNING)
        totals.set(
          container,
          ((totals.get(container) ?? ZERO) + (step.end.best - step.start.best)) as DurationNano,
        )
  }
  if (cuts.size === 0) return []
  const longest = [...totals].sort(([, a], [, b]) => (a > b ? -1 : 1))
  const all = longest.reduce((sum, [, total]) => sum + total, 0n)
  const [name = '', most = ZERO] = longest[0] ?? []
  const percent = all === 0n ? 0 : Math.round((Number(most) * 100) / Number(all))
  return [
    {
      kind: 'init containers at once',
      span: RUNNING,
      container: name,
      to: 'at once',
      change: `${longest.length} init containers at once, where they do not need each other`,
      note: `${name} runs for ${percent} % of their time`,
      cuts,
    },
  ]
}

function rangeOf({ steps }: Start): CutRange | undefined {
  const runs = steps.filter(({ name, failed, open }) => name === RUNNING && !failed && !open)
  const longest = runs.reduce<Step | undefined>(
    (a, b) => (a && durationOf(a) >= durationOf(b) ? a : b),
    undefined,
  )
  if (!longest || new Set(runs.map(({ container }) => container)).size < 2) return undefined
  const others = new Set(runs.filter((run) => run !== longest).map(({ container }) => container))
  const low = new Map<Step, DurationNano>()
  const high = new Map<Step, DurationNano>()
  for (const step of steps) {
    if (!others.has(step.container) || step.failed) continue
    if (MAKING.has(step.name)) low.set(step, durationOf(step))
    if (MAKING.has(step.name) || step.name === RUNNING) high.set(step, durationOf(step))
    const gap = step.name === RUNNING ? gapAfter(step, steps) : undefined
    if (gap) high.set(gap, durationOf(gap))
  }
  return { low, likely: undefined, high, step: longest }
}

/** Until the kubelet has noticed that it ended; when it did is known to a second, so that some of this may be its run. */
const gapAfter = ({ end }: Step, steps: readonly Step[]): Step | undefined =>
  steps.find(({ name, start }) => name === 'unaccounted' && start.best === end.best)
