// Owns the look into a process that runs for long: what its heap holds after a full collection, its handles, listeners and live objects.
// Promises an answer to each request over the channel to its parent, and nothing else. Loaded before the operator with --import.

import { queryObjects } from 'node:v8'

export interface Probe {
  readonly heapBytes: number
  readonly rssBytes: number
  /** Open sockets, timers and the like by kind. */
  readonly handles: Readonly<Record<string, number>>
  /** Listeners on the process itself. */
  readonly listeners: number
  /** Objects that are alive, of kinds that leak when somebody forgets to let go. */
  readonly alive: Readonly<Record<string, number>>
}

const KINDS = { AbortSignal, AbortController, EventTarget } as const

function look(): Probe {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1
  const alive = Object.entries(KINDS).map(([name, kind]) => [name, queryObjects(kind, { format: 'count' })])
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  return { heapBytes: heapUsed, rssBytes: rss, handles, listeners, alive: Object.fromEntries(alive) }
}

process.on('message', (message) => {
  if (message === 'probe') process.send?.({ probe: look() })
})
// A channel to the parent must not keep the process alive.
process.channel?.unref()
