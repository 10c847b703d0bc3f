// Owns the use of the SDK's OTLP exporter base: bytes in, one attempt, the server's whole answer out.
// Promises that partial success is seen (the SDK only logs it) and that an attempt ends in a SendResult, never in an exception.
// Does not open connections: each protocol brings its delegate. These SDK packages call themselves internal: they are pinned.

import { ExportResultCode } from '@opentelemetry/core'
import { type IOtlpExportDelegate, OTLPExporterBase } from '@opentelemetry/otlp-exporter-base'
import {
  type IExporterMetricsHelper,
  type IExportTraceServiceResponse,
  type ISerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { SCOPE } from './spans.ts'
import type { Batch, SendResult } from './transport.ts'

export const USER_AGENT = `${SCOPE.name}/${SCOPE.version}`
export const METRICS_HELPER: IExporterMetricsHelper<Batch> = {
  name: 'span',
  countItems: (batch) => batch.spans,
}
/** Ours is the batcher's; the SDK's must never be reached, for it fails an export at once. */
export const SDK_CONCURRENCY_LIMIT = 1_000

export type BatchDelegate = IOtlpExportDelegate<Batch>
export type BatchSerializer = ISerializer<Batch, IExportTraceServiceResponse>

export interface SdkExporter {
  send(batch: Batch): Promise<SendResult>
  shutdown(): Promise<void>
}

/** `classify` says what an error of this protocol means. */
export function createSdkExporter(
  connect: (serializer: BatchSerializer) => BatchDelegate,
  classify: (error: unknown) => SendResult,
): SdkExporter {
  // The SDK decodes a response and reports the export's end in one synchronous step, so this is that export's own response.
  let response: IExportTraceServiceResponse | undefined
  const exporter = new OTLPExporterBase(
    connect({
      serializeRequest: (batch) => join(batch.requests),
      deserializeResponse: (data) => {
        response = ProtobufTraceSerializer.deserializeResponse(data)
        return response
      },
    }),
  )
  return {
    send: (batch) =>
      new Promise((resolve) => {
        exporter.export(batch, (result) => {
          const answer = response
          response = undefined
          resolve(result.code === ExportResultCode.SUCCESS ? taken(answer) : classify(result.error))
        })
      }),
    shutdown: () => exporter.shutdown(),
  }
}

const join = (requests: readonly Uint8Array[]): Uint8Array =>
  requests.length === 1 && requests[0] ? requests[0] : Buffer.concat(requests)

function taken(response: IExportTraceServiceResponse | undefined): SendResult {
  const { rejectedSpans, errorMessage } = response?.partialSuccess ?? {}
  return {
    kind: 'ok',
    ...(rejectedSpans ? { rejected: rejectedSpans } : {}),
    ...(errorMessage ? { message: errorMessage } : {}),
  }
}
