// Owns the comparison of `provision node` in the recordings of real Karpenter with what NodeClaim and Node say of themselves.
// Promises that the estimates are not made of what they are compared with: live receipts date the steps, whole seconds check them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeClaimRecord, NodeRecord } from '../../src/base/record.ts'
import { fromSeconds } from '../../src/base/time.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import { framesOf, isObjectFrame, tracesOf } from '../support/frames.ts'

const RECORDINGS = ['node-from-zero', 'node-shared', 'node-limit', 'node-never-registers']

interface Status {
  readonly claims: ReadonlyMap<string, NodeClaimRecord>
  readonly nodes: ReadonlyMap<string, NodeRecord>
}

/** The last version of each, with the stamps that its own controllers wrote. */
async function statusIn(name: string): Promise<Status> {
  const claims = new Map<string, NodeClaimRecord>()
  const nodes = new Map<string, NodeRecord>()
  for (const frame of (await framesOf(name)).filter(isObjectFrame)) {
    if (frame.record.resource === 'nodeclaims') claims.set(frame.record.name, frame.record)
    if (frame.record.resource === 'nodes') nodes.set(frame.record.name, frame.record)
  }
  return { claims, nodes }
}

/** What is stored is stored after its stamp was cut to a second, and a quarter of a second after it at the most. */
function assertSecond(what: string, { best, source }: Instant, seconds: number | undefined): void {
  assert.equal(source, 'watch-receipt', what)
  assert.ok(seconds !== undefined, `${what} has a stamp`)
  const from = fromSeconds(seconds)
  assert.ok(best >= from && best <= from + 1_250_000_000n, `${what} is ${best - from} ns after its second`)
}

function assertProvision(trace: Trace, { claims, nodes }: Status): number {
  const span = (name: string): Span | undefined => trace.spans.find((one) => one.name === name)
  const provision = span('provision node')
  if (!provision) return 0
  const claim = claims.get(String(provision.attributes['podspan.node.claim']))
  assertSecond('asked', provision.start, claim?.createdSeconds)
  const launched = claim?.conditions?.find(({ type }) => type === 'Launched')?.transitionSeconds
  const launch = span('launch node')
  assert.ok(launch)
  assertSecond('launched', launch.end, launched)
  const initialise = span('initialise node')
  if (!initialise) return 2
  const node = nodes.get(String(provision.attributes['k8s.node.name']))
  assertSecond('registered', initialise.start, node?.createdSeconds)
  return 3
}

test('each step of a new node lies in the second that NodeClaim and Node say', async () => {
  let compared = 0
  for (const name of RECORDINGS) {
    const status = await statusIn(name)
    for (const trace of tracesOf(await framesOf(name))) compared += assertProvision(trace, status)
  }
  assert.equal(compared, 14)
})
