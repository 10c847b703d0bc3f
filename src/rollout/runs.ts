// Owns which rollouts a workload had: each revision that its controller took up, from the change that asked for it to the next one.
// Promises that scaling is no rollout, that a revision taken up again is a rollout of its own, and that what was not seen is bounded by what was.
// Does not know pods' starts or what held a rollout.

import type { Stamp } from '../base/stamp.ts'
import { SECOND, type UnixNano } from '../base/time.ts'
import { isOlder } from '../base/resource-version.ts'
import type { Book, RevisionSign } from './book.ts'
import type { Change, History } from './history.ts'
import type { RolloutKey } from './identity.ts'
import type { PodFacts } from './pods.ts'
import { type Difference, differencesOfSealed, type SealedTemplate } from './template.ts'
import type { WorkloadVersion } from './workload.ts'

export interface Run {
  readonly history: History
  readonly key: RolloutKey
  readonly revision: string | undefined
  readonly hash: string | undefined
  /** UID of what creates its pods. */
  readonly creator: string
  /** Name of its ReplicaSet. */
  readonly replicaSet: string | undefined
  readonly sign: Sign
  /** The change that asked for it, where it was seen. */
  readonly asked: Change | undefined
  /** Stamps of its start: of that change, or of what is known instead. */
  readonly start: readonly Stamp[]
  readonly isFirst: boolean
  /** Changes from its start up to the next run. */
  readonly changes: readonly Change[]
  /** The last version of the workload that belongs to it: the one that says it is complete, where one does. */
  readonly version: WorkloadVersion | undefined
  readonly images: ReadonlyMap<string, string> | undefined
  /** What differs from the template before: as the change shows it, else as the revisions themselves do. */
  readonly differences: readonly Difference[]
}

/** A change before the revision's own sign is of the revision before it. */
export const isChangeOf =
  ({ sign, asked }: Pick<Run, 'sign' | 'asked'>, kind: Change['kind']) =>
  (change: Change): boolean =>
    change.kind === kind &&
    change !== asked &&
    (change.t >= sign.t || sign.listed || change.version?.revision === sign.number?.toString())

interface Sign {
  readonly hash: string | undefined
  readonly number: number | undefined
  readonly stamps: readonly Stamp[]
  /** Empty where it is no object's. */
  readonly resourceVersion: string
  readonly t: UnixNano
  readonly isNew: boolean
  readonly listed: boolean
  readonly creator: string
  readonly name: string | undefined
  readonly template: SealedTemplate | undefined
  readonly images: ReadonlyMap<string, string> | undefined
}

/** All rollouts of a workload, the earliest first. */
export function runsOf(book: Book, history: History): Run[] {
  const signs = signsOf(book, history)
  const asked = signs.map((sign, index) => askedFor(history, sign, signs[index - 1]))
  return signs.map((sign, index) => {
    const next = signs[index + 1]
    const changes = changesWithin(history, sign, asked[index], next, asked[index + 1])
    const complete = changes.findIndex(isChangeOf({ sign, asked: asked[index] }, 'complete'))
    // What is written later, such as how many pods are wanted, is no part of it.
    const own = complete < 0 ? changes : changes.slice(0, complete + 1)
    const version = own.findLast((change) => change.version)?.version
    const revision = sign.number?.toString() ?? sign.hash
    return {
      history,
      key: { uid: history.uid, revision: revision ?? '' },
      revision,
      hash: sign.hash,
      creator: sign.creator,
      replicaSet: sign.name,
      sign,
      asked: asked[index],
      start: startOf(history, sign, asked[index], index === 0),
      isFirst: index === 0 && isCreation(history, sign, asked[index]),
      changes,
      version,
      images: sign.images ?? version?.images,
      differences: differencesIn(sign, signs[index - 1], asked[index]),
    }
  })
}

function differencesIn(
  sign: Sign,
  previous: Sign | undefined,
  asked: Change | undefined,
): readonly Difference[] {
  if (asked?.differences) return asked.differences
  return sign.template && previous?.template ? differencesOfSealed(previous.template, sign.template) : []
}

function signsOf(book: Book, history: History): Sign[] {
  if (history.kind === 'Job') return [jobSign(history)]
  const signs = [...book.revisions.of(history.uid)]
    .flatMap(({ uid, name, signs: all, template, images }) =>
      all.map((sign) => ({
        ...withScaling(book, history, sign, name),
        creator: history.kind === 'Deployment' ? uid : history.uid,
        name: history.kind === 'Deployment' ? name : undefined,
        template,
        images,
      })),
    )
    .sort((a, b) => a.number - b.number)
  if (signs.length > 0) return signs
  return history.kind === 'StatefulSet' && history.version
    ? signsOfStatus(book, history)
    : signsOfPods(book, history)
}

const jobSign = ({ created, uid }: History): Sign => ({
  hash: undefined,
  number: undefined,
  stamps: created,
  resourceVersion: '',
  t: created[0]?.at ?? (0n as UnixNano),
  isNew: true,
  listed: false,
  creator: uid,
  name: undefined,
  template: undefined,
  images: undefined,
})

/** A list shows an old ReplicaSet that was taken up again as it shows a new one; that it grew from nothing late tells them apart. */
const TAKEN_UP_AFTER = SECOND * 10n

function withScaling(book: Book, history: History, sign: RevisionSign, name: string): RevisionSign {
  if (!sign.listed) return sign
  const created = sign.stamps.find(({ source }) => source === 'creation-second')?.at
  const grown = book.scalings.get(history.uid)?.filter(({ replicaSet }) => replicaSet === name)
  const first = grown?.map(({ stamps }) => stamps[0]).find((stamp) => stamp !== undefined)
  if (!first || created === undefined || first.at - created < TAKEN_UP_AFTER) return sign
  return { ...sign, stamps: [first], isNew: false }
}

/** Without ControllerRevisions: what the status says it updates to. */
function signsOfStatus(book: Book, history: History): Sign[] {
  const signs: Sign[] = []
  const made = signsOfPods(book, history)
  for (const { kind, version, t, stamps } of history.changes) {
    const hash = version?.revision
    if (hash === undefined || hash === signs.at(-1)?.hash) continue
    const { resourceVersion } = version as WorkloadVersion
    const first = kind === 'created' || kind === 'first'
    // A list says that it is so, not since when: its first pod does.
    const own = kind === 'first' ? made.find((one) => one.hash === hash)?.stamps : undefined
    signs.push({
      ...unnumbered(history, hash),
      stamps: own ?? stamps,
      resourceVersion,
      t,
      isNew: true,
      listed: first,
    })
  }
  return signs
}

/** Without those too: the revisions that its pods carry, by the first pod of each. */
function signsOfPods(book: Book, history: History): Sign[] {
  const firsts = new Map<string, Sign>()
  for (const { owner, hash, created } of podsOf(book, history)) {
    const at = created[0]
    if (hash === undefined || !at) continue
    const known = firsts.get(hash)
    if (known && (known.stamps[0]?.at ?? 0n) <= at.at) continue
    const creator = history.kind === 'Deployment' ? owner : history.uid
    const own = { stamps: created, resourceVersion: '', t: at.at, isNew: true, listed: true, creator }
    firsts.set(hash, { ...unnumbered(history, hash), ...own })
  }
  return [...firsts.values()].sort((a, b) => (a.t < b.t ? -1 : 1))
}

const unnumbered = ({ uid }: History, hash: string) => ({
  hash,
  number: undefined,
  creator: uid,
  name: undefined,
  template: undefined,
  images: undefined,
})

/** Whether the workload was changed, and no revision shows yet what it was changed to. */
export function isAsked(book: Book, history: History): boolean {
  const last = history.changes.findLast(({ kind }) => kind === 'template' || kind === 'written')
  const sign = signsOf(book, history).at(-1)
  const { version } = history
  if (!version || version.complete || version.halted) return false
  return last === undefined ? version.generation > 0 && sign === undefined : !sign || !isBefore(last, sign)
}

/** Pods whose controller is this workload or one of its ReplicaSets. */
export function* podsOf(book: Book, { uid }: History): Iterable<PodFacts> {
  yield* book.pods.of(uid)
  for (const revision of book.revisions.of(uid)) yield* book.pods.of(revision.uid)
}

const ASKING: ReadonlySet<Change['kind']> = new Set(['created', 'template', 'written', 'resumed'])

/** The last change of the template before the revision was there; where the workload was halted then, its resumption. */
function askedFor(history: History, sign: Sign, previous: Sign | undefined): Change | undefined {
  const before = history.changes.filter(
    (change) =>
      ASKING.has(change.kind) && isBefore(change, sign) && (!previous || !isBefore(change, previous)),
  )
  const last =
    before.findLast(({ kind }) => kind === 'template' || kind === 'created') ??
    before.findLast(({ kind }) => kind === 'written')
  if (!last) return undefined
  const after = before.slice(before.indexOf(last))
  return last.version?.halted === 'paused' ? (after.findLast(({ kind }) => kind === 'resumed') ?? last) : last
}

function isBefore(change: Change, sign: Sign): boolean {
  const own = change.version?.resourceVersion ?? ''
  if (own !== '' && sign.resourceVersion !== '') return isOlder(own, sign.resourceVersion)
  return change.t <= sign.t
}

/** From what asked for it, or from its sign, to what asked for the next one. */
function changesWithin(
  { changes }: History,
  sign: Sign,
  asked: Change | undefined,
  next: Sign | undefined,
  nextAsked: Change | undefined,
): readonly Change[] {
  const place = (change: Change | undefined, of: Sign): number => {
    const found = change ? changes.indexOf(change) : changes.findIndex((one) => !isBefore(one, of))
    return found < 0 ? changes.length : found
  }
  // What a list shows belongs to the latest revision, though that came before the list.
  const from = !asked && !next && sign.listed ? 0 : place(asked, sign)
  return changes.slice(from, next ? place(nextAsked, next) : changes.length)
}

/** A workload's first revision comes within a moment of it. */
const AT_ONCE = SECOND * 5n

function isCreation({ kind, created, changes }: History, sign: Sign, asked: Change | undefined): boolean {
  if (kind === 'Job' || asked?.kind === 'created') return true
  if (asked || changes[0]?.kind === 'created') return false
  const [at, signed] = [created, sign.stamps].map(
    (stamps) => stamps.find(({ source }) => source === 'creation-second')?.at,
  )
  return at !== undefined && signed !== undefined && signed - at <= AT_ONCE
}

function startOf(history: History, sign: Sign, asked: Change | undefined, first: boolean): readonly Stamp[] {
  if (history.kind === 'Job') return history.created
  if (asked) return asked.stamps
  return first && isCreation(history, sign, asked) ? history.created : sign.stamps
}
