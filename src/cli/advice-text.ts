// Owns advice as people read it.
// Promises for every line how much, of how much, at which percentile, between which ends, of how many starts, and the span it rests on.
// Does not choose or order advice: advise/ does.

import { type Advice, MIN_STARTS, type WorkloadAdvice } from '../advise/advise.ts'
import type { Hours } from '../advise/waiting-cost.ts'
import type { Paint } from './glyphs.ts'
import { formatDuration, list, neutralise, plural, wrap } from './text.ts'

export interface AdviceLook {
  readonly paint: Paint
  readonly width: number
  readonly minStarts?: number | undefined
}

const LINES_MAX = 4
const NAME_MAX = 120

export function adviceText(workloads: readonly WorkloadAdvice[], look: AdviceLook): string {
  return workloads.map((each) => `${linesOf(each, look).join('\n')}\n`).join('\n')
}

function linesOf(workload: WorkloadAdvice, look: AdviceLook): string[] {
  const { namespace, workload: name, starts, percentiles, advice, waiting } = workload
  const took = percentiles.map(({ percentile, of }) => `P${percentile} ${formatDuration(of)}`).join(', ')
  const head = `${neutralise(name, NAME_MAX)} in ${neutralise(namespace, NAME_MAX)}: ${plural(starts, 'start')}${took === '' ? '' : `, ${took}`}`
  const cost = hoursText(waiting)
  return [
    ...wrap(head, look.width, LINES_MAX).map((line) => look.paint('bold', line)),
    ...(cost === '' ? [] : wrap(`waiting to be ready cost ${cost}`, look.width, LINES_MAX)),
    ...(advice.length === 0 ? wrap(nothing(workload, look), look.width, LINES_MAX) : []),
    ...advice.flatMap((each) => ['', ...adviceLines(each, workload, look)]),
  ]
}

function nothing({ timed }: WorkloadAdvice, { minStarts = MIN_STARTS }: AdviceLook): string {
  return timed < minStarts
    ? `No advice: ${timed} of them came to an end, and it takes ${minStarts} to say anything.`
    : 'No advice: nothing that is looked for would have saved enough.'
}

function adviceLines(advice: Advice, { timed }: WorkloadAdvice, { paint, width }: AdviceLook): string[] {
  const { telling, affected, note, hours, example, span } = advice
  const { saving, of, percentile } = telling
  const sample = `n = ${timed}${affected === timed ? '' : `, ${affected} of them affected`}`
  const range = `${formatDuration(saving.low)} to ${formatDuration(saving.high)}`
  const figures =
    saving.likely === undefined
      ? `would save ${range} of ${formatDuration(of)} at P${percentile} (${sample})`
      : `would save ${formatDuration(saving.likely)} of ${formatDuration(of)} at P${percentile} (${range}, ${sample})`
  const saved = hoursText(hours)
  const rests = `rests on ${span}, such as span ${example.spanId} of ${neutralise(example.pod, NAME_MAX)}, trace ${example.traceId}`
  return [
    ...wrap(neutralise(advice.change), width, LINES_MAX).map((line) => paint('bold', line)),
    ...indent(`${figures}${saved === '' ? '' : `; ${saved}`}`, width),
    ...(note === undefined ? [] : indent(note, width)),
    ...indent(rests, width).map((line) => paint('dim', line)),
  ]
}

const indent = (text: string, width: number): string[] =>
  wrap(neutralise(text), width - 2, LINES_MAX).map((line) => `  ${line}`)

/** What is less than a thousandth of an hour costs nothing. */
function hoursText(hours: Hours): string {
  const words = Object.entries(hours)
    .filter(([, count]) => count >= 0.001)
    .map(
      ([unit, count]) =>
        `${count >= 10 ? count.toFixed(0) : count.toPrecision(2)} ${neutralise(unit, NAME_MAX)}`,
    )
  return list(words)
}
