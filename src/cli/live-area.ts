// Owns the lines at the bottom of a terminal that are replaced in place.
// Promises that lasting text and talk appear above them unharmed, that nothing is written where nothing changed, and that a window
// whose width has changed in between is left as clean. Does not decide when to draw, and writes nothing of its own where it has never drawn.

import { displayWidth } from './display-width.ts'
import { withoutColours } from './glyphs.ts'

export interface LiveArea {
  /** Lasting text, above the lines. */
  print(text: string): Promise<void>
  /** Replaces the lines; none removes them. */
  draw(lines: readonly string[]): void
  /** Lets somebody write to the same screen by another way. */
  aside(write: () => void): void
}

const ESCAPE = '\u001b['
/** The terminal shows what lies between them at once; those that do not know them ignore them. */
const [BEGIN, END] = [`${ESCAPE}?2026h`, `${ESCAPE}?2026l`]
const CLEAR_BELOW = `${ESCAPE}J`

export function createLiveArea(
  write: (text: string) => Promise<void>,
  /** The width of the window now. */
  columns: () => number = () => Number.POSITIVE_INFINITY,
): LiveArea {
  let shown: readonly string[] = []
  const erase = (): string => {
    const rows = shown.reduce((sum, line) => sum + rowsOf(line, columns()), 0)
    return rows === 0 ? '' : `\r${ESCAPE}${rows}A${CLEAR_BELOW}`
  }
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
  const replace = (lasting: string, lines: readonly string[]): Promise<void> => {
    const written = erase() + lasting + text(lines)
    const isPicture = shown.length > 0 || lines.length > 0
    shown = lines
    return write(isPicture ? BEGIN + written + END : written)
  }
  return {
    print: (lasting) => replace(lasting, shown),
    draw: (lines) => {
      if (lines.length === shown.length && lines.every((line, index) => line === shown[index])) return
      void replace('', lines)
    },
    aside: (speak) => {
      if (shown.length > 0) void write(erase())
      speak()
      if (shown.length > 0) void write(text(shown))
    },
  }
}

/** A window that has become narrower shows a line in as many rows as it needs now. */
const rowsOf = (line: string, columns: number): number =>
  Math.max(1, Math.ceil(displayWidth(withoutColours(line)) / Math.max(1, columns)))
