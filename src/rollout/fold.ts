// Owns the fold of frames and finished starts into the book of rollouts.
// Promises bounded memory, each limit counted, and that frames which come again, or owners that come late, change nothing.
// Does not tell a rollout: tell.ts does.

import type { Frame, ObjectFrame } from '../base/frame.ts'
import type { CustomRecord, EventRecord, OwnerRecord, PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import { type Book, latestOf, LIMITS, type Revision, type Scaling } from './book.ts'
import { type Fields, fieldsAt, numberAt, textAt } from './fields.ts'
import { foldDeletion, foldVersion, type History, openHistory } from './history.ts'
import { foldModels } from './models.ts'
import { controllerOf, foldPod, openPod } from './pods.ts'
import { creation, receipt, recorded } from './stamps.ts'
import { imagesIn, sealTemplate } from './template.ts'
import { isWorkloadKind, readWorkload } from './workload.ts'

export function foldFrame(book: Book, frame: Frame): void {
  if (frame.t > book.now) book.now = frame.t
  book.from ??= frame.t
  if (frame.kind === 'gap') noteGap(book, frame.t)
  if (!('record' in frame)) return
  if (!book.options.models) foldModels(book.models, frame)
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
    if (book.options.wantsPod?.(frame, pod) === false) return
    limit(book, book.pods, LIMITS.pods, 'pods')
    facts = openPod(frame, pod, owner.uid)
    book.pods.set(pod.uid, owner.uid, facts)
  }
  foldPod(facts, frame, pod)
}

function foldOwner(book: Book, frame: ObjectFrame, owner: OwnerRecord): void {
  const { kind, uid, labels, annotations } = owner
  if (isWorkloadKind(kind)) {
    if (frame.kind !== 'deleted') historyOf(book, frame, kind)
    else foldGone(book, frame)
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

function signRevision(
  book: Book,
  frame: ObjectFrame,
  { uid, hash, owner, number }: Signed,
): Revision | undefined {
  let revision = book.revisions.get(uid)
  if (!revision) {
    if (frame.phase !== 'live' && !isLatest(book, owner, number)) return undefined
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
    book.touched.add(owner)
  }
  const last = revision.signs.at(-1)
  if (!Number.isFinite(number) || (last && last.number >= number)) return revision
  const isNew = last === undefined && frame.kind === 'added'
  const { t } = frame
  const stamps = isNew ? creation(frame) : [receipt(frame, 'revision')]
  const { resourceVersion } = frame.record
  revision.signs.push({ hash, number, stamps, resourceVersion, t, isNew, listed: frame.phase !== 'live' })
  book.touched.add(owner)
  return revision
}

/** Makes room for it among what lists have shown, by the earliest; false where it is that itself. */
function isLatest({ revisions, options }: Book, owner: string, number: number): boolean {
  const { listedRevisions = Number.POSITIVE_INFINITY } = options
  if (!Number.isFinite(listedRevisions)) return true
  const known = [...revisions.of(owner)].filter(({ signs }) => signs.length > 0)
  if (known.length < listedRevisions) return true
  const first = known.reduce((a, b) => (latestOf(a) <= latestOf(b) ? a : b))
  if (!(number > latestOf(first))) return false
  revisions.delete(first.uid)
  return true
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
  if (!revision || revision.template !== undefined || !('spec' in template)) return
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
  if (book.over.has(record.uid)) {
    if (frame.kind === 'deleted') book.over.delete(record.uid)
    return
  }
  if (frame.kind === 'deleted') return foldGone(book, frame)
  const history = historyOf(book, frame, kind)
  const version = readWorkload(record, kind, history.version)
  if (version) foldVersion(history, frame, version)
  book.touched.add(record.uid)
}

function foldGone(book: Book, frame: ObjectFrame): void {
  const history = book.histories.get(frame.record.uid)
  if (!history) return
  foldDeletion(history, frame)
  book.touched.add(history.uid)
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
    add(book, book.refusals, involved.uid, { uid, stamps, t: frame.t, message: ownWords(message) })
  const scaled = reason === 'ScalingReplicaSet' ? readScaling(ownWords(message)) : undefined
  if (scaled) add(book, book.scalings, involved.uid, { ...scaled, uid, stamps, t: frame.t })
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
