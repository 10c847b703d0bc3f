// Owns the Collector of the benches, in a process of its own.
// Promises to decode and count what it takes, so that both alternatives can be shown to have sent the same, and how long after its end the
// root span of each start came, by this machine's clock. Does not judge.

import { startOtlpReceiver } from '../test/support/otlp-receiver.ts'

/** What a bench asks for, and gets as `received`. */
export interface Received {
  readonly spans: number
  readonly traces: number
  /** Of the starts since it last asked, in milliseconds. */
  readonly latenciesMs: readonly number[]
}

let latenciesMs: number[] = []
const receiver = await startOtlpReceiver({
  protocol: 'grpc',
  keep: 'counts',
  onSpans: (spans) => {
    const now = Date.now()
    for (const { end, name } of spans) if (name === 'pod startup') latenciesMs.push(now - Number(end) / 1e6)
  },
})
process.on('message', () => {
  const received: Received = { spans: receiver.spanCount, traces: receiver.traceIds.size, latenciesMs }
  latenciesMs = []
  process.send?.({ received })
})
process.on('disconnect', () => process.exit(0))
process.send?.({ listening: { url: receiver.url } })
