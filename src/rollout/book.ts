// Owns what is known of all rollouts, folded from the frames that starts are told from, and from the starts themselves.
// Promises bounded memory, each limit counted, and that frames which come again, or owners that come late, change nothing.
// Does not tell a rollout: tell.ts does.

import type { Frame, ObjectFrame } from '../base/frame.ts'
import type { CustomRecord, EventRecord, OwnerRecord, PodRecord } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import { type Fields, fieldsAt, numberAt, textAt } from './fields.ts'
import { createGrouped, type Grouped } from './grouped.ts'
import { foldDeletion, foldVersion, type History, openHistory } from './history.ts'
import { emptyModels, foldModels, type Models } from './models.ts'
import { controllerOf, foldPod, openPod, type PodFacts } from './pods.ts'
import { creation, receipt, recorded } from './stamps.ts'
import { imagesIn, type SealedTemplate, sealTemplate } from './template.ts'
import { isWorkloadKind, readWorkload } from './workload.ts'

/** That a revision is there: of a ReplicaSet or a ControllerRevision. */
export interface RevisionSign {
  /** What pods of it carry. */
  readonly hash: string
  readonly number: number
  readonly stamps: readonly Stamp[]
  readonly resourceVersion: string
  readonly t: UnixNano
  /** False where its number changed: it is an old one that was taken up again. */
  readonly isNew: boolean
  /** Shown by a list: when it got its number is not known. */
  readonly listed: boolean
}

export interface Revision {
  readonly uid: string
  readonly name: string
  readonly owner: string
  readonly hash: string
  readonly signs: RevisionSign[]
  /** Of its pods, where the object was read whole; a recording holds none of ControllerRevisions. */
  template: SealedTemplate | undefined
  images: ReadonlyMap<string, string> | undefined
}

/** The controller could not create a pod. */
export interface Refusal {
  readonly stamps: readonly Stamp[]
  readonly t: UnixNano
  readonly message: string
}

/** A Deployment's controller let a ReplicaSet have so many pods. */
export interface Scaling {
  readonly replicaSet: string
  readonly to: number
  readonly stamps: readonly Stamp[]
  readonly t: UnixNano
}

export interface Book {
  readonly models: Models
  readonly histories: Map<string, History>
  /** ReplicaSets and ControllerRevisions, by their workload. */
  readonly revisions: Grouped<Revision>
  /** By what created them: a ReplicaSet, or the workload itself. */
  readonly pods: Grouped<PodFacts>
  readonly traces: Map<string, Trace>
  /** By UID of what creates pods. */
  readonly refusals: Map<string, Refusal[]>
  /** By UID of the Deployment. */
  readonly scalings: Map<string, Scaling[]>
  readonly counters: Record<string, number>
  /** UIDs of events that were taken in, with their count: an event comes again when it is patched. */
  readonly seen: Map<string, number>
  from: UnixNano | undefined
  now: UnixNano
  /** When a stream may have missed something: the latest of them. */
  readonly gaps: UnixNano[]
}

export const LIMITS = {
  pods: 20_000,
  histories: 20_000,
  revisions: 100_000,
  events: 100_000,
  eventsOfOne: 2000,
  gaps: 100,
}

export const emptyBook = (): Book => ({
  models: emptyModels(),
  histories: new Map(),
  revisions: createGrouped(),
  pods: createGrouped(),
  traces: new Map(),
  refusals: new Map(),
  scalings: new Map(),
  counters: {},
  seen: new Map(),
  from: undefined,
  now: 0n as UnixNano,
  gaps: [],
})

export function foldFrame(book: Book, frame: Frame): void {
  if (frame.t > book.now) book.now = frame.t
  book.from ??= frame.t
  if (frame.kind === 'gap') noteGap(book, frame.t)
  if (!('record' in frame)) return
  foldModels(book.models, frame)
  const { record } = frame
  if (record.resource === 'pods') foldPodFrame(book, frame, record)
  else if (record.resource === 'events') foldEvent(book, frame, record)
  else if (record.resource === 'owners') foldOwner(book, frame, record)
  else if (record.resource === 'custom') foldWhole(book, frame, record)
}

/** Only the traces of pods that something rolls out. */
export function foldTrace(book: Book, trace: Trace): void {
  if (book.pods.has(trace.uid)) book.traces.set(trace.uid, trace)
}

function noteGap({ gaps }: Book, t: UnixNano): void {
  gaps.push(t)
  if (gaps.length > LIMITS.gaps) gaps.shift()
}

/** What can be made room in. */
interface Bounded {
  readonly size: number
  keys(): IterableIterator<string>
  delete(key: string): unknown
}

/** Makes room for one more, by the oldest, and counts it. */
function limit(book: Book, map: Bounded, max: number, name: string): void {
  if (map.size < max) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
  book.counters[`limit.${name}`] = (book.counters[`limit.${name}`] ?? 0) + 1
}

function foldPodFrame(book: Book, frame: ObjectFrame, pod: PodRecord): void {
  const owner = controllerOf(pod)
  if (!owner) return
  let facts = book.pods.get(pod.uid)
  if (!facts) {
    limit(book, book.pods, LIMITS.pods, 'pods')
    facts = openPod(frame, pod, owner.uid)
    book.pods.set(pod.uid, owner.uid, facts)
  }
  foldPod(facts, frame, pod)
}

function foldOwner(book: Book, frame: ObjectFrame, owner: OwnerRecord): void {
  const { kind, uid, labels, annotations } = owner
  if (isWorkloadKind(kind)) {
    const history = historyOf(book, frame, kind)
    if (frame.kind === 'deleted') foldDeletion(history, frame)
    return
  }
  const controller = controllerOf(owner)
  const hash = labels?.['pod-template-hash']
  if (kind !== 'ReplicaSet' || !controller || hash === undefined || frame.kind === 'deleted') return
  const number = Number(annotations?.['deployment.kubernetes.io/revision'] ?? NaN)
  signRevision(book, frame, { uid, hash, owner: controller.uid, number })
}

function historyOf(book: Book, frame: ObjectFrame, kind: History['kind']): History {
  const { uid } = frame.record
  let history = book.histories.get(uid)
  if (!history) {
    limit(book, book.histories, LIMITS.histories, 'workloads')
    history = openHistory(kind, frame)
    book.histories.set(uid, history)
  }
  return history
}

interface Signed {
  readonly uid: string
  readonly hash: string
  readonly owner: string
  readonly number: number
}

function signRevision(book: Book, frame: ObjectFrame, { uid, hash, owner, number }: Signed): Revision {
  let revision = book.revisions.get(uid)
  if (!revision) {
    limit(book, book.revisions, LIMITS.revisions, 'revisions')
    revision = {
      uid,
      name: frame.record.name,
      owner,
      hash,
      signs: [],
      template: undefined,
      images: undefined,
    }
    book.revisions.set(uid, owner, revision)
  }
  const last = revision.signs.at(-1)
  if (!Number.isFinite(number) || (last && last.number >= number)) return revision
  const isNew = last === undefined && frame.kind === 'added'
  const { t } = frame
  const stamps = isNew ? creation(frame) : [receipt(frame, 'revision')]
  const { resourceVersion } = frame.record
  revision.signs.push({ hash, number, stamps, resourceVersion, t, isNew, listed: frame.phase !== 'live' })
  return revision
}

function foldWhole(book: Book, frame: ObjectFrame, record: CustomRecord): void {
  const kind = KINDS[frame.source]
  if (kind === undefined) return
  if (isWorkloadKind(kind)) return foldWorkload(book, frame, record, kind)
  const controller = controllerOf(record)
  if (!controller || frame.kind === 'deleted') return
  const hash = hashOf(kind, record, controller.kind)
  const annotated = textAt(fieldsAt(fieldsAt(record.object, 'metadata'), 'annotations'), REVISION)
  const number = kind === 'ReplicaSet' ? Number(annotated || NaN) : numberAt(record.object, 'revision', NaN)
  const revision = signRevision(book, frame, { uid: record.uid, hash, owner: controller.uid, number })
  const holder = kind === 'ReplicaSet' ? record.object : fieldsAt(record.object, 'data')
  const template = fieldsAt(fieldsAt(holder, 'spec'), 'template')
  if (revision.template !== undefined || !('spec' in template)) return
  revision.template = sealTemplate(withoutHash(template))
  revision.images = imagesIn(template)
}

/** The label that a Deployment's controller adds is in every ReplicaSet another one. */
function withoutHash(template: Fields): Fields {
  const metadata = fieldsAt(template, 'metadata')
  const { 'pod-template-hash': _, ...labels } = fieldsAt(metadata, 'labels')
  return { ...template, metadata: { ...metadata, labels } }
}

const REVISION = 'deployment.kubernetes.io/revision'

/** Streams that are read whole here. */
const KINDS: Readonly<Record<string, string>> = {
  deployments: 'Deployment',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  jobs: 'Job',
  replicasets: 'ReplicaSet',
  controllerrevisions: 'ControllerRevision',
}

/** A StatefulSet's pods carry the whole name of their revision, a DaemonSet's its hash alone. */
function hashOf(kind: string, { name, labels }: CustomRecord, owner: string): string {
  if (kind === 'ReplicaSet') return labels?.['pod-template-hash'] ?? name
  if (owner === 'StatefulSet') return name
  return labels?.['controller-revision-hash'] ?? name.slice(name.lastIndexOf('-') + 1)
}

function foldWorkload(book: Book, frame: ObjectFrame, record: CustomRecord, kind: History['kind']): void {
  const history = historyOf(book, frame, kind)
  if (frame.kind === 'deleted') return foldDeletion(history, frame)
  const version = readWorkload(record, kind, history.version)
  if (version) foldVersion(history, frame, version)
}

function foldEvent(book: Book, frame: ObjectFrame, event: EventRecord): void {
  const { involved, reason, message = '', uid } = event
  if (involved.uid === undefined || (reason !== 'FailedCreate' && reason !== 'ScalingReplicaSet')) return
  const count = event.count ?? event.seriesCount ?? 1
  if (frame.kind === 'deleted' || (book.seen.get(uid) ?? 0) >= count) return
  limit(book, book.seen, LIMITS.events, 'events')
  book.seen.set(uid, count)
  const stamps = recorded(frame, event)
  if (reason === 'FailedCreate')
    add(book, book.refusals, involved.uid, { stamps, t: frame.t, message: ownWords(message) })
  const scaled = reason === 'ScalingReplicaSet' ? readScaling(ownWords(message)) : undefined
  if (scaled) add(book, book.scalings, involved.uid, { ...scaled, stamps, t: frame.t })
}

function add<V>(book: Book, lists: Map<string, V[]>, uid: string, value: V): void {
  const list = lists.get(uid)
  if (!list) {
    limit(book, lists, LIMITS.events, 'events')
    lists.set(uid, [value])
  } else if (list.length < LIMITS.eventsOfOne) list.push(value)
  else book.counters['limit.events'] = (book.counters['limit.events'] ?? 0) + 1
}

/** Without what client-go puts before an event that stands for many. */
const ownWords = (message: string): string =>
  message.replace(/^\(combined from similar events\): /, '').replace(/^Error creating: /, '')

/** `Scaled up replica set NAME from 0 to 4` since 1.32, `… to 4 from 0` and `… to 4` before. */
export function readScaling(message: string): Pick<Scaling, 'replicaSet' | 'to'> | undefined {
  const match = /^Scaled (?:up|down) replica set (\S+) (?:from \d+ )?to (\d+)/.exec(message)
  return match ? { replicaSet: match[1] ?? '', to: Number(match[2]) } : undefined
}
