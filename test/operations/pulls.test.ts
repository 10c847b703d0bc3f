import assert from 'node:assert/strict'
import { test } from 'node:test'
import { traceIdOf } from '../../src/trace/identity.ts'
import type { Span } from '../../src/trace/trace.ts'
import { at, eventRecord, frameOf, LAG_MS, story } from '../support/pods.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'

const begun = () => story().create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')
const PULLING = 'Pulling image "registry/app:1"'
const FAILED = 'Failed to pull image "registry/app:1": not found'
const PULLED =
  'Successfully pulled image "registry/app:1" in 300ms (300ms including waiting). Image size: 7 bytes.'

test('failed pulls are attempts with the back-off between them', () => {
  const trace = traceOf(
    begun()
      .event(210, 'Pulling', 'app', PULLING)
      .event(250, 'Failed', 'app', FAILED)
      .event(250.1, 'Failed', 'app', 'Error: ErrImagePull')
      .event(500, 'BackOff', 'app', 'Back-off pulling image "registry/app:1"')
      .event(500.1, 'Failed', 'app', 'Error: ImagePullBackOff')
      .event(15_000, 'Pulling', 'app', PULLING)
      .event(15_300, 'Pulled', 'app', PULLED)
      .event(15_320, 'Created', 'app')
      .event(15_340, 'Started', 'app')
      .ready(15_400)
      .frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 15_400],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 200],
    ['  pull image app #1 ✗', 210, 250],
    ['  back-off app', 250, 15_000],
    ['  pull image app #2', 15_000, 15_300],
    ['    transfer and unpack app', 15_000, 15_300],
    ['  create container app', 15_300, 15_320],
    ['  start container app', 15_320, 15_340],
    ['  report status', 15_340, 15_400],
  ])
  assert.equal(spanOf(trace, 'pull image', 'app', 1).error, FAILED)
  assert.equal(spanOf(trace, 'back-off', 'app').attributes['podspan.backoff.after'], 'pull image')
})

test('the short report of a failure stands for it where the long one was lost', () => {
  const trace = traceOf(
    begun()
      .event(210, 'Pulling', 'app', PULLING)
      .event(250, 'Failed', 'app', 'Error: ErrImagePull')
      .frames(9000),
  )
  assert.deepEqual(treeOf(trace).slice(3), ['  pull image app ✗', '  back-off app …'])
  assert.match(trace.verdict, /backing off after failed pulls of registry\/app:1/)
})

test('an image that must not be pulled and is not there is a failed pull', () => {
  const message = 'Container image "registry/app:1" is not present with pull policy of Never'
  const trace = traceOf(begun().event(250, 'ErrImageNeverPull', 'app', message).frames(9000))
  assert.equal(spanOf(trace, 'pull image', 'app').error, message)
})

test('a pull whose beginning was lost begins where its own durations say', () => {
  const waited = 'Successfully pulled image "registry/app:1" in 300ms (500ms including waiting)'
  const trace = traceOf(
    begun()
      .event(710, 'Pulled', 'app', waited)
      .event(730, 'Created', 'app')
      .event(740, 'Started', 'app')
      .ready(800)
      .frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 800],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 200],
    ['  pull image app', 210, 710],
    ['    wait for pull slot app', 210, 410],
    ['    transfer and unpack app', 410, 710],
    ['  create container app', 710, 730],
    ['  start container app', 730, 740],
    ['  report status', 740, 800],
  ])
})

const OTHERS = ['11111111-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000002']

/** A pull that waited from 210 ms to 1,210 ms, and pulls of half a second by others that the kubelet says ended then. */
function queuedBehind(...endedMs: readonly number[]): { span: Span; verdict: string } {
  const told = begun()
    .event(210, 'Pulling', 'app', PULLING)
    .event(
      1710,
      'Pulled',
      'app',
      'Successfully pulled image "registry/app:1" in 500ms (1.5s including waiting)',
    )
    .event(1720, 'Created', 'app')
    .event(1730, 'Started', 'app')
    .ready(1800)
  for (const [index, ms] of endedMs.entries()) {
    const uid = OTHERS[index] ?? ''
    const message = 'Successfully pulled image "registry/big:1" in 500ms (500ms including waiting)'
    const name = `other-${index}`
    const involved = { kind: 'Pod', namespace: 'shop', name, uid, fieldPath: 'spec.containers{app}' }
    told.frame(frameOf(LAG_MS + 1, { ...other(uid, name) })).other(
      ms,
      eventRecord(ms, 'Pulled', {
        uid: `pulled-${uid}`,
        name: `${name}.${at(ms).toString(16)}`,
        message,
        involved,
      }),
    )
  }
  const trace = traceOf(told.frames())
  return { span: spanOf(trace, 'pull image', 'app'), verdict: trace.verdict }
}

test('a wait in the queue names the pulls of other pods that were ahead, and links to the last', () => {
  const { span, verdict } = queuedBehind(600, 1100)
  const { attributes, links } = span
  assert.equal(attributes['podspan.pull.queued_behind'], 2)
  assert.equal(attributes['podspan.pull.queued_behind.last'], 'shop/other-1')
  assert.deepEqual(
    links.map(({ traceId }) => traceId),
    [traceIdOf(OTHERS[1] ?? '')],
  )
  assert.match(verdict, /pulling registry\/app:1, 1(\.00)? s of it waiting behind 2 other pulls on node-1$/)
})

test("the end of a pull near another pod's is less sure", () => {
  const widthMs = (endedMs: number): number => {
    const { end } = queuedBehind(endedMs).span
    return Number(end.latest - end.earliest) / 1e6
  }
  assert.ok(widthMs(-1500) < 5, 'long over')
  assert.ok(widthMs(6000) < 5, 'long after')
  assert.ok(widthMs(1300) > 20, 'ended just before')
  assert.ok(widthMs(2000) > 20, 'under way')
  assert.ok(widthMs(2909) > 20, 'begun just after')
})

const AHEAD: readonly { name: string; endedMs: readonly number[]; last: string | undefined }[] = [
  { name: 'ended just before', endedMs: [600, 1200], last: 'shop/other-1' },
  { name: 'was told late to have ended, and made room', endedMs: [600, 1250], last: 'shop/other-1' },
  { name: 'ended just after, beside one that made room', endedMs: [1190, 1250], last: 'shop/other-0' },
  { name: 'went on long after', endedMs: [600, 1400], last: 'shop/other-0' },
  { name: 'was the only one, and told late', endedMs: [1250], last: 'shop/other-0' },
  { name: 'went on long after, and was the only one', endedMs: [1400], last: undefined },
]
for (const { name, endedMs, last } of AHEAD)
  test(`whom a pull waited behind, where one ${name}`, () => {
    assert.equal(queuedBehind(...endedMs).span.attributes['podspan.pull.queued_behind.last'], last)
  })

const other = (uid: string, name: string) =>
  ({
    resource: 'pods',
    uid,
    name,
    namespace: 'shop',
    resourceVersion: '90',
    nodeName: 'node-1',
    containers: [{ name: 'app', image: 'registry/big:1' }],
  }) as const

test('a pull that still goes on is open, and is what the pod waits for', () => {
  const trace = traceOf(begun().event(210, 'Pulling', 'app', PULLING).frames(9000))
  assert.deepEqual(treeOf(trace).slice(3), ['  pull image app …'])
  assert.match(trace.verdict, /now pulling registry\/app:1/)
})
