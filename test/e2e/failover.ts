// Owns the proof that no start is lost when a leader dies, the API server restarts or the Collector is away, on the real cluster.
// Promises real faults (SIGKILL, a killed API server, a Collector that is gone or frozen), moments from a seed that is printed, and four
// minutes. PODSPAN_E2E_KILLS and PODSPAN_E2E_AWAY_SECONDS ask for more, PODSPAN_E2E_SEED for the same again.
// Does not test the chart.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { since, toMilliseconds, type UnixNano, unixNano } from '../../src/base/time.ts'
import { randomOf } from '../controller/simulation.ts'
import { startApiServer, stopApiServer } from '../cluster/cluster.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { clock } from '../scenarios/stage.ts'
import { ownCollector } from './arrivals.ts'
import {
  clusterCollector,
  installCrd,
  judge,
  openStage,
  type Repeat,
  type Stage,
} from './failover-support.ts'
import { readLease, type Replica } from './replicas.ts'
import { noCluster } from './trace-support.ts'

const KILLS = wholeNumber('PODSPAN_E2E_KILLS', 3)
const AWAY_SECONDS = wholeNumber('PODSPAN_E2E_AWAY_SECONDS', 20)
const SEED = wholeNumber('PODSPAN_E2E_SEED', Date.now() % 1_000_000)

function wholeNumber(variable: string, otherwise: number): number {
  const text = process.env[variable] ?? ''
  if (text === '') return otherwise
  assert.match(text, /^\d+$/, `${variable} is a whole number`)
  return Number(text)
}

/** The period of the defaults, which bounds repeats; a shorter term, so that a test need not wait for its end. */
const SHORT_TERM = { leaseDuration: '5s', renewDeadline: '4s', retryPeriod: '2s' }
const DEFAULT_TERM = { leaseDuration: '15s', renewDeadline: '10s', retryPeriod: '2s' }
const RETRY_MS = 2000
/** client-go's jitter: whoever waits comes back after the period and up to 1.2 of it more. */
const RETRY_MAX_MS = RETRY_MS * 2.2
/** For a request to the API server on a machine whose cores are busy. */
const REQUEST_MS = 1000
/** A rollout and its last starts' settling, more or less. */
const ROLLOUT_MS = 20_000
/** Until the first starts of a rollout are told. */
const SENDING_MS = 9000

const say = (sentence: string): void => console.log(`failover: ${sentence}`)

/** What was on the Lease when its holder died. */
interface Fall {
  readonly at: UnixNano
  readonly renewedAt: UnixNano
  /** When it was last said there what has been exported. */
  readonly saidAt: UnixNano
  readonly inFlight: number
}

describe('failover on the real cluster', { skip: noCluster, timeout: 1_200_000 }, () => {
  const random = randomOf(SEED)
  let removeCrd: () => Promise<void>
  before(async () => {
    say(`PODSPAN_E2E_SEED=${SEED}`)
    removeCrd = await installCrd()
  })
  after(async () => removeCrd?.())

  test(`a leader killed at a random moment of a rollout, ${KILLS} times: nothing is lost, and only its last two seconds repeat`, async () => {
    await using stage = await openStage({ collector: clusterCollector(), leaderElection: SHORT_TERM })
    const falls: Fall[] = []
    let counted = 0
    for (let n = 0; n < KILLS; n++) {
      const leader = await stage.replicas.settled()
      await stage.rollOut()
      await clock.sleep(random() * ROLLOUT_MS)
      counted += await repeatsCountedBy(leader)
      falls.push(await fell(stage, [leader], falls.at(-1)))
      leader.start()
      await stage.rolledOut()
    }
    await stage.delivered()
    counted += await repeatsCountedBy(await stage.replicas.settled())
    const { ready, repeats } = await judge(stage)
    for (const repeat of repeats) assertWithinBound(repeat, falls)
    assert.ok(repeats.length <= counted, `${repeats.length} repeats, of which ${counted} were counted`)
    assertRenewed(falls)
    tell(
      `${KILLS} leaders killed`,
      ready,
      repeats,
      `${falls.map(({ inFlight }) => inFlight).join(', ')} in flight`,
    )
  })

  test('all replicas killed during a rollout: starts are picked up whole, and none is lost', async () => {
    await using stage = await openStage({ collector: clusterCollector(), leaderElection: SHORT_TERM })
    await stage.rollOut()
    await clock.sleep(random() * ROLLOUT_MS * 0.6)
    const fall = await fell(stage, stage.replicas.all)
    await clock.sleep(random() * 5000)
    for (const replica of stage.replicas.all) replica.start()
    await stage.rolledOut()
    await stage.delivered()
    const { ready, repeats } = await judge(stage)
    for (const repeat of repeats) assertWithinBound(repeat, [fall])
    tell('all replicas killed', ready, repeats, `${fall.inFlight} in flight`)
  })

  test('a leader that is asked to end hands over within a retry, and nothing repeats', async () => {
    await using stage = await openStage({ collector: clusterCollector(), leaderElection: DEFAULT_TERM })
    const leader = await stage.replicas.settled()
    await stage.rollOut()
    // Late enough for it to have sent something.
    await clock.sleep(SENDING_MS + random() * ROLLOUT_MS * 0.5)
    assert.equal(await leader.terminate(), 0)
    const endedAt = clock.now()
    await eventually('the standby leads', async () => stage.replicas.leader() !== undefined, 15)
    const gapMs = toMilliseconds(since(clock.now(), endedAt))
    const { sent } = accountOf(leader)
    leader.start()
    await stage.rolledOut()
    await stage.delivered()
    const { ready, repeats } = await judge(stage)
    assert.deepEqual(
      repeats.map(({ pod }) => pod.name),
      [],
    )
    assert.ok(gapMs <= RETRY_MAX_MS + REQUEST_MS, `handed over in ${gapMs} ms`)
    tell(
      'a leader asked to end',
      ready,
      repeats,
      `it sent ${sent}, and handed over in ${Math.round(gapMs)} ms`,
    )
  })

  for (const how of ['gracefully', 'crash'] as const)
    test(`an API server that is stopped (${how}) during a rollout: nothing is lost and nothing repeats`, async () => {
      await using stage = await openStage({ collector: clusterCollector(), leaderElection: DEFAULT_TERM })
      const leader = await stage.replicas.settled()
      await stage.rollOut()
      await clock.sleep(random() * ROLLOUT_MS * 0.6)
      const stoppedAt = clock.now()
      await stopApiServer(how)
      await startApiServer()
      const awayMs = toMilliseconds(since(clock.now(), stoppedAt))
      await stage.rolledOut()
      const leads = await stage.replicas.settled()
      await stage.delivered()
      const { ready, repeats } = await judge(stage)
      assert.deepEqual(
        repeats.map(({ pod }) => pod.name),
        [],
      )
      stage.replicas.all.forEach(assertSaidOnce)
      const kept = leads === leader ? 'the leader kept its Lease' : `${leads.name} leads now`
      tell(`API server stopped (${how})`, ready, repeats, `away ${Math.round(awayMs)} ms; ${kept}`)
    })

  for (const how of ['gone', 'frozen'] as const)
    test(`a Collector that is ${how} for ${AWAY_SECONDS} s during a rollout: nothing is lost, and the account adds up`, async () => {
      await using collector = await ownCollector()
      await using stage = await openStage({ collector, leaderElection: DEFAULT_TERM })
      const leader = await stage.replicas.settled()
      await stage.rollOut()
      await clock.sleep(random() * ROLLOUT_MS * 0.6)
      await (how === 'gone' ? collector.stop() : collector.freeze())
      await clock.sleep(AWAY_SECONDS * 1000)
      await (how === 'gone' ? collector.start() : collector.thaw())
      await stage.rolledOut()
      await stage.delivered()
      const retries = await leader.metric('podspan_export_retries_total')
      assert.equal(await leader.terminate(), 0)
      const { ready, repeats } = await judge(stage)
      // What a frozen Collector has in its sockets it takes when it goes on, also where the client has given up.
      if (how === 'gone')
        assert.deepEqual(
          repeats.map(({ pod }) => pod.name),
          [],
        )
      const { taken, sent } = accountOf(leader)
      assert.equal(sent, ready)
      tell(
        `Collector ${how} for ${AWAY_SECONDS} s`,
        ready,
        repeats,
        `${taken} taken, ${sent} sent, ${retries} retries`,
      )
    })
})

/** What the Lease says once no write can be on its way any more. Whoever acquires it leaves what was said there as it was. */
async function fell(stage: Stage, dying: readonly Replica[], before?: Fall): Promise<Fall> {
  const at = clock.now()
  await Promise.all(dying.map((replica) => replica.kill()))
  const inFlight = stage.pods().filter(({ readyAt }) => readyAt === undefined).length
  await clock.sleep(200)
  const { acquiredAt, renewedAt } = await readLease(stage.api, stage.namespace)
  const saidAt = renewedAt === acquiredAt ? (before?.saidAt ?? unixNano(0n)) : renewedAt
  return { at, renewedAt, saidAt, inFlight }
}

const repeatsCountedBy = (replica: Replica): Promise<number> => replica.metric('podspan_export_repeats_total')

/** The one that was sent again had been taken after the last word of the leader that fell then. */
function assertWithinBound({ pod, first, again }: Repeat, falls: readonly Fall[]): void {
  const fall = falls.findLast(({ at }) => at <= again.at)
  assert.ok(fall, `${pod.name} repeats although nobody fell`)
  const beforeMs = toMilliseconds(since(fall.saidAt, first.at))
  assert.ok(
    beforeMs <= 0,
    `${pod.name} was there ${beforeMs} ms before the Lease said what was exported, and repeats`,
  )
}

/** Which is the bound that the design states. */
function assertRenewed(falls: readonly Fall[]): void {
  for (const { at, renewedAt } of falls) {
    const ageMs = toMilliseconds(since(at, renewedAt))
    assert.ok(ageMs <= RETRY_MS + REQUEST_MS, `the watermark was ${ageMs} ms old`)
  }
}

/** Of all that it took in its last life nothing may be unaccounted for. */
function accountOf(replica: Replica): { readonly taken: number; readonly sent: number } {
  const said = String(replica.lines('this life').find(({ message }) => message === 'account')?.['account'])
  const match = /in (\d+) = sent (\d+) \+ dropped (\d+).* \+ waiting (\d+);/.exec(said)
  const [taken = 0, sent = 0, dropped = 0, waiting = 0] = (match ?? []).slice(1).map(Number)
  assert.ok(match, `${replica.name} accounts for its traces: ${said}`)
  assert.deepEqual({ taken, dropped }, { taken: sent + dropped + waiting, dropped: 0 }, said)
  return { taken, sent }
}

/** A trouble of one kind is one line, however often it comes within a minute. */
function assertSaidOnce({ name, lines }: Replica): void {
  const troubles = lines().filter(({ level }) => level === 'warn' || level === 'error')
  const messages = troubles.map(({ message }) => message)
  assert.deepEqual(messages, [...new Set(messages)], `${name} says each trouble once`)
  say(`${name} said: ${messages.join('; ') || 'nothing'}`)
}

function tell(what: string, ready: number, repeats: readonly Repeat[], more: string): void {
  say(`${what}: ${ready} pods, 0 lost, ${repeats.length} repeated; ${more}`)
}
