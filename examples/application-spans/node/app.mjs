// Tells its own start-up in the trace of its pod's start, with the plain OpenTelemetry SDK. Needs TRACEPARENT, which Podspan's
// policies inject, or POD_UID by the downward API, from which the same context follows; without either the spans are a trace of
// their own. OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_SERVICE_NAME are the SDK's usual variables.

import { createServer } from 'node:http'
import { defaultTextMapGetter, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'

/** The contract, in one line: the halves of the UID swapped are the trace, its first half is the root. */
const contextOf = (uid) => `00-${uid.slice(16)}${uid.slice(0, 16)}-${uid.slice(0, 16)}-01`

const { TRACEPARENT, POD_UID = '', OTEL_SERVICE_NAME = 'checkout', PORT = '8080' } = process.env
const traceparent = TRACEPARENT || (POD_UID && contextOf(POD_UID.replaceAll('-', '')))
const podStart = new W3CTraceContextPropagator().extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter)

const provider = new BasicTracerProvider({
  resource: defaultResource().merge(
    resourceFromAttributes({ 'service.name': OTEL_SERVICE_NAME, ...(POD_UID && { 'k8s.pod.uid': POD_UID }) }),
  ),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
})
const tracer = provider.getTracer('start-up')

/** One step of the start-up, below `parent`. */
async function step(parent, name, work) {
  const span = tracer.startSpan(name, {}, parent)
  try {
    return await work(trace.setSpan(parent, span))
  } catch (error) {
    span.recordException(error)
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
    throw error
  } finally {
    span.end()
  }
}

const loadConfiguration = async () => ({ greeting: 'hello' })
const listen = ({ greeting }) =>
  new Promise((resolve, reject) => {
    const server = createServer((_request, response) => response.end(greeting))
    server.on('error', reject).listen(Number(PORT), () => resolve(server))
  })

try {
  const server = await step(podStart, 'application start-up', async (startUp) => {
    const configuration = await step(startUp, 'load configuration', loadConfiguration)
    return step(startUp, 'listen', () => listen(configuration))
  })
  process.once('SIGTERM', () => server.close())
} finally {
  // What the process does from here on belongs to the traces of its requests, not to that of its start.
  await provider.shutdown()
}
