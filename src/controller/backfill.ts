// Owns giving a late session the starts that were over before it came: from the ring, and beyond it from what the API still holds.
// Promises each start once per session, told by the same pipeline, and that what could not be had is said in words.
// Does not choose: the book asks, and takes what fits.

import type { Frame } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import { fromSeconds, type UnixNano } from '../base/time.ts'
import type { Clock } from '../base/clock.ts'
import type { ClusterApi } from '../kube/api.ts'
import { isInFlight } from '../kube/event-backfill.ts'
import type { BackfillRequest, SessionBook } from '../session/book.ts'
import { createPipeline, type PipelineOptions } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import type { Delivery } from './delivery.ts'

export interface BackfillOptions {
  readonly api: ClusterApi
  readonly book: SessionBook
  readonly delivery: Pick<Delivery, 'offer' | 'ring'>
  readonly clock: Clock
  readonly pipeline: PipelineOptions
  /** Whether a start is still to be told by the watch, which knows more of it. */
  readonly isOpen: (uid: string) => boolean
  /** The only namespaces that we may read; empty: all. */
  readonly namespaces: readonly string[]
}

/** Pods that are told from the API for one session; more are said to be missing. */
export const BACKFILL_PODS_MAX = 2000

export async function backfillSession(options: BackfillOptions, request: BackfillRequest): Promise<void> {
  const { book, clock, delivery } = options
  const { namespace, session, since } = request
  const shown = new Set<string>()
  for (const trace of delivery.ring.all()) {
    if ((namespace !== undefined && trace.namespace !== namespace) || trace.created < since) continue
    shown.add(trace.uid)
    delivery.offer(session.uid, trace)
  }
  const read = await readEarlier(options, request, shown)
  for (const trace of read.traces) delivery.offer(session.uid, trace)
  book.backfilled(session.uid, read.missing, clock.now())
}

interface Earlier {
  readonly traces: readonly Trace[]
  readonly missing: string | undefined
}

async function readEarlier(
  { api, clock, isOpen, namespaces, pipeline }: BackfillOptions,
  { namespace, since }: BackfillRequest,
  shown: ReadonlySet<string>,
): Promise<Earlier> {
  const places = namespace !== undefined ? [namespace] : namespaces.length > 0 ? namespaces : [undefined]
  const frames: Frame[] = []
  const problems: string[] = []
  for (const place of places) {
    const pods = await api.listPods(place === undefined ? {} : { namespace: place })
    if (!pods.ok) {
      problems.push(`earlier pods could not be read: ${pods.failure.message}`)
      continue
    }
    const wanted = pods.value.filter((pod) => isWanted(pod, since, shown) && !isOpen(pod.uid))
    if (wanted.length > BACKFILL_PODS_MAX)
      problems.push(`only ${BACKFILL_PODS_MAX} of ${wanted.length} earlier pods were read`)
    const t = clock.now()
    for (const record of wanted.slice(0, BACKFILL_PODS_MAX))
      frames.push({ kind: 'added', t, source: 'pods', phase: 'initial', record })
    frames.push(...(await eventFrames(api, place, wanted, t, problems)))
  }
  return {
    traces: tell(frames, clock.now(), pipeline),
    missing: problems.length > 0 ? problems.join('; ') : undefined,
  }
}

/** Over before we were asked; what is in flight is told when it ends. */
const isWanted = (pod: PodRecord, since: UnixNano, shown: ReadonlySet<string>): boolean =>
  !isInFlight(pod) && !shown.has(pod.uid) && fromSeconds((pod.createdSeconds ?? 0) + 1) >= since

async function eventFrames(
  api: ClusterApi,
  namespace: string | undefined,
  pods: readonly PodRecord[],
  t: UnixNano,
  problems: string[],
): Promise<Frame[]> {
  if (pods.length === 0) return []
  const uids = new Set(pods.map(({ uid }) => uid))
  const read = await api.readEvents(namespace)
  if (!read.ok) {
    problems.push(`earlier events could not be read: ${read.failure.message}`)
    return []
  }
  if (read.value.truncated) problems.push('not all earlier events could be read')
  return read.value.events
    .filter(({ involved }) => uids.has(involved.uid ?? ''))
    .map((record) => ({ kind: 'added', t, source: 'events', phase: 'initial', record }))
}

function tell(frames: readonly Frame[], t: UnixNano, options: PipelineOptions): Trace[] {
  const pipeline = createPipeline({ ...options, backfill: () => true })
  const traces = frames.flatMap((frame) => pipeline.push(frame))
  return [...traces, ...pipeline.push({ kind: 'tick', t, final: true })]
}
