// Owns the bench of a steady rate: a thousand starts a second, for a while, through the whole pipeline to OTLP.
// Promises how long after a pod was stored as Ready its trace had arrived, and how late the event loop was, beside what it cost.
// Does not compare: an alternative that cannot keep up has no latency.

import type { ClientCommand, Measured } from './client.ts'
import { startChild } from './processes.ts'
import type { Received } from './receiver.ts'
import type { Bench, Result } from './report.ts'
import type { BurstCommand } from './server.ts'
import { STEPS } from './start.ts'

const LIMIT_MS = 180_000
/** The first is the busiest cluster that was ever published; the others are for machines that cannot keep up with it. */
const RATES = [1000, 500, 250]
const WARM_UP = 4000
/** What evidence settles for in the client (client.ts). */
const SETTLE_MS = 1000

interface Paced {
  readonly measured: Measured
  readonly latenciesMs: readonly number[]
}

export const bench: Bench = async ({ quick, say }) => {
  for (const perSecond of RATES) {
    const starts = quick ? perSecond : perSecond * 20
    const { latenciesMs, measured } = await measure(starts, perSecond, quick ? 500 : WARM_UP)
    const { cpuUs, loopDelayMs, wallMs } = measured
    say(
      `  ${perSecond} starts/s: ${latenciesMs.length} of ${starts} traces arrived, ${(cpuUs / wallMs / 10).toFixed(0)} % of a core, ${(cpuUs / starts).toFixed(0)} µs of CPU per start`,
    )
    if (latenciesMs.length < starts && perSecond !== RATES.at(-1)) continue
    const sorted = latenciesMs.toSorted((a, b) => a - b)
    const p99 = (sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN) - SETTLE_MS
    const value = (what: string, unit: string, ours: number, atMost: number): Result => ({
      what: `${perSecond} starts/s: ${what}`,
      unit,
      ours: [ours],
      target: { kind: 'value', atMost },
    })
    return [
      value('from Ready stored to trace received, after settling, P99', 'ms', p99, 250),
      value('event loop delay, P99', 'ms', loopDelayMs, 20),
      value('CPU per start', 'µs', cpuUs / starts, 500),
    ]
  }
  return []
}

/** Processes of their own each time: what a rate that was too high has left behind is not for the next. */
async function measure(starts: number, perSecond: number, warmUp: number): Promise<Paced> {
  const server = startChild('server.ts', { limitMs: LIMIT_MS })
  const collector = startChild('receiver.ts', { limitMs: LIMIT_MS })
  const client = startChild('client.ts', { limitMs: LIMIT_MS, execArgv: ['--expose-gc'] })
  const api = await server.receive<{ url: string; ca: string }>('listening')
  const otlp = await collector.receive<{ url: string }>('listening')
  const command: ClientCommand = { by: 'protobuf', server: api.url, ca: api.ca, collector: otlp.url }
  client.send({ ...command, mayDrop: true } satisfies ClientCommand)
  await client.receive('ready')
  const play = async (burst: BurstCommand): Promise<Measured> => {
    client.send({ expect: burst.starts * STEPS.length })
    await client.receive('expecting')
    server.send({ burst })
    const measured = await client.receive<Measured>('measured')
    await server.receive('sent')
    return measured
  }
  const ask = async (): Promise<Received> => {
    collector.send({ ask: true })
    return collector.receive<Received>('received')
  }
  await play({ from: 1, starts: warmUp, streams: 'both' })
  await ask()
  const measured = await play({ from: 1 + warmUp, starts, streams: 'both', perSecond })
  const { latenciesMs } = await ask()
  for (const child of [server, collector, client]) child.kill()
  return { measured, latenciesMs }
}
