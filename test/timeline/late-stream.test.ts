// Owns the case of a burst that makes the watch of pods late, while Leases still come at once: seen with 1,000 pods on a real API server.
// Promises intervals that hold the truth, from nothing but whole seconds, receipts and the store's order.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tracesOf } from '../support/frames.ts'
import { at, secondsAt, story } from '../support/pods.ts'
import { clusterFrames, type Write } from '../support/pods-cluster.ts'

const PODS = 40

/** Leases that come after 5 ms, two a second, so that the watch seems quick. */
function quickLeases(): Write[] {
  return Array.from({ length: 40 }, (_, index) => {
    const ms = index * 250
    const meta = { uid: `lease-${index % 20}`, name: `node-${index % 20}`, namespace: 'kube-node-lease' }
    const record = { resource: 'leases' as const, ...meta, resourceVersion: '', renewTime: at(ms) }
    return { ms, lagMs: 5, kind: 'modified' as const, record }
  })
}

const createdMs = (pod: number): number => 1000 + pod * 60
const readyMs = (pod: number): number => createdMs(pod) + 1530

function pods(lateMs: number): Write[] {
  return Array.from({ length: PODS }, (_, pod) => {
    const uid = `${pod.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`
    const from = createdMs(pod)
    return story({ uid, name: `web-${pod}`, createdSeconds: secondsAt(from) }, lateMs)
      .create(from)
      .bind(from + 30)
      .admit(from + 400)
      .statuses(from + 1500, { app: { running: secondsAt(from + 1500) } })
      .ready(readyMs(pod))
      .writes()
  }).flat()
}

/** A second shows in whole seconds too; less only in the order of the store, where Leases stand between the pods. */
for (const lateMs of [90, 300, 1050])
  test(`a watch of pods that is late by ${lateMs} ms makes their intervals wide, not wrong`, () => {
    const traces = tracesOf(clusterFrames([...quickLeases(), ...pods(lateMs)], 20_000))
    assert.equal(traces.length, PODS)
    for (const { spans, name } of traces) {
      const pod = Number(name.split('-')[1])
      const [root] = spans
      assert.ok(root)
      for (const [{ earliest, latest }, truth] of [
        [root.start, at(createdMs(pod))],
        [root.end, at(readyMs(pod))],
      ] as const)
        assert.ok(
          earliest <= truth && truth <= latest,
          `${name}: ${earliest - truth} to ${latest - truth} ns`,
        )
    }
  })
