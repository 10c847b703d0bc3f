// Owns how many things were going on at once, as steps over time.
// Promises the true count at every moment. Does not draw, and does not know what is counted.

import type { Scale } from './scale.ts'

export type Step = readonly [at: number, count: number]

/** How many there are from each moment on at which that changes. */
export function countSteps(spans: readonly (readonly [from: number, to: number])[]): Step[] {
  const changes = spans
    .filter(([from, to]) => to > from)
    .flatMap(([from, to]) => [[from, 1] as const, [to, -1] as const])
    .sort((a, b) => a[0] - b[0])
  const steps: [at: number, count: number][] = []
  let count = 0
  for (const [at, by] of changes) {
    count += by
    const last = steps.at(-1)
    if (last?.[0] === at) last[1] = count
    else steps.push([at, count])
  }
  return steps
}

/** Steps in sight, from the left edge to the right one. */
export function clipped(steps: readonly Step[], { from, to }: Scale): Step[] {
  const before = steps.findLast(([at]) => at <= from)
  return [[from, before?.[1] ?? 0], ...steps.filter(([at]) => at > from && at < to)]
}
