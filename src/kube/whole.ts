// Owns the watch of objects that are read whole as JSON beside the streams of a cluster: workloads for their rollouts.
// Promises frames that hold the object as it came, by the watch contract (watch.ts), and that what may not be read is named with its cost.
// Does not interpret: rollout/ does.

import type { Clock } from '../base/clock.ts'
import type { Frame, Source } from '../base/frame.ts'
import { wholeResource } from '../decode/whole.ts'
import type { MissingStream } from './cluster.ts'
import type { Connection } from './config.ts'
import { streamCounters } from './counters.ts'
import type { Failure } from './failure.ts'
import type { Scope } from './paths.ts'
import { type Log, type RawEvent, runReflector } from './reflector.ts'
import { COSTS } from './sources.ts'
import { createValve, type Valve } from './valve.ts'

export interface WholeStream {
  readonly source: Source
  readonly scope: Scope
}

export interface WholeOptions {
  readonly connection: Connection
  readonly streams: readonly WholeStream[]
  readonly clock: Clock
  readonly random: () => number
  readonly onFrame: (frame: Frame) => void
  readonly onRaw?: (event: RawEvent) => void
  readonly log?: Log
  readonly valve?: Valve
  readonly signal: AbortSignal
}

export interface WholeWatch {
  /** Resolves when each stream has delivered its list or is known to be missing. */
  readonly ready: Promise<void>
  missing(): readonly MissingStream[]
  readonly ended: Promise<void>
}

const COST =
  'Rollouts are told from pods and events alone: without strategy, limits and the moment of completion.'

export function watchWhole(options: WholeOptions): WholeWatch {
  const missing = new Map<Source, MissingStream>()
  const running = options.streams.map((stream) => watchOne(options, stream, missing))
  return {
    ready: Promise.all(running.map(({ ready }) => ready)).then(() => undefined),
    missing: () => [...missing.values()],
    ended: Promise.all(running.map(({ ended }) => ended)).then(() => undefined),
  }
}

function watchOne(
  options: WholeOptions,
  { source, scope }: WholeStream,
  missing: Map<Source, MissingStream>,
): Pick<WholeWatch, 'ready' | 'ended'> {
  const resource = wholeResource(source)
  if (!resource) throw new Error(`${source} are never read whole`)
  const { streams: _, onFrame, valve = createValve(), ...rest } = options
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const ended = runReflector({
    ...rest,
    resource,
    scope,
    valve,
    mode: 'list',
    encoding: 'json',
    counters: streamCounters(),
    onFrame: (frame) => {
      onFrame(frame)
      if (frame.kind === 'synced') resolve()
    },
    onHealth: (failure) => {
      if (!failure) missing.delete(source)
      else if (isMissing(failure)) {
        missing.set(source, { resource: source, reason: failure.message, cost: COSTS[source] ?? COST })
        resolve()
      }
    },
  })
  return { ready, ended }
}

const isMissing = ({ kind }: Failure): boolean => kind === 'forbidden' || kind === 'not-found'
