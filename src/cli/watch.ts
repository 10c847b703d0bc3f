// Owns `podspan watch`: the starts of a cluster as they happen, on the terminal and, where asked for, over OTLP.
// Promises every finished start once, what the others wait for, and at the end the account of what was exported.
// Does not change anything in the cluster.

import type { DurationNano } from '../base/time.ts'
import type { Exporter } from '../export/exporter.ts'
import { traceIdOf } from '../trace/identity.ts'
import type { InFlight, Pipeline } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import type { PageServer } from '../web/server.ts'
import type { CollectedStarts } from '../web/starts.ts'
import { type ClusterOptions, connect } from './connect.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { exportersOf } from './exporters.ts'
import { aborted, startLive, untilReady } from './live.ts'
import type { OutputForm } from './output.ts'
import type { CreatePipeline } from './replay.ts'
import { neutralise } from './text.ts'
import { openScreen } from './watch-screen.ts'

export interface WatchOptions extends ClusterOptions {
  readonly output: OutputForm | 'lines'
  readonly selector?: string
  readonly slowerThan?: DurationNano
  readonly otlpEndpoint?: readonly string[]
  /** Serve the page at this port. */
  readonly ui?: number
  readonly settle?: DurationNano
  readonly startTimeout?: DurationNano
}

const EXPORT_DEADLINE_MS = 5000

export async function watch(
  context: Context,
  options: WatchOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const { terminal, signal } = context
  const exporters = await exportersOf(context, options.otlpEndpoint ?? [])
  const target = await connect(context, options)
  const { namespace, selector, settle, startTimeout } = options
  const pipeline = createPipeline({
    clusterName: target.connection.contextName,
    ...(target.clusterUid !== undefined && { clusterUid: target.clusterUid }),
    ...(settle !== undefined && { settle }),
    ...(startTimeout !== undefined && { startTimeout }),
  })
  let connected = (): boolean => true
  const screen = await openScreen(context, options.output, {
    inFlight: () => pipeline.inFlight(),
    isConnected: () => connected(),
  })
  const page = options.ui === undefined ? undefined : await showPage(context, pipeline, options.ui)
  const onTrace = (trace: Trace): void => {
    for (const exporter of exporters) exporter.export(trace)
    page?.starts.add(trace)
    if (options.slowerThan === undefined || trace.startup > options.slowerThan) screen.show(trace)
  }
  const scope = {
    ...(namespace !== undefined && { namespace }),
    ...(selector !== undefined && { podLabelSelector: selector }),
  }
  const live = await startLive(context, target, pipeline, { ...scope, onTrace })
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`
  try {
    await untilReady(context, live, where)
    connected = () => live.cluster.counters.get('pods')?.state === 'live'
    // Only now: what is created before the lists are complete is not a live start.
    terminal.say(
      `podspan: watching ${where} of ${target.connection.contextName} (${neutralise(target.version)}), read-only; Ctrl-C ends it.`,
    )
    await Promise.all([screen.run(), aborted(signal)])
  } finally {
    await Promise.all([live.close(), page?.server.close()])
    await target.connection.close()
    await account(context, exporters)
  }
  return EXIT.ok
}

interface Page {
  readonly server: PageServer
  readonly starts: CollectedStarts
}

async function showPage(context: Context, pipeline: Pipeline, port: number): Promise<Page> {
  const [{ openPage }, { collectStarts }] = await Promise.all([
    import('./page.ts'),
    import('../web/starts.ts'),
  ])
  const inFlight = (): readonly InFlight[] => pipeline.inFlight()
  const traceOf = (traceId: string): Trace | undefined => {
    const start = inFlight().find(({ uid }) => traceIdOf(uid) === traceId)
    return start && pipeline.traceOf(start.uid)
  }
  const starts = collectStarts({ inFlight, traceOf })
  return { starts, server: await openPage(context, starts, port) }
}

async function account({ terminal }: Context, exporters: readonly Exporter[]): Promise<void> {
  await Promise.all(exporters.map((exporter) => exporter.shutdown(EXPORT_DEADLINE_MS)))
  for (const exporter of exporters) terminal.say(`podspan: ${exporter.describe()}`)
}
