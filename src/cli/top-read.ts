// Owns what `top` reads: the pods created since a moment and the events about them, each listed once, page by page.
// Promises bounded memory whatever the cluster holds, what was left out counted, and that it is told how far the reading is.
// Writes nothing to the cluster, watches nothing and traces nothing.

import type { EventRecord, PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { fromSeconds } from '../base/time.ts'
import type { ClusterApi } from '../kube/api.ts'
import type { Scope } from '../kube/paths.ts'
import { type Target, valueOf } from './connect.ts'

export const LIMITS = {
  /** Of more, the newest are taken: about 2 KB each, and 5 KB while they are told. */
  pods: 10_000,
  /** Of one pod: the kubelet itself keeps to 25 of a kind. */
  eventsOfPod: 60,
  /** Read of one list; a cluster keeps them for an hour. */
  events: 500_000,
  /** Up to here the events of each pod are asked for by its UID. */
  oneByOne: 20,
  atOnce: 4,
}

export interface Wanted {
  readonly scope: Scope
  readonly since: UnixNano
}

export interface PodsRead {
  readonly pods: readonly PodRecord[]
  /** All that were listed, older ones too. */
  readonly listed: number
  /** Of those created since, how many were too many. */
  readonly left: number
}

export interface EventsRead {
  readonly byPod: ReadonlyMap<string, readonly EventRecord[]>
  /** Why there are none, or not all. */
  readonly trouble?: string
}

export type OnProgress = (what: 'pods' | 'events', count: number, remaining: number | undefined) => void

export async function readPods(
  { api, connection }: Target,
  { scope, since }: Wanted,
  onProgress: OnProgress,
): Promise<PodsRead> {
  let kept: PodRecord[] = []
  let listed = 0
  let left = 0
  const read = await api.readPages('pods', scope, {
    take: (records, remaining) => {
      for (const record of records)
        if (record.resource === 'pods' && createdOf(record) >= since) kept.push(record)
      listed += records.length
      if (kept.length > 2 * LIMITS.pods) {
        left += kept.length - LIMITS.pods
        kept = newest(kept)
      }
      onProgress('pods', listed, remaining)
      return true
    },
  })
  valueOf(read, connection)
  return { pods: newest(kept), listed, left: left + Math.max(0, kept.length - LIMITS.pods) }
}

/** To the second: a pod of the second in which the window begins is in it. */
const createdOf = ({ createdSeconds = 0 }: PodRecord): UnixNano => fromSeconds(createdSeconds + 1)

const newest = (pods: readonly PodRecord[]): PodRecord[] =>
  pods.length <= LIMITS.pods
    ? [...pods]
    : pods.toSorted((a, b) => (b.createdSeconds ?? 0) - (a.createdSeconds ?? 0)).slice(0, LIMITS.pods)

/** Of few pods one by one, of many all events about pods in the scope's namespace. */
export async function readEvents(
  { api }: Target,
  { scope }: Wanted,
  pods: readonly PodRecord[],
  onProgress: OnProgress,
): Promise<EventsRead> {
  const byPod = new Map<string, EventRecord[]>(pods.map(({ uid }) => [uid, []]))
  const keep = (event: EventRecord): void => {
    const events = byPod.get(event.involved.uid ?? '')
    if (events && events.length < LIMITS.eventsOfPod) events.push(event)
  }
  const trouble =
    pods.length <= LIMITS.oneByOne
      ? await readOneByOne(api, pods, keep)
      : await readAll(api, scope, keep, (count, remaining) => onProgress('events', count, remaining))
  return { byPod, ...(trouble !== undefined && { trouble }) }
}

type Keep = (event: EventRecord) => void

async function readOneByOne(
  api: ClusterApi,
  pods: readonly PodRecord[],
  keep: Keep,
): Promise<string | undefined> {
  const waiting = [...pods]
  let trouble: string | undefined
  const lane = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined && trouble === undefined; next = waiting.pop()) {
      const read = await api.readEvents(next.namespace, { involvedUid: next.uid })
      if (read.ok) read.value.events.forEach(keep)
      else trouble = read.failure.message
    }
  }
  await Promise.all(Array.from({ length: LIMITS.atOnce }, lane))
  return trouble
}

async function readAll(
  api: ClusterApi,
  { namespace }: Scope,
  keep: Keep,
  onCount: (count: number, remaining: number | undefined) => void,
): Promise<string | undefined> {
  let count = 0
  const scope = { ...(namespace !== undefined && { namespace }), fieldSelector: 'involvedObject.kind=Pod' }
  const read = await api.readPages('events', scope, {
    take: (records, remaining) => {
      for (const record of records) if (record.resource === 'events') keep(record)
      count += records.length
      onCount(count, remaining)
      return count < LIMITS.events
    },
  })
  if (!read.ok) return read.failure.message
  return read.value ? `only the first ${LIMITS.events} were read` : undefined
}
