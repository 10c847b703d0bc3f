// Owns `podspan trace`: the starts of one pod, or of a workload's pods, now.
// Promises a picture of a start that is long over from what the API server still holds, and to follow one that is under way.
// Does not watch other pods: see watch.ts.

import type { PodRecord } from '../base/record.ts'
import type { DurationNano } from '../base/time.ts'
import { toMilliseconds } from '../base/time.ts'
import { isInFlight } from '../kube/event-backfill.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import { type ClusterOptions, connect, type Target } from './connect.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import type { Followed } from './followed.ts'
import { ansi, plain } from './glyphs.ts'
import { drawTable } from './in-flight.ts'
import { aborted, type Live, startLive, untilReady } from './live.ts'
import { formatterOf, type OutputForm } from './output.ts'
import type { CreatePipeline } from './replay-options.ts'
import { Summary } from './summary.ts'
import { findPods, parseTarget, type Pods } from './target.ts'
import { neutralise, plural } from './text.ts'
import type { Look } from './waterfall.ts'

export interface TraceOptions extends ClusterOptions {
  readonly output: OutputForm
  readonly slowest?: number | true
  readonly follow: boolean
  readonly timeout?: DurationNano
  readonly settle?: DurationNano
  readonly exitCode?: boolean
  /** Serve the page at this port instead of printing, and start a browser. */
  readonly ui?: number
  readonly open: boolean
}

/** Above this many pods their past events are read for the whole namespace at once. */
const ONE_BY_ONE = 20
const EVENTS_MAX = 20_000
const TIMEOUT_MS = 600_000

export async function trace(
  context: Context,
  text: string,
  options: TraceOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const named = parseTarget(text)
  const target = await connect(context, options)
  const namespace = options.namespace ?? target.connection.namespace ?? 'default'
  const found = await findPods(target, namespace, named)
  if (options.ui === undefined) {
    const told = await collect(context, target, { ...options, namespace }, found, createPipeline)
    await target.connection.close()
    return print(context, told, options, found)
  }
  const { tracePage } = await import('./trace-page.ts')
  const under = await follow(context, target, { ...options, namespace }, found, createPipeline)
  try {
    return await tracePage(context, target, under, { ui: options.ui, open: options.open })
  } finally {
    await under.close()
    await target.connection.close()
  }
}

export interface Told {
  readonly traces: readonly Trace[]
  readonly interrupted: boolean
}

/** The starts of these pods, from what the API server still holds; those under way are followed where that is asked for. */
export async function collect(
  context: Context,
  target: Target,
  options: Pick<TraceOptions, 'settle' | 'timeout' | 'follow'> & { readonly namespace: string },
  found: Pods,
  createPipeline: CreatePipeline,
): Promise<Told> {
  const { timeout } = options
  const followed = await follow(context, target, options, found, createPipeline)
  const { pipeline, pods, waiting } = followed
  if (options.follow && waiting.size > 0) {
    context.terminal.say(
      `podspan: ${plural(waiting.size, 'pod')} still starting; waiting for the end.${describe(pipeline, pods)}`,
    )
    const limit = timeout === undefined ? TIMEOUT_MS : toMilliseconds(timeout)
    const late = context.clock.sleep(limit, context.signal)
    const over = Promise.race([followed.done, aborted(context.signal), late])
    await showUntil(context, over, () => pipeline.inFlight().filter(({ uid }) => waiting.has(uid)))
  }
  const traces = followed.told()
  await followed.close()
  return { traces, interrupted: context.signal.aborted }
}

/** Watches these pods, and reads what is past of them. */
async function follow(
  context: Context,
  target: Target,
  options: Pick<TraceOptions, 'settle'> & { readonly namespace: string },
  { pods, scope }: Pods,
  createPipeline: CreatePipeline,
): Promise<Followed> {
  const { namespace, settle } = options
  const wanted = new Map(pods.map((pod) => [pod.uid, pod]))
  const pipeline = createPipeline({
    backfill: ({ uid }) => wanted.has(uid),
    clusterName: target.connection.contextName,
    ...(target.clusterUid !== undefined && { clusterUid: target.clusterUid }),
    ...(settle !== undefined && { settle }),
    // A start that is followed is given up by our own clock, so that it is shown as it stands.
    startTimeout: BigInt(Number.MAX_SAFE_INTEGER) as DurationNano,
  })
  const final = new Map<string, Trace>()
  const waiting = new Set<string>(pods.filter(isInFlight).map((pod) => pod.uid))
  const { promise: done, resolve } = Promise.withResolvers<void>()
  const onTrace = (each: Trace): void => {
    if (!wanted.has(each.uid)) return
    final.set(each.uid, each)
    waiting.delete(each.uid)
    if (waiting.size === 0) resolve()
    followed.onTrace(each)
  }
  const live = await startLive(context, target, pipeline, { namespace, ...scope, onTrace })
  const followed: Followed = {
    ...{ pipeline, pods: wanted, waiting, done, close: live.close },
    onTrace: () => undefined,
    told: () => [...wanted.keys()].flatMap((uid) => final.get(uid) ?? pipeline.traceOf(uid) ?? []),
  }
  await untilReady(context, live, `namespace ${namespace}`)
  await readPast(context, target, live, namespace, pods)
  return followed
}

const REDRAW_MS = 250

/** On a terminal what the starts wait for is drawn in place meanwhile. */
async function showUntil(
  { clock, terminal }: Context,
  over: Promise<void>,
  inFlight: () => readonly InFlight[],
): Promise<void> {
  let isOver = false
  const ended = over.then(() => void (isOver = true))
  while (terminal.interactive && !isOver) {
    const { width, colour } = terminal.look()
    const look = { width, rows: (terminal.rows ?? 24) / 2, paint: colour ? ansi : plain }
    terminal.footer(drawTable(inFlight(), clock.now(), look))
    await Promise.race([ended, clock.sleep(REDRAW_MS)])
  }
  await ended
  terminal.footer([])
}

function describe(pipeline: Pipeline, wanted: ReadonlyMap<string, PodRecord>): string {
  const first = pipeline.inFlight().find(({ uid }) => wanted.has(uid))
  return first === undefined ? '' : ` ${neutralise(first.name)} is ${neutralise(first.waitsFor)}.`
}

/** The watch brings past events only for pods in flight; for those that are over they are read here. */
async function readPast(
  { clock, terminal }: Context,
  { api }: Target,
  { push }: Live,
  namespace: string,
  pods: readonly PodRecord[],
): Promise<void> {
  const questions =
    pods.length > ONE_BY_ONE ? [{ limit: EVENTS_MAX }] : pods.map(({ uid }) => ({ involvedUid: uid }))
  for (const question of questions) {
    const read = await api.readEvents(namespace, question)
    if (!read.ok)
      return terminal.say(
        `podspan: past events cannot be read: ${neutralise(read.failure.message)}. The picture is coarser.`,
      )
    const t = clock.now()
    for (const record of read.value.events)
      push({ kind: 'added', t, source: 'events', phase: 'initial', record })
  }
}

async function print(
  context: Context,
  { traces, interrupted }: Told,
  options: TraceOptions,
  found: Pods,
): Promise<ExitCode> {
  const { terminal } = context
  if (traces.length === 0) {
    if (interrupted) return EXIT.interrupted
    throw new CliError(
      EXIT.notFound,
      `Nothing can be said about ${plural(found.pods.length, 'pod')}: the API server holds no times of its start.`,
    )
  }
  const count = options.slowest === true ? 1 : (options.slowest ?? traces.length)
  const shown = traces
    .toSorted((a, b) => (a.startup < b.startup ? 1 : a.startup > b.startup ? -1 : 0))
    .slice(0, count)
  const format = await formatterOf(options.output, terminal)
  for (const each of shown) await terminal.print(format(each))
  if (options.output === 'waterfall' && traces.length > 1)
    await terminal.print(summaryOf(traces, terminal.look()))
  if (interrupted) return EXIT.interrupted
  return options.exitCode && !traces.every(isGood) ? EXIT.finding : EXIT.ok
}

function summaryOf(traces: readonly Trace[], look: Look): string {
  const summary = new Summary()
  for (const each of traces) summary.add(each)
  return summary.text(look)
}

const isGood = ({ outcome }: Trace): boolean => outcome === 'ready' || outcome === 'completed'
