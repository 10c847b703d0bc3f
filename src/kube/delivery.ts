// Owns the last step of a stream: from decoded objects to frames with phase, time and kind.
// Promises that an unchanged object is not delivered twice, that a finished list removes what is gone, and that gaps say since when.
// Does not decide when a list begins or ends: the state machine does.

import type { Frame, ObjectFrame, Phase } from '../base/frame.ts'
import type { AnyRecord } from '../base/record.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import { emptyRelated } from '../decode/json-related.ts'
import type { Resource } from '../decode/resources.ts'
import type { WatchType } from '../decode/result.ts'
import type { StreamCounters } from './counters.ts'
import { type KnownObject, KnownObjects } from './known-objects.ts'
import type { Mode } from './watch.ts'

export interface Delivery {
  object(type: WatchType, record: AnyRecord, t: UnixNano, phase: Phase, heldUp?: DurationNano): void
  /** Everything up to `t` has arrived: a bookmark, or the server's own orderly close. */
  complete(t: UnixNano): void
  gap(reason: string, t: UnixNano): void
  listBegins(): void
  /** `version`: the one that the list shows whole. */
  listEnds(t: UnixNano, phase: Phase, version: string | undefined): void
}

const KIND_OF_TYPE = { ADDED: 'added', MODIFIED: 'modified', DELETED: 'deleted' } as const

export function createDelivery(options: {
  readonly resource: Resource
  readonly mode: Mode
  readonly counters: StreamCounters
  readonly known?: KnownObjects | undefined
  readonly onFrame: (frame: Frame) => void
}): Delivery {
  const { resource, counters, onFrame } = options
  const { source } = resource
  const known = options.mode === 'list' ? (options.known ?? new KnownObjects()) : undefined
  let completeUntil: UnixNano | undefined
  const emit = (frame: ObjectFrame): void => {
    counters.lastEventAt = frame.t
    onFrame(frame)
  }
  return {
    object: (type, record, t, phase, heldUp) => {
      completeUntil = t
      const kind = known ? known.observe(type, record) : KIND_OF_TYPE[type]
      if (kind === undefined) {
        counters.unchanged += 1
        return
      }
      if (known) counters.objects = known.size
      emit(
        heldUp === undefined
          ? { kind, t, source, phase, record }
          : { kind, t, source, phase, record, heldUp },
      )
    },
    complete: (t) => {
      completeUntil = t
    },
    gap: (reason, t) => {
      counters.gaps += 1
      onFrame({
        kind: 'gap',
        t,
        source,
        reason,
        ...(completeUntil === undefined ? {} : { from: completeUntil }),
      })
    },
    listBegins: () => {
      known?.beginSweep()
    },
    listEnds: (t, phase, version) => {
      const missing = known?.sweepMissing() ?? []
      for (const object of missing)
        emit({
          kind: 'deleted',
          t,
          source,
          phase,
          record: recordOfMissing(resource, object),
          synthetic: true,
        })
      counters.syntheticDeletes += missing.length
      counters.objects = known?.size ?? 0
      completeUntil = t
      onFrame({ kind: 'synced', t, source, ...(version !== undefined && { version }) })
    },
  }
}

/** All that is known of an object that nobody saw go: who it was and its last version. */
function recordOfMissing(resource: Resource, meta: KnownObject): AnyRecord {
  switch (resource.record) {
    case 'pods':
      return { resource: 'pods', ...meta, containers: [] }
    case 'events':
      return { resource: 'events', ...meta, involved: { kind: '', name: '' }, reason: '' }
    case 'nodes':
      return { resource: 'nodes', ...meta }
    case 'leases':
      return { resource: 'leases', ...meta }
    case 'owners':
      return { resource: 'owners', ...meta, apiVersion: resource.apiVersion, kind: resource.kind }
    case 'related':
      return emptyRelated(resource.source, meta)
    case 'custom':
      return { resource: 'custom', ...meta, object: {} }
  }
}
