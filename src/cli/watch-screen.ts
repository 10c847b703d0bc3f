// Owns what `watch` shows: on a terminal a table of what is in flight with the finished starts above it, elsewhere lines of a log.
// Promises every finished start once, in either, and on a machine that can hardly keep up, a table that is drawn less often.
// Does not watch.

import { formatRfc3339, type UnixNano } from '../base/time.ts'
import type { InFlight } from '../trace/in-flight.ts'
import { rootOf, type Trace } from '../trace/trace.ts'
import type { Context } from './context.ts'
import { displayWidth } from './display-width.ts'
import { ansi, type Paint, plain, toAscii } from './glyphs.ts'
import { drawTable, inFlightLine, inFlightWords } from './in-flight.ts'
import { type Formatter, formatterOf, type OutputForm } from './output.ts'
import { createTally, type Tally } from './tally.ts'
import { formatDuration, neutralise, padEnd, padStart, truncate, truncateStart, wrap } from './text.ts'
import { outcomeStyle, podName } from './waterfall.ts'

export interface Screen {
  show(trace: Trace): void
  /** Until the signal: redraws, or logs from time to time. */
  run(): Promise<void>
}

export interface Sight {
  inFlight(): readonly InFlight[]
  /** False while the watch of pods is broken off. */
  isConnected(): boolean
}

const REDRAW_MS = 250
/** A thousand starts under way take a second to tell: the watch has to have most of the time. */
const SHARE_OF_DRAWING = 9
const LOG_MS = 30_000

export async function openScreen(
  context: Context,
  output: OutputForm | 'lines',
  sight: Sight,
): Promise<Screen> {
  const { terminal } = context
  const forPeople = output === 'lines' || output === 'waterfall'
  const inPlace = terminal.interactive && forPeople
  const format = output === 'lines' ? lineFormatter(context, inPlace) : await formatterOf(output, terminal)
  return inPlace ? table(context, sight, format) : log(context, sight, format, forPeople)
}

const paintOf = ({ terminal }: Context): Paint => (terminal.look().colour ? ansi : plain)

function lineFormatter(context: Context, inPlace: boolean): Formatter {
  return (trace) => {
    const { ascii, width } = context.terminal.look()
    const paint = paintOf(context)
    const text = inPlace ? startLines(trace, width, paint).join('\n') : startLine(trace, paint)
    return `${ascii ? toAscii(text) : text}\n`
  }
}

function table(context: Context, sight: Sight, format: Formatter): Screen {
  const { terminal, clock, signal } = context
  const tally = createTally()
  const draw = (): void => {
    const { width } = terminal.look()
    const paint = paintOf(context)
    const starts = sight.inFlight()
    const look = { width, rows: (terminal.rows ?? 24) / 2 - 2, paint }
    terminal.footer([
      paint('dim', (terminal.look().ascii ? '-' : '─').repeat(width)),
      titleOf(starts, tally, { isConnected: sight.isConnected(), width, paint }),
      ...drawTable(starts, clock.now(), look),
    ])
  }
  return {
    show: (trace) => {
      tally.add(trace)
      void terminal.print(format(trace))
    },
    run: async () => {
      while (!signal.aborted) {
        const began = clock.monotonicMs()
        draw()
        const took = clock.monotonicMs() - began
        await clock.sleep(Math.max(REDRAW_MS, took * SHARE_OF_DRAWING), signal)
      }
      terminal.footer([])
      if (tally.total > 0) terminal.say(`podspan: ${summaryOf(tally)}.`)
    },
  }
}

const summaryOf = (tally: Tally): string => [tally.outcomes(plain), tally.slowest()].join('; ')

interface TitleLook {
  readonly isConnected: boolean
  readonly width: number
  readonly paint: Paint
}

/** What does not fit is left out from the end; colours only where all of a part is there. */
function titleOf(
  starts: readonly InFlight[],
  tally: Tally,
  { isConnected, width, paint }: TitleLook,
): string {
  const parts: readonly ((how: Paint) => string)[] = [
    ...(isConnected ? [] : [(how: Paint) => how('red', 'not connected, trying again')]),
    (how) => how('bold', inFlightWords(starts)),
    ...(tally.total === 0 ? [] : [(how: Paint) => tally.outcomes(how), () => tally.slowest()]),
  ]
  let line = ''
  let used = 0
  for (const part of parts) {
    const gap = used === 0 ? '' : '   '
    const wide = displayWidth(part(plain))
    if (used + gap.length + wide > width) return used === 0 ? truncate(part(plain), width) : line
    line += gap + part(paint)
    used += gap.length + wide
  }
  return line
}

/** In JSON forms stdout holds traces only, and what is in flight is talk. */
function log(context: Context, sight: Sight, format: Formatter, forPeople: boolean): Screen {
  const { terminal, clock, signal } = context
  const tell = (text: string): void => {
    if (!forPeople) return terminal.say(text)
    void terminal.print(`${terminal.look().ascii ? toAscii(text) : text}\n`)
  }
  return {
    show: (trace) => void terminal.print(format(trace)),
    run: async () => {
      while (!signal.aborted) {
        await clock.sleep(LOG_MS, signal)
        const now = clock.now()
        const starts = signal.aborted ? [] : sight.inFlight()
        if (starts.length > 0) tell(`${formatRfc3339(now, 0)}  ${inFlightLine(starts, now)}`)
      }
    },
  }
}

const endOf = (trace: Trace): UnixNano => rootOf(trace).end.best

/** `2026-11-22T17:03:36Z  ready         12.4 s  shop/checkout-x2x4p  Ready after …`. */
export function startLine(trace: Trace, paint: Paint): string {
  const outcome = paint(outcomeStyle(trace.outcome), padEnd(trace.outcome, 9))
  return `${formatRfc3339(endOf(trace), 0)}  ${outcome} ${padStart(formatDuration(trace.startup), 9)}  ${podName(trace)}  ${neutralise(trace.verdict)}`
}

const INDENT = '  '
const LINES_MAX = 3

/** The same for a window: the time of day, and below it what the verdict adds to outcome and length. */
export function startLines(trace: Trace, width: number, paint: Paint): string[] {
  const time = formatRfc3339(endOf(trace), 0).slice(11)
  const outcome = padEnd(trace.outcome, 9)
  const head = `${time}  ${outcome} ${padStart(formatDuration(trace.startup), 9)}  `
  const name = truncateStart(podName(trace), Math.max(12, width - displayWidth(head)))
  const first = `${time}  ${paint(outcomeStyle(trace.outcome), outcome)}${head.slice(time.length + 2 + outcome.length)}${name}`
  const why = neutralise(trace.verdict.replace(/^(Ready|Completed) after [^;,]*; /, ''))
  const room = width - displayWidth(head + name) - 2
  if (displayWidth(why) <= room) return [`${first}  ${why}`]
  return [first, ...wrap(why, width - INDENT.length, LINES_MAX).map((line) => paint('dim', INDENT + line))]
}
