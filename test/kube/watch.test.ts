// Owns the watch's state machine, one transition at a time.
// Promises that each row of the contract in src/kube/watch.ts has a test that fails without it.
// Does not open a socket: see reflector.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Failure, FailureKind } from '../../src/kube/failure.ts'
import {
  BACKOFF,
  emptyWatch,
  FORBIDDEN_RETRY_MS,
  type Mode,
  next,
  REFUSED_FOR_NOW_MS,
  step,
  type WatchInput,
  type WatchOutput,
  type WatchState,
} from '../../src/kube/watch.ts'

const HOUR_MS = 3_600_000
const failed = (kind: FailureKind, rest: Partial<Failure> = {}): Extract<WatchInput, { kind: 'failed' }> => ({
  kind: 'failed',
  failure: { kind, message: kind, ...rest },
  atMs: HOUR_MS,
  random: 0.5,
})
const closed = (lastedMs: number, orderly = true): WatchInput => ({
  kind: 'closed',
  orderly,
  due: orderly,
  lastedMs,
  atMs: HOUR_MS,
  random: 0.5,
})
const broken = (lastedMs: number): WatchInput => closed(lastedMs, false)
const lateRefusal = (kind: FailureKind): WatchInput => ({
  ...failed(kind),
  atMs: HOUR_MS + REFUSED_FOR_NOW_MS,
})
const failedAfter = (kind: FailureKind, lastedMs: number): WatchInput => ({ ...failed(kind), lastedMs })
const opened: WatchInput = { kind: 'opened' }
const endOf = (resourceVersion: string): WatchInput => ({ kind: 'initial-events-end', resourceVersion })
const page = (resourceVersion: string, continueToken?: string): WatchInput => ({
  kind: 'page',
  resourceVersion,
  ...(continueToken === undefined ? {} : { continueToken }),
})
const progress = (resourceVersion: string): WatchInput => ({ kind: 'progress', resourceVersion })

const version = (resourceVersion: string): WatchInput => ({ kind: 'version', resourceVersion })
const WENT_BACK = 'the resource version went back'

interface Run {
  readonly state: WatchState
  readonly outputs: readonly WatchOutput[]
  readonly delayMs: number
}

function run(inputs: readonly WatchInput[], mode: Mode = 'list', from = emptyWatch(mode)): Run {
  let last: Run = { state: from, outputs: [], delayMs: 0 }
  for (const input of inputs) last = step(freeze(last.state), input)
  return last
}

const freeze = (state: WatchState): WatchState => Object.freeze(state)

const watching = (resourceVersion: string): WatchInput[] => [opened, endOf(resourceVersion)]
const refused = failed('invalid', { message: 'sendInitialEvents is forbidden' })

interface Case {
  readonly name: string
  readonly mode?: Mode
  readonly given: readonly WatchInput[]
  readonly state: string
  readonly resourceVersion?: string
  /** What it asks for next, where nothing is open. */
  readonly asks?: ReturnType<typeof next>
  readonly outputs?: readonly WatchOutput[]
  readonly delayMs?: number
}

const gap = (reason: string): WatchOutput => ({ kind: 'gap', reason })
const synced = (resourceVersion: string): WatchOutput => ({ kind: 'synced', resourceVersion })
const relist = (reason: string): WatchOutput => ({ kind: 'relist', reason })

const cases: readonly Case[] = [
  { name: 'an empty stream asks for a WatchList', given: [], state: 'empty', asks: { kind: 'watch-list' } },
  {
    name: 'a tail asks for a list, of which it wants the version only',
    mode: 'tail',
    given: [],
    state: 'empty',
    asks: { kind: 'list' },
  },
  {
    name: 'a tail is live after the first page, whatever follows it',
    mode: 'tail',
    given: [opened, page('7', 'more')],
    state: 'listed',
    outputs: [synced('7')],
    asks: { kind: 'watch', resourceVersion: '7' },
  },
  {
    name: 'an accepted WatchList is listing, without a gap before the first list',
    given: [opened],
    state: 'listing',
    outputs: [],
  },
  { name: 'versions of initial events are not adopted', given: [opened, progress('900')], state: 'listing' },
  {
    name: 'the end of the initial events makes it live at the bookmark’s version',
    given: [opened, endOf('50')],
    state: 'watching',
    resourceVersion: '50',
    outputs: [synced('50')],
  },
  {
    name: 'progress moves the version on',
    given: [...watching('50'), progress('51')],
    state: 'watching',
    resourceVersion: '51',
  },
  {
    name: 'an empty version is no progress',
    given: [...watching('50'), progress('')],
    state: 'watching',
    resourceVersion: '50',
  },
  {
    name: 'a refused WatchList becomes a paged list at once',
    given: [refused],
    state: 'empty',
    asks: { kind: 'list' },
    outputs: [{ kind: 'watch-list-refused', reason: 'sendInitialEvents is forbidden' }],
    delayMs: 0,
  },
  {
    name: 'pages follow their continue token',
    given: [refused, opened, page('40', 'next')],
    state: 'listing',
    asks: { kind: 'list', continueToken: 'next' },
  },
  {
    name: 'the last page makes it live at the list’s version',
    given: [refused, opened, page('40', 'next'), opened, page('40')],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: '40' },
    outputs: [synced('40')],
  },
  {
    name: 'an orderly close resumes at the last version at once, without a gap',
    given: [...watching('50'), progress('60'), closed(300_000)],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: '60' },
    outputs: [],
    delayMs: 0,
  },
  {
    name: 'a very short watch waits, even if it delivered something',
    given: [...watching('50'), progress('60'), closed(20)],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: '60' },
    delayMs: BACKOFF.firstMs / 2,
  },
  {
    name: 'a broken connection resumes at the last version after a jittered wait',
    given: [...watching('50'), closed(300_000, false)],
    state: 'listed',
    resourceVersion: '50',
    asks: { kind: 'ask-version' },
    outputs: [],
    delayMs: BACKOFF.firstMs / 2,
  },
  {
    name: 'a watch that broke is resumed once the server is known to have come as far',
    given: [...watching('50'), closed(300_000, false), version('50')],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: '50' },
    delayMs: 0,
  },
  {
    name: 'a server that has come less far was restored from a backup: a gap and a new list',
    given: [...watching('50'), closed(300_000, false), version('49')],
    state: 'empty',
    asks: { kind: 'watch-list' },
    outputs: [relist(WENT_BACK)],
    delayMs: 0,
  },
  {
    name: 'the list of a restored server says where the gap is',
    given: [...watching('50'), closed(300_000, false), version('49'), opened],
    state: 'listing',
    outputs: [{ kind: 'gap', reason: WENT_BACK }],
  },
  {
    name: 'versions that are no numbers are not compared',
    given: [opened, endOf('v50'), closed(300_000, false), version('v49')],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: 'v50' },
  },
  {
    name: 'refused connections keep the version',
    given: [...watching('50'), closed(300_000, false), failed('network'), failed('network')],
    state: 'listed',
    resourceVersion: '50',
    asks: { kind: 'ask-version' },
    delayMs: (BACKOFF.firstMs * 4) / 2,
  },
  {
    name: '429 keeps the version and waits as long as it was told',
    given: [...watching('50'), closed(300_000), failed('too-many-requests', { retryAfterMs: 20_000 })],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: '50' },
    delayMs: 22_500,
  },
  {
    name: 'a Retry-After of an hour is cut to five minutes',
    given: [failed('unavailable', { retryAfterMs: HOUR_MS })],
    state: 'empty',
    delayMs: 337_500,
  },
  {
    name: '410 while watching lists anew',
    given: [...watching('50'), failed('expired')],
    state: 'empty',
    asks: { kind: 'watch-list' },
    outputs: [relist('expired')],
    delayMs: 0,
  },
  {
    name: 'a relist says the gap when it begins to arrive',
    given: [...watching('50'), failed('expired'), opened],
    state: 'listing',
    outputs: [gap('expired')],
  },
  {
    name: 'a finished relist is live again, and the next close is no relist',
    given: [...watching('50'), failed('expired'), opened, endOf('80'), closed(300_000), opened],
    state: 'watching',
    resourceVersion: '80',
    outputs: [],
  },
  {
    name: 'a tail says its gap before it begins again',
    mode: 'tail',
    given: [opened, page('7'), opened, failed('expired'), opened],
    state: 'listing',
    outputs: [gap('expired')],
  },
  {
    name: 'a second 410 right after the first waits',
    given: [...watching('50'), failed('expired'), opened, endOf('60'), failed('expired')],
    state: 'empty',
    delayMs: (BACKOFF.firstMs * 2) / 2,
  },
  {
    name: 'a version that the server does not know yet lists anew',
    given: [...watching('50'), closed(300_000), failed('too-large-resource-version')],
    state: 'empty',
    asks: { kind: 'watch-list' },
    outputs: [relist('too large resource version')],
  },
  {
    name: 'a version that the server does not take lists anew',
    given: [...watching('50'), closed(300_000), failed('invalid')],
    state: 'empty',
    outputs: [relist('invalid resource version')],
  },
  {
    name: '410 while paging begins the list again',
    given: [refused, opened, page('40', 'next'), failed('expired', { continueToken: 'fresh' })],
    state: 'empty',
    asks: { kind: 'list' },
    outputs: [],
  },
  {
    name: '410 while paging for the second time goes on from the fresh token',
    given: [
      refused,
      opened,
      page('40', 'next'),
      failed('expired', { continueToken: 'fresh' }),
      opened,
      page('44', 'next'),
      failed('expired', { continueToken: 'fresher' }),
    ],
    state: 'listing',
    asks: { kind: 'list', continueToken: 'fresher' },
    delayMs: 0,
  },
  {
    name: 'a list of two versions is a gap',
    given: [
      refused,
      opened,
      page('40', 'next'),
      failed('expired', { continueToken: 'fresh' }),
      opened,
      page('44', 'next'),
      failed('expired', { continueToken: 'fresher' }),
      opened,
      page('48'),
    ],
    state: 'listed',
    outputs: [gap('the list is of two versions'), { kind: 'synced' }],
  },
  {
    name: 'a network error while paging asks for the same page again',
    given: [refused, opened, page('40', 'next'), failed('network')],
    state: 'listing',
    asks: { kind: 'list', continueToken: 'next' },
  },
  {
    name: 'a WatchList that breaks off begins again',
    given: [opened, closed(5000, false)],
    state: 'empty',
    asks: { kind: 'watch-list' },
    outputs: [],
  },
  {
    name: 'two WatchLists in a row that break off become pages',
    given: [opened, closed(5000), opened, closed(5000)],
    state: 'empty',
    asks: { kind: 'list' },
  },
  {
    name: 'a relist that breaks off says its gap again',
    given: [...watching('50'), failed('expired'), opened, closed(5000), opened],
    state: 'listing',
    outputs: [gap('expired')],
  },
  {
    name: 'a right that is missing all at once is soon asked for again: a server that starts does not know its roles yet',
    given: [...watching('50'), closed(300_000), failed('forbidden')],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: '50' },
    delayMs: 400,
  },
  {
    name: 'one that stays missing waits for minutes and keeps what it had',
    given: [...watching('50'), closed(300_000), failed('forbidden'), lateRefusal('forbidden')],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: '50' },
    delayMs: FORBIDDEN_RETRY_MS * 0.75,
  },
  {
    name: 'a resource that is not there waits as one that may not be read, also before a list began',
    given: [failed('not-found'), lateRefusal('not-found')],
    state: 'empty',
    delayMs: FORBIDDEN_RETRY_MS * 0.75,
  },
  {
    name: 'an answer between two refusals makes the second one new',
    given: [
      ...watching('50'),
      closed(300_000),
      failed('forbidden'),
      opened,
      closed(300_000),
      lateRefusal('forbidden'),
    ],
    state: 'listed',
    delayMs: 400,
  },
  {
    name: 'a watch that was well for a while and breaks is opened again after the first wait, however many failures there were before',
    given: [failed('network'), failed('network'), failed('network'), ...watching('50'), broken(10_000)],
    state: 'listed',
    delayMs: 400,
  },
  {
    name: 'so is one that ended in order, where the request after it fails',
    given: [
      ...Array<WatchInput>(3).fill(failed('network')),
      ...watching('50'),
      closed(10_000),
      failed('unavailable'),
    ],
    state: 'listed',
    delayMs: 400,
  },
  {
    name: 'and one that the server ended with an error of its own',
    given: [
      ...Array<WatchInput>(3).fill(failed('network')),
      ...watching('50'),
      failedAfter('unavailable', 10_000),
    ],
    state: 'listed',
    delayMs: 400,
  },
  {
    name: 'a list by watch that breaks after a while is a failure more: it is dear to begin it again',
    given: [failed('network'), failed('network'), opened, broken(10_000)],
    state: 'empty',
    delayMs: 1600,
  },
  {
    name: 'one that breaks soon after it was opened is a failure more',
    given: [failed('network'), failed('network'), ...watching('50'), broken(1_999)],
    state: 'listed',
    delayMs: 1600,
  },
  {
    name: 'each two seconds that it lasted make good one failure of before',
    given: [...Array<WatchInput>(5).fill(failed('network')), ...watching('50'), broken(6_500)],
    state: 'listed',
    delayMs: 1600,
  },
  {
    name: 'who is told when to come again comes then, however often it failed before',
    given: [
      ...Array<WatchInput>(5).fill(failed('network')),
      ...Array<WatchInput>(9).fill(failed('too-many-requests', { retryAfterMs: 1000 })),
      failed('too-many-requests', { retryAfterMs: 1000 }),
    ],
    state: 'empty',
    delayMs: 1125,
  },
  {
    name: 'and after ten times holds back as after other failures',
    given: [
      ...Array<WatchInput>(5).fill(failed('network')),
      ...Array<WatchInput>(11).fill(failed('too-many-requests', { retryAfterMs: 1000 })),
    ],
    state: 'empty',
    delayMs: 12_800,
  },
  {
    name: 'a server error keeps the version',
    given: [...watching('50'), failed('unavailable')],
    state: 'listed',
    resourceVersion: '50',
    asks: { kind: 'ask-version' },
    outputs: [],
  },
  {
    name: 'server errors that do not end force a list, with a wait',
    given: [...watching('50'), ...Array<WatchInput>(5).fill(failed('unavailable'))],
    state: 'empty',
    outputs: [relist('server errors')],
    delayMs: (BACKOFF.firstMs * 16) / 2,
  },
  {
    name: 'progress forgives server errors',
    given: [
      ...watching('50'),
      ...Array<WatchInput>(4).fill(failed('unavailable')),
      opened,
      progress('51'),
      failed('unavailable'),
    ],
    state: 'listed',
    resourceVersion: '51',
    asks: { kind: 'ask-version' },
  },
  {
    name: 'what protobuf cannot read is asked for again at once, from the version before it',
    given: [...watching('50'), progress('51'), failed('undecodable')],
    state: 'listed',
    asks: { kind: 'watch', resourceVersion: '51' },
    delayMs: 0,
  },
  {
    name: 'expired credentials are tried again',
    given: [failed('unauthorized')],
    state: 'empty',
    delayMs: 400,
  },
]

for (const { name, mode, given, state, resourceVersion, asks, outputs, delayMs } of cases)
  test(name, () => {
    const got = run(given, mode)
    assert.equal(got.state.name, state)
    if (resourceVersion !== undefined)
      assert.equal('resourceVersion' in got.state && got.state.resourceVersion, resourceVersion)
    if (asks) assert.deepStrictEqual(next(got.state), asks)
    if (outputs) assert.deepStrictEqual(got.outputs, outputs)
    if (delayMs !== undefined) assert.equal(got.delayMs, delayMs)
  })

test('the back-off doubles up to its limit, is jittered in full and forgotten after two healthy minutes', () => {
  let state = emptyWatch('list')
  const delays: number[] = []
  for (let n = 0; n < 8; n++) {
    const got = step(state, { ...failed('network'), atMs: HOUR_MS + n, random: 1 } as WatchInput)
    state = got.state
    delays.push(got.delayMs)
  }
  assert.deepStrictEqual(delays, [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  const none = step(state, { ...failed('network'), random: 0 } as WatchInput)
  assert.equal(none.delayMs, 0)
  const later = step(state, { ...failed('network'), atMs: HOUR_MS + 200_000, random: 1 } as WatchInput)
  assert.equal(later.delayMs, 800)
})

test('what is open is not asked for again', () => {
  assert.throws(() => next(run(watching('5')).state), /open watch/)
  assert.throws(() => next(run([opened]).state), /listing via watch/)
})
