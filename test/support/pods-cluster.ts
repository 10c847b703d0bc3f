// Owns what becomes of writes on their way: the store numbers them, the watch shows each a little later.
// Promises versions in the order of writing and frames in the order of receipt, with node-1's Lease between them.
// Does not say what was written: pods.ts and pods-lives.ts do.

import type { Frame } from '../../src/base/frame.ts'
import type { AnyRecord } from '../../src/base/record.ts'
import { withTicks } from './frames.ts'
import { at, frameOf, LAG_MS } from './pods-records.ts'

/** One object as one writer stored it. */
export interface Write {
  readonly ms: number
  readonly lagMs: number
  readonly record: AnyRecord
  readonly kind: 'added' | 'modified' | 'deleted'
}

/** What several stories wrote, as one watch shows it. */
export const clusterFrames = (writes: readonly Write[], untilMs?: number): readonly Frame[] =>
  shown(writes, [], untilMs)

/** Versions are numbered in the order of writing, as one store does; frames come in the order of receipt. */
export function shown(own: readonly Write[], others: readonly Frame[], untilMs?: number): readonly Frame[] {
  const written = [...own, ...leases(own)].sort((a, b) => a.ms - b.ms)
  const frames = written.map(({ ms, lagMs, record, kind }, index) =>
    frameOf(ms + lagMs, { ...record, resourceVersion: String(101 + index) }, 'live', kind),
  )
  const sorted = [...others, ...frames].sort((a, b) => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0))
  return withTicks(sorted, untilMs === undefined ? undefined : at(untilMs))
}

/** node-1 renews its Lease every 10 s, so that its clock is known to be right. */
function leases(writes: readonly Write[]): Write[] {
  const last = Math.max(...writes.map(({ ms }) => ms))
  const renewals: Write[] = []
  for (let ms = -25_000; ms < last; ms += 10_000) {
    const meta = { uid: 'lease-1', name: 'node-1', namespace: 'kube-node-lease', resourceVersion: '' }
    renewals.push({
      ms,
      lagMs: LAG_MS,
      kind: 'modified',
      record: { resource: 'leases', ...meta, renewTime: at(ms) },
    })
  }
  return renewals
}
