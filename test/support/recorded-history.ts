// Owns half an hour of metrics as a Prometheus would have scraped them, in which the starts of all recordings end one after the other.
// Promises two replicas that count alike, of which one was restarted in the middle, and health in which something of everything happens.
// Does not scrape: the samples are written down with their times, as `promtool tsdb create-blocks-from openmetrics` reads them.

import { fromSeconds, type UnixNano, unixNano } from '../../src/base/time.ts'
import type { HealthSnapshot, StreamHealth } from '../../src/metrics/health.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { GC_BOUNDS } from '../../src/metrics/definitions.ts'
import { NEWCOMER_SECONDS } from '../../src/metrics/newcomers.ts'
import type { ProcessReading } from '../../src/metrics/process.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import { trace as madeTrace } from '../cli/hand-made.ts'
import { type ParsedSample, parseExposition } from '../metrics/parse-exposition.ts'
import { framesOf, recordings, tracesOf } from './frames.ts'

const STEPS = 30
const STEP_SECONDS = 60
/** The first steps show what is zero. */
const FIRST = 3
const RESTARTED_AT = 15
const STRIDE = 101

export interface Replica {
  readonly instance: string
  readonly pod: string
  readonly metrics: Metrics
}

export interface History {
  /** OpenMetrics with times, to be read from a file. */
  readonly text: string
  /** Those that are there at the end. */
  readonly replicas: readonly Replica[]
  readonly traces: readonly Trace[]
}

export const JOB = 'observability/podspan'
export const NAMESPACE = 'observability'

/** Ends at the moment that is asked for when the recordings are read, or just before. */
export async function recordHistory(nowSeconds: () => number): Promise<History> {
  const recorded: Trace[] = []
  for (const name of recordings()) recorded.push(...tracesOf(await framesOf(name)))
  const from = Math.floor(nowSeconds()) - STEPS * STEP_SECONDS
  const over = [...recorded.filter(({ outcome }) => outcome !== 'starting'), demanding]
  const traces = over.map((trace, index) => {
    // Not one recording after the other: at any time something of each kind starts.
    const step = FIRST + ((STEPS - FIRST) * ((index * STRIDE) % over.length)) / over.length
    return moved(trace, fromSeconds(Math.floor(from + step * STEP_SECONDS)))
  })
  const flying = await stuckStarts()
  const standby = replica('10.0.0.2:8080', 'podspan-b')
  let leader = replica('10.0.0.1:8080', 'podspan-a')
  const lines: string[] = []
  for (let step = 0; step < STEPS; step++) {
    const now = from + step * STEP_SECONDS
    if (step === RESTARTED_AT) leader = replica('10.0.0.3:8080', 'podspan-c')
    const ended = traces.filter(
      (trace) => endOf(trace) <= fromSeconds(now) && endOf(trace) > fromSeconds(now - STEP_SECONDS),
    )
    for (const { instance, pod, metrics } of [leader, standby]) {
      for (const trace of ended) metrics.take(trace)
      metrics.startsInFlight(
        flying.map((start) => since(start, now)),
        fromSeconds(now),
      )
      metrics.health(() => healthAt(step, pod !== standby.pod))
      const { body } = await metrics.expose('application/openmetrics-text')
      lines.push(
        ...parseExposition(body, 'openmetrics').samples.map((sample) => lineOf(sample, instance, pod, now)),
      )
    }
  }
  return { text: `${lines.join('\n')}\n# EOF\n`, replicas: [leader, standby], traces }
}

/** Fewer nodes than were recorded, so that some are counted together. */
const NODES_MAX = 3

function replica(instance: string, pod: string): Replica {
  let reads = 0
  const metrics = createMetrics({
    ...{ version: '1.2.3', newcomerSeconds: NEWCOMER_SECONDS, nodesMax: NODES_MAX },
    readProcess: () => processAt(++reads),
  })
  return { instance, pod, metrics }
}

/** The recorded pods request no memory. */
const demanding = madeTrace({
  spans: [
    { name: 'pod startup', start: 0, end: 9000 },
    { name: 'schedule', start: 0, end: 1000, critical: [[0, 1000]] },
    { name: 'pull image', start: 1000, end: 9000, critical: [[1000, 9000]] },
  ],
  requests: { cpu: 2, memory: 4 * 1024 ** 3 },
})

const processAt = (reads: number): ProcessReading => ({
  ...{ cpuSeconds: reads, residentBytes: 200e6, heapUsedBytes: 90e6, limitBytes: 800e6, startedAt: 1e9 },
  collections: new Map([
    [
      'major',
      {
        ...{ bounds: GC_BOUNDS, exemplars: [], sum: reads / 10 },
        counts: new Float64Array([9 * reads, 5 * reads, reads, 0, 0]),
      },
    ],
  ]),
})

function lineOf({ name, labels, value }: ParsedSample, instance: string, pod: string, now: number): string {
  const all = { namespace: NAMESPACE, ...labels, job: JOB, instance, pod }
  const text = Object.entries(all).map(([label, one]) => `${label}=${JSON.stringify(one)}`)
  return `${name}{${text.join(',')}} ${value} ${now}`
}

const endOf = (trace: Trace): UnixNano => rootOf(trace).end.best

/** The same start at another time. */
function moved(trace: Trace, end: UnixNano): Trace {
  const by = end - endOf(trace)
  const later = (at: UnixNano): UnixNano => unixNano(at + by)
  const moment = (instant: Instant): Instant => ({
    ...instant,
    ...{ earliest: later(instant.earliest), best: later(instant.best), latest: later(instant.latest) },
  })
  const spans = trace.spans.map((span) => ({
    ...span,
    ...{ start: moment(span.start), end: moment(span.end) },
    critical: span.critical.map(({ from, to }) => ({ from: later(from), to: later(to) })),
  }))
  return { ...trace, spans }
}

/** The largest number of bound starts that a recording had in flight at a time. */
async function stuckStarts(): Promise<readonly InFlight[]> {
  let most: readonly InFlight[] = []
  const pipeline = createPipeline()
  for (const frame of await framesOf('pulls')) {
    pipeline.push(frame)
    const bound = pipeline.inFlight().filter(({ node }) => node !== undefined)
    if (bound.length > most.length) most = bound
  }
  return most
}

/** Created two minutes ago, and waiting for the same ever since. */
const since = (start: InFlight, now: number): InFlight => ({
  ...start,
  ...{ created: fromSeconds(now - 120), since: fromSeconds(now - 100) },
})

const stream = (step: number, more: Partial<StreamHealth> = {}): StreamHealth => ({
  ...{ frames: 100 * step, bytes: 10_000 * step, restarts: step, objects: 50, state: 'live' },
  ...{
    relists: { expired: step },
    failures: { forbidden: step },
    decodeErrors: { truncated: step },
    gaps: step,
  },
  ...more,
})

function healthAt(step: number, leads: boolean): HealthSnapshot {
  const sent = leads ? 8 * step : 0
  return {
    pipeline: {
      ...{ 'frames.added': 90 * step, 'frames.modified': 300 * step, 'frames.gap': step },
      ...{ 'garbage.uid': step, 'limit.facts of a pod': step },
    },
    streams: { pods: stream(step), events: stream(step), leases: stream(step, { state: 'waiting' }) },
    watchLagSeconds: 0.2,
    exporters: {
      default: {
        ...{ in: 10 * step, sent, dropped: step, waiting: 3, waitingBytes: 4096, repeats: step },
        ...{
          droppedBy: { 'queue-full': step, left: step },
          spansSent: 70 * step,
          spansRejected: step,
          retries: step,
        },
      },
    },
    ring: { traces: 40, bytes: 80_000, evicted: step },
    eventLoopDelay: { meanSeconds: 0.001, p99Seconds: 0.02, maxSeconds: 0.5 },
    leader: leads,
    leaderAcquired: leads ? 1 : 0,
    sessions: { Running: 2, Passed: 5 },
    statusWrites: { written: 6 * step, forbidden: step },
    limits: { 'configurations refused': step },
  }
}
