// Owns the time axis: round steps, as many as there is room for.
// Promises labels that do not touch. Does not know what is drawn below it.

import { add, type DurationNano, durationNano, since } from '../base/time.ts'
import { position, type Scale } from './bar.ts'
import type { Glyphs } from './glyphs.ts'
import { formatDuration } from './text.ts'

const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 1_200_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
]
/** The widest label and some blanks. */
const ROOM = 9

/** Two lines: labels, and the line that the bars hang from. */
export function drawAxis(scale: Scale, glyphs: Glyphs): readonly [string, string] {
  const labels = Array.from({ length: scale.cells }, () => ' ')
  const line = Array.from({ length: scale.cells }, () => glyphs.axis)
  for (const at of ticks(since(scale.to, scale.from), Math.max(1, Math.floor(scale.cells / ROOM)))) {
    const cell = Math.round(position(scale, add(scale.from, at)))
    const label = labelOf(at)
    if (cell + label.length > scale.cells) continue
    line[cell] = glyphs.axisTick
    for (const [index, character] of [...label].entries()) labels[cell + index] = character
  }
  return [labels.join(''), line.join('')]
}

function ticks(total: DurationNano, count: number): DurationNano[] {
  const stepMs =
    STEPS_MS.find((ms) => BigInt(ms) * 1_000_000n * BigInt(count) >= total) ??
    86_400_000 * Math.ceil(Number(total) / 864e11 / count)
  const step = BigInt(stepMs) * 1_000_000n
  const result: DurationNano[] = []
  for (let at = 0n; at <= total && result.length <= count; at += step) result.push(durationNano(at))
  return result
}

/** `5.0 s` is `5 s` on an axis. */
function labelOf(at: DurationNano): string {
  return at === 0n
    ? '0'
    : formatDuration(at)
        .replace(/\.0 /, ' ')
        .replace(/^(\d+) m 00 s$/, '$1 m')
        .replace(/^(\d+) h 00 m$/, '$1 h')
}
