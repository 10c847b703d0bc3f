// Owns what became of one workload: its template's changes, when it was halted and resumed, when it was done, each with its evidence.
// Promises that a version which comes again changes nothing, that an older one is passed over, and that the log is bounded.
// Does not say which change began which rollout: runs.ts does.

import type { ObjectFrame } from '../base/frame.ts'
import type { ObjectMeta } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import { isOlder, isSame } from '../base/resource-version.ts'
import { creation, receipt, wholeSecond } from './stamps.ts'
import { type Difference, differencesOfSealed, type SealedTemplate, sealTemplate } from './template.ts'
import type { WorkloadKind, WorkloadVersion } from './workload.ts'

/** `first` is how a list showed it; `created` that it was stored while somebody watched. */
export type ChangeKind =
  | 'created'
  | 'first'
  | 'template'
  /** The spec was written, and no field that is seen of the template differs: a recording does not hold all of them. */
  | 'written'
  | 'halted'
  | 'resumed'
  | 'complete'
  | 'going'
  | 'failed'
  | 'revision'
  | 'deleted'

export interface Change {
  readonly kind: ChangeKind
  readonly t: UnixNano
  readonly stamps: readonly Stamp[]
  /** Absent of a deletion, and where only metadata is seen. */
  readonly version?: WorkloadVersion
  readonly differences?: readonly Difference[]
}

export interface History {
  readonly kind: WorkloadKind
  readonly uid: string
  readonly name: string
  readonly namespace: string
  /** Of its creation. */
  created: readonly Stamp[]
  changes: Change[]
  version: WorkloadVersion | undefined
  /** Changes that the limit left out. */
  forgotten: number
  /** The latest revision of which nothing more is to be told; absent until somebody has looked (follow.ts). */
  told: Told | undefined
}

/** A revision by its number, where that may be read, and by what its pods carry. */
export interface Told {
  readonly number?: number | undefined
  readonly hash?: string | undefined
}

/** A Deployment that rolls every minute for a day makes some thousands; the latest matter. */
const CHANGES_MAX = 2000

export function openHistory(kind: WorkloadKind, frame: ObjectFrame): History {
  const { uid, name, namespace }: ObjectMeta = frame.record
  return {
    kind,
    uid,
    name,
    namespace,
    created: creation(frame),
    changes: [],
    version: undefined,
    forgotten: 0,
    told: undefined,
  }
}

export function foldVersion(history: History, frame: ObjectFrame, version: WorkloadVersion): void {
  const before = history.version
  if (
    before &&
    (isSame(before.resourceVersion, version.resourceVersion) ||
      isOlder(version.resourceVersion, before.resourceVersion))
  )
    return
  history.version = version
  const note = (kind: ChangeKind, stamps: readonly Stamp[], differences?: readonly Difference[]): void =>
    remember(history, { kind, t: frame.t, stamps, version, ...(differences ? { differences } : {}) })
  if (!before) noteFirst(frame, version, note)
  else noteChanges(frame, before, version, note)
}

type Note = (kind: ChangeKind, stamps: readonly Stamp[], differences?: readonly Difference[]) => void

function noteFirst(frame: ObjectFrame, version: WorkloadVersion, note: Note): void {
  const isNew = frame.kind === 'added' && frame.phase === 'live'
  note(isNew ? 'created' : 'first', isNew ? creation(frame) : [receipt(frame, 'metadata')])
  if (version.halted) note('halted', [receipt(frame, 'spec')])
  if (version.complete) note('complete', completion(frame, version))
  if (version.failed) note('failed', failure(frame, version))
}

function noteChanges(
  frame: ObjectFrame,
  before: WorkloadVersion,
  version: WorkloadVersion,
  note: Note,
): void {
  if (version.generation !== before.generation) {
    const differences = differencesOfSealed(before.template, version.template)
    note(differences.length > 0 ? 'template' : 'written', written(frame, version), differences)
  }
  if (version.halted !== before.halted) note(version.halted ? 'halted' : 'resumed', written(frame, version))
  if (version.revision !== before.revision) note('revision', [receipt(frame, 'status')])
  // Complete again without having been seen to go on: that was in a gap.
  if (version.complete !== before.complete || (version.complete && version.generation !== before.generation))
    note(
      version.complete ? 'complete' : 'going',
      version.complete ? completion(frame, version) : [receipt(frame, 'status')],
    )
  if (version.failed !== before.failed && version.failed) note('failed', failure(frame, version))
}

/** Somebody wrote the spec: stored after the second that the store noted for the writer began. */
function written(frame: ObjectFrame, { writer }: WorkloadVersion): Stamp[] {
  return [
    receipt(frame, 'spec'),
    ...wholeSecond(frame, 'creation-second', 'apiserver', 'metadata.managedFields.time', writer?.at),
  ]
}

const completion = (frame: ObjectFrame, { completedAt, kind }: WorkloadVersion): Stamp[] =>
  conditionStamps(frame, kind === 'Job' ? 'Complete' : 'Progressing', completedAt)

const failure = (frame: ObjectFrame, { failedAt, kind }: WorkloadVersion): Stamp[] =>
  conditionStamps(frame, kind === 'Job' ? 'Failed' : 'Progressing', failedAt)

function conditionStamps(frame: ObjectFrame, type: string, at: UnixNano | undefined): Stamp[] {
  // Live it was stored after its stamp, by how long the request took; a list has nothing but the stamp.
  const source = frame.phase === 'live' ? 'condition-second' : 'state-second'
  const field = `status.conditions[${type}]`
  return [receipt(frame, 'status'), ...wholeSecond(frame, source, 'controller', field, at)]
}

export function foldDeletion(history: History, frame: ObjectFrame): void {
  if (history.changes.at(-1)?.kind === 'deleted') return
  remember(history, { kind: 'deleted', t: frame.t, stamps: [receipt(frame, 'metadata')] })
}

/** Of a template only the last one is needed, for what comes after it. */
function remember(history: History, change: Change): void {
  const { version } = change
  history.changes.push(version ? { ...change, version: { ...version, template: NO_TEMPLATE } } : change)
  if (history.changes.length <= CHANGES_MAX) return
  history.changes.splice(0, CHANGES_MAX / 4)
  history.forgotten += CHANGES_MAX / 4
}

const NO_TEMPLATE: SealedTemplate = sealTemplate({})
