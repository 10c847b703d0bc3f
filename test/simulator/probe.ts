// Owns the look into a process that runs for long: what its heap holds after a full collection, its handles, its signals and who listens.
// Promises an answer to each request over the channel to its parent, which costs a collection: a walk through the heap would stop the
// process for seconds, and so be a fault of its own. Ends with its parent. Loaded before the operator with --import.

import { getEventListeners } from 'node:events'

export interface Probe {
  readonly heapBytes: number
  readonly rssBytes: number
  /** Open sockets, timers and the like by kind. */
  readonly handles: Readonly<Record<string, number>>
  /** Listeners on the process itself. */
  readonly listeners: number
  /** Signals that are alive and their listeners: what leaks when somebody forgets to let go. */
  readonly signals: number
  /** For how long the process stood still for this. */
  readonly tookMs: number
}

const signals = new Set<WeakRef<AbortSignal>>()
const noted = (signal: AbortSignal): AbortSignal => {
  signals.add(new WeakRef(signal))
  return signal
}

globalThis.AbortController = class extends AbortController {
  constructor() {
    super()
    noted(this.signal)
  }
}
const { any, timeout } = AbortSignal
AbortSignal.any = (all) => noted(any.call(AbortSignal, all))
AbortSignal.timeout = (ms) => noted(timeout.call(AbortSignal, ms))

function signalsAlive(): number {
  let alive = 0
  for (const reference of signals) {
    const signal = reference.deref()
    if (signal) alive += 1 + getEventListeners(signal, 'abort').length
    else signals.delete(reference)
  }
  return alive
}

function look(): Probe {
  const begun = performance.now()
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  const alive = signalsAlive()
  const tookMs = performance.now() - begun
  return { heapBytes: heapUsed, rssBytes: rss, handles, listeners, signals: alive, tookMs }
}

process.on('message', (message) => {
  if (message === 'probe') process.send?.({ probe: look() })
})
process.on('disconnect', () => process.exit(1))
// A channel to the parent must not keep the process alive.
process.channel?.unref()
