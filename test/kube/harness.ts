// Owns what tests of streams share: a reflector or a cluster against a stub server, under a clock that tests move.
// Promises that no test waits for real time: `until` spins the event loop, and moves the clock where a back-off must pass.
// Does not hide the server: tests tell it what to do.

import { milliseconds, unixNano } from '../../src/base/time.ts'
import { manualClock } from '../../src/base/clock.ts'
import type { Frame } from '../../src/base/frame.ts'
import { knownResource } from '../../src/decode/resources.ts'
import { openDirect } from '../../src/kube/config.ts'
import { type StreamCounters, streamCounters } from '../../src/kube/counters.ts'
import type { Failure } from '../../src/kube/failure.ts'
import type { ListTurn } from '../../src/kube/list-turn.ts'
import type { Encoding } from '../../src/kube/paths.ts'
import { type RawEvent, type ReflectorLimits, runReflector } from '../../src/kube/reflector.ts'
import type { Mode } from '../../src/kube/watch.ts'
import { createValve, type Valve } from '../../src/kube/valve.ts'
import type { Connection } from '../../src/kube/config.ts'
import { SimulatedApiServer, type ServerOptions } from '../simulator/server.ts'

export type TestClock = ReturnType<typeof manualClock>

export interface Harness extends AsyncDisposable {
  readonly server: SimulatedApiServer
  readonly clock: TestClock
  readonly frames: Frame[]
  readonly raw: RawEvent[]
  readonly failures: Failure[]
  readonly counters: StreamCounters
  readonly valve: Valve
  readonly logged: string[]
  /** Spins until it holds, moving the clock a little each time if asked to; fails after a bounded number of spins. */
  until(what: string, holds: () => boolean, clock?: 'moves'): Promise<void>
  said(): string[]
}

export interface HarnessOptions {
  readonly resource?: string
  readonly mode?: Mode
  readonly encoding?: Encoding
  readonly stub?: ServerOptions
  readonly limits?: Partial<ReflectorLimits>
  readonly listTurn?: ListTurn
  readonly prepare?: (server: SimulatedApiServer) => void
  /** Called after each frame. */
  readonly onFrame?: (clock: TestClock) => void
  readonly connect?: (server: SimulatedApiServer) => Connection
}

export const START = unixNano(1_795_000_000_000_000_000n)

export async function startReflector(options: HarnessOptions = {}): Promise<Harness> {
  const server = await SimulatedApiServer.start(options.stub)
  options.prepare?.(server)
  const clock = manualClock(START)
  const connection = options.connect?.(server) ?? openDirect(server.url)
  const stop = new AbortController()
  const state = {
    frames: [] as Frame[],
    raw: [] as RawEvent[],
    failures: [] as Failure[],
    logged: [] as string[],
  }
  const counters = streamCounters()
  const valve = createValve()
  const running = runReflector({
    connection,
    resource: knownResource(options.resource ?? 'pods'),
    mode: options.mode ?? 'list',
    scope: {},
    encoding: options.encoding ?? 'protobuf',
    clock,
    random: () => 0.5,
    valve,
    counters,
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.listTurn ? { listTurn: options.listTurn } : {}),
    onFrame: (frame) => {
      state.frames.push(frame)
      options.onFrame?.(clock)
    },
    onRaw: (event) => state.raw.push(event),
    onHealth: (failure) => void (failure && state.failures.push(failure)),
    log: (message) => state.logged.push(message),
    signal: stop.signal,
  })
  return {
    ...state,
    server,
    clock,
    counters,
    valve,
    until: (what, holds, moves) => until(clock, what, holds, moves),
    said: () => state.frames.map(say),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      valve.open()
      await running
      await connection.close()
      await server.close()
    },
  }
}

/** Some seconds of real time at most; a test that waits for what never comes fails with its words. */
const SPINS = 60_000

export async function until(
  clock: TestClock,
  what: string,
  holds: () => boolean,
  moves?: 'moves',
): Promise<void> {
  for (let n = 0; n < SPINS; n++) {
    if (holds()) return
    if (moves && n % 20 === 19) clock.advance(milliseconds(50))
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`never happened: ${what}`)
}

export function say(frame: Frame): string {
  if (frame.kind === 'gap') return `gap: ${frame.reason}`
  if (!('record' in frame)) return frame.kind
  const synthetic = frame.synthetic ? ' synthetic' : ''
  return `${frame.kind} ${frame.record.name}@${frame.record.resourceVersion} ${frame.phase}${synthetic}`
}
