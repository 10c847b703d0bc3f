// Owns `podspan top`: the slowest workloads of the last while, from what the API server still holds, with nothing installed.
// Promises each list once, bounded memory, and how much of the answer is coarse and why. Reads only.
// Does not rank (top-rank.ts) and does not draw (top-view.ts).

import type { EventRecord, PodRecord } from '../base/record.ts'
import { add, type DurationNano, type UnixNano } from '../base/time.ts'
import { lacksEvents, type Trace } from '../trace/trace.ts'
import { type ClusterOptions, connect, type Target } from './connect.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { calledAs } from './invoked.ts'
import { jsonLine } from './json-line.ts'
import type { CreatePipeline } from './replay-options.ts'
import { formatDuration, neutralise, plural } from './text.ts'
import { createRanking, type Sort } from './top-rank.ts'
import { type EventsRead, LIMITS, type OnProgress, type PodsRead, readEvents, readPods } from './top-read.ts'
import { drawTop, type Top, topJson } from './top-view.ts'

export interface TopOptions extends ClusterOptions {
  readonly output: 'table' | 'json'
  readonly since: DurationNano
  readonly allNamespaces?: true
  readonly selector?: string
  readonly fieldSelector?: string
  readonly sort: Sort
  readonly limit?: number
}

const LIMIT = 10
/** Starts that are told at once: so many are held in memory whole. */
const CHUNK = 500

export async function top(
  context: Context,
  options: TopOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const target = await connect(context, options)
  const progress = createProgress(context)
  try {
    const namespace = options.allNamespaces
      ? undefined
      : (options.namespace ?? target.connection.namespace ?? 'default')
    const told = await rank(context, target, options, { namespace, progress, createPipeline })
    progress.end()
    if (context.signal.aborted) return EXIT.interrupted
    if (told.workloads.length > 0 || options.output === 'json') await print(context, options, told)
    return EXIT.ok
  } catch (error) {
    // A list that was broken off is no failure of the cluster.
    if (context.signal.aborted) return EXIT.interrupted
    throw error
  } finally {
    progress.end()
    await target.connection.close()
  }
}

interface Surroundings {
  readonly namespace: string | undefined
  readonly progress: Progress
  readonly createPipeline: CreatePipeline
}

async function rank(
  context: Context,
  target: Target,
  options: TopOptions,
  { namespace, progress, createPipeline }: Surroundings,
): Promise<Top> {
  const { clock, terminal } = context
  const wanted = { scope: scopeOf(options, namespace), since: sinceOf(clock.now(), options.since) }
  const found = await readPods(target, wanted, progress.show)
  const ranking = createRanking()
  if (found.pods.length === 0)
    terminal.say(`podspan: ${calledAs(context.program, nothing(found, namespace, options))}`)
  else {
    const events = await readEvents(target, wanted, found.pods, progress.show)
    for (const [trace, isCoarse] of tell(context, target, found.pods, events, createPipeline))
      ranking.add(trace, isCoarse)
    sayLimits(context, found, events)
  }
  return {
    time: clock.now(),
    since: wanted.since,
    context: target.connection.contextName,
    ...(namespace !== undefined && { namespace }),
    sort: options.sort,
    workloads: ranking.by(options.sort),
    left: found.left,
  }
}

const sinceOf = (now: UnixNano, ago: DurationNano): UnixNano => add(now, -ago as DurationNano)

const scopeOf = ({ selector, fieldSelector }: TopOptions, namespace: string | undefined) => ({
  ...(namespace !== undefined && { namespace }),
  ...(selector !== undefined && { labelSelector: selector }),
  ...(fieldSelector !== undefined && { fieldSelector }),
})

function nothing({ listed }: PodsRead, namespace: string | undefined, options: TopOptions): string {
  const { since, selector, fieldSelector } = options
  const where = namespace === undefined ? 'any namespace' : `namespace ${neutralise(namespace)}`
  const wider = namespace === undefined ? '' : ' -A looks at all namespaces,'
  const age = formatDuration(since)
  return listed === 0
    ? `There are no pods${(selector ?? fieldSelector) ? ' that are selected' : ''} in ${where};${wider} 'podspan watch' shows the next starts.`
    : `None of the ${plural(listed, 'pod')} in ${where} was created in the last ${age};${wider} --since looks further back.`
}

/** Pods of a node are told together, so that what waited for another's pull is seen. */
function* tell(
  { clock, signal }: Context,
  { connection, clusterUid }: Target,
  pods: readonly PodRecord[],
  { byPod }: EventsRead,
  createPipeline: CreatePipeline,
): Generator<readonly [trace: Trace, isCoarse: boolean]> {
  const byNode = pods.toSorted((a, b) => ((a.nodeName ?? '') < (b.nodeName ?? '') ? -1 : 1))
  for (let from = 0; from < byNode.length && !signal.aborted; from += CHUNK) {
    const chunk = byNode.slice(from, from + CHUNK)
    const pipeline = createPipeline({
      backfill: () => true,
      clusterName: connection.contextName,
      ...(clusterUid !== undefined && { clusterUid }),
      // Who asks for the slowest wants to know how long those have taken that are not over.
      startTimeout: BigInt(Number.MAX_SAFE_INTEGER) as DurationNano,
    })
    const t = clock.now()
    const take = (source: 'pods' | 'events', record: PodRecord | EventRecord): Trace[] =>
      pipeline.push({ kind: 'added', t, source, phase: 'initial', record })
    const told = chunk.flatMap((pod) => take('pods', pod))
    for (const { uid } of chunk) for (const event of byPod.get(uid) ?? []) told.push(...take('events', event))
    told.push(...pipeline.push({ kind: 'tick', t, final: true }))
    for (const trace of told) yield [trace, !byPod.get(trace.uid)?.length || lacksEvents(trace)]
  }
}

function sayLimits({ terminal }: Context, { left }: PodsRead, { trouble }: EventsRead): void {
  if (left > 0)
    terminal.say(
      `podspan: only the newest ${LIMITS.pods} of ${LIMITS.pods + left} starts are ranked; -n, -l or a shorter --since choose fewer.`,
    )
  if (trouble !== undefined)
    terminal.say(
      `podspan: past events are incomplete (${neutralise(trouble)}): without them pulls, retries and scheduling are not told apart.`,
    )
}

const SAY_EVERY_MS = 2000
const REDRAW_MS = 100

interface Progress {
  readonly show: OnProgress
  end(): void
}

/** In place where that is possible; else a line of talk now and then. */
function createProgress({ terminal, clock }: Context): Progress {
  const every = terminal.interactive ? REDRAW_MS : SAY_EVERY_MS
  let next = clock.monotonicMs() + every
  return {
    show: (what, count, remaining) => {
      if (clock.monotonicMs() < next) return
      next = clock.monotonicMs() + every
      const of = remaining === undefined || remaining === 0 ? '' : ` of ${count + remaining}`
      const words = `reading ${what}: ${count}${of}`
      if (terminal.interactive) terminal.footer([words])
      else terminal.say(`podspan: ${words}`)
    },
    end: () => terminal.footer([]),
  }
}

async function print({ program, terminal }: Context, { output, limit }: TopOptions, top: Top): Promise<void> {
  if (output === 'json') return terminal.print(jsonLine(topJson(top, limit)))
  await terminal.print(drawTop(top, limit ?? LIMIT, { ...terminal.look(), program }))
}
