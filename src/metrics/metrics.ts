// Owns /metrics as a whole: takes finished starts, what is in flight and the operator's health, and exposes them.
// Promises every metric of definitions.ts and no other, and labels within the limits of labels.ts and `workloadsMax`.
// Does no IO and has no timer and no clock; the controller serves what `expose` returns.

import type { UnixNano } from '../base/time.ts'
import type { KindUnderWay } from '../rollout/follow.ts'
import type { Rollout } from '../rollout/rollout.ts'
import type { WorkloadKind } from '../rollout/workload.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { Trace } from '../trace/trace.ts'
import { DEFINITIONS, type MetricName } from './definitions.ts'
import { type Collectors, createExposition, type Exposed } from './exposition.ts'
import type { HealthSnapshot } from './health.ts'
import { HEALTH, type HealthMetric } from './health-samples.ts'
import { assignInFlight, countInFlight, type InFlightCounts, NOTHING_IN_FLIGHT } from './in-flight.ts'
import { boundText, createVocabulary, type Vocabulary } from './labels.ts'
import { createNewcomers } from './newcomers.ts'
import type { ProcessReading } from './process.ts'
import {
  collectRollouts,
  countRollout,
  countUnderWay,
  emptyRolloutCounts,
  type RolloutCounts,
  type RolloutMetric,
} from './rollouts.ts'
import { type Format, merged, pushHistogram, type Sample, single } from './samples.ts'
import { collectStarts, type StartMetric } from './start-samples.ts'
import { countStart, emptyStarts, type Fate, letTimeGoOn, type Starts } from './starts.ts'

export interface MetricsOptions {
  /** Workloads that have series of their own; the others are counted together. Default 200. */
  readonly workloadsMax?: number
  /** The same of nodes. Default 100. */
  readonly nodesMax?: number
  readonly version?: string
  /** For so long a series that is new is zero in OpenMetrics; see newcomers.ts. Default 0. */
  readonly newcomerSeconds?: number
  /** What the process uses, read at each scrape; see process.ts. */
  readonly readProcess?: () => ProcessReading
}

export interface Metrics {
  /** Takes a start that is over. `fate` says whether its trace was exported, so that it may be an exemplar. */
  take(trace: Trace, fate?: Fate): void
  /** All starts that are in flight now. */
  startsInFlight(starts: readonly InFlight[], now: UnixNano): void
  /** Takes a rollout that is over. */
  takeRollout(rollout: Rollout, fate?: Fate): void
  /** All rollouts that go on now. */
  rolloutsUnderWay(byKind: ReadonlyMap<WorkloadKind, KindUnderWay>, now: UnixNano): void
  /** Says where to read the health; it is read once at each scrape. */
  health(read: () => HealthSnapshot): void
  /** OpenMetrics where the Accept header asks for it, else the text format 0.0.4. */
  expose(accept?: string): Promise<Exposed>
}

export const WORKLOADS_MAX = { default: 200, least: 0, most: 2000 } as const
export const NODES_MAX = { default: 100, least: 0, most: 2000 } as const

interface State {
  readonly starts: Starts
  readonly rollouts: RolloutCounts
  readonly vocabulary: Vocabulary
  readonly folded: Map<string, number>
  readonly options: MetricsOptions
  inFlight: InFlightCounts
  readHealth: (() => HealthSnapshot) | undefined
  /** Those of the scrape that is being answered. */
  health: HealthSnapshot | undefined
  process: ProcessReading | undefined
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const folded = new Map<string, number>()
  const state: State = {
    starts: emptyStarts(
      checkMax('workloadsMax', WORKLOADS_MAX, options.workloadsMax),
      checkMax('nodesMax', NODES_MAX, options.nodesMax),
    ),
    rollouts: emptyRolloutCounts(),
    vocabulary: createVocabulary((label) => void folded.set(label, (folded.get(label) ?? 0) + 1)),
    folded,
    options,
    inFlight: NOTHING_IN_FLIGHT,
    readHealth: undefined,
    health: undefined,
    process: undefined,
  }
  const newcomers = createNewcomers(options.newcomerSeconds ?? 0)
  const exposition = createExposition(
    {
      ...collectStarts(state.starts, () => state.inFlight),
      ...collectRollouts(state.rollouts, () => state.starts.now),
      ...collectHealth(state),
      ...collectItself(state),
    },
    (name, samples) => (isHeld(name) ? newcomers.hold(name, samples, state.starts.now) : samples),
  )
  return {
    take: (trace, fate = 'exported') => countStart(state.starts, trace, fate, state.vocabulary),
    startsInFlight(starts, now) {
      letTimeGoOn(state.starts, now)
      state.inFlight = countInFlight(starts, now)
      assignInFlight(state.starts, starts, now)
    },
    takeRollout: (rollout, fate = 'exported') => countRollout(state.rollouts, rollout, fate),
    rolloutsUnderWay: (byKind, now) => countUnderWay(state.rollouts, byKind, now),
    health: (read) => void (state.readHealth = read),
    expose(accept) {
      state.health = state.readHealth?.()
      state.process = options.readProcess?.()
      // The registry collects all metrics before it waits for any of them, so that the numbers are of one moment.
      return exposition.expose(accept)
    },
  }
}

/** What the process has used before its first scrape is no news. */
const isHeld = (name: MetricName): boolean =>
  name.startsWith('podspan_') && DEFINITIONS[name].type !== 'gauge'

function checkMax(
  name: string,
  { default: standard, least, most }: { default: number; least: number; most: number },
  given = standard,
): number {
  if (Number.isInteger(given) && given >= least && given <= most) return given
  throw new RangeError(`${name}: ${given} is not valid; expected a whole number from ${least} to ${most}`)
}

type Part<Name extends MetricName> = Pick<Collectors, Name>

function collectHealth(state: State): Part<HealthMetric> {
  const entries = Object.entries(HEALTH).map(([name, tell]) => [
    name,
    (format: Format) => (state.health ? tell(state.health, state.vocabulary, format) : []),
  ])
  return Object.fromEntries(entries) as Part<HealthMetric>
}

function collectItself(state: State): Part<Exclude<MetricName, HealthMetric | StartMetric | RolloutMetric>> {
  const { nodes, workloads } = state.starts
  const ofProcess = (read: (process: ProcessReading) => number | undefined) => () =>
    single(state.process && read(state.process))
  return {
    podspan_metrics_folded_total: () =>
      merged(
        [['workload', workloads.folded] as const, ['node', nodes.folded] as const, ...state.folded].map(
          ([label, n]) => [{ label }, n],
        ),
      ),
    podspan_metrics_workloads: () => single(workloads.admitted),
    podspan_metrics_workloads_evicted_total: () => single(workloads.evicted),
    podspan_build_info: () => {
      const { version } = state.options
      return version === undefined ? [] : [{ labels: { version: boundText(version) }, value: 1 }]
    },
    process_cpu_seconds_total: ofProcess(({ cpuSeconds }) => cpuSeconds),
    process_resident_memory_bytes: ofProcess(({ residentBytes }) => residentBytes),
    podspan_memory_limit_bytes: ofProcess(({ limitBytes }) => limitBytes),
    process_start_time_seconds: ofProcess(({ startedAt }) => startedAt),
    nodejs_heap_used_bytes: ofProcess(({ heapUsedBytes }) => heapUsedBytes),
    nodejs_gc_duration_seconds: (format) => {
      const samples: Sample[] = []
      for (const [gc, buckets] of state.process?.collections ?? []) {
        pushHistogram(samples, 'nodejs_gc_duration_seconds', buckets, format, 0, { gc })
      }
      return samples
    },
  }
}
