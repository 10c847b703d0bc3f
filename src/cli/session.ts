// Owns `podspan session run`: a TraceSession round a rollout, from its creation to its verdict and the exit code.
// Promises that the session is seen before it is waited for, that a command runs only once Podspan has accepted the session, and
// that nothing is deleted unless asked. Does not judge: Podspan in the cluster does.

import { CONTEXT_VARIABLE, parseTraceparent } from '../base/trace-context.ts'
import { add, type DurationNano, SECOND, seconds, type UnixNano } from '../base/time.ts'
import type { Json } from '../decode/json-fields.ts'
import { parseDuration } from '../session/duration.ts'
import type { TraceSession, TraceSessionSpec } from '../session/schema.ts'
import { type ClusterOptions, dial, refuse } from './connect.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { jsonLine } from './json-line.ts'
import { aborted } from './live.ts'
import { createSession, listSessions, removeSession, type SessionPlace } from './session-calls.ts'
import { type CommandEnd, commandText, hasSucceeded, runCommand } from './session-command.ts'
import { type Feed, openFeed, type Seen } from './session-feed.ts'
import { createProgress, type Progress } from './session-progress.ts'
import { drawSession } from './session-report.ts'
import { type Asked, sessionFor, type SessionWants } from './session-spec.ts'
import { conditionOf, isComplete } from './session-words.ts'
import { neutralise } from './text.ts'

export interface SessionRunOptions extends ClusterOptions, SessionWants {
  readonly output: 'text' | 'json'
  readonly delete?: true
}

/** Podspan looks at a new session within a second or two; a standby takes over within 15. */
const ACCEPTED_WITHIN = seconds(15)
/** After the timeout and the last start's own: evidence settles, and a status may wait for 10 s. */
const SLACK = seconds(300)
const TIMEOUT = seconds(1800)
/** After a failed command: the next status tells what was wrong. */
const LAST_STATUS_WITHIN = seconds(12)
const LOOK_MS = 1000

export async function sessionRun(
  context: Context,
  options: SessionRunOptions,
  command: readonly string[],
): Promise<ExitCode> {
  const how = command.length > 0 ? 'with a command' : 'alone'
  const asked = sessionFor(options, how, context.random, surroundingTrace(context))
  const connection = await dial(context, options)
  const namespace = options.namespace ?? connection.namespace ?? 'default'
  const { clock, signal } = context
  const place = { connection, clock, signal, namespace }
  const feed = openFeed(place, asked.manifest.metadata.name, context.random)
  try {
    await listSessions(place, 1)
    const run: Run = { context, options, place, feed, asked, progress: createProgress(context) }
    return await gate(run, command)
  } catch (error) {
    if (!signal.aborted) throw error
    return EXIT.interrupted
  } finally {
    await feed.close()
    await connection.close()
  }
}

/** The trace of whoever runs this, such as a CI job's: the session's starts are going to link to it. */
function surroundingTrace({ env, terminal }: Context): string | undefined {
  const text = env[CONTEXT_VARIABLE]
  if (text === undefined || text === '') return undefined
  if (parseTraceparent(text)) return text
  terminal.say(
    `podspan: ${CONTEXT_VARIABLE} is no W3C trace context, so nothing links to it: ${neutralise(text)}; expected 00-TRACE-SPAN-FLAGS in lower-case hex`,
  )
  return undefined
}

interface Run {
  readonly context: Context
  readonly options: SessionRunOptions
  readonly place: SessionPlace & { readonly namespace: string }
  readonly feed: Feed
  readonly asked: Asked
  readonly progress: Progress
}

async function gate(run: Run, command: readonly string[]): Promise<ExitCode> {
  const { feed, place, context } = run
  await Promise.race([feed.ready, aborted(context.signal)])
  if (context.signal.aborted) return EXIT.interrupted
  if (feed.latest)
    refuse(
      `There is a TraceSession ${nameOf(run)} already. Choose another --name, or leave it out for a unique one.`,
    )
  const uid = await createSession(place, run.asked.manifest)
  context.terminal.say(`podspan: session ${nameOf(run)} was created`)
  try {
    return await follow(run, command)
  } finally {
    run.progress.clear()
    if (run.options.delete) await tidy(run, uid)
  }
}

async function follow(run: Run, command: readonly string[]): Promise<ExitCode> {
  const { clock } = run.context
  const created = clock.now()
  const first = await until(run, add(created, ACCEPTED_WITHIN), ({ session }) =>
    conditionOf(session, 'Accepted') === undefined ? undefined : session,
  )
  if (first.kind !== 'found') return explain(run, first.kind, 'nobody accepted it')
  const accepted = conditionOf(first.value, 'Accepted')?.status === 'True'
  if (!accepted || command.length === 0) return verdict(run, lastMoment(created, run.asked.spec))
  const end = await during(run, command)
  if (run.context.signal.aborted) return interrupted(run)
  if (hasSucceeded(end)) return verdict(run, lastMoment(created, run.asked.spec))
  return afterFailure(run, end)
}

/** The session ends by itself long before, unless nobody runs it any more. */
function lastMoment(created: UnixNano, { completion, startTimeout }: TraceSessionSpec): UnixNano {
  const timeout = parseDuration(completion.timeout ?? '') ?? TIMEOUT
  const start = parseDuration(startTimeout) ?? seconds(0)
  return add(created, (timeout + start + SLACK) as DurationNano)
}

async function verdict(run: Run, deadline: UnixNano): Promise<ExitCode> {
  const over = await until(run, deadline, (seen) => (isComplete(seen.session) ? seen : undefined))
  if (over.kind !== 'found') return explain(run, over.kind, 'it is not complete')
  run.progress.clear()
  await print(run, over.value)
  const phase = over.value.session.status?.phase
  return phase === 'Passed' ? EXIT.ok : phase === 'Failed' ? EXIT.finding : EXIT.inconclusive
}

/** A rollout that failed is not waited for; but what was seen of it so far may say why. */
async function afterFailure(run: Run, end: CommandEnd): Promise<ExitCode> {
  const { clock, terminal } = run.context
  terminal.say(`podspan: the command ${commandText(end)}; looking once more before the report`)
  const begun = clock.now()
  await until(run, add(begun, LAST_STATUS_WITHIN), ({ session }) =>
    isComplete(session) ? session : undefined,
  )
  run.progress.clear()
  if (run.feed.latest) await print(run, run.feed.latest)
  terminal.say(`podspan: the command ${commandText(end)}, so this has failed whatever the session says`)
  return run.context.signal.aborted ? interrupted(run) : EXIT.finding
}

/** The command has the terminal to itself, but for a line now and then. */
async function during(run: Run, command: readonly string[]): Promise<CommandEnd> {
  const { progress, feed, context, options } = run
  const before = progress.mode
  progress.mode = 'lines'
  progress.clear()
  const running = runCommand(context, command, options.output === 'json' ? 'to stderr' : 'inherit')
  let end: CommandEnd | undefined
  const ended = running.then((how) => (end = how))
  while (end === undefined) {
    if (feed.latest) progress.show(feed.latest.session)
    await Promise.race([context.signal.aborted ? ended : feed.changed(LOOK_MS), ended])
  }
  progress.mode = before
  return end
}

type Waited<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'late' | 'gone' | 'interrupted' }

/** Looks at each change and about once a second. */
async function until<T>(
  { context, feed, progress }: Run,
  deadline: UnixNano,
  find: (seen: Seen) => T | undefined,
): Promise<Waited<T>> {
  for (;;) {
    const { latest } = feed
    const value = latest && find(latest)
    if (value !== undefined) return { kind: 'found', value }
    if (context.signal.aborted) return { kind: 'interrupted' }
    if (feed.gone) return { kind: 'gone' }
    if (context.clock.now() >= deadline) return { kind: 'late' }
    if (latest) progress.show(latest.session)
    await feed.changed(LOOK_MS)
  }
}

async function explain(
  run: Run,
  why: 'late' | 'gone' | 'interrupted',
  what: 'nobody accepted it' | 'it is not complete',
): Promise<ExitCode> {
  if (why === 'interrupted') return interrupted(run)
  run.progress.clear()
  if (why === 'gone') refuse(`Session ${nameOf(run)} was deleted before it came to a verdict.`)
  if (what === 'nobody accepted it') refuse(nobody(run))
  if (run.feed.latest) await print(run, run.feed.latest)
  refuse(
    `Session ${nameOf(run)} should be complete by now, and is not: Podspan seems to have stopped. Its pods and logs say more; the session is judged when it is back.`,
  )
}

function nobody({ feed, ...run }: Run): string {
  const within = `within ${ACCEPTED_WITHIN / SECOND} s`
  return feed.latest
    ? `No controller answers: nobody has accepted session ${nameOf(run)} ${within}, and nothing was run. Is Podspan running, and does it watch this namespace? 'kubectl get pods -A -l app.kubernetes.io/name=podspan' shows it. ${left(run)}`
    : `Session ${nameOf(run)} was created, but its watch has not shown it ${within}, and nothing was run: the connection to the cluster is in trouble. ${left(run)}`
}

function interrupted(run: Run): ExitCode {
  run.progress.clear()
  run.context.terminal.say(`podspan: interrupted before there was a verdict. ${left(run)}`)
  return EXIT.interrupted
}

function left(run: Pick<Run, 'asked' | 'place' | 'options' | 'context'>): string {
  const { name } = run.asked.manifest.metadata
  const where = `${name} -n ${run.place.namespace}`
  return run.options.delete
    ? 'The session is being deleted.'
    : `The session stays: '${run.context.program} session get ${where}' shows it, 'kubectl delete tsn ${where}' removes it.`
}

const nameOf = ({ place, asked }: Pick<Run, 'place' | 'asked'>): string =>
  neutralise(`${place.namespace}/${asked.manifest.metadata.name}`, 320)

/** Also after an interrupt, when the other requests are over. */
async function tidy(run: Run, created: string | undefined): Promise<void> {
  const { feed, place, asked, context } = run
  const uid = created ?? feed.latest?.session.metadata.uid
  if (uid === undefined || feed.gone) return
  const still = { ...place, signal: new AbortController().signal }
  const why = await removeSession(still, { name: asked.manifest.metadata.name, uid })
  if (why !== undefined)
    context.terminal.say(`podspan: session ${nameOf(run)} could not be deleted: ${neutralise(why)}`)
}

const print = ({ context, options }: Run, seen: Seen): Promise<void> =>
  context.terminal.print(formatSession(seen, options.output, context))

/** The report, or the object as `kubectl get -o json` has it, on one line. */
export function formatSession(
  { raw, session }: { readonly raw: Json; readonly session: TraceSession },
  form: 'text' | 'json',
  { terminal, clock }: Pick<Context, 'terminal' | 'clock'>,
): string {
  if (form === 'text') return drawSession(session, clock.now(), terminal.look())
  const metadata = { ...(raw['metadata'] as Json), managedFields: undefined }
  return jsonLine(JSON.stringify({ ...raw, metadata }))
}
