// Owns the OpenTelemetry Collector: what the components say of themselves goes to one file, what Podspan exports to another.
// Promises one OTLP/JSON ExportTraceServiceRequest per line, on disk within a second after it was received.
// Does not judge, sample or rewrite any span.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Layout, nodeAddress, ports } from './layout.ts'
import type { ProcessSpec } from './processes.ts'

export async function collector(layout: Layout, binaries: Record<string, string>): Promise<ProcessSpec> {
  await mkdir(layout.config, { recursive: true })
  const file = join(layout.config, 'otelcol.json')
  await writeFile(file, JSON.stringify(collectorConfig(layout), undefined, 2))
  return { name: 'otelcol', command: binaries.otelcol ?? '', args: ['--config', file] }
}

function collectorConfig(layout: Layout): object {
  return {
    receivers: {
      'otlp/native': receiver('127.0.0.1', ports.nativeGrpc, ports.nativeHttp),
      'otlp/podspan': receiver('127.0.0.1', ports.podspanGrpc, ports.podspanHttp),
      // The machine's loopback is out of a pod's reach.
      'otlp/podspan-in-pod': receiver(nodeAddress, ports.podspanGrpc, ports.podspanHttp),
    },
    exporters: { 'file/native': file(layout.truthFile), 'file/podspan': file(layout.podspanTracesFile) },
    service: {
      pipelines: {
        'traces/native': { receivers: ['otlp/native'], exporters: ['file/native'] },
        'traces/podspan': { receivers: ['otlp/podspan', 'otlp/podspan-in-pod'], exporters: ['file/podspan'] },
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
