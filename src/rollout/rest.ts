// Owns forgetting: what of the book no rollout that is under way needs, and none that may just be beginning.
// Promises that of a workload at rest its last version and its last revision stay, so that the next change can be told from it.
// Does not decide what is under way: follow.ts does.

import { add, seconds, type UnixNano } from '../base/time.ts'
import { type Book, LIMITS, latestOf, type Revision } from './book.ts'
import type { History } from './history.ts'
import { isAsked } from './runs.ts'

/** Pods, revisions and events of a rollout come on streams of their own, before its workload shows it or after. */
const GRACE = seconds(30)

/** So many workloads at a time, so that frames need not wait for it. */
const RESTS_MAX = 500

type UnderWay = ReadonlyMap<string, unknown>

/** `restless`: workloads of which something changed since they came to rest; those that do now are taken out. */
export function sweep(book: Book, underWay: UnderWay, restless: Set<string>): void {
  const isNeeded = (owner: string): boolean => underWay.has(workloadOf(book, owner))
  for (const uid of book.pods.keys()) {
    const facts = book.pods.get(uid)
    if (facts && !isNeeded(facts.owner) && isOld(book, facts.since)) forgetPod(book, uid)
  }
  for (const [owner] of [...book.refusals, ...book.scalings])
    if (!isNeeded(owner) && isQuiet(book, owner)) forgetEvents(book, owner)
  for (const uid of [...restless].slice(0, RESTS_MAX)) {
    restless.delete(uid)
    // To the end, so that each has its turn.
    if (underWay.has(uid) || !rest(book, uid)) restless.add(uid)
  }
}

const isOld = ({ now }: Book, t: UnixNano): boolean => add(t, GRACE) <= now

const workloadOf = ({ revisions }: Book, owner: string): string => revisions.get(owner)?.owner ?? owner

function isQuiet(book: Book, owner: string): boolean {
  const last = [book.refusals, book.scalings].flatMap((lists) => lists.get(owner)?.at(-1)?.t ?? [])
  return last.every((t) => isOld(book, t))
}

/** False where something of it is too young to be forgotten. */
function rest(book: Book, uid: string): boolean {
  const history = book.histories.get(uid)
  const isResting = !history || restHistory(book, history)
  let isYoung = false
  for (const revision of [...book.revisions.of(uid)]) if (!restRevision(book, revision)) isYoung = true
  return isResting && !isYoung
}

function restHistory(book: Book, history: History): boolean {
  const { changes, version } = history
  const last = changes.at(-1)
  if (!last || !version) return true
  if (!isOld(book, last.t) || version.halted !== undefined || isAsked(book, history)) return false
  history.changes = [{ kind: 'first', t: last.t, stamps: [], version }]
  history.created = []
  return true
}

/** The latest revision of a workload says what the next one is not; of what dates it nothing is needed. */
function restRevision(book: Book, revision: Revision): boolean {
  const last = revision.signs.at(-1)
  if (last && !isOld(book, last.t)) return false
  revision.template = undefined
  const isLatest = [...book.revisions.of(revision.owner)].every((one) => latestOf(one) <= latestOf(revision))
  if (!last || !isLatest || !book.histories.has(revision.owner)) book.revisions.delete(revision.uid)
  else revision.signs.splice(0, revision.signs.length, { ...last, stamps: [] })
  return true
}

function forgetPod(book: Book, uid: string): void {
  book.pods.delete(uid)
  book.traces.delete(uid)
}

function forgetEvents(book: Book, owner: string): void {
  for (const lists of [book.refusals, book.scalings]) {
    for (const { uid } of lists.get(owner) ?? []) book.seen.delete(uid)
    lists.delete(owner)
  }
}

export function forgetWorkload(book: Book, uid: string): void {
  book.histories.delete(uid)
  for (const owner of [uid, ...[...book.revisions.of(uid)].map((revision) => revision.uid)]) {
    for (const pod of [...book.pods.of(owner)]) forgetPod(book, pod.uid)
    forgetEvents(book, owner)
    book.revisions.delete(owner)
  }
}

/** A Job that is over may stay for days, and change no more than its metadata. */
export function closeJob(book: Book, uid: string): void {
  forgetWorkload(book, uid)
  book.over.add(uid)
  if (book.over.size <= LIMITS.over) return
  for (const oldest of book.over) {
    book.over.delete(oldest)
    break
  }
}
