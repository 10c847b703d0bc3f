// Owns the bench of a steady rate: a thousand starts a second, for a while, through the whole pipeline to OTLP.
// Promises how long after a pod was stored as Ready its trace had arrived, and how late the event loop was, beside what it cost.
// Does not compare: an alternative that cannot keep up has no latency.

import type { ClientCommand, Measured } from './client.ts'
import { startChild } from './processes.ts'
import type { Received } from './receiver.ts'
import type { Bench } from './report.ts'
import { STEPS } from './start.ts'

const LIMIT_MS = 180_000
/** The busiest cluster that was ever published. */
const PER_SECOND = 1000
const WARM_UP = 4000
/** What evidence settles for in the client (client.ts). */
const SETTLE_MS = 1000

export const bench: Bench = async ({ quick, say }) => {
  const starts = quick ? 1000 : 20_000
  const [server, collector] = [
    startChild('server.ts', { limitMs: LIMIT_MS }),
    startChild('receiver.ts', { limitMs: LIMIT_MS }),
  ]
  const api = await server.receive<{ url: string; ca: string }>('listening')
  const otlp = await collector.receive<{ url: string }>('listening')
  const client = startChild('client.ts', { limitMs: LIMIT_MS, execArgv: ['--expose-gc'] })
  client.send({
    by: 'protobuf',
    server: api.url,
    ca: api.ca,
    collector: otlp.url,
  } satisfies ClientCommand)
  await client.receive('ready')
  const play = async (from: number, count: number, perSecond?: number): Promise<Measured> => {
    client.send({ expect: count * STEPS.length })
    await client.receive('expecting')
    server.send({ burst: { from, starts: count, streams: 'both', ...(perSecond && { perSecond }) } })
    const measured = await client.receive<Measured>('measured')
    await server.receive('sent')
    return measured
  }
  const ask = async (): Promise<Received> => {
    collector.send({ ask: true })
    return collector.receive<Received>('received')
  }
  await play(1, quick ? 500 : WARM_UP)
  await ask()
  const { cpuUs, loopDelayMs, traces, wallMs } = await play(1 + WARM_UP, starts, PER_SECOND)
  const { latenciesMs } = await ask()
  for (const child of [server, collector, client]) child.kill()
  if (traces !== starts || latenciesMs.length !== starts)
    throw new Error(`${starts} starts gave ${traces} traces, of which ${latenciesMs.length} arrived`)
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const p99 = (sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN) - SETTLE_MS
  say(
    `  ${(starts / (wallMs / 1000)).toFixed(0)} starts/s, ${(cpuUs / wallMs / 10).toFixed(0)} % of a core, ${(cpuUs / starts).toFixed(0)} µs of CPU per start`,
  )
  const rate = `${PER_SECOND} starts/s`
  return [
    {
      what: `${rate}: from Ready stored to trace received, after settling, P99`,
      unit: 'ms',
      ours: [p99],
      target: { kind: 'value', atMost: 250 },
    },
    {
      what: `${rate}: event loop delay, P99`,
      unit: 'ms',
      ours: [loopDelayMs],
      target: { kind: 'value', atMost: 20 },
    },
    {
      what: `${rate}: CPU per start`,
      unit: 'µs',
      ours: [cpuUs / starts],
      target: { kind: 'value', atMost: 1000 },
    },
  ]
}
