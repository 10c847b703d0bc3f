// Owns giving late sessions the starts that were over before they came: from the ring, and beyond it from what the API still holds.
// Promises each start once per session, told by the same pipeline, one list per namespace however many sessions ask, and that what could
// not be had is said in words. Does not choose: the book asks, and takes what fits.

import type { Frame } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import { fromSeconds, type UnixNano } from '../base/time.ts'
import type { Clock } from '../base/clock.ts'
import type { ClusterApi, Result } from '../kube/api.ts'
import { isInFlight } from '../kube/event-backfill.ts'
import type { BackfillRequest, SessionBook } from '../session/book.ts'
import { createPipeline, type PipelineOptions } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import type { Delivery } from './delivery.ts'
import type { Handover } from './handover.ts'

export interface BackfillOptions {
  readonly api: Pick<ClusterApi, 'readPages' | 'readEvents'>
  readonly book: Pick<SessionBook, 'backfilled'>
  readonly delivery: Pick<Delivery, 'offer' | 'ring'>
  readonly handover: Pick<Handover, 'hadBefore'>
  readonly clock: Clock
  readonly pipeline: PipelineOptions
  /** Whether a start is still to be told by the watch, which knows more of it. */
  readonly isOpen: (uid: string) => boolean
  /** The only namespaces that we may read; empty: all. */
  readonly namespaces: readonly string[]
}

/** Pods that are told from the API out of one list; more are said to be missing. */
export const BACKFILL_PODS_MAX = 2000
/** So many lists are read at a time: after a restart there may be a namespace of each of a thousand sessions. */
const LISTS_AT_ONCE = 4

/** Which list a request is read from; undefined: of all namespaces. */
type Place = string | undefined

export async function backfillSessions(
  options: BackfillOptions,
  requests: readonly BackfillRequest[],
): Promise<void> {
  const asks = requests.toSorted(knownFirst).map((request) => askOf(options, request))
  offerFromRing(options, asks)
  const lists = new Map<Place, Ask[]>()
  for (const ask of asks) for (const place of ask.open) lists.set(place, [...(lists.get(place) ?? []), ask])
  const next = lists.entries()
  const lane = async (): Promise<void> => {
    for (const [place, group] of next) await serve(options, place, group)
  }
  await Promise.all(Array.from({ length: LISTS_AT_ONCE }, lane))
}

/** What was seen to for a session that leaders before us knew is not exported for one that nobody knew. */
const knownFirst = (a: BackfillRequest, b: BackfillRequest): number =>
  Number(a.knownSince === undefined) - Number(b.knownSince === undefined)

interface Ask {
  readonly request: BackfillRequest
  /** Lists that are still to be read. */
  readonly open: Set<Place>
  /** Offered from the ring. */
  readonly shown: Set<string>
  readonly problems: string[]
}

function askOf({ namespaces }: BackfillOptions, request: BackfillRequest): Ask {
  const all: readonly Place[] = namespaces.length > 0 ? namespaces : [undefined]
  const open = new Set(request.namespace === undefined ? all : [request.namespace])
  return { request, open, shown: new Set(), problems: [] }
}

function offerFromRing({ delivery }: BackfillOptions, asks: readonly Ask[]): void {
  for (const trace of delivery.ring.all())
    for (const { request, shown } of asks) {
      const { namespace, session, since } = request
      if ((namespace !== undefined && trace.namespace !== namespace) || trace.created < since) continue
      shown.add(trace.uid)
      delivery.offer(session.uid, trace, [])
    }
}

async function serve(options: BackfillOptions, place: Place, group: readonly Ask[]): Promise<void> {
  await offerFrom(options, place, group)
  for (const { open, problems, request } of group) {
    open.delete(place)
    const missing = problems.length > 0 ? problems.join('; ') : undefined
    if (open.size === 0) options.book.backfilled(request.session.uid, missing, options.clock.now())
  }
}

async function offerFrom(options: BackfillOptions, place: Place, group: readonly Ask[]): Promise<void> {
  const { delivery, handover } = options
  const say = (problem: string): void => group.forEach(({ problems }) => problems.push(problem))
  const wanted = await readWanted(options, place, group)
  if (!wanted.ok) return say(`earlier pods could not be read: ${wanted.failure.message}`)
  const { asked, pods } = wanted.value
  const traces = await tell(options, place, pods, say)
  for (const ask of group) {
    const { problems, request } = ask
    const own = pods.filter((pod) => isWanted(ask, pod))
    const all = asked.get(ask) ?? 0
    if (own.length < all) problems.push(`only ${own.length} of ${all} earlier pods were read`)
    for (const pod of own) {
      const trace = traces.get(pod.uid)
      if (trace) delivery.offer(request.session.uid, trace, handover.hadBefore(pod, request.knownSince))
    }
  }
}

interface WantedPods {
  /** Over before we were asked; what is in flight is told when it ends. The latest first, so that none displaces a later one. */
  readonly pods: readonly PodRecord[]
  /** How many there were for each, with those that found no room. */
  readonly asked: ReadonlyMap<Ask, number>
}

/** Reads a list of any length, of which no more is kept than may be told. */
async function readWanted(
  { api, isOpen }: BackfillOptions,
  place: Place,
  group: readonly Ask[],
): Promise<Result<WantedPods>> {
  const asked = new Map<Ask, number>()
  let pods: PodRecord[] = []
  const latest = (): PodRecord[] =>
    pods.sort((a, b) => (b.createdSeconds ?? 0) - (a.createdSeconds ?? 0)).slice(0, BACKFILL_PODS_MAX)
  const read = await api.readPages('pods', place === undefined ? {} : { namespace: place }, {
    take: (page) => {
      for (const pod of page as readonly PodRecord[]) {
        if (isInFlight(pod) || isOpen(pod.uid)) continue
        const by = group.filter((ask) => isWanted(ask, pod))
        for (const ask of by) asked.set(ask, (asked.get(ask) ?? 0) + 1)
        if (by.length > 0) pods.push(pod)
      }
      if (pods.length > 2 * BACKFILL_PODS_MAX) pods = latest()
      return true
    },
  })
  return read.ok ? { ok: true, value: { pods: latest(), asked } } : read
}

const isWanted = ({ request, shown }: Ask, pod: PodRecord): boolean =>
  !shown.has(pod.uid) && isSince(pod, request.since)

const isSince = ({ createdSeconds }: PodRecord, since: UnixNano): boolean =>
  fromSeconds((createdSeconds ?? 0) + 1) >= since

async function tell(
  { api, clock, pipeline: options }: BackfillOptions,
  place: Place,
  pods: readonly PodRecord[],
  say: (problem: string) => void,
): Promise<ReadonlyMap<string, Trace>> {
  const t = clock.now()
  const events = await eventFrames(api, place, { pods, t, say })
  const pipeline = createPipeline({ ...options, backfill: () => true })
  const frames = [
    ...pods.map((record): Frame => ({ kind: 'added', t, source: 'pods', phase: 'initial', record })),
    ...events,
  ]
  const traces = frames.flatMap((frame) => pipeline.push(frame))
  traces.push(...pipeline.push({ kind: 'tick', t: clock.now(), final: true }))
  return new Map(traces.map((trace) => [trace.uid, trace]))
}

interface Wanted {
  readonly pods: readonly PodRecord[]
  readonly t: UnixNano
  readonly say: (problem: string) => void
}

async function eventFrames(
  api: BackfillOptions['api'],
  place: Place,
  { pods, say, t }: Wanted,
): Promise<readonly Frame[]> {
  if (pods.length === 0) return []
  const uids = new Set(pods.map(({ uid }) => uid))
  const read = await api.readEvents(place)
  if (!read.ok) {
    say(`earlier events could not be read: ${read.failure.message}`)
    return []
  }
  if (read.value.truncated) say('not all earlier events could be read')
  return read.value.events
    .filter(({ involved }) => uids.has(involved.uid ?? ''))
    .map((record): Frame => ({ kind: 'added', t, source: 'events', phase: 'initial', record }))
}
