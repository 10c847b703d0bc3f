// Owns `podspan rollout`: what held a rollout of a workload, now or in recordings.
// Promises a picture of one that is over from what the API server still holds, and to follow one that goes on; equal recordings give
// equal output. Does not find what held it: src/rollout does.

import type { DurationNano } from '../base/time.ts'
import { toMilliseconds } from '../base/time.ts'
import type { Rollout } from '../rollout/rollout.ts'
import { type RolloutCluster, traceOfRollout } from '../rollout/trace-of.ts'
import type { Trace } from '../trace/trace.ts'
import type { ClusterOptions } from './connect.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { exportersOf } from './exporters.ts'
import { ansi, plain } from './glyphs.ts'
import { drawTable } from './in-flight.ts'
import { jsonLine } from './json-line.ts'
import type { OutputForm } from './output.ts'
import type { CreatePipeline } from './replay-options.ts'
import { inFlightOf, isSettling, type LiveRollouts, openRollouts } from './rollout-live.ts'
import { readRollouts, rolloutsIn } from './rollout-recordings.ts'
import { chooseRollout, findRollout, parseWorkload, titleOf, type WorkloadTarget } from './rollout-target.ts'
import { drawRollout } from './rollout-view.ts'
import { list, neutralise, truncate } from './text.ts'

export interface RolloutOptions extends ClusterOptions {
  readonly output: OutputForm
  readonly from?: readonly string[]
  readonly revision?: string
  readonly follow: boolean
  readonly timeout?: DurationNano
  readonly settle?: DurationNano
  readonly exitCode?: boolean
  readonly otlpEndpoint?: readonly string[]
}

export async function rollout(
  context: Context,
  text: string | undefined,
  options: RolloutOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const workload = text === undefined ? undefined : parseWorkload(text)
  if (options.from !== undefined)
    return fromRecordings(context, workload, options.from, options, createPipeline)
  if (!workload)
    throw new CliError(
      EXIT.usage,
      'Which rollout? Name deploy/, sts/, ds/ or job/ NAME, or recordings with --from.',
    )
  return fromCluster(context, workload, options, createPipeline)
}

/** What is printed and exported, with the starts of its pods. */
interface Told {
  readonly rollouts: readonly Rollout[]
  readonly traces: readonly Trace[]
  readonly cluster: RolloutCluster
}

async function fromRecordings(
  context: Context,
  workload: WorkloadTarget | undefined,
  files: readonly string[],
  options: RolloutOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const named = workload && { ...workload, namespace: options.namespace }
  const all: Rollout[] = []
  for (const file of files) {
    const recorded = await readRollouts(context, file, createPipeline, { named })
    if (context.signal.aborted) return EXIT.interrupted
    const found = rolloutsIn(recorded, named).filter(
      ({ namespace }) => options.namespace === undefined || namespace === options.namespace,
    )
    const rollouts = named && found.length > 0 ? chosenOf(found, options, named) : found
    await deliver(context, options, { rollouts, traces: recorded.traces, cluster: recorded.cluster })
    all.push(...rollouts)
  }
  if (all.length > 0) return endOf(all, options)
  const what = named ? `No rollout of ${titleOf(named)}` : 'No rollout'
  throw new CliError(EXIT.notFound, `${what} is in ${list(files.map((file) => neutralise(file)))}.`)
}

/** One of each workload of this name: a recording may hold several namespaces. */
function chosenOf(found: readonly Rollout[], { revision }: RolloutOptions, named: WorkloadTarget): Rollout[] {
  const each = Map.groupBy(found, ({ key }) => key.uid)
  return [...each.values()].map((rollouts) => chooseRollout(rollouts, revision, named))
}

async function fromCluster(
  context: Context,
  workload: WorkloadTarget,
  options: RolloutOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const traces: Trace[] = []
  const live = await openRollouts(
    context,
    workload,
    { ...options, onTrace: (trace) => traces.push(trace) },
    createPipeline,
  )
  try {
    if (options.follow) await follow(context, live, workload, options)
    const told = chooseRollout(live.tell(), options.revision, workload)
    await deliver(context, options, { rollouts: [told], traces, cluster: live.cluster })
    if (context.signal.aborted && told.outcome === 'rolling') return EXIT.interrupted
    return endOf([told], options)
  } finally {
    await live.close()
  }
}

const REDRAW_MS = 250
/** A thousand starts under way take a second to tell: the watch has to have most of the time. */
const SHARE_OF_LOOKING = 4
const TIMEOUT_MS = 600_000

/** Until the rollout is over and the evidence of its starts has settled; of a workload that is just made, until there is one. */
async function follow(
  context: Context,
  live: LiveRollouts,
  workload: WorkloadTarget,
  { timeout, revision }: RolloutOptions,
): Promise<void> {
  const { clock, terminal, signal } = context
  const limit = clock.monotonicMs() + (timeout === undefined ? TIMEOUT_MS : toMilliseconds(timeout))
  const look = (): Rollout | undefined => findRollout(live.tell(), revision)
  const isEnded = (one: Rollout | undefined): boolean =>
    one === undefined
      ? revision !== undefined
      : one.outcome !== 'rolling' && (revision !== undefined || !live.isAsked())
  let now = look()
  let pauseMs = REDRAW_MS
  if (!isEnded(now))
    terminal.say(`podspan: ${titleOf(workload)}: ${waitingFor(now)} Ctrl-C shows it as it is.`)
  while (
    !signal.aborted &&
    clock.monotonicMs() < limit &&
    !(isEnded(now) && !(now && isSettling(live, now)))
  ) {
    if (terminal.interactive) drawProgress(context, live, workload, now)
    await clock.sleep(pauseMs, signal)
    const began = clock.monotonicMs()
    now = look()
    pauseMs = Math.max(REDRAW_MS, (clock.monotonicMs() - began) * SHARE_OF_LOOKING)
  }
  if (terminal.interactive) terminal.footer([])
}

const waitingFor = (now: Rollout | undefined): string =>
  now?.outcome === 'rolling'
    ? `${neutralise(now.verdict)}. Waiting for the end;`
    : 'its controller has not taken up the latest change yet. Waiting for it;'

function drawProgress(
  { terminal, clock }: Context,
  live: LiveRollouts,
  workload: WorkloadTarget,
  now: Rollout | undefined,
): void {
  const { width, colour } = terminal.look()
  const look = { width, rows: (terminal.rows ?? 24) / 2, paint: colour ? ansi : plain }
  const table = drawTable(inFlightOf(live, workload), clock.now(), look)
  terminal.footer([truncate(neutralise(now?.verdict ?? 'No rollout yet'), width), ...table])
}

const EXPORT_DEADLINE_MS = 5000

async function deliver(
  context: Context,
  options: RolloutOptions,
  { rollouts, traces, cluster }: Told,
): Promise<void> {
  const { terminal } = context
  const format = await formatterOf(options.output, context, cluster)
  for (const each of rollouts) await terminal.print(format(each))
  if (options.otlpEndpoint === undefined) return
  const exporters = await exportersOf(context, options.otlpEndpoint)
  const wanted = new Set(rollouts.flatMap(({ pods }) => pods.map(({ uid }) => uid)))
  const starts = traces.filter(({ uid }) => wanted.has(uid))
  for (const exporter of exporters) {
    for (const each of rollouts) exporter.export(traceOfRollout(each, cluster))
    // Its links lead to them.
    for (const start of starts) exporter.export(start)
  }
  await Promise.all(exporters.map((exporter) => exporter.shutdown(EXPORT_DEADLINE_MS)))
  for (const exporter of exporters) terminal.say(`podspan: ${exporter.describe()}`)
}

async function formatterOf(
  form: OutputForm,
  { terminal }: Context,
  cluster: RolloutCluster,
): Promise<(rollout: Rollout) => string> {
  if (form === 'waterfall') return (one) => `${drawRollout(one, terminal.look())}\n\n`
  if (form === 'json') {
    const { formatRollout } = await import('../rollout/rollout-json.ts')
    return (one) => jsonLine(formatRollout(one))
  }
  const { toOtlpJson } = await import('../export/otlp-json.ts')
  return (one) => jsonLine(toOtlpJson(traceOfRollout(one, cluster)))
}

const endOf = (rollouts: readonly Rollout[], { exitCode }: RolloutOptions): ExitCode =>
  exitCode && !rollouts.every(({ outcome }) => outcome === 'complete') ? EXIT.finding : EXIT.ok
