// Owns the question whether the start of a pod that was over when first seen may have ended after a given time.
// Promises yes wherever its stamps leave it open. Pure.
// Does not know what was exported: handover.ts does.

import type { PodRecord } from '../base/record.ts'
import { add, type DurationNano, fromSeconds, milliseconds, type UnixNano } from '../base/time.ts'

/** The API server's clock may be off from that of a replica by so much, where a version alone does not tell. */
const SERVER_CLOCK = milliseconds(5000)
/** Clocks of kubelets may be off from ours by so much where only they say when a pod became ready. */
const NODE_CLOCKS = milliseconds(60_000)

/**
 * A pod is changed for many reasons after it became ready, and each change has a new version. One whose start timeout had passed by
 * then was told long before. Of the others, the last status that the kubelet wrote came no earlier than the end of the start, by the
 * API server's clock, and the last condition that changed, by the clock of the node.
 */
export function mayHaveEndedSince(at: UnixNano, pod: PodRecord, startTimeout: DurationNano): boolean {
  const created = pod.createdSeconds
  if (created !== undefined && add(fromSeconds(created + 1), startTimeout) < at) return false
  const writes = (pod.managers ?? []).filter(({ subresource }) => subresource === 'status')
  const written = writes.map(({ seconds }) => seconds)
  const changed = (pod.conditions ?? []).map(({ transitionSeconds }) => transitionSeconds)
  return isSince(at, written, SERVER_CLOCK) && isSince(at, changed, NODE_CLOCKS)
}

/** Unless the last of these seconds is known to lie before. */
function isSince(at: UnixNano, stamps: readonly (number | undefined)[], slack: DurationNano): boolean {
  const last = Math.max(...stamps.map((stamp) => stamp ?? Number.POSITIVE_INFINITY))
  return !Number.isFinite(last) || add(fromSeconds(last + 1), slack) >= at
}
