// Owns the reading of past events for pods in flight, and for others that are asked for: at the start, and after a gap in the events stream.
// Promises bounded work (namespaces, events each, requests at once) and per-object order: what the watch has shown since is not shown again older.
// Does not list the events of a whole cluster.

import type { Clock } from '../base/clock.ts'
import type { Frame, ObjectFrame, Phase } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import type { ClusterApi } from './api.ts'

export interface BackfillCounters {
  runs: number
  namespaces: number
  events: number
  /** Namespaces over the limit, of which no past event was read. */
  skippedNamespaces: number
  /** Namespaces with more events than the limit. */
  truncated: number
  failures: number
}

export interface EventBackfill {
  /** Every frame of pods and events passes here first. */
  watch(frame: ObjectFrame): void
  run(phase: Phase): Promise<void>
  readonly counters: BackfillCounters
}

export const BACKFILL_LIMITS = { namespaces: 200, eventsPerNamespace: 5000, atOnce: 4 }

export function createEventBackfill(options: {
  readonly api: Pick<ClusterApi, 'readEvents'>
  readonly clock: Clock
  readonly onFrame: (frame: Frame) => void
  /** Waits while the consumer is full. */
  readonly ready: () => Promise<void>
  /** Whether the start of a pod that a list shows to be over is to be told all the same. */
  readonly wantsPast?: (pod: PodRecord) => boolean
  readonly limits?: typeof BACKFILL_LIMITS
}): EventBackfill {
  const { api, clock, onFrame, ready, wantsPast = () => false } = options
  const limits = options.limits ?? BACKFILL_LIMITS
  const counters = { runs: 0, namespaces: 0, events: 0, skippedNamespaces: 0, truncated: 0, failures: 0 }
  const namespaceOf = new Map<string, string>()
  /** Where pods were over and are to be told; until their events are read. */
  let over = new Set<string>()
  /** UIDs of events the watch has shown while a read is under way: the read may hold an older version. */
  let shownLive: Set<string> | undefined

  const readNamespace = async (
    namespace: string,
    phase: Phase,
    shown: ReadonlySet<string>,
  ): Promise<void> => {
    await ready()
    const read = await api.readEvents(namespace, { limit: limits.eventsPerNamespace })
    if (!read.ok) {
      counters.failures += 1
      return
    }
    counters.namespaces += 1
    if (read.value.truncated) counters.truncated += 1
    const t = clock.now()
    for (const record of read.value.events) {
      if (shown.has(record.uid)) continue
      counters.events += 1
      onFrame({ kind: 'added', t, source: 'events', phase, record })
    }
  }

  const run = async (phase: Phase): Promise<void> => {
    counters.runs += 1
    const all = [...new Set([...namespaceOf.values(), ...over])]
    over = new Set()
    counters.skippedNamespaces += Math.max(0, all.length - limits.namespaces)
    const waiting = all.slice(0, limits.namespaces)
    const shown = shownLive ?? new Set<string>()
    shownLive = shown
    const lane = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
        await readNamespace(next, phase, shown)
    }
    await Promise.all(Array.from({ length: limits.atOnce }, lane))
    if (shownLive === shown) shownLive = undefined
  }

  return {
    counters,
    run,
    watch: (frame) => {
      const { record } = frame
      if (record.resource === 'events') shownLive?.add(record.uid)
      else if (record.resource === 'pods') {
        if (frame.kind !== 'deleted' && isInFlight(record)) namespaceOf.set(record.uid, record.namespace)
        else namespaceOf.delete(record.uid)
        if (frame.phase !== 'live' && !isInFlight(record) && wantsPast(record)) over.add(record.namespace)
      }
    },
  }
}

/** Still on its way to its first Ready, as far as its status tells. */
export function isInFlight(pod: PodRecord): boolean {
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed' || pod.deletionSeconds !== undefined) return false
  for (const condition of pod.conditions ?? [])
    if (condition.type === 'Ready') return condition.status !== 'True'
  return true
}
