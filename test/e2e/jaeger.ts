// Owns a real Jaeger for tests: its image for the cluster's registry, and what its query API says of a trace.
// Promises that it passes on, untouched, what it receives to the cluster's Collector, so that what was sent can be compared with what is shown.
// Does not run it: examples/jaeger.yaml does, with this image.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildTool } from '../cluster/build.ts'
import { pushImage, readCluster } from '../cluster/cluster.ts'

/** Traces in memory, as the example's own image has it, but for the address: by default this version listens to its own pod alone. */
function jaegerConfig(collector: string): object {
  const at = (port: number): object => ({ endpoint: `0.0.0.0:${port}` })
  return {
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 10_000 } } } },
      jaeger_query: { storage: { traces: 'memory' }, http: at(16_686), grpc: at(16_685) },
    },
    receivers: { otlp: { protocols: { grpc: at(4317), http: at(4318) } } },
    exporters: {
      jaeger_storage_exporter: { trace_storage: 'memory' },
      otlp: { endpoint: collector, tls: { insecure: true } },
    },
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter', 'otlp'] } },
      telemetry: { metrics: { level: 'none' } },
    },
  }
}

/** Returns the reference of the image. */
export async function pushJaeger(): Promise<string> {
  const { jaeger = '' } = await buildTool('jaeger')
  const directory = await mkdtemp(join(tmpdir(), 'podspan-jaeger-'))
  try {
    const config = join(directory, 'config.json')
    await writeFile(config, JSON.stringify(jaegerConfig(readCluster().collector.podspanInPod.grpc)))
    return await pushImage('jaeger', 'test', {
      layers: [{ files: { jaeger, 'config.json': config } }],
      entrypoint: ['/jaeger', '--config', '/config.json'],
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** As its page shows it. Times are cut to microseconds. */
export interface ShownSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly service: string
  readonly startUs: bigint
  readonly durationUs: bigint
}

interface JaegerSpan {
  readonly traceID: string
  readonly spanID: string
  readonly operationName: string
  readonly references: readonly {
    readonly refType: string
    readonly traceID: string
    readonly spanID: string
  }[]
  readonly startTime: number
  readonly duration: number
  readonly processID: string
}

interface JaegerTrace {
  readonly spans: readonly JaegerSpan[]
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>
}

/** What the page behind a link of a session shows; undefined where it has no such trace. */
export async function tracePage(link: string): Promise<readonly ShownSpan[] | undefined> {
  const page = await fetch(link, { signal: AbortSignal.timeout(5000) })
  if (!page.ok) throw new Error(`${link}: ${page.status} ${await page.text()}`)
  const answer = await fetch(link.replace('/trace/', '/api/traces/'), { signal: AbortSignal.timeout(5000) })
  if (answer.status === 404) return undefined
  if (!answer.ok) throw new Error(`${link}: ${answer.status} ${await answer.text()}`)
  const { data } = (await answer.json()) as { readonly data: readonly JaegerTrace[] }
  return data.flatMap(({ spans, processes }) =>
    spans.map((span) => shownSpan(span, processes[span.processID]?.serviceName ?? '')),
  )
}

/** Its parent is a reference of its own trace; links lead to others. */
function shownSpan(span: JaegerSpan, service: string): ShownSpan {
  const parent = span.references.find(
    ({ refType, traceID }) => refType === 'CHILD_OF' && traceID === span.traceID,
  )
  return {
    traceId: span.traceID,
    spanId: span.spanID,
    parentSpanId: parent?.spanID,
    name: span.operationName,
    service,
    startUs: BigInt(span.startTime),
    durationUs: BigInt(span.duration),
  }
}
