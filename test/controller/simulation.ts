// Owns a small world of its own time for replicas: clocks that start anywhere, a Lease store with latency, loss and conflicts, pauses.
// Promises that everything follows from one seed, and that time moves only when nothing else is left to do.
// Does not know what replicas do.

import type { Clock } from '../../src/base/clock.ts'
import { unixNano } from '../../src/base/time.ts'
import type { Result } from '../../src/kube/api.ts'
import type { Failure } from '../../src/kube/failure.ts'
import type { Lease, LeaseStore, LeaseWrite } from '../../src/kube/lease.ts'

/** mulberry32 */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Timer {
  readonly dueMs: number
  readonly run: () => void
}

export class World {
  nowMs = 0
  readonly random: () => number
  /** In the order in which they are due. */
  readonly #timers: Timer[] = []

  constructor(seed: number) {
    this.random = randomOf(seed)
  }

  after(delayMs: number, run: () => void): void {
    const dueMs = this.nowMs + delayMs
    // Behind all that is due at the same moment.
    let [from, to] = [0, this.#timers.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((this.#timers[middle]?.dueMs ?? 0) <= dueMs) from = middle + 1
      else to = middle
    }
    this.#timers.splice(from, 0, { dueMs, run })
  }

  /** Runs until then; `each` is called whenever time has moved or something has happened. */
  async run(untilMs: number, each: () => void): Promise<void> {
    for (;;) {
      await settled()
      each()
      const next = this.#timers[0]
      if (!next || next.dueMs > untilMs) break
      this.#timers.shift()
      this.nowMs = Math.max(this.nowMs, next.dueMs)
      each()
      next.run()
    }
    this.nowMs = untilMs
  }
}

/** Promises that are ready have run when this resolves. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** One process's view of time: its own origin, and pauses in which nothing of it runs. */
export class Process implements Clock {
  readonly #world: World
  readonly #monotonicOrigin: number
  wallOffsetMs: number
  #pausedUntilMs = 0
  dead = false

  constructor(world: World) {
    this.#world = world
    this.#monotonicOrigin = world.random() * 1e9
    this.wallOffsetMs = (world.random() - 0.5) * 1e8
  }

  pause(forMs: number): void {
    this.#pausedUntilMs = this.#world.nowMs + forMs
  }

  monotonicMs(): number {
    return this.#monotonicOrigin + this.#world.nowMs
  }

  now() {
    return unixNano(BigInt(Math.round((1_795_000_000_000 + this.wallOffsetMs + this.#world.nowMs) * 1e6)))
  }

  /** In this process: not while it is paused, never once it is dead. */
  later(delayMs: number, run: () => void): void {
    this.#world.after(delayMs, () => {
      if (this.dead) return
      const restMs = this.#pausedUntilMs - this.#world.nowMs
      if (restMs > 0) this.later(restMs, run)
      else run()
    })
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      signal?.addEventListener('abort', () => resolve(), { once: true })
      this.later(delayMs, resolve)
    })
  }
}

/** What the API server holds, shared by all; reached through a network of one's own. */
export class SharedLease {
  lease: Lease | undefined
  version = 0
  writes = 0

  put(from: Lease | undefined, write: LeaseWrite): Result<Lease> {
    if (this.lease?.resourceVersion !== from?.resourceVersion)
      return failure({ kind: 'conflict', message: 'changed', code: 409 })
    this.version += 1
    this.writes += 1
    const annotations = { ...from?.annotations, ...write.annotations }
    this.lease = {
      resourceVersion: String(this.version),
      holder: write.holder,
      durationMs: write.durationMs,
      transitions: write.transitions,
      annotations,
      spec: JSON.stringify([write.holder, write.durationMs, write.transitions, String(write.renewTime)]),
      object: {},
    }
    return { ok: true, value: this.lease }
  }
}

const failure = (value: Failure): { ok: false; failure: Failure } => ({ ok: false, failure: value })

export interface Network {
  /** Nothing gets through. */
  cut: boolean
  readonly maxLatencyMs: number
  /** How often a request, or its answer, is lost. */
  readonly loss: number
}

/** Requests take time both ways; one that is lost fails after the time-out, whether or not it was applied. */
export function leaseOver(world: World, process: Process, shared: SharedLease, network: Network): LeaseStore {
  const call = <T>(apply: () => Result<T>): Promise<Result<T>> =>
    new Promise((resolve) => {
      let answered = false
      const answer = (result: Result<T>): void => {
        if (!answered) resolve(result)
        answered = true
      }
      process.later(TIMEOUT_MS, () => answer(failure({ kind: 'network', message: 'no answer' })))
      if (network.cut || world.random() < network.loss) return
      world.after(world.random() * network.maxLatencyMs, () => {
        const result = apply()
        if (network.cut || world.random() < network.loss) return
        process.later(world.random() * network.maxLatencyMs, () => answer(result))
      })
    })
  return {
    read: () => call(() => ({ ok: true, value: shared.lease })),
    create: (write) => call(() => shared.put(undefined, write)),
    update: (from, write) => call(() => shared.put(from, write)),
  }
}

const TIMEOUT_MS = 5000
