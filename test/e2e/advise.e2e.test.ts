// Owns the proof that advice holds on a real cluster: what a faster probe was said to save is saved when it is faster.
// Promises to need no more than a cluster, whoever's it is. It waits for ten pods, five after five: 105 s under a load of 45 on 2 cores.
// The other kinds of advice are checked by test/advise/check.ts, which takes longer.

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { doAndCompare, type Experiment, type Outcome, type Variant } from '../advise/measured.ts'
import { statefulSet } from '../advise/experiments.ts'
import { testedCluster, withoutAny } from '../cluster/foreign.ts'
import { Api } from '../scenarios/api.ts'
import { container } from '../scenarios/manifests.ts'

const PODS = 5
/** Two runs of the same pods differ by that much: a look more or less, and a machine that does other things. */
const NOISE_MS = 2500

/** Ready after 1 to 5 s, by the pod's place. */
function probedEvery(periodSeconds: number, image: string): Variant {
  const script = 'sleep $(( ${HOSTNAME##*-} + 1 )); touch /dev/shm/ready; sleep 3600'
  const readinessProbe = { exec: { command: ['test', '-e', '/dev/shm/ready'] }, periodSeconds }
  const web = statefulSet('web', PODS, [container('app', script, { image, readinessProbe })])
  return { objects: async () => [web] }
}

describe('advice against a real cluster', { skip: withoutAny, timeout: 400_000 }, () => {
  let outcome: Outcome
  before(async () => {
    const { kubeconfig, images } = testedCluster()
    const [image] = await images()
    using api = new Api(kubeconfig)
    const experiment: Experiment = {
      name: 'short',
      kind: 'readiness period',
      pods: PODS,
      from: ['readiness'],
      before: probedEvery(8, image),
      after: probedEvery(2, image),
    }
    outcome = await doAndCompare({ api, kubeconfig }, experiment)
  })

  test('a probe that looks every 8 s is advised to look every 2 s', () => {
    assert.equal(outcome.change, 'readiness periodSeconds 8 → 2 of container app')
    assert.equal(outcome.starts, PODS)
    for (const { percentile, lowMs, highMs } of outcome.rows)
      assert.ok(lowMs >= 0 && highMs > lowMs && highMs <= 6000, `P${percentile}: ${lowMs} to ${highMs}`)
  })

  test('and saves what was said when it does', () => {
    for (const { percentile, ofMs, afterMs, lowMs, highMs } of outcome.rows) {
      const saved = ofMs - afterMs
      assert.ok(
        saved >= lowMs - NOISE_MS && saved <= highMs + NOISE_MS,
        `P${percentile}: saved ${saved} ms, said ${lowMs} to ${highMs} ms`,
      )
    }
  })
})
