// Owns which versions of each pod the recording shows, and which write of the API server made each of them.
// Promises that a version belongs to at most one write, in order. Does not look at Podspan's spans.

import type { Frame } from '../../src/base/frame.ts'
import type { PodRecord } from '../../src/base/record.ts'
import type { UnixNano } from '../../src/base/time.ts'
import type { TruthSpan } from './collector.ts'
import type { StoreTruth } from './truth.ts'
import { VolumeVersions } from './volumes.ts'

export interface PodVersion {
  readonly t: UnixNano
  readonly ready: boolean
  readonly gated: boolean
}

/** All live versions of one pod UID, in order. */
export interface PodVersions {
  readonly uid: string
  readonly key: string
  /** The UID by which its kubelet knows it. */
  readonly kubeletUid: string
  readonly first: UnixNano
  readonly versions: PodVersion[]
}

export class Versions {
  readonly #byUid = new Map<string, PodVersions>()
  /** Of claims and attachments. */
  readonly volumes = new VolumeVersions()

  see(frame: Frame): void {
    this.volumes.see(frame)
    if (frame.kind !== 'added' && frame.kind !== 'modified') return
    if (frame.record.resource !== 'pods' || frame.phase !== 'live') return
    const { record } = frame
    const known = this.#byUid.get(record.uid)
    if (known === undefined) this.#byUid.set(record.uid, begin(record, frame.t))
    else known.versions.push(versionOf(record, frame.t))
  }

  of(uid: string): PodVersions | undefined {
    return this.#byUid.get(uid)
  }

  /** When the next pod of the same name was first seen. */
  replacedAt(pod: PodVersions): UnixNano | undefined {
    const later = [...this.#byUid.values()].filter(({ key, first }) => key === pod.key && first > pod.first)
    return later.map(({ first }) => first).sort((a, b) => (a < b ? -1 : 1))[0]
  }
}

function begin(record: PodRecord, t: UnixNano): PodVersions {
  const kubeletUid = record.annotations?.['kubernetes.io/config.mirror'] ?? record.uid
  const key = `${record.namespace}/${record.name}`
  return { uid: record.uid, key, kubeletUid, first: t, versions: [versionOf(record, t)] }
}

function versionOf(record: PodRecord, t: UnixNano): PodVersion {
  return {
    t,
    ready: (record.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    gated: (record.schedulingGates ?? []).length > 0,
  }
}

/** The create, then the updates up to the next pod of this name. */
export function writesOf(pod: PodVersions, store: StoreTruth, replacedAt: UnixNano | undefined): TruthSpan[] {
  const create = store.creates.findLast((span) => span.start <= pod.first)
  if (create === undefined) return []
  const next = store.creates.find((span) => span.start > create.start)?.start ?? replacedAt
  const updates = store.updates.filter(
    (span) => span.start > create.start && (next === undefined || span.start < next),
  )
  return [create, ...updates]
}

/**
 * The write that made each version. A write that changed nothing makes none, so the two are matched from the end: a version was
 * made by the last write that had begun when it was received, and that no later version needs.
 */
export function matchWrites(
  versions: readonly Pick<PodVersion, 't'>[],
  writes: readonly TruthSpan[],
): (TruthSpan | undefined)[] {
  const matched: (TruthSpan | undefined)[] = versions.map(() => undefined)
  let left = writes.length
  for (let index = versions.length - 1; index > 0; index--) {
    const t = versions[index]?.t ?? 0n
    let candidate = left - 1
    while (candidate > 0 && (writes[candidate]?.start ?? t) > t) candidate--
    if (candidate < index && candidate < 1) continue
    matched[index] = writes[candidate]
    left = candidate
  }
  matched[0] = writes[0]
  return matched
}
