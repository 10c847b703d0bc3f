// Owns when which start arrived at a real OpenTelemetry Collector: its file read as it grows, and a Collector of one's own to stop.
// Promises each copy of a start on its own with the time at which it was seen, at most half a second after the Collector took it.
// Does not judge how many there should be.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UnixNano } from '../../src/base/time.ts'
import { parseExports, type TruthSpan } from '../accuracy/collector.ts'
import { readCluster } from '../cluster/cluster.ts'
import { listens } from '../cluster/processes.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { clock } from '../scenarios/stage.ts'

/** One start as one request brought it. */
export interface Copy {
  readonly uid: string
  readonly traceId: string
  readonly at: UnixNano
  spans(): readonly TruthSpan[]
}

export interface Arrivals {
  /** In the order of arrival, of one namespace. */
  copies(): readonly Copy[]
  close(): Promise<void>
}

const POLL_MS = 50

/** What is added to the file from now on. */
export function watchArrivals(path: string, namespace: string): Arrivals {
  const copies: Copy[] = []
  const stop = new AbortController()
  const tail = tailOf(path)
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const at = clock.now()
      for (const line of tail()) copies.push(...copiesIn(line, namespace, at))
      await clock.sleep(POLL_MS, stop.signal)
    }
  }
  const ended = loop()
  return {
    copies: () => copies,
    close: async () => {
      stop.abort()
      await ended
    },
  }
}

/** Each call returns the lines that have become whole since the last one. */
function tailOf(path: string): () => readonly string[] {
  const sizeOf = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
  let from = sizeOf()
  return () => {
    const bytes = Buffer.alloc(Math.max(0, sizeOf() - from))
    if (bytes.length === 0) return []
    const file = openSync(path, 'r')
    const whole = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from)).lastIndexOf('\n') + 1
    closeSync(file)
    from += whole
    return bytes.toString('utf8', 0, whole).split('\n').slice(0, -1)
  }
}

type Attributes = readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[]

interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes }
    readonly scopeSpans: readonly { readonly spans: readonly { readonly traceId: string }[] }[]
  }[]
}

function copiesIn(line: string, namespace: string, at: UnixNano): Copy[] {
  const found = new Map<string, Copy>()
  for (const { resource, scopeSpans } of (JSON.parse(line) as Request).resourceSpans) {
    if (textOf(resource.attributes, 'k8s.namespace.name') !== namespace) continue
    const uid = textOf(resource.attributes, 'k8s.pod.uid')
    for (const { traceId } of scopeSpans.flatMap(({ spans }) => spans))
      found.set(`${uid} ${traceId}`, { uid, traceId, at, spans: () => spansIn(line, traceId) })
  }
  return [...found.values()]
}

const textOf = (attributes: Attributes, name: string): string =>
  attributes.find(({ key }) => key === name)?.value.stringValue ?? ''

const spansIn = (line: string, traceId: string): readonly TruthSpan[] =>
  parseExports(`${line}\n`).filter((span) => span.traceId === traceId)

export interface OwnCollector extends AsyncDisposable {
  readonly endpoint: string
  readonly file: string
  /** Stopped in its tracks: it keeps its connections and answers nothing. */
  freeze(): void
  thaw(): void
  /** Orderly, so that what it has taken is on disk. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** The binary of the cluster's Collector, for tests that take it away from nobody else. */
export async function ownCollector(): Promise<OwnCollector> {
  const directory = await mkdtemp(join(tmpdir(), 'podspan-collector-'))
  const port = await freePort()
  const file = join(directory, 'traces.jsonl')
  const config = join(directory, 'config.json')
  await writeFile(config, JSON.stringify(collectorConfig(port, file)))
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    child = spawn(readCluster().binaries['otelcol'] ?? '', ['--config', config], { stdio: 'ignore' })
    await eventually('the Collector listens', () => listens({ host: '127.0.0.1', port }), 30)
  }
  const stop = async (): Promise<void> => {
    if (child !== undefined) await endOf(child, 'SIGTERM')
    child = undefined
  }
  await start()
  return {
    endpoint: `http://127.0.0.1:${port}`,
    file,
    start,
    stop,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      child?.kill('SIGCONT')
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const collectorConfig = (port: number, path: string): object => ({
  receivers: { otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${port}`, max_recv_msg_size_mib: 64 } } } },
  exporters: { file: { path, format: 'json', flush_interval: '200ms', append: true } },
  service: {
    pipelines: { traces: { receivers: ['otlp'], exporters: ['file'] } },
    telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
  },
})

/** Whatever it did on the way: when this resolves the process is gone; its exit code. */
export function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode)
    child.on('close', (code) => resolve(code))
    child.kill(signal)
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
