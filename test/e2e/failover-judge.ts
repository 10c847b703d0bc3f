// Owns the judgement after a failover: what was lost, what repeats and whether it may, whether each copy of a start is whole.
// Promises a message that names the pod and says by how much. Does not disturb anything.

import assert from 'node:assert/strict'
import { add, seconds, since, toMilliseconds, type UnixNano } from '../../src/base/time.ts'
import type { TruthSpan } from '../accuracy/collector.ts'
import { clock } from '../scenarios/stage.ts'
import type { Copy } from './arrivals.ts'
import { isStart, type PodSeen, type Stage } from './failover-support.ts'
import { readRenewTime, type Replica } from './replicas.ts'
import { apart, assertNested, assertSameOperations } from './same-trace.ts'
import { bounds, describeSpan, expectedIds } from './trace-support.ts'

/** The period of the defaults, which bounds repeats; a shorter term, so that a test need not wait for its end. */
export const SHORT_TERM = { leaseDuration: '5s', renewDeadline: '4s', retryPeriod: '2s' }
export const DEFAULT_TERM = { leaseDuration: '15s', renewDeadline: '10s', retryPeriod: '2s' }
const RETRY_MS = 2000
/** client-go's jitter: whoever waits comes back after the period and up to 1.2 of it more. */
export const RETRY_MAX_MS = RETRY_MS * 2.2
/** For a request to the API server on a machine whose cores are busy. */
export const REQUEST_MS = 1000
export const say = (sentence: string): void => console.log(`failover: ${sentence}`)

export interface Repeat {
  readonly pod: PodSeen
  readonly first: Copy
  readonly again: Copy
}

export interface Judgement {
  readonly ready: number
  /** Rollouts that were over, each a trace of its own: where all takes longer, one is told before the account is asked for. */
  readonly rollouts: number
  readonly repeats: readonly Repeat[]
  /** Boundaries of which a replica and the observer say what cannot both be true, in words. */
  readonly apart: readonly string[]
}

/** To the pod: none lost, one trace each, every copy of it whole, of the same operations as an observer tells whom nothing has disturbed. */
export async function judge(stage: Stage): Promise<Judgement> {
  const observed = await stage.observed()
  const arrived = stage.arrivals.copies()
  // The trace of a rollout names no pod.
  for (const copy of arrived) if (copy.uid !== '' && !isStart(copy)) assertBefore(copy)
  const copies = Map.groupBy(arrived.filter(isStart), ({ uid }) => uid)
  const ready = stage.pods().filter(({ readyAt }) => readyAt !== undefined)
  const lost = ready.filter(({ uid }) => !copies.has(uid))
  assert.deepEqual(
    lost.map(({ name }) => name),
    [],
    `lost of ${ready.length}`,
  )
  const repeats: Repeat[] = []
  const different: string[] = []
  for (const pod of ready) {
    const [first, ...again] = copies.get(pod.uid) as [Copy, ...Copy[]]
    const same = observed.get(first.traceId)
    assert.ok(same, `the observer saw ${pod.name}`)
    for (const copy of [first, ...again]) {
      assertWhole(pod, copy, same)
      different.push(...apart(same, copy.spans()).map((words) => `${pod.name}: ${words}`))
    }
    again.forEach((copy, n) => repeats.push({ pod, first: again[n - 1] ?? first, again: copy }))
  }
  const rollouts = new Set(arrived.filter(({ uid }) => uid === '').map(({ traceId }) => traceId)).size
  return { ready: ready.length, rollouts, repeats, apart: different }
}

/** A ReplicaSet is refused a pod while the API server is not ready yet. */
function assertBefore(copy: Copy): void {
  assert.deepEqual(
    copy.spans().map(({ name }) => name),
    ['creation refused'],
    `${copy.uid} has the trace ${copy.traceId} beside its own`,
  )
}

function assertWhole(pod: PodSeen, copy: Copy, same: readonly TruthSpan[]): void {
  const { rootId } = expectedIds(pod.uid)
  const spans = copy.spans()
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
  assert.deepEqual(
    roots.map(({ name, spanId }) => [name, spanId]),
    [['pod startup', rootId]],
    pod.name,
  )
  assert.equal(roots[0]?.attributes['podspan.outcome'], 'ready', pod.name)
  const root = roots[0] as TruthSpan
  // A stamp of a whole second, and what lies between it and the store, as far as the trace itself leaves it open.
  const begins = bounds(root, 'start')
  assert.ok(
    root.start >= pod.created && begins.from < add(pod.created, seconds(2)),
    `${pod.name}, created at ${pod.created}, begins ${describeSpan(root, pod.created)}`,
  )
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, `${pod.name}: no span twice`)
  assertNested(spans)
  assertSameOperations(same, spans)
}

/** What was on the Lease when its holder died. */
export interface Fall {
  readonly at: UnixNano
  /** Each write of the Lease says what has been exported, also the one that begins a term. */
  readonly renewedAt: UnixNano
  readonly inFlight: number
}

/** What the Lease says once no write can be on its way any more. */
export async function fell(stage: Stage, dying: readonly Replica[]): Promise<Fall> {
  const at = clock.now()
  await Promise.all(dying.map((replica) => replica.kill()))
  const inFlight = inFlightOn(stage)
  await clock.sleep(200)
  return { at, renewedAt: await readRenewTime(stage.api, stage.namespace), inFlight }
}

/** Before the API server is stopped: the Lease is not written any more while it is away. */
export async function outage(stage: Stage): Promise<Fall> {
  const renewedAt = await readRenewTime(stage.api, stage.namespace)
  return { at: clock.now(), renewedAt, inFlight: inFlightOn(stage) }
}

const inFlightOn = (stage: Stage): number =>
  stage.pods().filter(({ readyAt }) => readyAt === undefined).length

export const repeatsCountedBy = (replica: Replica): Promise<number> =>
  replica.metric('podspan_export_repeats_total')

/** What was sent again had been taken after the last word of the leader that fell then. */
export function assertWithinBound({ repeats }: Judgement, falls: readonly Fall[]): void {
  for (const { again, first, pod } of repeats) {
    const fall = falls.findLast(({ at }) => at <= again.at)
    assert.ok(fall, `${pod.name} repeats although nobody fell`)
    const beforeMs = toMilliseconds(since(fall.renewedAt, first.at))
    assert.ok(
      beforeMs <= 0,
      `${pod.name} was there ${beforeMs} ms before the Lease said what was exported, and repeats`,
    )
  }
}

export const assertCounted = ({ repeats }: Judgement, counted: number): void =>
  assert.ok(repeats.length <= counted, `${repeats.length} repeats, of which ${counted} were counted`)

export const assertNoRepeats = ({ repeats }: Judgement): void =>
  assert.deepEqual(
    repeats.map(({ pod }) => pod.name),
    [],
  )

/** Which is the bound that the design states. */
export function assertRenewed(falls: readonly Fall[]): void {
  for (const { at, renewedAt } of falls) {
    const ageMs = toMilliseconds(since(at, renewedAt))
    assert.ok(ageMs <= RETRY_MS + REQUEST_MS, `the watermark was ${ageMs} ms old`)
  }
}

/** Of all that it took in its last life nothing may be unaccounted for. */
export function accountOf(replica: Replica): { readonly taken: number; readonly sent: number } {
  const said = String(replica.lines('this life').find(({ message }) => message === 'account')?.['account'])
  const match = /in (\d+) = sent (\d+) \+ dropped (\d+).* \+ waiting (\d+);/.exec(said)
  const [taken = 0, sent = 0, dropped = 0, waiting = 0] = (match ?? []).slice(1).map(Number)
  assert.ok(match, `${replica.name} accounts for its traces: ${said}`)
  assert.deepEqual({ taken, dropped }, { taken: sent + dropped + waiting, dropped: 0 }, said)
  return { taken, sent }
}

/** A trouble of one kind is one line, however often it comes within a minute. */
export function assertSaidOnce({ name, lines }: Replica): void {
  const troubles = lines().filter(({ level }) => level === 'warn' || level === 'error')
  const messages = troubles.map(({ message }) => message)
  assert.deepEqual(messages, [...new Set(messages)], `${name} says each trouble once`)
  say(`${name} said: ${messages.join('; ') || 'nothing'}`)
}

export function tell(what: string, { apart: different, ready, repeats }: Judgement, more: string): void {
  say(`${what}: ${ready} pods, 0 lost, ${repeats.length} repeated; ${more}`)
  if (different.length > 0)
    say(`${different.length} boundaries apart from the observer's, such as ${different[0]}`)
}
