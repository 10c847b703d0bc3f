// Owns the comparison of a rollout's trace, as it arrived, with the starts of its pods and with what a session says of its revision.
// Promises ids that are computed from the workload alone. Does not wait for pods: ask when they are there.

import assert from 'node:assert/strict'
import { rolloutRootSpanId, rolloutTraceId } from '../../src/rollout/identity.ts'
import type { TruthSpan } from '../accuracy/collector.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { assertNear, secondsOf } from './agreement.ts'
import { type Revision, shop } from './operator-objects.ts'
import { type Collector, get } from './operator-support.ts'

export const rolloutIds = (uid: string, revision: string) => ({
  traceId: rolloutTraceId({ uid, revision }),
  rootId: rolloutRootSpanId({ uid, revision }),
})

export const uidOfDeployment = async (name: string): Promise<string> => {
  const { metadata } = await get<{ metadata: { uid: string } }>('deployment', name, '-n', shop)
  return metadata.uid
}

/** All spans of the first rollout of a Deployment, once they are there; more than one of an id is one too many. */
export async function rolloutOf(collector: Collector, name: string): Promise<readonly TruthSpan[]> {
  const { traceId, rootId } = rolloutIds(await uidOfDeployment(name), '1')
  let spans: readonly TruthSpan[] = []
  const isThere = async (): Promise<boolean> => {
    spans = (await collector.read()).filter((span) => span.traceId === traceId)
    return spans.some(({ spanId }) => spanId === rootId)
  }
  await eventually(`the rollout of ${name} has arrived`, isThere, 45)
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'each span once')
  return spans
}

const rootOf = (spans: readonly TruthSpan[]): TruthSpan => {
  const [root, ...more] = spans.filter(({ parentSpanId }) => !parentSpanId)
  assert.ok(root)
  assert.equal(more.length, 0)
  return root
}

/** It holds the start of every pod, as long as that was, and no other. */
export function assertRollout(spans: readonly TruthSpan[], roots: ReadonlyMap<string, TruthSpan>): void {
  const root = rootOf(spans)
  assert.equal(root.name, 'rollout')
  assert.equal(root.attributes['podspan.outcome'], 'complete')
  assert.equal(root.attributes['podspan.rollout.cause'], 'created')
  assert.equal(Number(root.attributes['podspan.rollout.pods']), roots.size)
  const pods = spans.filter(({ name, parentSpanId }) => name === 'start pod' && parentSpanId === root.spanId)
  assert.deepEqual(
    pods.map(({ attributes }) => String(attributes['k8s.pod.uid'])).toSorted(),
    [...roots.keys()].toSorted(),
  )
  for (const pod of pods) {
    const own = roots.get(String(pod.attributes['k8s.pod.uid']))
    assert.ok(own)
    assert.equal(pod.start, own.start)
    assert.ok(pod.end <= own.end && root.start <= pod.start)
  }
  const last = [...roots.values()].reduce((a, b) => (a.end > b.end ? a : b))
  // It is complete when its controller has seen the last pod become ready, by the watch's own receipts a little before at most.
  const after = Number(root.end - last.end) / 1e9
  assert.ok(after > -0.5 && after < 15, `${after} s after the last pod`)
}

/** The session saw the same pods of the same revision, and says the same quantiles of them. */
export function assertRevision(
  spans: readonly TruthSpan[],
  revisions: readonly Revision[] | undefined,
): void {
  const root = rootOf(spans)
  const [revision, ...more] = revisions ?? []
  assert.ok(revision)
  assert.equal(more.length, 0)
  assert.equal(revision.revision, root.attributes['podspan.workload.revision'])
  assert.equal(revision.pods, Number(root.attributes['podspan.rollout.pods']))
  for (const name of ['p50', 'p99'] as const)
    assertNear(
      revision[name],
      Number(root.attributes[`podspan.rollout.startup_${name}_ms`]) / 1000,
      0.02,
      name,
    )
  assert.ok(secondsOf(root) > 0)
}
