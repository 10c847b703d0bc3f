// Owns which part of a picture is in sight: zoom and pan, in ms.
// Promises never to leave the picture, and not to zoom further than a hundredth of a millisecond. Does not draw.

export interface Scale {
  readonly from: number
  readonly to: number
}

const SPAN_MIN = 0.01

/** Kept within `all`. */
export function bounded({ from, to }: Scale, all: Scale): Scale {
  const width = Math.min(Math.max(to - from, SPAN_MIN), all.to - all.from)
  const start = Math.min(Math.max(from, all.from), all.to - width)
  return { from: start, to: start + width }
}

/** `factor` below 1 zooms in; `at` (0 to 1) stays where it is. */
export function zoomed({ from, to }: Scale, factor: number, at: number, all: Scale): Scale {
  const pivot = from + (to - from) * at
  return bounded({ from: pivot - (pivot - from) * factor, to: pivot + (to - pivot) * factor }, all)
}

export const panned = ({ from, to }: Scale, share: number, all: Scale): Scale =>
  bounded({ from: from + (to - from) * share, to: to + (to - from) * share }, all)

/** With some room at both sides. */
export function fitted(from: number, to: number, all: Scale): Scale {
  const margin = Math.max((to - from) * 0.08, SPAN_MIN)
  return bounded({ from: from - margin, to: to + margin }, all)
}

export const isWhole = (scale: Scale, all: Scale): boolean => scale.from <= all.from && scale.to >= all.to

const MINUTE = 60_000
/** Steps that people count in: by ten below a minute, then as clocks do. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].map((minutes) => minutes * MINUTE)

export function stepOf({ from, to }: Scale, most: number): number {
  const rough = (to - from) / most
  if (rough > MINUTE / 2) return STEPS.find((step) => step >= rough) ?? rough
  const power = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough) ?? rough
}

/** Round steps for an axis: `most` of them at the most. */
export function ticksOf(scale: Scale, most = 8): number[] {
  const step = stepOf(scale, most)
  const ticks: number[] = []
  for (let at = Math.ceil(scale.from / step) * step; at <= scale.to; at += step)
    ticks.push(Math.round(at / step) * step)
  return ticks
}
