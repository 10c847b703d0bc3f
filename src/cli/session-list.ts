// Owns `podspan session list` and `session get`: what the sessions of a namespace say, at a glance and in full.
// Promises the same report as `session run` ends with. Only reads.

import type { UnixNano } from '../base/time.ts'
import { parseRfc3339 } from '../base/time.ts'
import type { TraceSession } from '../session/schema.ts'
import { type ClusterOptions, dial } from './connect.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { ansi, type Paint, plain, toAscii } from './glyphs.ts'
import { formatSession } from './session.ts'
import { getSession, listSessions, type SessionPlace } from './session-calls.ts'
import { readSeen, type Seen } from './session-feed.ts'
import { ageText, lengthText, phaseStyle } from './session-words.ts'
import { type Cell, type Column, drawColumns } from './table.ts'
import { neutralise, plural } from './text.ts'

export interface SessionListOptions extends ClusterOptions {
  readonly output: 'text' | 'json'
  readonly allNamespaces?: true
}

export async function sessionGet(
  context: Context,
  name: string,
  options: SessionListOptions,
): Promise<ExitCode> {
  return withPlace(context, options, async (place) => {
    const seen = readSeen(await getSession(place, name))
    if (!seen) throw new Error(`session ${name} is of no form that is known`)
    await context.terminal.print(formatSession(seen, options.output, context))
  })
}

export async function sessionList(context: Context, options: SessionListOptions): Promise<ExitCode> {
  return withPlace(context, options, async (place) => {
    const raw = await listSessions(place)
    const all = raw.flatMap((each) => readSeen(each) ?? [])
    if (all.length < raw.length)
      context.terminal.say(
        `podspan: ${plural(raw.length - all.length, 'session')} cannot be read by this version`,
      )
    const newestFirst = all.toSorted((a, b) => createdOf(b) - createdOf(a))
    await context.terminal.print(
      options.output === 'json'
        ? newestFirst.map((each) => formatSession(each, 'json', context)).join('')
        : page(newestFirst, context, place.namespace),
    )
  })
}

const createdOf = ({ session }: Seen): number =>
  Number((parseRfc3339(session.metadata.creationTimestamp) ?? 0n) / 1_000_000_000n)

async function withPlace(
  context: Context,
  options: SessionListOptions,
  act: (place: SessionPlace) => Promise<void>,
): Promise<ExitCode> {
  const connection = await dial(context, options)
  const here = options.namespace ?? connection.namespace ?? 'default'
  const { clock, signal } = context
  try {
    await act({ connection, clock, signal, namespace: options.allNamespaces ? undefined : here })
    return EXIT.ok
  } finally {
    await connection.close()
  }
}

function page(all: readonly Seen[], { terminal, clock }: Context, namespace: string | undefined): string {
  const { width, colour, ascii } = terminal.look()
  if (all.length === 0)
    return `no TraceSessions in ${namespace === undefined ? 'any namespace' : `namespace ${neutralise(namespace)}`}\n`
  const sessions = all.map(({ session }) => session)
  const lines = drawList(sessions, clock.now(), { width, paint: colour ? ansi : plain, named: namespace })
  const text = lines.map((line) => `${line}\n`).join('')
  return ascii ? toAscii(text) : text
}

interface ListLook {
  readonly width: number
  readonly paint: Paint
  /** Where all are of one namespace, it is not repeated. */
  readonly named: string | undefined
}

const COLUMNS: readonly Column[] = [
  { title: 'session', rank: 0, least: 12 },
  { title: 'phase', rank: 0 },
  { title: 'ready', align: 'right', rank: 1 },
  { title: 'p50', align: 'right', rank: 3 },
  { title: 'p99', align: 'right', rank: 2 },
  { title: 'age', align: 'right', rank: 4 },
]

/** The columns of `kubectl get tsn` that help to choose one. */
export function drawList(sessions: readonly TraceSession[], now: UnixNano, look: ListLook): string[] {
  const rows = sessions.map((session): Cell[] => {
    const { namespace, name } = session.metadata
    const full = neutralise(look.named === undefined ? `${namespace}/${name}` : name, 320)
    const phase = session.status?.phase ?? 'Pending'
    return [full, { text: phase, style: phaseStyle(phase) }, ...cellsOf(session, now)]
  })
  return drawColumns(COLUMNS, rows, look.width, look.paint)
}

function cellsOf(session: TraceSession, now: UnixNano): string[] {
  const { pods, startup } = session.status ?? {}
  const ready = pods ? `${pods.ready + pods.completed} of ${pods.matched}` : ''
  // Its length where it is over would hide how old it is.
  const { status: _, ...open } = session
  return [ready, lengthText(startup?.p50), lengthText(startup?.p99), ageText(open as TraceSession, now)]
}
