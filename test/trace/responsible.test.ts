// Owns whose the delay was: the rule of docs/spans.md over starts that are held by one thing each, and that the shares sum up.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { PodRecord, Taint } from '../../src/base/record.ts'
import { PARTIES } from '../../src/trace/party.ts'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import { at, condition, eventRecord, frameOf, type Story, story } from '../support/pods.ts'
import { spanOf, traceOf } from '../support/pods-spans.ts'
import { ATTACHED, controllerEvent, withClaim } from '../support/volumes.ts'

const noRoom = '0/3 nodes are available: 3 Insufficient cpu.'
const noMatch = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."

/** As 1.36 says it: of preemption at the end of each. */
const noHelp =
  ' no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
const without = (why: string): string => `0/1 nodes are available: 1 ${why}.${noHelp}`

const existing = "node(s) didn't satisfy existing pods anti-affinity rules"
const CONTROL_PLANE = 'node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }'
/** As up to 1.33 it says which taint it is. */
const tainted = (taint: string): string => without(`node(s) had untolerated taint {${taint}}`)
const besideControlPlane = (message: string): string => message.replace(': ', `: 1 ${CONTROL_PLANE}, `)

const unplaced = (message: string): Story =>
  story()
    .create(0)
    .other(30, eventRecord(30, 'FailedScheduling', { component: 'default-scheduler', message }))
    .bind(20_000)
    .admit(20_040)
    .start(20_210, 'app')
    .ready(20_300)

const pulled = 'Successfully pulled image "app:1" in 8s (8s including waiting). Image size: 80000000 bytes.'
const queued = 'Successfully pulled image "app:1" in 1s (9s including waiting). Image size: 80000000 bytes.'
const pulling = (message: string): Story =>
  story()
    .create(0)
    .bind(20)
    .admit(40)
    .event(200, 'Pulling', 'app', 'Pulling image "app:1"')
    .event(9200, 'Pulled', 'app', message)
    .event(9250, 'Created', 'app')
    .event(9300, 'Started', 'app')
    .statuses(9310, { app: { running: 9300 } })
    .ready(9320)

const refusedPull = (why: string): Story =>
  story()
    .create(0)
    .bind(20)
    .admit(40)
    .event(200, 'Pulling', 'app', 'Pulling image "app:1"')
    .event(700, 'Failed', 'app', `Failed to pull image "app:1": ${why}`)

const missingConfig = 'MountVolume.SetUp failed for volume "c" : configmap "settings" not found'
const brokenNetwork = 'Failed to create pod sandbox: rpc error: plugin type="bridge" failed'

const held = (reason: string, message: string): Story =>
  story()
    .create(0)
    .bind(20)
    .admit(40)
    .event(100, reason, undefined, message)
    .start(30_000, 'app')
    .ready(30_100)

const slowChange = 'Setting volume ownership for x/volumes/data is taking longer than expected'
const usedElsewhere = 'Multi-Attach error for volume "pv-1" Volume is already used by pod(s) other'
const noSlot = 'AttachVolume.Attach failed for volume "pv-1" : no free slot'

const attaching = (message: string): Story =>
  story(withClaim)
    .create(0)
    .bind(20)
    .admit(40)
    .other(200, controllerEvent(200, 'FailedAttachVolume', message))
    .other(29_000, controllerEvent(29_000, 'SuccessfulAttachVolume', ATTACHED))
    .start(30_000, 'app')
    .ready(30_100)

/** A pod whose container of this name answers its probe late. */
const slowContainer = (name: string): Partial<PodRecord> => ({
  containers: [{ name, image: 'app:1', readinessProbe: { periodSeconds: 1 } }],
})
const probing = (name: string): Story =>
  story(slowContainer(name))
    .create(0)
    .bind(20)
    .admit(40)
    .start(210, name)
    .statuses(300, { [name]: { running: 230 } })
    .ready(9000)

const CASES: readonly (readonly [why: string, story: () => Story, party: string])[] = [
  ['no node has room', () => unplaced(noRoom), 'capacity'],
  ['no node is as the pod wants it', () => unplaced(noMatch), 'workload'],
  [
    'no node is as the pod wants it, and preemption is no help',
    () => unplaced(without("node(s) didn't match Pod's node affinity/selector")),
    'workload',
  ],
  ['the only node is cordoned', () => unplaced(without('node(s) were unschedulable')), 'capacity'],
  [
    'no volume can be bound',
    () => unplaced(without("node(s) didn't find available persistent volumes to bind")),
    'platform',
  ],
  ['pods on the nodes do not want it', () => unplaced(without(existing)), 'workload'],
  [
    'its volume is elsewhere',
    () => unplaced(without("node(s) didn't match PersistentVolume's node affinity")),
    'platform',
  ],
  [
    'its volume is elsewhere, as 1.32 says it',
    () => unplaced(without('node(s) had volume node affinity conflict')),
    'platform',
  ],
  ['no node takes another volume', () => unplaced(without('node(s) exceed max volume count')), 'capacity'],
  [
    'no pool has storage left',
    () => unplaced(without('node(s) did not have enough free storage')),
    'capacity',
  ],
  [
    "only a plug-in of the pod's wishes says no",
    () =>
      unplaced(
        without("node(s) had untolerated taint(s), 2 node(s) didn't satisfy plugin(s) [NodeAffinity]"),
      ),
    'workload',
  ],
  ['nodes are for others', () => unplaced(tainted('dedicated: gpu')), 'workload'],
  ['nodes are not ready', () => unplaced(tainted('node.kubernetes.io/not-ready: ')), 'platform'],
  [
    'the cloud has not seen the node yet',
    () => unplaced(tainted('node.cloudprovider.kubernetes.io/uninitialized: true')),
    'platform',
  ],
  [
    'the network of the node is not there yet',
    () => unplaced(tainted('node.cilium.io/agent-not-ready: ')),
    'platform',
  ],
  ['nodes have no disk left', () => unplaced(tainted('node.kubernetes.io/disk-pressure: ')), 'capacity'],
  [
    'an autoscaler takes the node away',
    () => unplaced(tainted('ToBeDeletedByClusterAutoscaler: 1700000000')),
    'capacity',
  ],
  ['there is only the control plane', () => unplaced(without(CONTROL_PLANE)), 'capacity'],
  [
    'beside the control plane, nodes are not ready',
    () => unplaced(besideControlPlane(tainted('node.kubernetes.io/not-ready: '))),
    'platform',
  ],
  [
    'beside the control plane, no node takes another volume',
    () => unplaced(besideControlPlane(without('node(s) exceed max volume count'))),
    'capacity',
  ],
  ['all devices are taken', () => unplaced(without('cannot allocate all claims')), 'capacity'],
  [
    'a NodePool is at its limit',
    () => unplaced('Failed to schedule pod, all available instance types exceed limits for nodepool'),
    'capacity',
  ],
  ['the image takes long', () => pulling(pulled), 'registry'],
  ['the kubelet allows no more pulls', () => refusedPull('pull QPS exceeded'), 'platform'],
  [
    'the image should have been on the node',
    () => refusedPull('Container image "registry/app:1" is not present with pull policy of Never'),
    'workload',
  ],
  ['the registry allows no more pulls', () => refusedPull('toomanyrequests: rate exceeded'), 'registry'],
  ['the image waits for others', () => pulling(queued), 'platform'],
  ['a ConfigMap is missing', () => held('FailedMount', missingConfig), 'workload'],
  [
    'no claim is there',
    () => unplaced('0/1 nodes are available: persistentvolumeclaim "data" not found.'),
    'workload',
  ],
  ['its volume is used elsewhere', () => attaching(usedElsewhere), 'workload'],
  ['the driver cannot attach', () => attaching(noSlot), 'platform'],
  ['the owner of files is changed', () => held('VolumePermissionChangeInProgress', slowChange), 'workload'],
  ['the network plug-in fails', () => held('FailedCreatePodSandBox', brokenNetwork), 'platform'],
  ['the app is slow to be ready', () => probing('app'), 'workload'],
  ['the mesh is slow to be ready', () => probing('istio-proxy'), 'platform'],
]

const responsible = (trace: Trace): unknown => rootOf(trace).attributes['podspan.responsible']

for (const [why, told, party] of CASES) {
  test(`${why}: ${party}`, () => assert.equal(responsible(traceOf(told().frames(60_000))), party))
}

test('where the scheduler names no taint, as since 1.34, nobody is charged', () => {
  const trace = traceOf(unplaced(without('node(s) had untolerated taint(s)')).frames(60_000))
  const { attributes } = rootOf(trace)
  assert.deepEqual(
    PARTIES.filter((party) => Number(attributes[`podspan.responsible.${party}_ms`] ?? 0) > 1000),
    [],
  )
})

const UNNAMED = without('node(s) had untolerated taint(s)')

const SYNCED: Frame = { kind: 'synced', source: 'nodes', t: at(-999) }
const tainting = (taints: readonly Taint[], ms = -1000, resourceVersion = '1'): Frame =>
  frameOf(
    ms,
    { resource: 'nodes', uid: 'n', name: 'node-2', namespace: '', resourceVersion, taints },
    'live',
    ms < 0 ? 'added' : 'modified',
  )
const SPOT: Taint = { key: 'spot', effect: 'NoSchedule' }
const GPU: Taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }
const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }

/** Of a pod that tolerates one of the taints; its scheduler tries again, with the same words, at each of these. */
function besideNode(
  before: readonly Frame[],
  later: readonly Frame[] = [],
  ...tries: readonly number[]
): Trace {
  const refused = { ...condition('PodScheduled', 'False', 30, 'Unschedulable'), message: UNNAMED }
  const tolerations = [{ key: 'spot', operator: 'Exists' }]
  const told = story({ tolerations })
    .create(0)
    .change(30, { conditions: [refused] })
  for (const ms of [31, ...tries])
    told.other(ms, eventRecord(ms, 'FailedScheduling', { component: 'default-scheduler', message: UNNAMED }))
  told.bind(20_000).admit(20_040).start(20_210, 'app').ready(20_300)
  const frames = [...before, ...told.frames(60_000), ...later]
  return traceOf(frames.toSorted((a, b) => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0)))
}

test('where the scheduler names no taint, those of the nodes that the pod does not tolerate are named and charged', () => {
  const trace = besideNode([tainting([SPOT, GPU]), SYNCED])
  assert.match(trace.verdict, /1 node\(s\) had untolerated taint\(s\) \[dedicated=gpu:NoSchedule\]/)
  assert.equal(responsible(trace), 'workload')
  const pressure = { key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }
  assert.equal(responsible(besideNode([tainting([SPOT, pressure]), SYNCED])), 'capacity')
  assert.doesNotMatch(besideNode([tainting([SPOT]), SYNCED]).verdict, /\[/)
})

test('nodes that are listed after the pod count as those before, and none before they all are', () => {
  const late = besideNode([], [{ ...SYNCED, t: at(2000) }, tainting([GPU], 1000)])
  assert.match(late.verdict, /\[dedicated=gpu:NoSchedule\]/)
  assert.doesNotMatch(besideNode([tainting([GPU])]).verdict, /\[/)
})

test('the taints of the last try are named', () => {
  const later = [tainting([GPU, NOT_READY], 5000, '2'), tainting([GPU], 8000, '3')]
  const trace = besideNode([tainting([GPU]), SYNCED], later, 6000, 9000)
  assert.deepEqual(spanOf(trace, 'schedule').attributes['podspan.schedule.taints'], [
    'dedicated=gpu:NoSchedule',
  ])
})

test('the shares and what nobody is charged with are the whole start', () => {
  for (const [why, told] of CASES) {
    const trace = traceOf(told().frames(60_000))
    const root = rootOf(trace)
    const charged = PARTIES.map((party) => Number(root.attributes[`podspan.responsible.${party}_ms`] ?? 0))
    const free = trace.spans.filter(({ name }) => name === 'pod startup' || name === 'unaccounted')
    const uncharged = free
      .flatMap(({ critical }) => critical)
      .reduce((sum, { from, to }) => sum + to - from, 0n)
    const sum = charged.reduce((a, b) => a + b, 0) + Number(uncharged) / 1e6
    assert.ok(Math.abs(sum - Number(trace.startup) / 1e6) < 0.01, `${why}: ${sum}`)
  }
})
