// Owns what a watch knows and does next: a pure state machine over answers, progress, closes and failures.
// Promises the contract below, whatever the API server does. Time and randomness come in with the input.
// Does not send, wait or decode: reflector.ts does what `next` says and reports back to `step`.
//
// The watch contract.
// - Per object (UID), frames come in the order in which the API server stored its versions. A reader sees a subsequence
//   of the versions: states may pass unseen, and none is invented.
// - Across objects, and across streams, there is no order.
// - After a close or a network error the watch resumes at the last resourceVersion it has seen; nothing is missed and
//   nothing repeated. Only 410 (that version is compacted), a version the server does not know yet, or errors that do
//   not end force a new list.
// - Where versions may have been missed, a `gap` comes before the frames of the list that repairs it. That list is
//   compared by UID: changed objects are delivered, those gone become deletions marked synthetic (nobody saw when).
//   What was created and deleted inside the gap is never seen.
// - The UID is the object. A name may come back as another object: then the old UID is deleted and the new one added.
// - Versions may go back: a store that was restored from a backup numbers anew what comes after it. A watch from a version that is not
//   there yet is accepted and shows nothing until that has passed, not even a bookmark. So after any end but that at a watch's own
//   time-out the server is first asked for the version it has come to; a lower one is a gap, and a new list.
// - A resourceVersion is adopted only from a finished list, from a watch after its initial events, and from bookmarks:
//   the objects before the end of the initial events come in no order, so theirs would skip some.
// - A `tail` stream (events) has no list at all: it begins at the version of a list with limit=1, and after a gap again.

import { isOlder } from '../base/resource-version.ts'
import type { Failure } from './failure.ts'

export type Mode = 'list' | 'tail'

interface Common {
  readonly mode: Mode
  /** The server may take a watch that sends the list itself (WatchList); false once it has refused or failed to finish it. */
  readonly watchList: boolean
  readonly everSynced: boolean
  /** Why the list in progress or to come is a relist; absent before the first list. */
  readonly relistReason?: string
  readonly failures: number
  /** Times in a row that the server said itself when to come again. */
  readonly askedToWait: number
  readonly lastFailureMs: number
  /** WatchLists in a row that broke off before their end. */
  readonly brokenLists: number
  /** Server errors in a row without progress. */
  readonly serverErrors: number
  /** 410s in a row while paging. */
  readonly expiredPages: number
  /** When a right, or the resource, began to be refused; absent since anything was answered. */
  readonly refusedAtMs?: number
}

export type WatchState =
  | (Common & { readonly name: 'empty' })
  | (Common & { readonly name: 'listing'; readonly via: 'watch' })
  | (Common & { readonly name: 'listing'; readonly via: 'pages'; readonly continueToken?: string })
  /** `unproven`: the server may have been restored from a backup since, and not know this version. */
  | (Common & { readonly name: 'listed'; readonly resourceVersion: string; readonly unproven?: true })
  | (Common & { readonly name: 'watching'; readonly resourceVersion: string })

export type WatchAction =
  | { readonly kind: 'watch-list' }
  | { readonly kind: 'list'; readonly continueToken?: string }
  /** A list of one, for its version. */
  | { readonly kind: 'ask-version' }
  | { readonly kind: 'watch'; readonly resourceVersion: string }

export type WatchInput =
  /** The server has accepted the request; its frames follow. */
  | { readonly kind: 'opened' }
  /** A page has been delivered. */
  | { readonly kind: 'page'; readonly resourceVersion: string; readonly continueToken?: string }
  | { readonly kind: 'initial-events-end'; readonly resourceVersion: string }
  /** The newest version of the frames delivered since. */
  | { readonly kind: 'progress'; readonly resourceVersion: string }
  /** The version that the server has come to. */
  | { readonly kind: 'version'; readonly resourceVersion: string }
  /** `orderly`: the server ended the response; `due`: as it does at each watch's time-out. */
  | {
      readonly kind: 'closed'
      readonly orderly: boolean
      readonly due: boolean
      readonly lastedMs: number
      readonly atMs: number
      readonly random: number
    }
  | {
      readonly kind: 'failed'
      readonly failure: Failure
      /** Of a watch that was open until then. */
      readonly lastedMs?: number
      readonly atMs: number
      readonly random: number
    }

export type WatchOutput =
  | { readonly kind: 'gap'; readonly reason: string }
  /** The list is complete: what it did not show is gone. Without a version where it is of two. */
  | { readonly kind: 'synced'; readonly resourceVersion?: string }
  | { readonly kind: 'relist'; readonly reason: string }
  | { readonly kind: 'watch-list-refused'; readonly reason: string }

export interface WatchStep {
  readonly state: WatchState
  readonly outputs: readonly WatchOutput[]
  /** How long to wait before doing what `next` says. */
  readonly delayMs: number
}

/** client-go's reflector: 800 ms doubled up to 30 s, forgotten after two healthy minutes; the jitter here is full. */
export const BACKOFF = { firstMs: 800, limitMs: 30_000, forgetAfterMs: 120_000 }
/** client-go calls a watch that closes within a second without an event very short; here, with events too: it loops as fast. */
export const SHORT_WATCH_MS = 1000
/** A refused right is seldom granted within minutes, and each try costs an audit entry. */
export const FORBIDDEN_RETRY_MS = 300_000
/** An API server that starts refuses what it will grant, until it knows its roles and custom resources: for so long it is asked as after other errors. */
export const REFUSED_FOR_NOW_MS = 300_000
/** For so long as a watch lasts, however it ends, it makes good one failure: a server that is well for a while is asked soon after it fails again. */
const MAKES_GOOD_MS = 2000
/** So often in a row its word on when to come again stands alone, as in client-go's requests (rest.Request, maxRetries). */
const ASKED_MAX = 10
const RETRY_AFTER_LIMIT_MS = 300_000
const SERVER_ERRORS_BEFORE_RELIST = 5
const BROKEN_LISTS_BEFORE_PAGES = 2

export function emptyWatch(mode: Mode): WatchState {
  return {
    name: 'empty',
    mode,
    watchList: mode === 'list',
    everSynced: false,
    failures: 0,
    askedToWait: 0,
    lastFailureMs: Number.NEGATIVE_INFINITY,
    brokenLists: 0,
    serverErrors: 0,
    expiredPages: 0,
  }
}

/** What to ask the server for now. While a list arrives by watch or a watch is open there is nothing to ask. */
export function next(state: WatchState): WatchAction {
  switch (state.name) {
    case 'empty':
      return state.watchList ? { kind: 'watch-list' } : { kind: 'list' }
    case 'listing':
      if (state.via === 'pages' && state.continueToken !== undefined)
        return { kind: 'list', continueToken: state.continueToken }
      throw new Error(`a watch that is listing via ${state.via} was asked what to do next`)
    case 'listed':
      if (state.unproven) return { kind: 'ask-version' }
      return { kind: 'watch', resourceVersion: state.resourceVersion }
    case 'watching':
      throw new Error('an open watch was asked what to do next')
  }
}

export function step(before: WatchState, input: WatchInput): WatchStep {
  const state = makeGood(before, input)
  switch (input.kind) {
    case 'opened':
      return onOpened(state)
    case 'page':
      return onPage(state, input)
    case 'initial-events-end':
      return synced(state, input.resourceVersion, 'watching')
    case 'progress':
      return onProgress(state, input.resourceVersion)
    case 'version':
      return onVersion(state, input.resourceVersion)
    case 'closed':
      return onClosed(state, input)
    case 'failed':
      return onFailed(state, input)
  }
}

function makeGood(state: WatchState, input: WatchInput): WatchState {
  if (state.name !== 'watching' || (input.kind !== 'closed' && input.kind !== 'failed')) return state
  const good = Math.floor((input.lastedMs ?? 0) / MAKES_GOOD_MS)
  return good === 0 ? state : { ...state, failures: Math.max(0, state.failures - good), askedToWait: 0 }
}

const stay = (state: WatchState): WatchStep => ({ state, outputs: [], delayMs: 0 })

/** A relist that begins to arrive ends the time of which nothing is known: that is where the gap is said. */
function onOpened(refused: WatchState): WatchStep {
  const state = granted(refused)
  if (state.name === 'listed') return stay({ ...state, name: 'watching' })
  if (state.name !== 'empty') return stay(state)
  const outputs: WatchOutput[] = []
  if (state.relistReason !== undefined) outputs.push({ kind: 'gap', reason: state.relistReason })
  const listing = { ...state, name: 'listing' } as const
  return { state: { ...listing, via: state.watchList ? 'watch' : 'pages' }, outputs, delayMs: 0 }
}

function onPage(
  state: WatchState,
  page: { readonly resourceVersion: string; readonly continueToken?: string },
): WatchStep {
  // A tail wants the version only; the rest of its list is not read.
  if (page.continueToken === undefined || state.mode === 'tail')
    return synced(state, page.resourceVersion, 'listed')
  const listing = { ...withoutPosition(state), name: 'listing', via: 'pages' } as const
  return stay({ ...listing, continueToken: page.continueToken, serverErrors: 0 })
}

function synced(state: WatchState, resourceVersion: string, name: 'listed' | 'watching'): WatchStep {
  // Pages that were finished from a newer snapshot after a 410 do not fit together: what changed between them is missing.
  const torn = state.expiredPages >= EXPIRED_BEFORE_TORN
  const outputs: WatchOutput[] = torn
    ? [{ kind: 'gap', reason: 'the list is of two versions' }, { kind: 'synced' }]
    : [{ kind: 'synced', resourceVersion }]
  const { relistReason: _, ...common } = withoutPosition(state)
  const done = { ...common, everSynced: true, brokenLists: 0, serverErrors: 0, expiredPages: 0 }
  return { state: { ...done, name, resourceVersion }, outputs, delayMs: 0 }
}

function onProgress(state: WatchState, resourceVersion: string): WatchStep {
  if (state.name !== 'watching' || resourceVersion === '' || resourceVersion === state.resourceVersion)
    return stay(state)
  return stay({ ...state, resourceVersion, serverErrors: 0 })
}

function onVersion(refused: WatchState, resourceVersion: string): WatchStep {
  const state = granted(refused)
  if (state.name !== 'listed') return stay(state)
  if (isOlder(resourceVersion, state.resourceVersion)) return wentBack(state)
  const { unproven: _, ...proven } = state
  return stay(proven)
}

const WENT_BACK = 'the resource version went back'

/** At once: nothing is wrong with a server that was restored. */
function wentBack(state: WatchState): WatchStep {
  const relistReason = state.everSynced ? { relistReason: WENT_BACK } : {}
  const empty: WatchState = { ...withoutPosition(state), ...relistReason, name: 'empty' }
  return { state: empty, outputs: [{ kind: 'relist', reason: WENT_BACK }], delayMs: 0 }
}

type Closed = Extract<WatchInput, { kind: 'closed' }>
type Failed = Extract<WatchInput, { kind: 'failed' }>

function onClosed(state: WatchState, input: Closed): WatchStep {
  const again = input.orderly && input.due ? resume(state) : suspect(resume(state))
  if (again.name === 'empty' || !input.orderly) return retry(again, input)
  return input.lastedMs < SHORT_WATCH_MS ? retry(again, input) : stay(again)
}

/** After an end that was not due the server may be another one than before. */
const suspect = (state: WatchState): WatchState =>
  state.name === 'listed' ? { ...state, unproven: true } : state

/** The state to continue from once no request is open. Of a list by pages that is the page after the last one that was read whole. */
function resume(state: WatchState): WatchState {
  if (state.name === 'watching') return { ...state, name: 'listed' }
  if (state.name === 'listing' && state.via === 'watch') return brokenList(state)
  if (state.name === 'listing' && state.continueToken === undefined)
    return { ...relisting(state), name: 'empty' }
  return state
}

function brokenList(state: WatchState): WatchState {
  const brokenLists = state.brokenLists + 1
  const watchList = state.watchList && brokenLists < BROKEN_LISTS_BEFORE_PAGES
  return { ...relisting(state), name: 'empty', brokenLists, watchList }
}

/** Part of a list has been delivered, so the next one is a relist, if there was anything before it. */
function relisting(state: WatchState): Common {
  const common = withoutPosition(state)
  return common.everSynced && common.relistReason === undefined
    ? { ...common, relistReason: 'the list broke off' }
    : common
}

function onFailed(state: WatchState, input: Failed): WatchStep {
  const { kind } = input.failure
  const again = kind === 'network' || kind === 'unavailable' ? suspect(resume(state)) : resume(state)
  switch (kind) {
    case 'expired':
      return onExpired(again, input)
    case 'too-large-resource-version':
      return relist(again, input, 'too large resource version')
    case 'invalid':
    case 'not-acceptable':
      return onInvalid(state, again, input)
    case 'forbidden':
    case 'not-found':
      return onRefused(again, input)
    case 'unavailable':
      return onUnavailable(again, input)
    case 'undecodable':
      // The reflector asks for JSON next: the same position, at once.
      return again.failures > 3 ? retry(again, input) : { ...retry(again, input), delayMs: 0 }
    default:
      return retry(again, input)
  }
}

function onRefused(state: WatchState, input: Failed): WatchStep {
  const { refusedAtMs = input.atMs } = state
  const refused = { ...state, refusedAtMs }
  if (isRefusedForNow(refused, input.atMs)) return retry(refused, input)
  return { state: refused, outputs: [], delayMs: FORBIDDEN_RETRY_MS * (0.5 + input.random / 2) }
}

const isRefusedForNow = ({ refusedAtMs }: WatchState, atMs: number): boolean =>
  refusedAtMs !== undefined && atMs - refusedAtMs < REFUSED_FOR_NOW_MS

/** Whether it was there, and what refuses it now may pass: whoever waits for it goes on waiting. */
export const isAway = (state: WatchState, atMs: number): boolean =>
  state.everSynced && isRefusedForNow(state, atMs)

function granted(state: WatchState): WatchState {
  if (state.refusedAtMs === undefined) return state
  const { refusedAtMs: _, ...rest } = state
  return rest
}

const EXPIRED_BEFORE_TORN = 2

/**
 * Compacted. While watching: a new list. While paging: the pages of a list are one snapshot, so the list begins again;
 * if that happens twice, the list takes longer than the server keeps a snapshot, and the token in the answer, which
 * continues from a newer one, is the only way to its end.
 */
function onExpired(state: WatchState, input: Failed): WatchStep {
  if (state.name !== 'listing') return relist(state, input, 'expired')
  const expiredPages = state.expiredPages + 1
  const { continueToken } = input.failure
  if (expiredPages >= EXPIRED_BEFORE_TORN && continueToken !== undefined)
    return stay({ ...withoutPosition(state), name: 'listing', via: 'pages', continueToken, expiredPages })
  return { ...retry({ ...relisting(state), name: 'empty', expiredPages }, input), outputs: [] }
}

/** From a known version to a new list. The first is free; one right after another waits. */
function relist(state: WatchState, input: Failed, reason: string): WatchStep {
  if (state.name === 'empty' && state.relistReason !== undefined) return retry(state, input)
  const relistReason = state.everSynced ? { relistReason: reason } : {}
  const empty: WatchState = { ...withoutPosition(state), ...relistReason, name: 'empty' }
  const waited = retry(empty, input)
  const outputs: WatchOutput[] = state.everSynced ? [{ kind: 'relist', reason }] : []
  return { state: waited.state, outputs, delayMs: waited.state.failures > 1 ? waited.delayMs : 0 }
}

function onInvalid(before: WatchState, again: WatchState, input: Failed): WatchStep {
  const byWatch = before.name === 'empty' || (before.name === 'listing' && before.via === 'watch')
  if (byWatch && before.watchList) {
    const outputs: WatchOutput[] = [{ kind: 'watch-list-refused', reason: input.failure.message }]
    return { state: { ...withoutPosition(again), name: 'empty', watchList: false }, outputs, delayMs: 0 }
  }
  // A server restored from a backup may not take our version at all.
  return again.name === 'listed' ? relist(again, input, 'invalid resource version') : retry(again, input)
}

function onUnavailable(state: WatchState, input: Failed): WatchStep {
  const serverErrors = state.serverErrors + 1
  if (state.name === 'listed' && serverErrors >= SERVER_ERRORS_BEFORE_RELIST) {
    const waited = relist({ ...state, serverErrors: 0 }, input, 'server errors')
    return { ...waited, delayMs: backoffMs(waited.state.failures, input.random) }
  }
  return retry({ ...state, serverErrors }, input)
}

/** The same again after the back-off, or after what the server asked for if that is longer. */
function retry(state: WatchState, input: Closed | Failed): WatchStep {
  const healthy = input.atMs - state.lastFailureMs >= BACKOFF.forgetAfterMs
  const asked = input.kind === 'failed' ? (input.failure.retryAfterMs ?? 0) : 0
  const askedMs = Math.min(asked, RETRY_AFTER_LIMIT_MS) * (1 + input.random / 4)
  const askedToWait = asked > 0 ? (healthy ? 1 : state.askedToWait + 1) : 0
  const waiting = { ...state, askedToWait, lastFailureMs: input.atMs }
  if (asked > 0 && askedToWait <= ASKED_MAX) return { state: waiting, outputs: [], delayMs: askedMs }
  const failures = healthy ? 1 : state.failures + 1
  const delayMs = Math.max(backoffMs(failures, input.random), askedMs)
  return { state: { ...waiting, failures }, outputs: [], delayMs }
}

const backoffMs = (failures: number, random: number): number =>
  random * Math.min(BACKOFF.limitMs, BACKOFF.firstMs * 2 ** Math.min(failures - 1, 16))

/** What outlives a position in the stream. */
function withoutPosition(state: WatchState): Common {
  const { mode, watchList, everSynced, failures, askedToWait, lastFailureMs } = state
  const { brokenLists, serverErrors, expiredPages } = state
  return {
    mode,
    watchList,
    everSynced,
    failures,
    askedToWait,
    lastFailureMs,
    brokenLists,
    serverErrors,
    expiredPages,
    ...(state.relistReason === undefined ? {} : { relistReason: state.relistReason }),
    ...(state.refusedAtMs === undefined ? {} : { refusedAtMs: state.refusedAtMs }),
  }
}
