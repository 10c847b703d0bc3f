// Owns the live cluster as one source of frames: all its streams, the past events of pods in flight, what is missing.
// Promises that a stream without rights costs only itself and is named with its cost, and that nothing is dropped for a slow reader.
// Does not interpret frames.

import { randomInt } from 'node:crypto'
import { type Clock, systemClock } from '../base/clock.ts'
import type { Frame, Source } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import type { Resource } from '../decode/resources.ts'
import { type ClusterApi, createApi } from './api.ts'
import { type ConfigOptions, type Connection, openConnection } from './config.ts'
import { type StreamCounters, streamCounters } from './counters.ts'
import { type BackfillCounters, createEventBackfill, type EventBackfill } from './event-backfill.ts'
import { findServed } from './discovery.ts'
import type { Failure } from './failure.ts'
import { createFrameQueue } from './frame-queue.ts'
import { createListTurn } from './list-turn.ts'
import { KnownObjects } from './known-objects.ts'
import type { Encoding } from './paths.ts'
import {
  type Log,
  type RawEvent,
  type ReflectorLimits,
  type ReflectorOptions,
  runReflector,
} from './reflector.ts'
import { planStreams, type StreamPlan, type WatchScope } from './sources.ts'
import { inTurnBatches } from './turn-batch.ts'
import { watchTurns } from './turns.ts'
import { type Unread, watchUnread } from './unread.ts'
import { createValve, type Valve } from './valve.ts'

/** A stream that Podspan goes on without. */
export interface MissingStream {
  readonly resource: Source
  readonly reason: string
  readonly cost: string
}

export interface WatchClusterOptions extends WatchScope {
  readonly clock?: Clock
  readonly random?: () => number
  /** Default protobuf; `json` is for recording. */
  readonly encoding?: Encoding
  /** With it, frames go to this callback within the turn of the event loop that read them, and `frames()` stays empty. Close the `valve` to slow the streams down. */
  readonly onFrame?: (frame: Frame) => void
  /** JSON only: objects as they came, before any trimming, bookmarks included. */
  readonly onRaw?: (event: RawEvent) => void
  /** Whether past events are read of a pod too whose start was over when a list first showed it. Default of none. */
  readonly wantsPast?: (pod: PodRecord) => boolean
  readonly log?: Log
  readonly signal?: AbortSignal
  readonly limits?: Partial<ReflectorLimits>
  /** Frames that may wait in `frames()` before the streams stop reading; default 8,192. */
  readonly queueFrames?: number
}

export interface Cluster {
  readonly connection: Connection
  readonly api: ClusterApi
  /** Every frame once, for one reader; ends after `close`. */
  frames(): AsyncIterable<Frame>
  /** Resolves when each stream has delivered its list or is known to be missing. */
  readonly ready: Promise<void>
  readonly counters: ReadonlyMap<Source, StreamCounters>
  readonly backfill: BackfillCounters
  missing(): readonly MissingStream[]
  /** For a tick, once a second: what is known of by then. */
  unread(): Unread
  readonly valve: Valve
  close(): Promise<void>
}

export interface OpenClusterOptions extends WatchClusterOptions, ConfigOptions {}

/** For back-off and time-outs only, so its cost does not matter. */
const jitter = (): number => randomInt(0, 2 ** 32) / 2 ** 32

/** Connects as kubectl would and watches. Rejects where there is no configuration; an unreachable server is waited for. */
export async function openCluster(options: OpenClusterOptions = {}): Promise<Cluster> {
  const connection = await openConnection(options)
  const cluster = watchCluster(connection, options)
  return {
    ...cluster,
    close: async () => {
      await cluster.close()
      await connection.close()
    },
  }
}

/** Watches over a connection that stays its owner's. */
export function watchCluster(connection: Connection, options: WatchClusterOptions = {}): Cluster {
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const clock = options.clock ?? systemClock()
  const turns = watchTurns(clock, signal)
  const listTurn = createListTurn(clock)
  const valve = createValve()
  const queue = createFrameQueue(valve, options.queueFrames)
  const onFrame = options.onFrame ?? queue.push
  const plans = planStreams(options)
  const api = createApi(connection, signal)
  const { wantsPast } = options
  const past = wantsPast ? { wantsPast } : {}
  const onPast = (frame: Frame): void => {
    batch.flush()
    onFrame(frame)
  }
  const backfill = createEventBackfill({ api, clock, onFrame: onPast, ready: () => valve.opened(), ...past })
  const health = streamHealth(plans)
  const batch = inTurnBatches(deliveryThrough(backfill, health, onFrame, plans))
  const counters = new Map(plans.map((plan) => [plan.resource.source, streamCounters()]))
  const random = options.random ?? jitter
  const countersOf = (plan: StreamPlan): StreamCounters =>
    counters.get(plan.resource.source) ?? streamCounters()
  const running = plans.map((plan) =>
    runWhereServed(
      { connection, clock, signal, plan, random, health, counters: countersOf(plan) },
      (resource) => ({
        connection,
        clock,
        turns,
        listTurn,
        valve,
        signal,
        ...plan,
        resource,
        random,
        encoding: options.encoding ?? 'protobuf',
        counters: countersOf(plan),
        onFrame: batch.push,
        onHealth: (failure) => health.report(plan, failure),
        ...(options.onRaw ? { onRaw: options.onRaw } : {}),
        ...(options.log ? { log: options.log } : {}),
        ...(options.limits ? { limits: options.limits } : {}),
      }),
    ),
  )
  const end = (): void => {
    batch.flush()
    queue.end()
  }
  signal.addEventListener('abort', end, { once: true })
  return {
    connection,
    api,
    frames: queue.frames,
    ready: health.ready,
    counters,
    backfill: backfill.counters,
    missing: health.missing,
    unread: watchUnread(clock, turns, counters.get('pods')),
    valve,
    close: async () => {
      stop.abort()
      valve.open()
      await Promise.all(running)
    },
  }
}

/** A group may be installed later: so often somebody looks, at the most. */
const ABSENT_MS = 300_000
const UNANSWERED_MS = 5000

interface Optional {
  readonly connection: Connection
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly plan: StreamPlan
  readonly random: () => number
  readonly health: StreamHealth
  readonly counters: StreamCounters
}

/** Runs the stream while the server serves its resource, in the version that it serves; what it does not serve costs nothing and is not missed. */
async function runWhereServed(
  { connection, clock, signal, plan, random, health, counters }: Optional,
  optionsFor: (resource: Resource) => ReflectorOptions,
): Promise<void> {
  const known = new KnownObjects()
  let goneMs: number | undefined
  while (!signal.aborted) {
    const served = await findServed(connection, plan.resource, signal)
    if (served.ok && served.value) {
      const wasThere = await runUntilGone({ ...optionsFor(served.value), known })
      if (wasThere) goneMs = clock.monotonicMs()
    } else {
      counters.state = served.ok ? 'absent' : 'waiting'
      if (served.ok) health.absent(plan.resource.source)
      else health.report(plan, served.failure)
    }
    // A server that starts does not serve everything at once.
    const soon = !served.ok || (goneMs !== undefined && clock.monotonicMs() - goneMs < ABSENT_MS)
    await clock.sleep((soon ? UNANSWERED_MS : ABSENT_MS) * (0.5 + random() / 2), signal)
  }
}

/** Until the signal or, where the resource need not be served, until it is not. Returns whether it ever was. */
async function runUntilGone(options: ReflectorOptions): Promise<boolean> {
  const gone = new AbortController()
  let wasThere = false
  await runReflector({
    ...options,
    signal: AbortSignal.any([options.signal, gone.signal]),
    onHealth: (failure) => {
      options.onHealth?.(failure)
      wasThere ||= failure === undefined
      if (failure?.kind === 'not-found' && options.resource.optional) gone.abort()
    },
  })
  return wasThere
}

/** Frames on their way out: what the backfill needs to know, and when it has to run. */
function deliveryThrough(
  backfill: EventBackfill,
  health: StreamHealth,
  onFrame: (frame: Frame) => void,
  plans: readonly StreamPlan[],
): (frame: Frame) => void {
  const waitingFor = new Set(['pods', 'events'])
  const possible = [...waitingFor].every((source) => plans.some((plan) => plan.resource.source === source))
  let past: 'initial' | 'relist' = 'initial'
  const onSynced = (source: Source): void => {
    const first = waitingFor.delete(source)
    const due = waitingFor.size === 0 && (first || source === 'events')
    if (!possible || !due) return
    void backfill.run(past)
    past = 'relist'
  }
  return (frame) => {
    if (frame.kind === 'added' || frame.kind === 'modified' || frame.kind === 'deleted') backfill.watch(frame)
    onFrame(frame)
    if (frame.kind !== 'synced') return
    health.synced(frame.source)
    onSynced(frame.source)
  }
}

interface StreamHealth {
  readonly ready: Promise<void>
  report(plan: StreamPlan, failure: Failure | undefined): void
  synced(source: Source): void
  /** The server does not serve it: nothing to wait for. */
  absent(source: Source): void
  missing(): readonly MissingStream[]
}

function streamHealth(plans: readonly StreamPlan[]): StreamHealth {
  const missing = new Map<Source, MissingStream>()
  const unsettled = new Set(plans.map((plan) => plan.resource.source))
  const { promise, resolve } = Promise.withResolvers<void>()
  const settle = (source: Source): void => {
    unsettled.delete(source)
    if (unsettled.size === 0) resolve()
  }
  return {
    ready: promise,
    synced: settle,
    absent: (source) => {
      missing.delete(source)
      settle(source)
    },
    missing: () => [...missing.values()],
    report: (plan, failure) => {
      const { source } = plan.resource
      if (!failure) missing.delete(source)
      else if (failure.kind === 'forbidden' || failure.kind === 'not-found') {
        missing.set(source, { resource: source, reason: failure.message, cost: plan.cost })
        settle(source)
      }
    },
  }
}
