// Owns what a restart, or a gap in the watch, makes of frames: a list of what the API still holds, then the rest, live.
// Promises the same lists as a reflector: the latest version of each object, those gone left out, or deleted unseen.
// Does not judge the traces that follow: restart-compare.ts does.

import { emptyRelated } from '../../src/decode/json-related.ts'
import type { Frame, ObjectFrame, Phase } from '../../src/base/frame.ts'
import type { AnyRecord, PodRecord } from '../../src/base/record.ts'
import { unixNano } from '../../src/base/time.ts'
import { isReady, wasReady } from '../../src/observe/pod.ts'
import { isObjectFrame, withTicks } from './frames.ts'

const keyOf = ({ source, record }: ObjectFrame): string => `${source}/${record.uid}`

/** What the API holds after the first `count` frames. */
function stateAfter(frames: readonly Frame[], count: number): Map<string, ObjectFrame> {
  const state = new Map<string, ObjectFrame>()
  for (const frame of frames.slice(0, count)) {
    if (!isObjectFrame(frame)) continue
    if (frame.kind === 'deleted') state.delete(keyOf(frame))
    else state.set(keyOf(frame), frame)
  }
  return state
}

const listed = (frame: ObjectFrame, t: bigint, phase: Phase): ObjectFrame => ({
  kind: 'added',
  source: frame.source,
  record: frame.record,
  t: unixNano(t),
  phase,
})

/** A process that starts after frame `count` of what another one saw. */
export function restartedAfter(frames: readonly Frame[], count: number): Frame[] {
  const t = frames[count - 1]?.t ?? 0n
  const state = [...stateAfter(frames, count).values()].map((frame) => listed(frame, t, 'initial'))
  const sources = new Set(state.map(({ source }) => source))
  const synced = [...sources].map((source): Frame => ({ kind: 'synced', source, t: unixNano(t) }))
  return withTicks([...state, ...synced, ...frames.slice(count)])
}

/** The same frames with those of some streams missing from `from` to `to`, which a gap and a relist stand for. */
export function withGap(
  frames: readonly Frame[],
  from: number,
  to: number,
  sources?: ReadonlySet<string>,
): Frame[] {
  const isMissed = (frame: Frame): boolean =>
    isObjectFrame(frame) && (sources === undefined || sources.has(frame.source))
  const [begun, over] = [frames[from - 1]?.t ?? 0n, frames[to - 1]?.t ?? 0n]
  const before = stateAfter(frames, from)
  const after = stateAfter(frames, to)
  const missed = new Set([...before.values(), ...after.values()].filter(isMissed).map(({ source }) => source))
  const gaps = [...missed].map(
    (source): Frame => ({ kind: 'gap', source, t: unixNano(over), from: unixNano(begun), reason: 'test' }),
  )
  const relists = [...missed].flatMap((source) => relist(source, before, after, over))
  const seen = frames.slice(from, to).filter((frame) => !isMissed(frame))
  return withTicks([...frames.slice(0, from), ...seen, ...gaps, ...relists, ...frames.slice(to)])
}

function relist(
  source: string,
  before: ReadonlyMap<string, ObjectFrame>,
  after: ReadonlyMap<string, ObjectFrame>,
  t: bigint,
): Frame[] {
  const shown: Frame[] = []
  for (const [key, frame] of after) {
    const known = before.get(key)
    if (frame.source !== source || known?.record.resourceVersion === frame.record.resourceVersion) continue
    shown.push({ ...listed(frame, t, 'relist'), kind: known ? 'modified' : 'added' })
  }
  for (const [key, frame] of before) {
    if (frame.source !== source || after.has(key)) continue
    const record = bare(frame.record)
    shown.push({ kind: 'deleted', source, record, t: unixNano(t), phase: 'relist', synthetic: true })
  }
  return [...shown, { kind: 'synced', source, t: unixNano(t) }]
}

/** Of an object that a list no longer shows only this is known. */
function bare({ resource, uid, name, namespace, resourceVersion }: AnyRecord): AnyRecord {
  const meta = { uid, name, namespace, resourceVersion }
  switch (resource) {
    case 'pods':
      return { resource, ...meta, containers: [] }
    case 'events':
      return { resource, ...meta, involved: { kind: '', name: '' }, reason: '' }
    case 'owners':
      return { resource, ...meta, apiVersion: '', kind: '' }
    case 'custom':
      return { resource, ...meta, object: {} }
    case 'nodes':
    case 'leases':
      return { resource, ...meta }
    default:
      return emptyRelated(resource, meta)
  }
}

/** Everything that a list at this moment shows once more, unchanged. */
export function unchangedRelist(frames: readonly Frame[], count: number): Frame[] {
  const t = frames[count - 1]?.t ?? 0n
  return [...stateAfter(frames, count).values()].map((frame) => ({
    ...listed(frame, t, 'relist'),
    kind: 'modified' as const,
  }))
}

/** UIDs of the pods whose start was over by frame `count`, seen by somebody: they must not be told again. */
export function podsOver(frames: readonly Frame[], count: number): Set<string> {
  const over = new Set<string>()
  for (const frame of frames.slice(0, count)) {
    if (!isObjectFrame(frame) || frame.record.resource !== 'pods') continue
    if (frame.kind === 'deleted' || hasEnded(frame.record)) over.add(frame.record.uid)
  }
  return over
}

/**
 * UIDs of the pods of which a version that a gap ends with says that Ready was taken back, and no version that it was ever there: the kubelet
 * may have stored it in the gap, or not at all.
 */
export function takenBackUnseen(frames: readonly Frame[], from: number, to: number): Set<string> {
  const unseen = new Set<string>()
  for (const { record } of [...stateAfter(frames, to).values()])
    if (record.resource === 'pods' && wasReady(record)) unseen.add(record.uid)
  for (const { record } of stateAfter(frames, from).values())
    if (record.resource === 'pods' && wasReady(record)) unseen.delete(record.uid)
  for (const frame of frames)
    if (isObjectFrame(frame) && frame.record.resource === 'pods' && isReady(frame.record))
      unseen.delete(frame.record.uid)
  return unseen
}

function hasEnded(pod: PodRecord): boolean {
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed' || pod.deletionSeconds !== undefined) return true
  return pod.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}
