// Owns where the traces of end-to-end tests arrive: the real Collector of our own cluster, or a receiver in this process.
// Promises the same spans from both. Does not run Podspan.

import type { TruthSpan } from '../accuracy/collector.ts'
import { truthCursor } from '../accuracy/collector.ts'
import { readCluster } from '../cluster/cluster.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import type { DecodedSpan, DecodedValue } from '../support/otlp-receiver-decode.ts'
import { unixNano } from '../../src/base/time.ts'

export interface Destination {
  /** For `--otlp-endpoint`. */
  readonly endpoint: string
  /** What has arrived since it was opened. */
  read(): readonly TruthSpan[]
  close(): Promise<void>
}

/** The Collector runs beside our own cluster alone. */
export function ourCollector(): Destination {
  const { collector, podspanTracesFile } = readCluster()
  const cursor = truthCursor(podspanTracesFile)
  return { endpoint: collector.podspan.http, read: () => cursor.read(), close: async () => {} }
}

export async function ownReceiver(): Promise<Destination> {
  const receiver = await startOtlpReceiver({ protocol: 'http' })
  return {
    endpoint: receiver.url,
    read: () => receiver.spans.map(asCollected),
    close: () => receiver.close(),
  }
}

function asCollected({ traceId, spanId, parentSpanId, name, ...span }: DecodedSpan): TruthSpan {
  const attributes = Object.entries(span.attributes).map(([key, value]) => [key, plain(value)] as const)
  return {
    ...{ traceId, spanId, name, service: String(span.resource['service.name'] ?? '') },
    ...(parentSpanId !== '' && { parentSpanId }),
    start: unixNano(span.start),
    end: unixNano(span.end),
    attributes: Object.fromEntries(attributes),
    ...(span.status.code === 2 && { failed: true }),
  }
}

const plain = (value: DecodedValue): string | number | boolean =>
  typeof value === 'bigint' ? Number(value) : typeof value === 'object' ? value.join() : value
