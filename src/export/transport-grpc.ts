// Owns OTLP over gRPC: the SDK's exporter base over our own client, which makes one attempt.
// Promises one attempt per send, and that a Collector that comes back is reached at the batcher's next attempt.
// Does not use the SDK's gRPC transport: that one takes no channel options, so that grpc-js would choose the proxy.

import { type Metadata, status } from '@grpc/grpc-js'
import { createOtlpNetworkExportDelegate, ExporterMetrics } from '@opentelemetry/otlp-exporter-base'
import type { Clock } from '../base/clock.ts'
import type { OtlpConfig } from './config.ts'
import { createGrpcClient } from './grpc-client.ts'
import { retryDelayMs } from './rpc-status.ts'
import { createSdkExporter, METRICS_HELPER, SDK_CONCURRENCY_LIMIT, type SdkExporter } from './sdk-exporter.ts'
import type { SendResult, Transport } from './transport.ts'

export function createGrpcTransport(config: OtlpConfig, clock: Clock): Transport {
  let exporter: SdkExporter | undefined
  /** Ends the client after its calls; what they bring is still heard. */
  const leave = (left: SdkExporter): void => {
    if (exporter !== left) return
    exporter = undefined
    void left.shutdown()
  }
  return {
    send: async (batch) => {
      const used = exporter ?? connect(config, clock)
      exporter = used
      const result = await used.send(batch)
      // grpc-js would go on waiting up to two minutes before it connects again, and keeps using a connection that hangs.
      if (result.kind === 'retryable' && result.retryAfterMs === undefined) leave(used)
      return result
    },
    close: async () => {
      // Calls in flight cannot be cancelled through the SDK; they end at their timeout, unheard.
      if (exporter) leave(exporter)
    },
  }
}

function connect(config: OtlpConfig, clock: Clock): SdkExporter {
  const metrics = new ExporterMetrics({
    componentType: 'otlp_grpc_span_exporter',
    metricsHelper: METRICS_HELPER,
    url: config.target,
    meterProvider: undefined,
    responseAttributesFromError: () => ({}),
  })
  const options = {
    timeoutMillis: config.timeoutMs,
    concurrencyLimit: SDK_CONCURRENCY_LIMIT,
    compression: config.compression,
  }
  const client = createGrpcClient(config, clock)
  return createSdkExporter(
    (serializer) => createOtlpNetworkExportDelegate(options, serializer, metrics, client),
    classifyGrpcError,
  )
}

const NO_STATUS = -1

/** What OTLP calls retryable; RESOURCE_EXHAUSTED only where the server says when. */
const RETRYABLE: ReadonlySet<number> = new Set([
  // Not an answer: a certificate that cannot be read just now, or a client that could not be made.
  NO_STATUS,
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
])

/** Go, Java and JavaScript servers in this order. */
const TOO_LARGE = /larger than max|exceeds maximum size|larger than/i

export function classifyGrpcError(error: unknown): SendResult {
  const { code, details, message, metadata } = serviceErrorOf(error)
  const reason = `${status[code] ?? 'gRPC error'}: ${details ?? message ?? String(error)}`
  const retryAfterMs = delayOf(metadata)
  if (code === status.RESOURCE_EXHAUSTED && TOO_LARGE.test(reason)) return { kind: 'too-large', reason }
  if (RETRYABLE.has(code) || (code === status.RESOURCE_EXHAUSTED && retryAfterMs !== undefined))
    return { kind: 'retryable', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  return { kind: 'failed', reason }
}

interface ServiceErrorParts {
  readonly code: number
  readonly details?: string
  readonly message?: string
  readonly metadata?: Metadata
}

function serviceErrorOf(error: unknown): ServiceErrorParts {
  if (typeof error !== 'object' || error === null) return { code: NO_STATUS }
  return {
    code: NO_STATUS,
    ...(error as Partial<ServiceErrorParts>),
    ...(error instanceof Error && { message: error.message }),
  }
}

function delayOf(metadata: Metadata | undefined): number | undefined {
  const [details] = metadata?.get('grpc-status-details-bin') ?? []
  return details instanceof Uint8Array ? retryDelayMs(details) : undefined
}
