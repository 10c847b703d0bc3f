// Owns the short form of failover.ts: leaders that are killed, an API server that restarts and a Collector that is away, in one go.
// Promises about a minute and a half on a machine that does nothing else, and moments from a seed that is printed.
// Does not have each fault by itself: `make failover` does.

import { after, before, describe, test } from 'node:test'
import { randomOf } from '../controller/simulation.ts'
import { startApiServer, stopApiServer } from '../cluster/cluster.ts'
import { clock } from '../scenarios/stage.ts'
import { ownCollector } from './arrivals.ts'
import {
  assertCounted,
  assertWithinBound,
  type Fall,
  fell,
  judge,
  outage,
  repeatsCountedBy,
  say,
  SHORT_TERM,
  tell,
} from './failover-judge.ts'
import { takeCluster, openStage } from './failover-support.ts'
import { noCluster } from './trace-support.ts'

const KILLS = 3
const AWAY_MS = 10_000
const PODS = 16
/** A rollout, and the settling of its first starts. */
const WITHIN_MS = 8000
const SEED = Date.now() % 1_000_000

describe('failover in short', { skip: noCluster, timeout: 600_000 }, () => {
  let giveBack: () => Promise<void>
  before(async () => {
    say(`seed ${SEED}`)
    giveBack = await takeCluster()
  })
  after(async () => giveBack?.())

  test('leaders killed, the API server restarted, the Collector away: nothing is lost, and only the last two seconds of a leader repeat', async () => {
    const random = randomOf(SEED)
    await using collector = await ownCollector()
    await using stage = await openStage({ collector, leaderElection: SHORT_TERM, pods: PODS })
    const falls: Fall[] = []
    let counted = 0
    for (let n = 0; n < KILLS; n++) {
      const leader = await stage.replicas.settled()
      await stage.rollOut()
      await clock.sleep(random() * WITHIN_MS)
      counted += await repeatsCountedBy(leader)
      falls.push(await fell(stage, [leader]))
      leader.start()
      await stage.rolledOut()
    }
    await stage.replicas.settled()
    await stage.rollOut()
    await clock.sleep(random() * WITHIN_MS)
    // A leader whose term ends meanwhile has fallen, too.
    falls.push(await outage(stage))
    await stopApiServer('gracefully')
    await startApiServer()
    await collector.stop()
    await clock.sleep(AWAY_MS)
    await collector.start()
    await stage.rolledOut()
    await stage.delivered()
    await stage.replicas.settled()
    for (const replica of stage.replicas.all) counted += await repeatsCountedBy(replica)
    const judgement = await judge(stage)
    tell(
      `${KILLS} leaders killed, API server restarted, Collector away for ${AWAY_MS / 1000} s`,
      judgement,
      `${falls.map(({ inFlight }) => inFlight).join(', ')} in flight`,
    )
    assertWithinBound(judgement, falls)
    assertCounted(judgement, counted)
  })
})
