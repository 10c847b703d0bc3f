// Owns the advice that what failed and was tried again should succeed at once: pulls, containers that could not be made or ended, sandboxes.
// Promises the time of failed attempts and of the back-offs after them, and nothing of the attempt that succeeded.
// Does not know what would have made it succeed: the failed attempt's own message says why it did not.

import type { DurationNano } from '../base/time.ts'
import { type Counterfactual, certain, type CutRange } from './advice.ts'
import type { Cuts } from './retime.ts'
import { durationOf, type Start, type Step } from './start.ts'

/** What is tried again as a whole when a container ended; a pull that succeeded is not. */
const TRIED_AGAIN: ReadonlySet<string> = new Set([
  'create container',
  'start container',
  'run init container',
  'post-start hook',
  'startup probe',
  'readiness',
])

const AFTER: Readonly<Record<string, string>> = {
  'pull image': 'its image is pulled',
  'create container': 'it is created',
  exit: 'it runs on',
}

export function findFailedAttempts(starts: readonly Start[]): Counterfactual[] {
  const found = new Map<string, Map<Start, CutRange>>()
  for (const start of starts) {
    for (const [what, cuts] of cutsOf(start)) {
      const rests = [...cuts.keys()].find((step) => hasBackOff(step))
      if (!rests) continue
      const known = found.get(what) ?? new Map<Start, CutRange>()
      found.set(what, known.set(start, certain(rests, cuts)))
    }
  }
  return [...found].map(([what, cuts]) => {
    const [container = '', after = ''] = what.split('\n')
    return {
      kind: 'no failed attempts',
      span: 'back-off',
      ...(container === '' ? {} : { container }),
      to: 'first attempt succeeds',
      change:
        container === ''
          ? 'the sandbox made at the first attempt'
          : `container ${container}: ${AFTER[after] ?? 'it succeeds'} at the first attempt`,
      note: `${cuts.size} of ${starts.length} starts backed off`,
      cuts,
    }
  })
}

const hasBackOff = ({ name, parts }: Step): boolean =>
  name === 'back-off' || parts.some((part) => part.name === 'back-off')

/** By container and by what is backed off from; a sandbox has no container. */
function cutsOf(start: Start): Map<string, Cuts> {
  const cuts = new Map<string, Cuts>()
  for (const step of start.steps) {
    const inside = step.parts.filter((part) => part.name === 'back-off' || part.failed)
    if (step.name !== 'pull image' && inside.some((part) => part.name === 'back-off'))
      cuts.set('\n', new Map([[step, sumOf(inside)]]))
    if (step.name !== 'back-off' || step.open) continue
    const after = String(step.attributes['podspan.backoff.after'] ?? '')
    const key = `${step.container ?? ''}\n${after}`
    cuts.set(key, new Map(attemptsUntil(start, step, after).map((each) => [each, durationOf(each)])))
  }
  return cuts
}

/** The back-offs up to this one, and what failed before them. The last of a start is asked last, and has them all. */
function attemptsUntil({ steps }: Start, last: Step, after: string): Step[] {
  return steps.filter((step) => {
    if (step.container !== last.container || step.end.best > last.end.best) return false
    if (step.name === 'back-off') return step.attributes['podspan.backoff.after'] === after
    if (after === 'pull image') return step.name === 'pull image' && step.failed
    return TRIED_AGAIN.has(step.name) && (after === 'exit' || step.failed)
  })
}

const sumOf = (steps: readonly Step[]): DurationNano =>
  steps.reduce((sum, step) => (sum + durationOf(step)) as DurationNano, 0n as DurationNano)
