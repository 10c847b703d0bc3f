// Owns tables: which columns a width has room for, how wide each is, and the lines.
// Promises lines no wider than asked for, with columns that are straight whatever is in them; a column without a word in it is left out.
// Does not colour but by the styles that cells carry, and does not neutralise: cells are harmless already.

import { displayWidth } from './display-width.ts'
import type { Paint, Style } from './glyphs.ts'
import { truncate, truncateStart } from './text.ts'

export interface Column {
  readonly title: string
  /** Default left. */
  readonly align?: 'right'
  /** Where there is no room for all, those of the highest rank go first; 0 always stays. */
  readonly rank: number
  /** It may be cut down to so many columns before another one is left out; by default it is never cut. */
  readonly least?: number
  /** Of names that differ at their end, that end is kept. */
  readonly keep?: 'end'
}

export type Cell = string | { readonly text: string; readonly style: Style }

const GAP = 2
const textOf = (cell: Cell | undefined): string => (typeof cell === 'object' ? cell.text : (cell ?? ''))

/** The title line, in bold, and one line a row. */
export function drawColumns(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string[] {
  const natural = columns.map(({ title }, index) => {
    const widest = Math.max(0, ...rows.map((row) => displayWidth(textOf(row[index]))))
    return widest === 0 ? 0 : Math.max(displayWidth(title), widest)
  })
  const widths = shareOut(columns, natural, width)
  const lineOf = (cells: readonly Cell[]): string => lineFrom(columns, widths, cells, paint)
  const title = columns.map((column): Cell => ({ text: column.title, style: 'bold' }))
  return [lineOf(title), ...rows.map(lineOf)]
}

/** 0 where a column is left out. */
function shareOut(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const kept = new Set([...columns.keys()].filter((index) => natural[index] !== 0))
  const leastOf = (index: number): number => Math.min(natural[index] ?? 0, columns[index]?.least ?? Infinity)
  const need = (of: (index: number) => number): number =>
    [...kept].reduce((sum, index) => sum + of(index), GAP * (kept.size - 1))
  for (const index of [...columns.keys()].sort((a, b) => rankOf(columns, b) - rankOf(columns, a)))
    if (need(leastOf) > width && rankOf(columns, index) > 0) kept.delete(index)
  let spare = width - need(leastOf)
  return columns.map((_, index) => {
    if (!kept.has(index)) return 0
    const more = Math.max(0, Math.min(spare, (natural[index] ?? 0) - leastOf(index)))
    spare -= more
    return leastOf(index) + more
  })
}

const rankOf = (columns: readonly Column[], index: number): number => columns[index]?.rank ?? 0

function lineFrom(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly Cell[],
  paint: Paint,
): string {
  const shown = columns.flatMap((column, index) => {
    const width = widths[index] ?? 0
    if (width === 0) return []
    const cell = cells[index]
    const cut = (column.keep === 'end' ? truncateStart : truncate)(textOf(cell), width)
    const blank = ' '.repeat(width - displayWidth(cut))
    const painted = typeof cell === 'object' ? paint(cell.style, cut) : cut
    return [column.align === 'right' ? blank + painted : painted + blank]
  })
  return shown.join(' '.repeat(GAP)).trimEnd()
}
