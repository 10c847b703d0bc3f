// Owns `podspan watch`: the starts of a cluster as they happen, on the terminal and, where asked for, over OTLP.
// Promises every finished start once, what the others wait for, and at the end the account of what was exported.
// Does not change anything in the cluster.

import type { DurationNano } from '../base/time.ts'
import type { Exporter } from '../export/exporter.ts'
import type { Pipeline, PipelineOptions } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import { type ClusterOptions, connect, type Target } from './connect.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { exportersOf } from './exporters.ts'
import { aborted, type Live, startLive, untilReady } from './live.ts'
import type { OutputForm } from './output.ts'
import type { CreatePipeline } from './replay-options.ts'
import { neutralise } from './text.ts'
import { openScreen } from './watch-screen.ts'

export interface WatchOptions extends ClusterOptions {
  readonly output: OutputForm | 'lines'
  readonly selector?: string
  readonly slowerThan?: DurationNano
  readonly otlpEndpoint?: readonly string[]
  /** Serve the page at this port, and start a browser. */
  readonly ui?: number
  readonly open: boolean
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
  const pipelineOptions = {
    clusterName: target.connection.contextName,
    ...(target.clusterUid !== undefined && { clusterUid: target.clusterUid }),
    ...(settle !== undefined && { settle }),
    ...(startTimeout !== undefined && { startTimeout }),
  }
  const page = await pageOf(context, options, target, pipelineOptions, createPipeline)
  const pipeline = page?.pipeline ?? createPipeline(pipelineOptions)
  let connected = (): boolean => true
  const screen = await openScreen(context, options.output, {
    inFlight: () => pipeline.inFlight(),
    isConnected: () => connected(),
  })
  const onTrace = (trace: Trace): void => {
    for (const exporter of exporters) exporter.export(trace)
    page?.add(trace)
    if (options.slowerThan === undefined || trace.startup > options.slowerThan) screen.show(trace)
  }
  const scope = {
    ...(namespace !== undefined && { namespace }),
    ...(selector !== undefined && { podLabelSelector: selector }),
  }
  const live = await startLive(context, target, pipeline, { ...scope, onTrace })
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`
  const closePage = await page?.open(live)
  try {
    await untilReady(context, live, where)
    connected = () => live.cluster.counters.get('pods')?.state === 'live'
    // Only now: what is created before the lists are complete is not a live start.
    terminal.say(
      `podspan: watching ${where} of ${target.connection.contextName} (${neutralise(target.version)}), read-only; Ctrl-C ends it.`,
    )
    await Promise.all([screen.run(), aborted(signal)])
  } finally {
    await Promise.all([live.close(), closePage?.()])
    await target.connection.close()
    await account(context, exporters)
  }
  return EXIT.ok
}

interface Page {
  /** Tells rollouts beside the starts. */
  readonly pipeline: Pipeline
  readonly add: (trace: Trace) => void
  /** Serves it; what it returns ends it. */
  open(live: Live): Promise<() => Promise<void>>
}

async function pageOf(
  context: Context,
  { ui, open, namespace }: WatchOptions,
  target: Target,
  pipelineOptions: PipelineOptions,
  createPipeline: CreatePipeline,
): Promise<Page | undefined> {
  if (ui === undefined) return undefined
  const [{ openPage }, { createFeed }, { livePage, watchWorkloads }] = await Promise.all([
    import('./page.ts'),
    import('./rollout-feed.ts'),
    import('./watch-page.ts'),
  ])
  const feed = createFeed(createPipeline, pipelineOptions)
  const { source, add } = livePage(context, target, feed)
  return {
    pipeline: feed.pipeline,
    add,
    open: async (live) => {
      const server = await openPage(context, source, { ui, open })
      const closeWorkloads = watchWorkloads(
        context,
        target,
        live,
        namespace === undefined ? {} : { namespace },
      )
      return async () => {
        await Promise.all([server.close(), closeWorkloads.then((close) => close())])
      }
    },
  }
}

async function account({ terminal }: Context, exporters: readonly Exporter[]): Promise<void> {
  await Promise.all(exporters.map((exporter) => exporter.shutdown(EXPORT_DEADLINE_MS)))
  for (const exporter of exporters) terminal.say(`podspan: ${exporter.describe()}`)
}
