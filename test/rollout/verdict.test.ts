import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationNano, unixNano } from '../../src/base/time.ts'
import type { Rollout, RolloutPod } from '../../src/rollout/rollout.ts'
import { tellVerdict } from '../../src/rollout/shares.ts'
import { countAtOnce } from '../../src/rollout/tell.ts'

const instant = (seconds: number) => ({ best: unixNano(BigInt(seconds) * 1_000_000_000n) })

function opening(kind: Rollout['kind'], outcome: Rollout['outcome'], pods: readonly object[]): string {
  const end = instant(10)
  const told = { kind, outcome, end, length: durationNano(10_000_000_000n), wanted: 2, shares: [], holds: [] }
  return tellVerdict({ ...told, limits: {}, pods: pods as RolloutPod[] } as unknown as Rollout)
}

test('pods that became available after a rollout had been superseded were not there', () => {
  const pods = [{ available: instant(4) }, { available: instant(11) }, {}]
  assert.match(opening('Deployment', 'superseded', pods), /^Superseded after 10\.0 s, 1 of 2 pods there/)
})

test("of a Job's pods those count that succeeded", () => {
  const pods = [
    { finished: instant(3), failed: 'app exited with code 1' },
    { finished: instant(4), outcome: 'failed' },
    { finished: instant(8), outcome: 'ready' },
  ]
  assert.match(opening('Job', 'failed', pods), /, 1 of 2 pods succeeded/)
})

test('a pod that was asked to go before it was ready is on its way no more', () => {
  const pods = [
    { created: instant(0), deleting: instant(2) },
    { created: instant(3), available: instant(5), deleting: instant(9) },
    { created: instant(4) },
  ]
  assert.equal(countAtOnce(pods as RolloutPod[]), 2)
})
