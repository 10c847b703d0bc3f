// Owns the shape of a bar at a scale: where it is drawn, and how its ends fade from the earliest to the latest that they may be.
// Promises percents that a browser can hold, however far it is zoomed in, and solid only where the span surely was. Does not draw.

import type { Bar } from './line.ts'
import type { Scale } from './scale.ts'

export interface Shape {
  /** In percent of the track. */
  readonly left: number
  readonly width: number
  /** In percent of the shape: fading in until `solidFrom`, out from `solidTo`. */
  readonly solidFrom: number
  readonly solidTo: number
}

/** What lies further outside of the picture is cut off. */
const OUTSIDE = 4

export const shareOf = (at: number, { from, to }: Scale): number => ((at - from) / (to - from)) * 100

const within = (share: number): number => Math.min(Math.max(share, -OUTSIDE), 100 + OUTSIDE)

/** Undefined where nothing of it is in sight. */
export function shapeOf(bar: Bar, scale: Scale): Shape | undefined {
  const [first, last] = [shareOf(bar.earliestStart, scale), shareOf(bar.latestEnd, scale)]
  if (last < -OUTSIDE || first > 100 + OUTSIDE) return undefined
  const [left, right] = [within(first), within(last)]
  const width = right - left
  // Where the latest start lies behind the earliest end, it was nowhere for sure: the most likely moment is its peak.
  const middle = (bar.start + bar.end) / 2
  const isSure = bar.latestStart <= bar.earliestEnd
  const solid = isSure ? ([bar.latestStart, bar.earliestEnd] as const) : ([middle, middle] as const)
  const part = (at: number): number => (width === 0 ? 0 : ((shareOf(at, scale) - left) / width) * 100)
  return { left, width, solidFrom: part(solid[0]), solidTo: part(solid[1]) }
}

/** A mask that fades the ends; undefined where they are as good as exact at this scale. */
export function maskOf({ width, solidFrom, solidTo }: Shape): string | undefined {
  const visible = (percent: number): boolean => (percent * width) / 100 > 0.15
  if (!visible(solidFrom) && !visible(100 - solidTo)) return undefined
  const stop = (share: number, at: number): string => `rgb(0 0 0 / ${share}) ${at.toFixed(3)}%`
  return `linear-gradient(to right, ${stop(0.12, 0)}, ${stop(1, solidFrom)}, ${stop(1, solidTo)}, ${stop(0.12, 100)})`
}

/** A stretch of the picture in percent; undefined where it is out of sight. */
export function stretchOf(
  from: number,
  to: number,
  scale: Scale,
): { readonly left: number; readonly width: number } | undefined {
  const [first, last] = [shareOf(from, scale), shareOf(to, scale)]
  if (last < -OUTSIDE || first > 100 + OUTSIDE) return undefined
  return { left: within(first), width: within(last) - within(first) }
}
