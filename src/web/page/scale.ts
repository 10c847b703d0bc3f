// Owns which part of a start is in sight: zoom and pan, in ms since it was created.
// Promises never to leave the start, and not to zoom further than a hundredth of a millisecond. Does not draw.

export interface Scale {
  readonly from: number
  readonly to: number
}

const SPAN_MIN = 0.01

/** Kept within 0 and `length`. */
export function bounded({ from, to }: Scale, length: number): Scale {
  const width = Math.min(Math.max(to - from, SPAN_MIN), length)
  const start = Math.min(Math.max(from, 0), length - width)
  return { from: start, to: start + width }
}

/** `factor` below 1 zooms in; `at` (0 to 1) stays where it is. */
export function zoomed({ from, to }: Scale, factor: number, at: number, length: number): Scale {
  const pivot = from + (to - from) * at
  return bounded({ from: pivot - (pivot - from) * factor, to: pivot + (to - pivot) * factor }, length)
}

export const panned = ({ from, to }: Scale, share: number, length: number): Scale =>
  bounded({ from: from + (to - from) * share, to: to + (to - from) * share }, length)

/** Round steps for an axis: at most eight of them. */
export function ticksOf({ from, to }: Scale): number[] {
  const rough = (to - from) / 8
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough) ?? rough
  const ticks: number[] = []
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at)
  return ticks
}
