import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { rootOf, type Span, type Trace } from '../../src/trace/trace.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { at, eventRecord, podRecord, type Story, story } from '../support/pods.ts'
import { clusterFrames, type Write } from '../support/pods-cluster.ts'
import {
  nodeStory,
  nominated,
  NOT_READY,
  notTriggered,
  oldNode,
  refused,
  scalerStatus,
  triggered,
  UNREGISTERED,
  unschedulable,
} from '../support/pods-nodes.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'
import { tracesOf } from '../support/frames.ts'

const CLAIM = 'pool-x7k2p'
const END = 40_000

/** A pod that waits from 0 on, and is bound at `ms`. */
const waiting = (more = {}): Story => story(more).create(0).other(20, unschedulable(20))
const placed = (told: Story, ms: number, node = 'node-9'): Story =>
  told
    .bind(ms, node)
    .admit(ms + 20)
    .start(ms + 200, 'app')
    .ready(ms + 400)

/** The node that Karpenter makes: asked for at 1 s, registered at 11 s, usable at 13 s. */
const karpenters = () =>
  nodeStory()
    .claim(1000)
    .step(1500, 'Launched')
    .join(11_000)
    .untaint(11_100, UNREGISTERED)
    .step(11_150, 'Registered')
    .ready(12_900)
    .untaint(13_000, NOT_READY)
    .step(13_400, 'Initialized')

const cluster = (told: Story, ...others: readonly (readonly Write[])[]): readonly Frame[] =>
  clusterFrames([...told.writes(), ...others.flat()], END)

const NODE_SPANS = ['provision node', 'launch node', 'register node', 'initialise node']
const nodeSpans = (trace: Trace): Span[] => trace.spans.filter(({ name }) => NODE_SPANS.includes(name))
const withoutNodes = (trace: Trace): boolean => nodeSpans(trace).length === 0
const ms = (moment: bigint): number => Math.round(Number(moment - at(0)) / 1e6)

function holds({ earliest, latest }: Span['start'], momentMs: number): boolean {
  return earliest <= at(momentMs) && at(momentMs) <= latest
}

test('a pod that Karpenter gets a node for waits while it is launched, registered and initialised', () => {
  const told = placed(waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`)), 13_020)
  const trace = traceOf(cluster(told, karpenters().writes(), [oldNode()]))
  assertSpans(trace, [
    ['pod startup', 0, 13_420],
    ['  schedule', 0, 13_020],
    ['    provision node', 1000, 13_000],
    ['      launch node', 1000, 1500],
    ['      register node', 1500, 11_000],
    ['      initialise node', 11_000, 13_000],
    ['  prepare pod and create sandbox', 13_020, 13_220],
    ['  create container app', 13_220, 13_230],
    ['  start container app', 13_230, 13_240],
    ['  report status', 13_240, 13_420],
  ])
  const provision = spanOf(trace, 'provision node')
  assert.equal(provision.actor, 'karpenter')
  assert.equal(provision.subject, CLAIM)
  assert.deepEqual(provision.attributes, {
    'podspan.node.claim': CLAIM,
    'k8s.node.name': 'node-9',
    'podspan.node.pool': 'pool',
  })
  assert.deepEqual(
    provision.events.map(({ name }) => name),
    ['Nominated'],
  )
  const { events, attributes } = spanOf(trace, 'initialise node')
  assert.deepEqual(
    events.map((event) => [event.name, event.attributes['podspan.taint']]),
    [
      ['untainted', UNREGISTERED],
      ['Ready', undefined],
      ['untainted', NOT_READY],
    ],
  )
  assert.deepEqual(attributes['podspan.node.last_taints'], [NOT_READY])
  assert.match(
    trace.verdict,
    /12\.0 s \(89 %\) waiting for a new node \(karpenter: pool-x7k2p, 9\.50 s of it until it had registered\)/,
  )
  const root = rootOf(trace).attributes
  assert.equal(root['podspan.node.new'], true)
  assert.equal(root['podspan.sli.eligible'], false)
})

test('each boundary of a new node is known as finely as the watch shows it', () => {
  const told = placed(waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`)), 13_020)
  const trace = traceOf(cluster(told, karpenters().writes()))
  for (const { name, start, end } of nodeSpans(trace))
    for (const { earliest, latest } of [start, end])
      assert.ok(latest - earliest < 150_000_000n, `${name}: ${ms(earliest)} to ${ms(latest)}`)
})

test('where nothing says that a node was asked for, the node itself shows that the pod waited for it', () => {
  const told = placed(waiting(), 13_020)
  const node = nodeStory().join(11_000, [NOT_READY]).ready(12_900).untaint(13_000, NOT_READY)
  const trace = traceOf(cluster(told, node.writes(), [oldNode()]))
  assert.deepEqual(treeOf(trace).slice(0, 5), [
    'pod startup',
    '  schedule',
    '    provision node',
    '      register node',
    '      initialise node',
  ])
  const provision = spanOf(trace, 'provision node')
  assert.equal(provision.actor, 'node provisioner')
  assert.equal(provision.subject, 'node-9')
  // Asked for at any time between the pod's creation and the node's; a node was missing from the first failure on.
  assert.ok(Math.abs(ms(provision.start.best) - 20) < 10)
  for (const possible of [100, 1000, 10_900]) assert.ok(holds(provision.start, possible))
  assert.equal(rootOf(trace).attributes['podspan.node.new'], true)
})

test('without the right to see nodes their NodeClaim bounds what happened', () => {
  const told = placed(waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`)), 13_020)
  const claims = karpenters()
    .writes()
    .filter(({ record }) => record.resource === 'nodeclaims')
  const trace = traceOf(cluster(told, claims))
  const [provision, launch, register, initialise] = NODE_SPANS.map((name) => spanOf(trace, name))
  assert.ok(provision && launch && register && initialise)
  assert.equal(ms(launch.end.best), ms(register.start.best))
  assert.ok(holds(register.end, 11_000) && holds(initialise.start, 11_000))
  assert.ok(holds(provision.end, 13_000) && holds(initialise.end, 13_000))
  assert.equal(rootOf(trace).attributes['podspan.node.new'], undefined)
})

test('the events of a NodeClaim do where it may not be read', () => {
  const told = placed(waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`)), 13_020)
  const turned = (type: string): string =>
    `Status condition transitioned, Type: ${type}, Status: Unknown -> True, Reason: ${type}`
  const claim = nodeStory()
    .told(1530, 'Launched', turned('Launched'))
    .told(11_200, 'Registered', turned('Registered'))
  const trace = traceOf(cluster(told, claim.writes()))
  const launch = spanOf(trace, 'launch node')
  assert.ok(holds(launch.start, 1000) && holds(launch.end, 1500))
  assert.ok(holds(spanOf(trace, 'register node').end, 11_000))
})

test('with neither nodes nor NodeClaims the nomination alone says that it waits for a node', () => {
  const told = placed(waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`)), 13_020)
  const trace = traceOf(cluster(told))
  const provision = spanOf(trace, 'provision node')
  assert.deepEqual(
    nodeSpans(trace).map(({ name }) => name),
    ['provision node'],
  )
  assert.ok(holds(provision.start, 1000) && holds(provision.end, 13_000))
})

test('a NodeClaim whose nomination was lost is found by its node', () => {
  const trace = traceOf(cluster(placed(waiting(), 13_020), karpenters().writes()))
  const provision = spanOf(trace, 'provision node')
  assert.equal(provision.subject, CLAIM)
  assert.equal(provision.actor, 'karpenter')
  assert.ok(Math.abs(ms(provision.start.best) - 1000) < 20)
})

test('a pod that gets a node of old did not wait for a new one, whatever was begun for it', () => {
  const told = waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`))
  const trace = traceOf(cluster(placed(told, 4000, 'node-1'), karpenters().writes(), [oldNode()]))
  assert.ok(withoutNodes(trace))
  assert.equal(rootOf(trace).attributes['podspan.node.new'], false)
  const grown = waiting().other(1030, triggered(1030, '{group 1->2 (max: 5)}'))
  assert.ok(withoutNodes(traceOf(cluster(placed(grown, 4000, 'node-1'), [oldNode()]))))
})

test('a nomination to a node that is there already is no new node', () => {
  const told = waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}, node/node-1`))
  assert.ok(withoutNodes(traceOf(cluster(told, [oldNode()]))))
  assert.ok(withoutNodes(traceOf(cluster(told))))
})

test('an old node that recovers is not new', () => {
  const flapping = nodeStory({ node: 'node-1' }).join(-7_200_000, []).ready(-7_190_000)
  const back = flapping.ready(500, 'False').ready(6000)
  const trace = traceOf(cluster(placed(waiting(), 6100, 'node-1'), back.writes()))
  assert.ok(withoutNodes(trace))
  assert.equal(rootOf(trace).attributes['podspan.node.new'], false)
})

test('a young node that was ready once is not new when it recovers', () => {
  const flapping = nodeStory({ node: 'node-1' }).join(-60_000, []).ready(-50_000)
  const back = flapping.ready(500, 'False').ready(6000)
  assert.ok(withoutNodes(traceOf(cluster(placed(waiting(), 6100, 'node-1'), back.writes()))))
})

test('a cordon that is lifted from a young node makes it no new one, for somebody who never saw it without', () => {
  const node = nodeStory({ node: 'node-1' })
    .join(-600_000, ['node.kubernetes.io/unschedulable'])
    .ready(-590_000)
    .untaint(3000, 'node.kubernetes.io/unschedulable')
  assert.ok(withoutNodes(traceOf(cluster(placed(waiting(), 3050, 'node-1'), node.writes()))))
})

test('a taint that is lifted from a young node makes it no new one, for somebody who did not see it come', () => {
  const node = nodeStory({ node: 'node-1' })
    .join(-600_000, ['example.com/held'])
    .ready(-590_000)
    .untaint(3000, 'example.com/held')
  const told = placed(waiting(), 3050, 'node-1')
  assert.ok(withoutNodes(traceOf(cluster(told, node.writes().slice(1)))))
  assert.ok(
    !withoutNodes(traceOf(cluster(told, node.writes()))),
    'seen from its creation it is one that is made',
  )
})

test('a young node that is first seen broken, and recovers, is not new', () => {
  const node = nodeStory({ node: 'node-1' }).join(-600_000, [NOT_READY]).ready(-3000, 'False').ready(3000)
  const seen = node.untaint(3050, NOT_READY).writes().slice(1)
  assert.ok(withoutNodes(traceOf(cluster(placed(waiting(), 3100, 'node-1'), seen))))
})

test('a pod that comes while its node is being made waits for the rest of it', () => {
  const node = nodeStory()
    .claim(-9000)
    .step(-8500, 'Launched')
    .join(2000)
    .step(2100, 'Registered')
    .ready(3900)
    .untaint(2050, UNREGISTERED)
    .untaint(4000, NOT_READY)
  const told = placed(waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`)), 4020)
  assertSpans(traceOf(cluster(told, node.writes())), [
    ['pod startup', 0, 4420],
    ['  schedule', 0, 4020],
    ['    provision node', 0, 4000],
    ['      register node', 0, 2000],
    ['      initialise node', 2000, 4000],
    ['  prepare pod and create sandbox', 4020, 4220],
    ['  create container app', 4220, 4230],
    ['  start container app', 4230, 4240],
    ['  report status', 4240, 4420],
  ])
})

test('a pod that comes after its node could be used did not wait for it', () => {
  const node = nodeStory().join(-5000).untaint(-4900, UNREGISTERED).ready(-3000).untaint(-2900, NOT_READY)
  assert.ok(withoutNodes(traceOf(cluster(placed(waiting(), 1000), node.writes()))))
})

test('a pod may be bound before its node says Ready: the scheduler looks at taints', () => {
  const node = nodeStory().join(8000, [UNREGISTERED]).untaint(8100, UNREGISTERED).ready(10_000)
  const trace = traceOf(cluster(placed(waiting(), 8150), node.writes()))
  const { end } = spanOf(trace, 'provision node')
  assert.ok(Math.abs(ms(end.best) - 8100) < 20, `${ms(end.best)}`)
  assert.ok(end.latest <= spanOf(trace, 'schedule').end.latest)
})

test('a pod that tolerates every taint waits only until the node is there', () => {
  const node = nodeStory().join(8000).untaint(9000, UNREGISTERED).ready(9900).untaint(10_000, NOT_READY)
  const trace = traceOf(cluster(placed(waiting(), 8050), node.writes()))
  const { end } = spanOf(trace, 'provision node')
  assert.ok(ms(end.best) >= 7990 && ms(end.best) <= 8050, `${ms(end.best)}`)
  assert.ok(holds(end, 8000))
})

test('what holds a node up is told where it does so', () => {
  const node = nodeStory()
    .claim(1000)
    .step(1500, 'Launched')
    .hindered(1600, 'Registered', 'NodeNotFound', 'Node not registered with cluster')
    .join(6000)
    .step(6100, 'Registered')
    .hindered(6200, 'Initialized', 'StartupTaintsExist', 'StartupTaint "example.com/agent" still exists')
    .untaint(6100, UNREGISTERED)
    .ready(8000)
    .untaint(8100, NOT_READY)
  const told = placed(waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`)), 8200)
  const trace = traceOf(cluster(told, node.writes()))
  assert.deepEqual(spanOf(trace, 'register node').events, [])
  const hindrance = spanOf(trace, 'initialise node').events.find(({ name }) => name === 'StartupTaintsExist')
  assert.equal(hindrance?.attributes['podspan.reason'], 'StartupTaint "example.com/agent" still exists')
})

test('a node that does not come is what the pod waits for, as far as it has come', () => {
  const asked = waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`))
  const told = (node: ReturnType<typeof nodeStory>): string => traceOf(cluster(asked, node.writes())).verdict
  const claimed = nodeStory().claim(1000)
  assert.match(told(claimed), /now waiting for a new node \(karpenter: pool-x7k2p, being launched\)/)
  const failing = nodeStory().claim(1000).hindered(3000, 'Launched', 'LaunchFailed', 'no route to the cloud')
  assert.match(told(failing), /being launched \(no route to the cloud\)\)/)
  const launched = nodeStory().claim(1000).step(1500, 'Launched')
  assert.match(told(launched), /launched but not registered\)/)
  const registered = nodeStory().claim(1000).step(1500, 'Launched').join(6000).step(6100, 'Registered')
  assert.match(told(registered), /registered but not ready\)/)
})

test('a pod in flight says which node it waits for', () => {
  const asked = waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`))
  const frames = cluster(asked, nodeStory().claim(1000).step(1500, 'Launched').writes())
  const pipeline = createPipeline()
  for (const frame of frames) if (!(frame.kind === 'tick' && frame.final)) pipeline.push(frame)
  const [flying] = pipeline.inFlight()
  assert.equal(flying?.operation, 'provision node')
  assert.equal(
    flying?.waitsFor,
    'waiting for a new node (karpenter: pool-x7k2p, launched but not registered)',
  )
})

test('a node that the cloud refuses is a failed attempt, and the next one another', () => {
  const first = nodeStory({ claim: 'pool-aaaaa' })
    .claim(1000)
    .told(2000, 'InsufficientCapacityError', 'NodeClaim pool-aaaaa event: no capacity in zone-a')
    .giveUp(2010)
  const told = waiting()
    .other(1030, nominated(1030, 'nodeclaim/pool-aaaaa'))
    .other(3030, nominated(3030, `nodeclaim/${CLAIM}`))
  const second = nodeStory()
    .claim(3000)
    .step(3500, 'Launched')
    .join(11_000)
    .step(11_100, 'Registered')
    .untaint(11_050, UNREGISTERED)
    .untaint(13_000, NOT_READY)
  const trace = traceOf(cluster(placed(told, 13_020), first.writes(), second.writes()))
  const [failed, launch] = nodeSpans(trace)
  assert.equal(failed?.error, 'NodeClaim pool-aaaaa event: no capacity in zone-a')
  assert.deepEqual([failed.attempt, failed.subject, near(ms(failed.end.best))], [1, 'pool-aaaaa', 2020])
  assert.equal(launch?.name, 'launch node')
  assert.equal(launch.error, failed.error)
  assert.deepEqual(
    launch.events.map(({ name }) => name),
    ['InsufficientCapacityError'],
  )
  const next = spanOf(trace, 'provision node', undefined, 2)
  assert.equal(next.error, undefined)
  assert.ok(Math.abs(ms(next.start.best) - 3000) < 20)
})

test('a machine that never registered is told so when its NodeClaim is given up', () => {
  const node = nodeStory()
    .claim(1000)
    .step(1500, 'Launched')
    .hindered(1600, 'Registered', 'NodeNotFound', 'Node not registered with cluster')
    .giveUp(20_000)
  const told = waiting().other(1030, nominated(1030, `nodeclaim/${CLAIM}`))
  const trace = traceOf(cluster(told, node.writes()))
  const [provision, , register] = nodeSpans(trace)
  assert.equal(provision?.error, 'Node not registered with cluster')
  assert.deepEqual([register?.name, register?.error], ['register node', provision.error])
  assert.ok(Math.abs(ms(provision.end.best) - 20_000) < 20)
  assert.equal(spanOf(trace, 'schedule').attributes['podspan.open'], true)
})

test('Cluster Autoscaler is the actor where it told the pod, and launches as its status says', () => {
  const told = placed(waiting().other(2600, triggered(2600, '{group-a 1->2 (max: 5)}')), 13_020)
  const node = nodeStory().join(11_000, [NOT_READY]).ready(12_900).untaint(13_000, NOT_READY)
  const status = [
    scalerStatus(2000, 'ScaledUpGroup', 'Scale-up: setting group group-a size to 2 instead of 1 (max: 5)'),
    scalerStatus(2500, 'ScaledUpGroup', 'Scale-up: group group-a size set to 2 instead of 1 (max: 5)'),
  ]
  const trace = traceOf(cluster(told, node.writes(), status, [oldNode()]))
  assert.deepEqual(
    nodeSpans(trace).map(({ name, actor, start, end }) => [
      name,
      actor,
      near(ms(start.best)),
      near(ms(end.best)),
    ]),
    [
      ['provision node', 'cluster-autoscaler', 2000, 13_000],
      ['launch node', 'cluster-autoscaler', 2000, 2500],
      ['register node', 'node', 2500, 11_000],
      ['initialise node', 'kubelet', 11_000, 13_000],
    ],
  )
  const { subject, attributes } = spanOf(trace, 'provision node')
  assert.equal(subject, 'group-a')
  assert.deepEqual(attributes['podspan.node.groups'], ['group-a'])
})

/** To the nearest 20 ms. */
const near = (value: number): number => Math.round(value / 20) * 20

test('without its status the scale-up was asked for some time before the pod was told', () => {
  const told = placed(waiting().other(2600, triggered(2600, '{group-a 1->2 (max: 5)}')), 13_020)
  const node = nodeStory().join(11_000, [NOT_READY]).ready(12_900).untaint(13_000, NOT_READY)
  const trace = traceOf(cluster(told, node.writes(), [oldNode()]))
  assert.deepEqual(
    nodeSpans(trace).map(({ name }) => name),
    ['provision node', 'register node', 'initialise node'],
  )
  assert.ok(holds(spanOf(trace, 'provision node').start, 2000))
  assert.ok(holds(spanOf(trace, 'register node').start, 2500))
})

test('a group whose nodes do not register in time is a failed attempt, another one the next', () => {
  const told = waiting()
    .other(2000, triggered(2000, '{group-a 1->2 (max: 5)}'))
    .other(20_000, triggered(20_000, '{group-b 0->1 (max: 5)}'))
  const message = 'Nodes added to group group-a failed to register within 15m0s'
  const node = nodeStory().join(28_000, [NOT_READY]).ready(28_900).untaint(29_000, NOT_READY)
  const frames = cluster(placed(told, 29_050), node.writes(), [
    scalerStatus(19_000, 'ScaleUpTimedOut', message),
  ])
  const trace = traceOf(frames)
  const tries = nodeSpans(trace).filter(({ name }) => name === 'provision node')
  assert.deepEqual(
    tries.map(({ subject, attempt, error }) => [subject, attempt, error]),
    [
      ['group-a', 1, message],
      ['group-b', 2, undefined],
    ],
  )
  assert.ok(Math.abs(ms(tries[0]?.end.best ?? 0n) - 19_000) < 20)
})

/** Group a is asked at 2 s; `then` is what is said of it, and b is asked at 20 s. */
const bothGroups = (then: readonly ReturnType<typeof scalerStatus>[], ofA = '{group-a 1->2 (max: 5)}') => {
  const told = waiting()
    .other(2000, triggered(2000, ofA))
    .other(20_000, triggered(20_000, '{group-b 0->1 (max: 5)}'))
  const node = nodeStory().join(28_000, [NOT_READY]).ready(28_900).untaint(29_000, NOT_READY)
  const trace = traceOf(cluster(placed(told, 29_050), node.writes(), [...then, oldNode()]))
  const tries = nodeSpans(trace).filter(({ name }) => name === 'provision node')
  return tries.map(({ subject, error, end }) => [subject, error, Math.round(ms(end.best) / 1000)])
}
const SUPERSEDED = 'no node came for the pod before group-b was asked for one'
const failed = (nodes: number) =>
  `Failed adding ${nodes} nodes to group group-a due to OutOfResource.QUOTA_EXCEEDED; source errors: none`

test('a group whose machines the cloud refuses is a failed attempt, in the autoscaler’s words', () => {
  assert.deepEqual(bothGroups([scalerStatus(5000, 'ScaleUpFailed', failed(1))]), [
    ['group-a', failed(1), 5],
    ['group-b', undefined, 29],
  ])
  const refusal = 'Scale-up failed for group group-a: googleapi: Error 403'
  assert.deepEqual(bothGroups([scalerStatus(5000, 'FailedToScaleUpGroup', refusal)])[0], [
    'group-a',
    refusal,
    5,
  ])
})

test('of several machines all have to fail, of several groups each', () => {
  const two = '{group-a 1->3 (max: 5)}'
  const first = scalerStatus(5000, 'ScaleUpFailed', failed(1))
  assert.deepEqual(bothGroups([first], two)[0], ['group-a', SUPERSEDED, 20])
  const second = scalerStatus(
    6000,
    'ScaleUpFailed',
    failed(1).replace('QUOTA_EXCEEDED', 'IP_SPACE_EXHAUSTED'),
  )
  assert.equal(bothGroups([first, second], two)[0]?.[2], 6)
  assert.equal(bothGroups([first], '{group-a 1->2 (max: 5)} {group-c 1->2 (max: 5)}')[0]?.[2], 20)
})

test('a group of which nothing is heard is over when another one is asked for the pod', () => {
  assert.deepEqual(bothGroups([]), [
    ['group-a', SUPERSEDED, 20],
    ['group-b', undefined, 29],
  ])
  // The same group again is the same try.
  assert.deepEqual(
    bothGroups([], '{group-b 0->1 (max: 5)}').map(([, error]) => error),
    [undefined],
  )
})

test('nor is one over whose node was there before another one was asked', () => {
  const told = waiting()
    .other(2000, triggered(2000, '{group-a 1->2 (max: 5)}'))
    .other(20_000, triggered(20_000, '{group-b 0->1 (max: 5)}'))
  const node = nodeStory().join(12_000, [NOT_READY]).ready(28_900).untaint(29_000, NOT_READY)
  const trace = traceOf(cluster(placed(told, 29_050), node.writes(), [oldNode()]))
  assert.ok(nodeSpans(trace).every(({ error }) => error === undefined))
})

test('what GKE says on the pod of a scale-up that failed ends the try, and is the reason while the pod waits', () => {
  const message =
    'Node scale up in zones us-central1-a associated with this pod failed: GCE quota exceeded. Pod is at risk of not being scheduled.'
  const said = eventRecord(9000, 'FailedScaleUp', {
    ...{ component: 'cluster-autoscaler', type: 'Warning', message },
  })
  const trace = traceOf(
    cluster(waiting().other(2000, triggered(2000, '{group-a 1->2 (max: 5)}')).other(9000, said)),
  )
  const [tried] = nodeSpans(trace)
  assert.equal(tried?.error, message)
  assert.match(trace.verdict, /now waiting to be scheduled \(cluster-autoscaler: Node scale up in zones/)
})

test('a limit that is reached is an event of schedule, and the reason while it lasts', () => {
  const limit =
    'Failed to schedule pod, all available instance types exceed limits for nodepool (NodePool=pool)'
  const trace = traceOf(cluster(waiting().other(1030, refused(1030, limit))))
  assert.match(
    trace.verdict,
    /now waiting to be scheduled \(karpenter: Failed to schedule pod, all available/,
  )
  const full = traceOf(cluster(waiting().other(1030, notTriggered(1030, '1 max node group size reached'))))
  assert.match(
    full.verdict,
    /\(cluster-autoscaler: pod didn't trigger scale-up: 1 max node group size reached\)/,
  )
  const events = spanOf(full, 'schedule').events.filter(({ name }) => name === 'NotTriggerScaleUp')
  assert.equal(events[0]?.attributes['podspan.component'], 'cluster-autoscaler')
})

test('the longer of two waits is in the verdict: for a limit to be raised, or for the node', () => {
  const limit =
    'Failed to schedule pod, all available instance types exceed limits for nodepool (NodePool=pool)'
  const told = waiting()
    .other(60, refused(60, limit))
    .other(22_030, nominated(22_030, `nodeclaim/${CLAIM}`))
  const node = nodeStory().claim(22_000).step(22_500, 'Launched').join(25_000).step(25_100, 'Registered')
  const rest = node.untaint(25_050, UNREGISTERED).ready(25_900).untaint(26_000, NOT_READY)
  const trace = traceOf(cluster(placed(told, 26_020), rest.writes()))
  assert.match(trace.verdict, /22\.0 s \(83 %\) waiting to be scheduled \(karpenter: .*exceed limits/)
})

test('pods that wait for the same new node are linked', () => {
  const other = { uid: '0b9f6f1e-8a5c-4f0e-9d4b-5f6a7c8d9e11', name: 'web-2' }
  const mine = placed(waiting(), 13_020)
  const theirs = placed(
    story({ ...other, createdSeconds: podRecord().createdSeconds ?? 0 }).create(5),
    13_050,
  )
  const traces = tracesOf(
    clusterFrames([...mine.writes(), ...theirs.writes(), ...karpenters().writes()], END),
  )
  const links = traces.map((trace) => spanOf(trace, 'provision node').links.map(({ traceId }) => traceId))
  assert.deepEqual(links, [[traces[1]?.traceId], [traces[0]?.traceId]])
  for (const trace of traces) {
    assert.equal(spanOf(trace, 'provision node').attributes['podspan.node.shared_by'], 1)
    assert.equal(
      spanOf(trace, 'provision node').links[0]?.attributes['podspan.link'],
      'waited for the same new node',
    )
  }
})

test('the first DaemonSet pods of the node and their pulls are told as such', () => {
  const owners = [
    { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'agent-uid', controller: true },
  ]
  const other = {
    uid: '0b9f6f1e-8a5c-4f0e-9d4b-5f6a7c8d9e22',
    name: 'agent-1',
    owners,
    createdSeconds: 1_800_000_011,
  }
  const agent = story({ ...other, containers: [{ name: 'app', image: 'agent:1' }] })
    .create(11_010)
    .bind(11_020, 'node-9')
    .admit(11_040)
    .event(11_100, 'Pulling', 'app', 'Pulling image "agent:1"')
    .event(12_100, 'Pulled', 'app', 'Successfully pulled image "agent:1" in 1s (1s including waiting)')
    .event(12_150, 'Created', 'app', 'Container created')
    .event(12_200, 'Started', 'app', 'Container started')
    .ready(12_300)
  const host = agent.writes().map(onNode)
  const frames = clusterFrames(
    [...placed(waiting(), 13_020).writes(), ...host, ...karpenters().writes()],
    END,
  )
  const trace = traceOf(frames)
  const events = spanOf(trace, 'initialise node').events.filter(({ attributes }) => attributes['podspan.pod'])
  assert.deepEqual(
    events.map(({ at: moment, name, attributes }) => [near(ms(moment)), name, attributes['podspan.pod']]),
    [
      [11_020, 'DaemonSet pod bound', 'shop/agent-1'],
      [12_100, 'image pulled', 'shop/agent-1'],
      [12_300, 'DaemonSet pod ready', 'shop/agent-1'],
    ],
  )
  const { links, attributes } = spanOf(trace, 'provision node')
  assert.deepEqual(
    links.map((link) => link.attributes['podspan.link']),
    ['DaemonSet pod on the new node'],
  )
  assert.equal(attributes['podspan.node.shared_by'], undefined)
})

/** The kubelet of the new node says it, not node-1's. */
function onNode(write: Write): Write {
  const { record } = write
  return record.resource === 'events' && record.component === 'kubelet'
    ? { ...write, record: { ...record, host: 'node-9' } }
    : write
}

test("a clock of Karpenter's that is off moves its stamps alone", () => {
  const told = placed(waiting(), 13_020)
  const early = nominated(1030 - 30_000, `nodeclaim/${CLAIM}`)
  const writes = [...told.writes(), { ms: 1035, lagMs: 5, kind: 'added' as const, record: early }]
  const frames = clusterFrames([...writes, ...karpenters().writes()], END)
  const pipeline = createPipeline()
  for (const frame of frames) pipeline.push(frame)
  const off = pipeline.clocks().find(({ clock }) => clock === 'controller/karpenter')
  assert.ok((off?.offsetTo ?? 0n) > 29_000_000_000n)
  assert.equal(
    pipeline.clocks().find(({ clock }) => clock === 'controller'),
    undefined,
  )
})
