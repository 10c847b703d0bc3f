// Owns the simulator as a process: a simulated API server with a cluster behind it, which does what its parent says.
// Promises to end with its parent. Does not judge what comes of it.

import { systemClock } from '../../src/base/clock.ts'
import { add, milliseconds, type UnixNano } from '../../src/base/time.ts'
import { buildCluster, renewLeases } from './cluster.ts'
import { loadPods } from './bulk.ts'
import { addPending, addPods, removePods, sessions } from './crowd.ts'
import { TRACE_SESSIONS } from './resources.ts'
import type { Fault, What } from './faults.ts'
import { SimulatedApiServer } from './server.ts'
import type { LedgerLine } from './starts/ledger.ts'
import { Player, type PlayOptions } from './starts/player.ts'
import { randomFrom } from '../support/frames.ts'

export interface SimulatorOptions {
  readonly nodes: number
  readonly seed: number
  /** By how much the clocks of these nodes are off, in ms. */
  readonly skews?: Readonly<Record<number, number>>
}

export interface Commands {
  play(starts: number, options: PlayOptions): void
  /** No more begin. */
  stop(): void
  /** Resolves with how many have begun. */
  begun(): number
  fail(resource: string, what: What, fault: Fault, times: number): void
  healed(): void
  /** As kill -9 for so long. */
  restart(awayMs: number): Promise<void>
  reset(resource: string): void
  end(resource: string): void
  /** Each open watch of the resource breaks off inside a frame, after so many bytes. */
  cut(resource: string, afterBytes: number): void
  silence(resource: string): void
  compact(): void
  /** As a restored backup; returns how many starts it has forgotten. */
  rewind(versions: number): Promise<number>
  repeat(share: number): void
  /** The clocks of all but the observer jump by so much. */
  jump(ms: number): void
  poison(): void
  /** So many that run since long ago, made by the byte: for readers only. */
  fill(count: number): void
  /** So many that are bound and wait. */
  addPending(count: number): void
  addPods(count: number): void
  removePods(): void
  addSessions(count: number): void
  /** How many sessions have a status. */
  judged(): number
  removeKind(): void
  addKind(): void
  /** Requests by method and resource. */
  requests(): Readonly<Record<string, number>>
  watches(): number
  /** For how long the simulator itself was held up at the most. */
  standstillMs(): number
  /** Whether there is a session that exports. */
  exports(): boolean
}

const [text = '{}'] = process.argv.slice(2)
const { nodes, seed, skews = {} } = JSON.parse(text) as SimulatorOptions
/** What a reader may leave unread before it is let go: an API server's own bound is of events, some thousands. */
const SLOW_BYTES = 16 * 1024 * 1024

const clock = systemClock()
const jumps: { readonly from: UnixNano; readonly ms: number }[] = []
const jumpedMs = (at: UnixNano): number =>
  jumps.reduce((sum, { from, ms }) => (from <= at ? sum + ms : sum), 0)
const skewMs = (node: number, at: UnixNano): number => (skews[node] ?? 0) + jumpedMs(at)
const clusterNow = (): UnixNano => add(clock.now(), milliseconds(jumpedMs(clock.now())))
const lines: LedgerLine[] = []
const server = await SimulatedApiServer.start({
  tls: true,
  token: 'the-token',
  slowBytes: SLOW_BYTES,
  nowMs: () => Number(clusterNow() / 1_000_000n),
})
const { store } = server
buildCluster({ store, clock, nodes, skewMs })
void renewLeases({ store, clock, nodes, skewMs })
const player = new Player({
  store,
  clock,
  nodes,
  skewMs,
  controlSkewMs: jumpedMs,
  random: randomFrom(seed),
  onLine: (line) => lines.push(line),
})

const commands: Commands = {
  play: (starts, options) => player.play(starts, options),
  stop: () => player.stop(),
  begun: () => player.begun,
  fail: (resource, what, fault, times) => server.fail(resource, what, fault, times),
  healed: () => server.faults.clear(),
  restart: async (awayMs) => {
    await server.kill()
    await clock.sleep(awayMs)
    await server.restart()
  },
  reset: (resource) => server.resetWatches(resource),
  end: (resource) => server.endWatches(resource),
  cut: (resource, afterBytes) => {
    for (const watch of server.watches.of(resource)) watch.cutIn(afterBytes)
  },
  silence: (resource) => {
    for (const watch of server.watches.of(resource)) watch.silence()
  },
  compact: () => server.compact(),
  rewind: async (versions) => {
    await server.kill()
    const gone = player.rewind(versions)
    await server.restart()
    return gone
  },
  repeat: (repeats) => {
    server.options = { ...server.options, repeats }
  },
  jump: (ms) => void jumps.push({ from: clock.now(), ms }),
  poison: () => {
    server.writeRaw('pods', POISON)
    server.writeRaw('events', POISON)
  },
  addPods: (count) => addPods(store, count),
  fill: (count) => loadPods(store, count),
  addPending: (count) => addPending(store, count),
  removePods: () => removePods(store),
  addSessions: (count) => sessions.add(store, count),
  judged: () => sessions.judged(store),
  removeKind: () => server.unserve(TRACE_SESSIONS),
  addKind: () => server.resources.add(TRACE_SESSIONS),
  requests: () => {
    const counts: Record<string, number> = {}
    for (const { method, resource, watch } of server.requests) {
      const key = `${watch ? 'WATCH' : method} ${resource}`
      counts[key] = (counts[key] ?? 0) + 1
    }
    return counts
  },
  watches: () => server.openWatches('*'),
  standstillMs: () => player.time.longestMs,
  exports: () => sessions.judged(store) > 0,
}

/** A frame of its length whose content is no event. */
const POISON = Buffer.concat([Buffer.from([0, 0, 0, 9]), Buffer.from([0x0a, 0x7f, 1, 2, 3, 4, 5, 6, 7])])

interface Request {
  readonly id: number
  readonly call: keyof Commands
  readonly args: readonly unknown[]
}

process.on('message', (message) => {
  const { args, call, id } = message as Request
  const act = commands[call] as (...all: readonly unknown[]) => unknown
  Promise.resolve()
    .then(() => act(...args))
    .then(
      (value) => process.send?.({ id, value }),
      (error: Error) => process.send?.({ id, error: error.stack ?? error.message }),
    )
})
process.on('disconnect', () => process.exit(0))

setInterval(() => {
  // A soak asks for counts only, and its requests are many.
  if (server.requests.length > 100_000) server.requests.splice(0, 50_000)
  if (lines.length > 0) process.send?.({ lines: lines.splice(0) })
}, 100)
process.send?.({
  listening: { url: server.url, ca: server.certificate?.toString('utf8'), token: 'the-token' },
})
