// Owns the drawing of one bar: two instants on a scale of cells.
// Promises a bar to scale (ends to an eighth of a cell, starts to a half), never empty, never outside its width; what may lie
// elsewhere by more than a cell is drawn lighter. Does not know spans, labels or colours.

import { earliest, latest, type UnixNano } from '../base/time.ts'
import { type Instant, widthOf } from '../timeline/instant.ts'
import type { Glyphs } from './glyphs.ts'

export interface Scale {
  readonly from: UnixNano
  readonly to: UnixNano
  readonly cells: number
}

/** Where a moment lies, in cells from the left. */
export function position(scale: Scale, at: UnixNano): number {
  const within = latest(scale.from, earliest(scale.to, at))
  const whole = Number(scale.to - scale.from)
  return whole === 0 ? 0 : (Number(within - scale.from) / whole) * scale.cells
}

export function drawBar(scale: Scale, start: Instant, end: Instant, glyphs: Glyphs): string {
  const cells = Array.from({ length: scale.cells }, () => ' ')
  fillSolid(cells, position(scale, start.best), position(scale, end.best), glyphs)
  lightenEdge(cells, scale, start, 'start', glyphs)
  lightenEdge(cells, scale, end, 'end', glyphs)
  return cells.join('')
}

function fillSolid(cells: string[], from: number, to: number, glyphs: Glyphs): void {
  const first = Math.min(Math.floor(from), cells.length - 1)
  const last = Math.min(Math.floor(to), cells.length)
  if (first >= last) {
    cells[first] = partOfOneCell(from - first, to - first, glyphs)
    return
  }
  cells[first] = leftCut(from - first, glyphs)
  cells.fill(glyphs.full, first + 1, last)
  const eighths = Math.round((to - last) * 8)
  if (eighths > 0 && last < cells.length)
    cells[last] = eighths === 8 ? glyphs.full : (glyphs.eighths[eighths - 1] ?? ' ')
}

/** Unicode fills from the right only by a half or an eighth. */
function leftCut(start: number, glyphs: Glyphs): string {
  if (start < 0.25) return glyphs.full
  return start < 0.75 ? glyphs.rightHalf : glyphs.rightEighth
}

/** Shorter than a cell: as wide as it is, at the side where it begins, and never nothing. */
function partOfOneCell(start: number, end: number, glyphs: Glyphs): string {
  if (start >= 0.75) return glyphs.rightEighth
  if (start >= 0.5 && end - start >= 0.25) return glyphs.rightHalf
  const eighths = Math.max(1, Math.min(7, Math.round((end - start) * 8)))
  return glyphs.eighths[eighths - 1] ?? glyphs.full
}

/** Lighter where this boundary may lie, if that is more than a cell. */
function lightenEdge(
  cells: string[],
  scale: Scale,
  instant: Instant,
  side: 'start' | 'end',
  glyphs: Glyphs,
): void {
  if (Number(widthOf(instant)) * scale.cells <= Number(scale.to - scale.from)) return
  const from = Math.round(position(scale, instant.earliest))
  const to = Math.round(position(scale, instant.latest))
  const best = position(scale, instant.best)
  for (let cell = from; cell < to && cell < cells.length; cell++) {
    const inside = side === 'start' ? cell + 0.5 > best : cell + 0.5 < best
    if (!inside && cells[cell] === ' ') cells[cell] = glyphs.possible
    else if (inside && cells[cell] === glyphs.full) cells[cell] = glyphs.likely
  }
}
