// Owns one client of a burst, in a process of its own: frames from the API server become records, or traces at the Collector.
// Promises the same work behind both ways of watching, and processor time from the first frame of a burst to the last trace's receipt.
// Does not start the burst.

import { systemClock } from '../src/base/clock.ts'
import type { Frame } from '../src/base/frame.ts'
import { seconds } from '../src/base/time.ts'
import { loopDelayOf, watchLoopDelay } from '../src/controller/health.ts'
import { parseConfig } from '../src/export/config.ts'
import { createExporter } from '../src/export/exporter.ts'
import { openDirect } from '../src/kube/config.ts'
import { watchCluster } from '../src/kube/cluster.ts'
import { createPipeline } from '../src/trace/pipeline.ts'
import { watchByInformers, watchByWatch } from './client-node.ts'
import { cpuSince } from './cpu.ts'
import { watchFraming } from './framing.ts'
import { profileTime } from './profile.ts'

export interface ClientCommand {
  /** `framing`: the same bytes as `protobuf`, cut into frames that nobody looks into. */
  readonly by: 'protobuf' | 'json' | 'informer' | 'watch' | 'framing'
  readonly server: string
  readonly ca: string
  /** Where traces go; without it frames are counted and dropped. */
  readonly collector?: string
  /** Whether it is no failure that the queue is full. */
  readonly mayDrop?: boolean
}

/** How many frames come next; answered with `Measured` when they are done. */
export interface ExpectCommand {
  readonly expect: number
  /** Whether to say where the time of this burst went. */
  readonly profile?: boolean
}

export interface Measured {
  readonly cpuUs: number
  readonly wallMs: number
  readonly traces: number
  readonly spans: number
  /** P99 of the event loop's delay. */
  readonly loopDelayMs: number
}

const loopDelay = watchLoopDelay()
const clock = systemClock()

interface Consumer {
  push(frame: Frame): void
  /** Everything that was pushed has arrived where it goes. */
  finish(): Promise<{ traces: number; spans: number }>
}

const counting = (): Consumer => ({ push: () => undefined, finish: async () => ({ traces: 0, spans: 0 }) })

/** Evidence settles for a second here, so that what is in flight stays small; ticks come as in the commands. */
function tracing(collector: string, mayDrop: boolean): Consumer {
  const log = (_level: string, message: string, fields: object): void =>
    void process.stderr.write(`client: ${message} ${JSON.stringify(fields)}\n`)
  const exporter = createExporter(
    { otlp: parseConfig({}, { endpoint: collector, protocol: 'grpc', insecure: true }) },
    { clock, random: Math.random, log },
  )
  const pipeline = createPipeline({ settle: seconds(1) })
  let sums = { traces: 0, spans: 0 }
  const push = (frame: Frame): void => {
    for (const trace of pipeline.push(frame)) {
      sums.traces += 1
      sums.spans += trace.spans.length
      exporter.export(trace)
    }
  }
  setInterval(() => push({ kind: 'tick', t: clock.now() }), 1000).unref()
  return {
    push,
    finish: async () => {
      push({ kind: 'tick', t: clock.now(), final: true })
      await exporter.flush()
      const { dropped } = exporter.accounting()
      if (!mayDrop && Object.values(dropped).some((count) => count > 0)) throw new Error(exporter.describe())
      const done = sums
      sums = { traces: 0, spans: 0 }
      return done
    },
  }
}

function main(command: ClientCommand): void {
  const consumer =
    command.collector === undefined ? counting() : tracing(command.collector, command.mayDrop ?? false)
  let frames = 0
  let wanted = Number.POSITIVE_INFINITY
  let begun = { cpu: process.cpuUsage(), ms: 0 }
  let describeProfile: (() => Promise<string>) | undefined
  const report = async (): Promise<void> => {
    const done = await consumer.finish()
    const measured: Measured = {
      cpuUs: cpuSince(begun.cpu),
      wallMs: performance.now() - begun.ms,
      loopDelayMs: loopDelayOf(loopDelay).p99Seconds * 1000,
      ...done,
    }
    if (describeProfile) process.stderr.write(`${await describeProfile()}\n`)
    process.send?.({ measured })
  }
  const counted = (): void => {
    if (++frames === wanted) void report()
  }
  const onFrame = (frame: Frame): void => {
    consumer.push(frame)
    if (frame.kind === 'added' || frame.kind === 'modified') counted()
  }
  const expect = async ({ expect: count, profile }: ExpectCommand): Promise<void> => {
    frames = 0
    wanted = count
    globalThis.gc?.()
    if (profile) describeProfile = await profileTime()
    loopDelay.reset()
    begun = { cpu: process.cpuUsage(), ms: performance.now() }
    process.send?.({ expecting: true })
  }
  process.on('message', (message) => void expect(message as ExpectCommand))
  void open(command, onFrame, counted).then(() => process.send?.({ ready: true }))
}

async function open(
  { by, server, ca }: ClientCommand,
  onFrame: (frame: Frame) => void,
  counted: () => void,
): Promise<void> {
  if (by === 'framing') return watchFraming(server, ca, counted)
  if (by === 'informer') return watchByInformers(server, ca, clock, onFrame)
  if (by === 'watch') return watchByWatch(server, ca, clock, onFrame)
  const connection = openDirect(server, {}, { ca })
  const cluster = watchCluster(connection, { streams: ['pods', 'events'], encoding: by, clock, onFrame })
  await cluster.ready
}

process.on('disconnect', () => process.exit(0))
process.once('message', (message) => main(message as ClientCommand))
