// Owns the Collector of the benches, in a process of its own.
// Promises to decode and count what it takes, so that both alternatives can be shown to have sent the same.
// Does not measure.

import { startOtlpReceiver } from '../test/support/otlp-receiver.ts'

const receiver = await startOtlpReceiver({ protocol: 'grpc', keep: 'counts' })
process.on('message', () => {
  process.send?.({ received: { spans: receiver.spanCount, traces: receiver.traceIds.size } })
})
process.on('disconnect', () => process.exit(0))
process.send?.({ listening: { url: receiver.url } })
