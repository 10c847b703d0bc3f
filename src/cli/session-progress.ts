// Owns what is said of a session while it runs: lines in place on a terminal, else one line every 10 s.
// Promises to draw only while it is asked to, so that a command may have the terminal to itself, and to leave nothing behind.
// Does not wait and does not judge.

import { SECOND, type UnixNano } from '../base/time.ts'
import type { TraceSession, TraceSessionStatus } from '../session/schema.ts'
import type { Context } from './context.ts'
import { ansi, type Paint, plain } from './glyphs.ts'
import { ageText, conditionOf, lengthText, phaseStyle, countsText, startupText } from './session-words.ts'
import { neutralise, padEnd, truncate } from './text.ts'

export interface Progress {
  /** In place where that is possible; lines while another program writes to the same terminal. */
  mode: 'in place' | 'lines'
  /** About once a second; draws, or says a line when 10 s have passed. */
  show(session: TraceSession): void
  /** Removes what was drawn. */
  clear(): void
}

const LINE_EVERY = 10n * SECOND

export function createProgress({ terminal, clock }: Pick<Context, 'terminal' | 'clock'>): Progress {
  let said: UnixNano | undefined
  const progress: Progress = {
    mode: terminal.interactive ? 'in place' : 'lines',
    show: (session) => {
      const now = clock.now()
      if (progress.mode === 'in place') {
        const { width, colour } = terminal.look()
        return terminal.footer(progressLines(session, now, width, colour ? ansi : plain))
      }
      said ??= now
      if (now - said < LINE_EVERY) return
      said = now
      terminal.say(`podspan: ${progressLine(session, now)}`)
    },
    clear: () => terminal.footer([]),
  }
  return progress
}

/** What there is to say of a status, in the order of its weight. */
function parts(session: TraceSession): { readonly title: string; readonly text: string }[] {
  const status = session.status ?? {}
  const startup = startupText(status)
  const waiting = conditionOf(session, 'Complete')
  const all = [
    { title: 'pods', text: status.pods?.matched ? countsText(status.pods) : 'none yet' },
    { title: 'startup', text: startup },
    { title: 'objective', text: startup === undefined ? undefined : status.objective },
    { title: 'slowest', text: slowestText(status) },
    { title: 'stuck', text: stuckText(status) },
    { title: 'waiting', text: waiting?.status === 'False' ? waiting.message : undefined },
  ]
  return all.flatMap(({ title, text }) => (text ? [{ title, text: neutralise(text, 400) }] : []))
}

function slowestText({ slowest }: TraceSessionStatus): string | undefined {
  const [first] = slowest ?? []
  if (!first) return undefined
  const ended = first.outcome === 'ready' ? '' : ` ${first.outcome} after`
  return `${first.pod}${ended} ${lengthText(first.startup)}${first.longest ? ` (${first.longest})` : ''}`
}

function stuckText({ stuck }: TraceSessionStatus): string | undefined {
  if (!stuck?.length) return undefined
  return stuck
    .slice(0, 3)
    .map(({ in: operation, pods, oldest, reason }) => {
      const why = reason === undefined ? '' : `: ${reason}`
      return `${pods} in ${operation} for up to ${lengthText(oldest)}${why}`
    })
    .join('; ')
}

export function progressLine(session: TraceSession, now: UnixNano): string {
  const said = parts(session).map(({ title, text }) => `${title} ${text}`)
  return `${ageText(session, now)}  ${said.join('; ').replaceAll(/\s+/g, ' ')}`
}

export function progressLines(session: TraceSession, now: UnixNano, width: number, paint: Paint): string[] {
  const phase = session.status?.phase ?? 'Pending'
  const name = neutralise(`${session.metadata.namespace}/${session.metadata.name}`, 300)
  const head = truncate(`${name}  ${ageText(session, now)}`, width - phase.length - 2)
  const rows = parts(session).map(({ title, text }) => truncate(`${padEnd(title, 11)}${text}`, width))
  return [`${paint(phaseStyle(phase), phase)}  ${head}`, ...rows]
}
