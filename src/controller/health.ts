// Owns the account of the operator's own health, gathered from where things are counted.
// Promises plain numbers, read when somebody asks. Does not render: metrics/ does.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { toMilliseconds } from '../base/time.ts'
import type { ExporterHealth, HealthSnapshot, StreamHealth } from '../metrics/health.ts'
import type { IntakeCounters } from '../receive/intake.ts'
import type { SessionBook } from '../session/book.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import type { Delivery } from './delivery.ts'
import type { Exporters } from './exporters.ts'
import type { Handover } from './handover.ts'
import type { InjectingCounters } from './injecting.ts'

export type LoopDelay = ReturnType<typeof monitorEventLoopDelay>

export interface HealthSources {
  readonly pipeline: Pipeline
  readonly streams: () => Readonly<Record<string, StreamHealth>>
  readonly exporters: Exporters
  readonly delivery: Delivery
  readonly handover: Handover
  readonly book: SessionBook
  readonly receiver: () => IntakeCounters | undefined
  readonly webhook: () => InjectingCounters | undefined
  readonly leads: () => boolean
  readonly leaderAcquired: () => number
  readonly writes: () => Readonly<Record<string, number>>
  readonly loopDelay: LoopDelay
  /** Beside these: TraceSessions that cannot be read, refused configurations, and what else is counted here and there. */
  readonly limits: () => Readonly<Record<string, number>>
}

/** Sees what a scrape or a list page costs, and costs nothing itself. */
const RESOLUTION_MS = 20

export function watchLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return histogram
}

export interface Limited {
  readonly rollouts: Readonly<Record<string, number>> | undefined
  readonly unreadable: number
  readonly eventsOverLimit: number
  readonly refused: number
  readonly letGo: number
}

export const limitsOf = ({ eventsOverLimit, letGo, refused, rollouts, unreadable }: Limited): Counts => ({
  ...Object.fromEntries(
    Object.entries(rollouts ?? {}).map(([what, count]) => [`${what} of rollouts`, count]),
  ),
  'sessions that cannot be read': unreadable,
  'events on sessions over the limit': eventsOverLimit,
  'configurations refused': refused,
  'connections to the metrics port': letGo,
})

export function readHealth(from: HealthSources): HealthSnapshot {
  const lag = from.pipeline.lag()
  const [receiver, webhook] = [from.receiver(), from.webhook()]
  const counted = from.book.counters()
  return {
    pipeline: from.pipeline.counters(),
    streams: from.streams(),
    ...(lag === undefined ? {} : { watchLagSeconds: toMilliseconds(lag) / 1000 }),
    exporters: exportersHealth(from),
    ...receiverHealth(receiver),
    ...(webhook && { webhook }),
    ring: from.delivery.ring.counters(),
    eventLoopDelay: loopDelayOf(from.loopDelay),
    leader: from.leads(),
    leaderAcquired: from.leaderAcquired(),
    sessions: withPrefix(counted, 'phase.'),
    garbage: withPrefix(counted, 'garbage.'),
    statusWrites: withPrefix(from.writes(), 'status '),
    limits: {
      'acknowledged starts that did not fit the Lease': from.handover.counters().unlisted,
      'starts lost from the ring of a standby': from.delivery.lost(),
      ...(receiver && { 'connections to the receiver': receiver.connectionsRefused }),
      ...from.limits(),
    },
  }
}

function receiverHealth(counters: IntakeCounters | undefined): Pick<HealthSnapshot, 'receiver'> {
  if (!counters) return {}
  const { bytes, invalid, requests, skipped, spans } = counters
  return { receiver: { bytes, requests, spans: { taken: spans - skipped - invalid, skipped, invalid } } }
}

function exportersHealth({ exporters, delivery }: HealthSources): Record<string, ExporterHealth> {
  const result: Record<string, ExporterHealth> = {}
  for (const [name, account] of exporters.accounting()) {
    const { overBudget, repeats } = delivery.counters(name)
    // What the budget refused was never given to the exporter; here it is in and dropped, so that the account holds.
    result[name] = {
      ...account,
      in: account.in + overBudget,
      dropped: account.dropped + overBudget,
      droppedBy: { ...account.droppedBy, budget: overBudget },
      repeats,
    }
  }
  return result
}

/** Since it was last asked. What Node records is the time from one look to the next, so an idle loop shows the resolution. */
export function loopDelayOf(histogram: LoopDelay): NonNullable<HealthSnapshot['eventLoopDelay']> {
  const nano = (value: number): number =>
    Number.isFinite(value) ? Math.max(0, value / 1e9 - RESOLUTION_MS / 1000) : 0
  const delay = {
    meanSeconds: nano(histogram.mean),
    p99Seconds: nano(histogram.percentile(99)),
    maxSeconds: nano(histogram.max),
  }
  // Each scrape tells of the time since the last.
  histogram.reset()
  return delay
}

type Counts = Readonly<Record<string, number>>

const withPrefix = (counts: Counts, prefix: string): Counts =>
  Object.fromEntries(
    Object.entries(counts).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  )
