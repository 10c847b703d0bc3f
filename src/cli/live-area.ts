// Owns the lines at the bottom of a terminal that are replaced in place.
// Promises that lasting text and talk appear above them unharmed, and that nothing is written where nothing changed.
// Does not decide when to draw, and writes nothing of its own where it has never drawn.

export interface LiveArea {
  /** Lasting text, above the lines. */
  print(text: string): Promise<void>
  /** Replaces the lines; none removes them. */
  draw(lines: readonly string[]): void
  /** Lets somebody write to the same screen by another way. */
  aside(write: () => void): void
}

const UP_AND_CLEAR = '\u001b[1A\u001b[2K'

export function createLiveArea(write: (text: string) => Promise<void>): LiveArea {
  let shown: readonly string[] = []
  const erase = (): string => UP_AND_CLEAR.repeat(shown.length)
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
  return {
    print: (lasting) => write(erase() + lasting + text(shown)),
    draw: (lines) => {
      if (lines.length === shown.length && lines.every((line, index) => line === shown[index])) return
      const erased = erase()
      shown = lines
      void write(erased + text(lines))
    },
    aside: (speak) => {
      if (shown.length > 0) void write(erase())
      speak()
      if (shown.length > 0) void write(text(shown))
    },
  }
}
