// Owns the OpenTelemetry Collector: what the components say of themselves goes to one file, what Podspan exports to another, and both
// elsewhere as well where a test asks for it.
// Promises one OTLP/JSON ExportTraceServiceRequest per line, on disk within a second after it was received.
// Does not judge, sample or rewrite any span.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Layout, nodeAddress, ports } from './layout.ts'
import type { ProcessSpec } from './processes.ts'

/** Where else it sends what it receives, over OTLP/gRPC in plain text. */
export interface Onward {
  /** What the components say of themselves. */
  readonly native?: Destination
  /** What Podspan and applications say. */
  readonly podspan?: Destination
}

export interface Destination {
  /** `host:port`. */
  readonly endpoint: string
  readonly headers?: Readonly<Record<string, string>>
}

export async function collector(layout: Layout, binaries: Record<string, string>): Promise<ProcessSpec> {
  return { name: 'otelcol', command: binaries.otelcol ?? '', args: ['--config', await writeConfig(layout)] }
}

/** Returns the file; a Collector that runs reads it when it is started again. */
export async function writeConfig(layout: Layout, onward: Onward = {}): Promise<string> {
  await mkdir(layout.config, { recursive: true })
  const file = join(layout.config, 'otelcol.json')
  await writeFile(file, JSON.stringify(collectorConfig(layout, onward), undefined, 2))
  return file
}

function collectorConfig(layout: Layout, onward: Onward): object {
  const exporters = {
    native: { 'file/native': file(layout.truthFile), ...sender('native', onward.native) },
    podspan: { 'file/podspan': file(layout.podspanTracesFile), ...sender('podspan', onward.podspan) },
  }
  return {
    receivers: {
      'otlp/native': receiver('127.0.0.1', ports.nativeGrpc, ports.nativeHttp),
      'otlp/podspan': receiver('127.0.0.1', ports.podspanGrpc, ports.podspanHttp),
      // The machine's loopback is out of a pod's reach.
      'otlp/podspan-in-pod': receiver(nodeAddress, ports.podspanGrpc, ports.podspanHttp),
    },
    exporters: { ...exporters.native, ...exporters.podspan },
    service: {
      pipelines: {
        'traces/native': { receivers: ['otlp/native'], exporters: Object.keys(exporters.native) },
        'traces/podspan': {
          receivers: ['otlp/podspan', 'otlp/podspan-in-pod'],
          exporters: Object.keys(exporters.podspan),
        },
      },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
    },
  }
}

/** The limit on a message is the client's 2,048 spans of a batch with room to spare. */
function receiver(address: string, grpcPort: number, httpPort: number): object {
  return {
    protocols: {
      grpc: { endpoint: `${address}:${grpcPort}`, max_recv_msg_size_mib: 64 },
      http: { endpoint: `${address}:${httpPort}` },
    },
  }
}

function file(path: string): object {
  return { path, format: 'json', flush_interval: '200ms', append: true }
}

const sender = (name: string, to: Destination | undefined): object =>
  to === undefined ? {} : { [`otlp_grpc/${name}`]: { ...to, tls: { insecure: true } } }
