// Owns which versions of claims and attachments the recording shows, and which boundaries of a trace their writes tell.
// Promises that a version belongs to at most one write, in order. Does not judge: compare.ts does.

import type { Frame } from '../../src/base/frame.ts'
import type { AttachmentRecord, ClaimRecord } from '../../src/base/record.ts'
import type { UnixNano } from '../../src/base/time.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import type { TruthSpan } from './collector.ts'
import type { Truth } from './truth.ts'
import { matchWrites } from './versions.ts'

interface Version {
  readonly t: UnixNano
  readonly record: ClaimRecord | AttachmentRecord
}

/** All live versions, by the key under which the store has them. */
export class VolumeVersions {
  readonly #byKey = new Map<string, Version[]>()

  see(frame: Frame): void {
    if (frame.kind !== 'added' && frame.kind !== 'modified') return
    const { record, t, phase } = frame
    if (record.resource !== 'persistentvolumeclaims' && record.resource !== 'volumeattachments') return
    if (phase !== 'live') return
    const place = record.namespace === '' ? record.name : `${record.namespace}/${record.name}`
    const key = `/${record.resource}/${place}`
    const known = this.#byKey.get(key)
    if (known) known.push({ t, record })
    else this.#byKey.set(key, [{ t, record }])
  }

  keys(): readonly string[] {
    return [...this.#byKey.keys()]
  }

  of(key: string): readonly Version[] {
    return this.#byKey.get(key) ?? []
  }
}

export interface VolumeBoundary {
  readonly boundary: string
  readonly span: Span
  readonly instant: Instant
  /** What stored it, as far as the truth tells. */
  readonly write: TruthSpan | undefined
}

/** The write that made the first version of which this holds. */
function writeThat(
  key: string,
  truth: Truth,
  versions: readonly Version[],
  holds: (record: ClaimRecord & AttachmentRecord) => boolean,
): TruthSpan | undefined {
  const store = truth.beside.get(key)
  const index = versions.findIndex(({ record }) => holds(record as ClaimRecord & AttachmentRecord))
  if (!store || index < 0) return undefined
  return matchWrites(versions, [...store.creates.slice(-1), ...store.updates])[index]
}

export function volumeBoundaries(trace: Trace, truth: Truth, versions: VolumeVersions): VolumeBoundary[] {
  if (truth.beside.size === 0) return []
  const isDone = (span: Span): boolean => span.error === undefined && span.attributes['podspan.open'] !== true
  return trace.spans.filter(isDone).flatMap((span) => {
    if (span.name === 'provision volume') return claimBoundaries(trace, span, truth, versions)
    return span.name === 'attach volume' ? attachmentBoundaries(trace, span, truth, versions) : []
  })
}

const SELECTED = 'volume.kubernetes.io/selected-node'
const BOUND = 'pv.kubernetes.io/bind-completed'

function claimBoundaries(trace: Trace, span: Span, truth: Truth, all: VolumeVersions): VolumeBoundary[] {
  const key = `/persistentvolumeclaims/${trace.namespace}/${String(span.attributes['podspan.volume.claim'])}`
  const write = (annotation: string) =>
    writeThat(key, truth, all.of(key), ({ annotations }) => annotations?.[annotation] !== undefined)
  const selected = write(SELECTED)
  return [
    ...(selected ? [{ boundary: 'volume asked for', span, instant: span.start, write: selected }] : []),
    { boundary: 'claim bound', span, instant: span.end, write: write(BOUND) },
  ]
}

function attachmentBoundaries(trace: Trace, span: Span, truth: Truth, all: VolumeVersions): VolumeBoundary[] {
  const volume = span.attributes['podspan.volume.persistent_volume']
  const key = all.keys().find((one) => {
    const record = all.of(one)[0]?.record
    return record?.resource === 'volumeattachments' && record.volume === volume && record.node === trace.node
  })
  if (key === undefined) return []
  const created = writeThat(key, truth, all.of(key), () => true)
  // The wait for a volume that another node holds, or for a controller that is late, begins with the binding.
  const bound = trace.spans.find(({ name }) => name === 'schedule')?.end
  const isWaited = span.attributes['podspan.volume.attached_to'] !== undefined || span.start === bound
  return [
    ...(isWaited ? [] : [{ boundary: 'attachment created', span, instant: span.start, write: created }]),
    {
      boundary: 'volume attached',
      span,
      instant: span.end,
      write: writeThat(key, truth, all.of(key), ({ attached }) => attached),
    },
  ]
}
