// Owns which rollouts of a workload are still to be told, for whoever follows a whole cluster.
// Promises that each is pending once: a workload that was at rest when it was first seen has none, unless its last one was missed.
// Does not tell them: tell.ts does.

import { add, minus, seconds, type UnixNano } from '../base/time.ts'
import type { Book } from './book.ts'
import type { History, Told } from './history.ts'
import { rolloutTraceId } from './identity.ts'
import { type Run, runsOf } from './runs.ts'

export interface FirstLook {
  /** When all lists had arrived. */
  readonly listedAt: UnixNano
  readonly wasMissed:
    | ((ended: { readonly traceId: string; readonly endedAt: UnixNano }) => boolean)
    | undefined
}

/** An hour: one that began earlier and is not complete has been given up, or is a workload that is not well. */
const UNDER_WAY_FOR = seconds(3600)

const NOTHING: Told = {}

/** Decides once what of a workload was over before anybody followed it. */
export function lookAt(book: Book, history: History, look: FirstLook): void {
  if (history.told || !history.version) return
  history.told = NOTHING
  if (wasSeenToBegin(history, look.listedAt)) return
  const runs = runsOf(book, history)
  const last = runs.at(-1)
  if (!last) return
  const before = runs.at(-2)
  if (isAtRest(history, last, look.listedAt) && !wasMissed(history, last, look)) history.told = markOf(last)
  else if (before) history.told = markOf(before)
}

export const markOf = ({ hash, key, sign }: Pick<Run, 'hash' | 'key' | 'sign'>): Told => ({
  number: sign.number,
  hash: hash ?? key.uid,
})

/** Live, or while the watch was interrupted. */
function wasSeenToBegin({ changes, created }: History, listedAt: UnixNano): boolean {
  if (changes[0]?.kind === 'created') return true
  const at = created.find(({ source }) => source === 'creation-second')?.at
  return at !== undefined && at >= listedAt
}

function isAtRest({ kind, version }: History, { sign }: Run, listedAt: UnixNano): boolean {
  if (!version || version.complete || version.failed !== undefined) return true
  if (kind === 'Job') return false
  // Its last rollout was complete once; a pod is not well.
  if (version.completedAt !== undefined) return true
  const since = add(listedAt, minus(UNDER_WAY_FOR))
  const signed = sign.stamps.find(({ source }) => source === 'creation-second')?.at
  return [signed, version.writer?.at].every((at) => at === undefined || at < since)
}

function wasMissed({ version }: History, { key }: Run, { wasMissed: ask }: FirstLook): boolean {
  const endedAt = version?.completedAt
  return endedAt !== undefined && ask?.({ traceId: rolloutTraceId(key), endedAt }) === true
}

/** The earliest first. */
export function untoldOf(book: Book, history: History): Run[] {
  const { told } = history
  if (!told) return []
  const runs = runsOf(book, history)
  return runs.slice(runs.findLastIndex((run) => isTold(run, told)) + 1).filter(isRollout)
}

function isTold({ hash, key, sign }: Run, told: Told): boolean {
  if (sign.number !== undefined && told.number !== undefined) return sign.number <= told.number
  return told.hash === (hash ?? key.uid)
}

/** A revision that nobody numbers shows by its pods: it may as well be an old one, of which a pod was replaced. */
const isRollout = ({ asked, isFirst, sign }: Run): boolean =>
  sign.number !== undefined || asked !== undefined || isFirst
