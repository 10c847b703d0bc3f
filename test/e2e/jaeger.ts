// Owns a real Jaeger for tests: its image for the cluster's registry, a process on this machine, and what its query API says of traces.
// Promises that the one in the cluster passes on, untouched, what it receives to the cluster's Collector, so that what was sent can be compared with
// what is shown, and that the process ends with its test. Does not run the image: examples/jaeger.yaml does.

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TruthSpan } from '../accuracy/collector.ts'
import { buildTool } from '../cluster/build.ts'
import { pushImage, readCluster } from '../cluster/cluster.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { endOf, freeAddresses } from './processes.ts'

interface Listening {
  readonly queryHttp: string
  readonly queryGrpc: string
  readonly otlpGrpc: string
  readonly otlpHttp: string
}

/** Traces in memory, as the example's own image has it, but for the addresses. With a Collector what comes is passed on to it. */
function jaegerConfig({ queryHttp, queryGrpc, otlpGrpc, otlpHttp }: Listening, collector?: string): object {
  const at = (endpoint: string): object => ({ endpoint })
  const passOn = collector === undefined ? {} : { otlp: { endpoint: collector, tls: { insecure: true } } }
  const exporters = { jaeger_storage_exporter: { trace_storage: 'memory' }, ...passOn }
  return {
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 10_000 } } } },
      jaeger_query: { storage: { traces: 'memory' }, http: at(queryHttp), grpc: at(queryGrpc) },
    },
    receivers: { otlp: { protocols: { grpc: at(otlpGrpc), http: at(otlpHttp) } } },
    exporters,
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: Object.keys(exporters) } },
      telemetry: { metrics: { level: 'none' } },
    },
  }
}

/** By default this version listens to its own pod alone. */
const IN_A_POD: Listening = {
  ...{ queryHttp: '0.0.0.0:16686', queryGrpc: '0.0.0.0:16685' },
  ...{ otlpGrpc: '0.0.0.0:4317', otlpHttp: '0.0.0.0:4318' },
}

export interface LocalJaeger extends AsyncDisposable {
  /** Where its page is. */
  readonly url: string
  readonly otlpGrpc: string
  readonly otlpHttp: string
}

/** Listens to this machine alone. */
export async function startJaeger(): Promise<LocalJaeger> {
  const { jaeger = '' } = await buildTool('jaeger')
  const directory = await mkdtemp(join(tmpdir(), 'podspan-jaeger-'))
  const [queryHttp, queryGrpc, otlpGrpc, otlpHttp] = await freeAddresses(4)
  const config = join(directory, 'config.json')
  await writeFile(
    config,
    JSON.stringify(jaegerConfig({ queryHttp, queryGrpc, otlpGrpc, otlpHttp } as Listening)),
  )
  const child = spawn(jaeger, ['--config', config], { stdio: 'ignore' })
  const url = `http://${queryHttp}`
  await eventually(
    'Jaeger answers',
    async () => (await fetch(`${url}/api/services`).catch(() => undefined))?.ok === true,
    30,
  )
  return {
    ...{ url, otlpGrpc: `http://${otlpGrpc}`, otlpHttp: `http://${otlpHttp}` },
    [Symbol.asyncDispose]: async () => {
      await endOf(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Returns the reference of the image. */
export async function pushJaeger(): Promise<string> {
  const { jaeger = '' } = await buildTool('jaeger')
  const directory = await mkdtemp(join(tmpdir(), 'podspan-jaeger-'))
  try {
    const config = join(directory, 'config.json')
    await writeFile(config, JSON.stringify(jaegerConfig(IN_A_POD, readCluster().collector.podspanInPod.grpc)))
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
  return askForTraces(link.replace('/trace/', '/api/traces/'))
}

export interface JaegerSearch {
  readonly service: string
  readonly operation: string
  readonly tags: Readonly<Record<string, string>>
  readonly minDuration: string
  readonly limit: number
}

/** All spans of the traces that a search finds, as Grafana's data source asks for it. */
export async function searchTraces(url: string, search: JaegerSearch): Promise<readonly ShownSpan[]> {
  const { service, operation, tags, minDuration, limit } = search
  const query = new URLSearchParams({
    ...{ service, operation, minDuration, limit: `${limit}`, lookback: 'custom' },
    ...{ start: '0', end: `${Date.now() * 1000}`, tags: JSON.stringify(tags) },
  })
  return (await askForTraces(`${url}/api/traces?${query}`)) ?? []
}

async function askForTraces(url: string): Promise<readonly ShownSpan[] | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) })
  if (answer.status === 404) return undefined
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  const { data } = (await answer.json()) as { readonly data: readonly JaegerTrace[] }
  return data.flatMap(({ spans, processes }) =>
    spans.map((span) => shownSpan(span, processes[span.processID]?.serviceName ?? '')),
  )
}

/** A span that was sent, as it is to be shown. */
export const asShown = (span: TruthSpan): ShownSpan => ({
  ...{ traceId: span.traceId, spanId: span.spanId, parentSpanId: span.parentSpanId },
  ...{ name: span.name, service: span.service },
  startUs: span.start / 1000n,
  durationUs: (span.end - span.start) / 1000n,
})

export const byId = (spans: readonly ShownSpan[]): ShownSpan[] =>
  spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1))

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
