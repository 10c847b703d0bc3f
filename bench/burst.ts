// Owns the running of bursts: one API server, at will one Collector, and for each measurement a fresh client.
// Promises alternatives in turn within each repeat, a warm-up before each measurement, and that all started pods came out.
// Does not know what the alternatives do.

import type { ClientCommand, Measured } from './client.ts'
import { type Child, startChild } from './processes.ts'
import type { BenchOptions } from './report.ts'
import type { BurstCommand } from './server.ts'
import { POD_FRAMES, STEPS } from './start.ts'

/** Of all of a bench: five alternatives, four times, on a busy machine. */
const LIMIT_MS = 900_000

export interface BurstPlan {
  readonly alternatives: readonly ClientCommand['by'][]
  readonly repeats: number
  /** Starts before the measured ones: our part of the work is compiled to its end after some thousands. */
  readonly warmUp: number
  readonly starts: number
  readonly traced: boolean
  readonly streams: BurstCommand['streams']
}

export type Measurements = Readonly<Record<string, readonly Measured[]>>

export async function runBursts(plan: BurstPlan, { say, profile }: BenchOptions): Promise<Measurements> {
  const server = startChild('server.ts', { limitMs: LIMIT_MS })
  const collector = plan.traced ? startChild('receiver.ts', { limitMs: LIMIT_MS }) : undefined
  const api = await server.receive<{ url: string; ca: string }>('listening')
  const otlp = await collector?.receive<{ url: string }>('listening')
  const found: Record<string, Measured[]> = {}
  for (let repeat = 0; repeat < plan.repeats; repeat++) {
    for (const by of plan.alternatives) {
      const command: ClientCommand = {
        by,
        server: api.url,
        ca: api.ca,
        ...(otlp ? { collector: otlp.url } : {}),
      }
      const measured = await measureOne(server, command, plan, profile)
      const { cpuUs, wallMs, spans } = measured
      say(
        `  ${by}: ${(cpuUs / plan.starts).toFixed(0)} µs of CPU per start, ${(spans / plan.starts).toFixed(1)} spans, ${(plan.starts / (wallMs / 1000)).toFixed(0)} starts/s`,
      )
      found[by] = [...(found[by] ?? []), measured]
    }
  }
  server.kill()
  collector?.kill()
  return found
}

async function measureOne(
  server: Child,
  command: ClientCommand,
  plan: BurstPlan,
  profile: boolean,
): Promise<Measured> {
  const client = startChild('client.ts', { limitMs: LIMIT_MS, execArgv: ['--expose-gc'] })
  client.send(command)
  await client.receive('ready')
  await burst(server, client, { from: 1, starts: plan.warmUp, streams: plan.streams })
  const measuredBurst = { from: 1 + plan.warmUp, starts: plan.starts, streams: plan.streams }
  const measured = await burst(server, client, measuredBurst, profile)
  client.kill()
  if (plan.traced && command.by !== 'framing' && measured.traces !== plan.starts)
    throw new Error(`${command.by}: ${plan.starts} starts gave ${measured.traces} traces`)
  return measured
}

async function burst(
  server: Child,
  client: Child,
  command: BurstCommand,
  profile = false,
): Promise<Measured> {
  client.send({ expect: command.starts * framesPerStart(command.streams), profile })
  await client.receive('expecting')
  server.send({ burst: command })
  const measured = await client.receive<Measured>('measured')
  await server.receive('sent')
  return measured
}

export const framesPerStart = (streams: BurstCommand['streams']): number =>
  streams === 'pods' ? POD_FRAMES : STEPS.length
