// Owns the proof that no start is lost when a leader dies, the API server restarts or the Collector is away, on the real cluster.
// Promises real faults (SIGKILL, a killed API server, a Collector that is gone or frozen), moments from a seed that is printed, and four
// minutes. PODSPAN_E2E_KILLS and PODSPAN_E2E_AWAY_SECONDS ask for more, PODSPAN_E2E_SEED for the same again.
// Does not test the chart.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { since, toMilliseconds } from '../../src/base/time.ts'
import { randomOf } from '../controller/simulation.ts'
import { startApiServer, stopApiServer } from '../cluster/cluster.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { clock } from '../scenarios/stage.ts'
import { ownCollector } from './arrivals.ts'
import {
  accountOf,
  assertCounted,
  assertNoRepeats,
  assertRenewed,
  assertSaidOnce,
  assertWithinBound,
  DEFAULT_TERM,
  type Fall,
  fell,
  judge,
  repeatsCountedBy,
  REQUEST_MS,
  RETRY_MAX_MS,
  say,
  SHORT_TERM,
  tell,
} from './failover-judge.ts'
import { clusterCollector, takeCluster, openStage } from './failover-support.ts'
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

/** A rollout and its last starts' settling, more or less. */
const ROLLOUT_MS = 20_000
/** Until the first starts of a rollout are told. */
const SENDING_MS = 9000

describe('failover on the real cluster', { skip: noCluster, timeout: 3_600_000 }, () => {
  const random = randomOf(SEED)
  let giveBack: () => Promise<void>
  before(async () => {
    say(`PODSPAN_E2E_SEED=${SEED}`)
    giveBack = await takeCluster()
  })
  after(async () => giveBack?.())

  test(`a leader killed at a random moment of a rollout, ${KILLS} times: nothing is lost, and only its last two seconds repeat`, async () => {
    await using stage = await openStage({ collector: clusterCollector(), leaderElection: SHORT_TERM })
    const falls: Fall[] = []
    let counted = 0
    for (let n = 0; n < KILLS; n++) {
      const leader = await stage.replicas.settled()
      await stage.rollOut()
      await clock.sleep(random() * ROLLOUT_MS)
      counted += await repeatsCountedBy(leader)
      falls.push(await fell(stage, [leader]))
      leader.start()
      await stage.rolledOut()
    }
    await stage.delivered()
    counted += await repeatsCountedBy(await stage.replicas.settled())
    const judgement = await judge(stage)
    assertWithinBound(judgement, falls)
    assertCounted(judgement, counted)
    assertRenewed(falls)
    tell(
      `${KILLS} leaders killed`,
      judgement,
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
    const judgement = await judge(stage)
    assertWithinBound(judgement, [fall])
    tell('all replicas killed', judgement, `${fall.inFlight} in flight`)
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
    const judgement = await judge(stage)
    assertNoRepeats(judgement)
    assert.ok(gapMs <= RETRY_MAX_MS + REQUEST_MS, `handed over in ${gapMs} ms`)
    tell('a leader asked to end', judgement, `it sent ${sent}, and handed over in ${Math.round(gapMs)} ms`)
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
      const judgement = await judge(stage)
      assertNoRepeats(judgement)
      stage.replicas.all.forEach(assertSaidOnce)
      const kept = leads === leader ? 'the leader kept its Lease' : `${leads.name} leads now`
      tell(`API server stopped (${how})`, judgement, `away ${Math.round(awayMs)} ms; ${kept}`)
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
      const judgement = await judge(stage)
      // What a frozen Collector has in its sockets it takes when it goes on, also where the client has given up.
      if (how === 'gone') assertNoRepeats(judgement)
      const { taken, sent } = accountOf(leader)
      assert.equal(sent, judgement.ready + judgement.rollouts)
      tell(
        `Collector ${how} for ${AWAY_SECONDS} s`,
        judgement,
        `${taken} taken, ${sent} sent, ${retries} retries`,
      )
    })
})
