import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Phase } from '../../src/base/frame.ts'
import type { PodRecord } from '../../src/base/record.ts'
import type { Observation } from '../../src/observe/observation.ts'
import { isBirth, observePod } from '../../src/observe/pod.ts'
import { deepFreeze } from '../support/frames.ts'
import { at, frameOf, podRecord, secondsAt } from '../support/pods.ts'

const MS = 500

function observe(before: PodRecord | undefined, after: PodRecord, phase: Phase = 'live'): Observation[] {
  return observePod(deepFreeze(before), frameOf(MS, after, phase, before ? 'modified' : 'added'), after)
}

const told = (found: readonly Observation[]): string[] =>
  found.map(({ what, container, index, detail, stamps }) =>
    [
      what,
      container,
      container === undefined ? undefined : `run ${index}`,
      detail?.type,
      detail?.value,
      detail?.reason,
      `(${stamps.map(({ source }) => source).join(', ')})`,
    ]
      .filter(Boolean)
      .join(' '),
  )

const condition = (type: string, status: string, ms = 0, reason?: string) => ({
  type,
  status,
  transitionSeconds: secondsAt(ms),
  ...(reason ? { reason } : {}),
})
const running = (more = {}) => ({
  name: 'app',
  ready: false,
  restartCount: 0,
  state: { kind: 'running', startedSeconds: secondsAt(0) } as const,
  ...more,
})
const exited = (exitCode: number) =>
  ({ kind: 'terminated', exitCode, startedSeconds: secondsAt(0), finishedSeconds: secondsAt(3000) }) as const

const PROBED = [{ name: 'app', image: 'a', startupProbe: {}, readinessProbe: {} }]

interface Case {
  readonly name: string
  readonly before?: Partial<PodRecord>
  readonly after: Partial<PodRecord>
  readonly phase?: Phase
  readonly then: readonly string[]
}

const CASES: readonly Case[] = [
  { name: 'a pod that is born', after: {}, then: ['created (creation-second, watch-receipt)'] },
  {
    name: 'a pod in the first list',
    after: {},
    phase: 'initial',
    then: ['created (creation-second, list-receipt)'],
  },
  {
    name: 'gates that are set',
    after: { schedulingGates: ['a/b', 'c/d'] },
    then: ['created (creation-second, watch-receipt)', 'gated a/b ()', 'gated c/d ()'],
  },
  {
    name: 'one gate of two is gone',
    before: { schedulingGates: ['a/b', 'c/d'] },
    after: { schedulingGates: ['c/d'] },
    then: ['gate removed a/b (watch-receipt)'],
  },
  {
    name: 'the last gate is gone',
    before: { schedulingGates: ['c/d'] },
    after: {},
    then: ['ungated (watch-receipt)'],
  },
  {
    name: 'the pod is bound',
    before: {},
    after: { nodeName: 'node-1', conditions: [condition('PodScheduled', 'True')] },
    then: ['bound node-1 (condition-second, watch-receipt)'],
  },
  {
    name: 'a node is nominated',
    before: {},
    after: { nominatedNodeName: 'node-2' },
    then: ['nominated node-2 (watch-receipt)'],
  },
  {
    name: 'the kubelet takes the pod',
    before: {},
    after: { startSeconds: secondsAt(0) },
    then: ['admitted (start-second, status-receipt)'],
  },
  {
    name: 'conditions that are False from the beginning have not turned',
    before: {},
    after: { conditions: [condition('Ready', 'False'), condition('ContainersReady', 'False')] },
    then: [],
  },
  {
    name: 'that no node takes the pod is read where it is needed',
    before: {},
    after: { conditions: [condition('PodScheduled', 'False', 0, 'Unschedulable')] },
    then: [],
  },
  {
    name: 'the network is ready',
    before: { conditions: [condition('PodReadyToStartContainers', 'False')] },
    after: { conditions: [condition('PodReadyToStartContainers', 'True')] },
    then: ['network ready PodReadyToStartContainers True (condition-second, watch-receipt)'],
  },
  {
    name: 'Ready, with the last write of the status',
    before: { conditions: [condition('Ready', 'False')] },
    after: {
      conditions: [condition('Ready', 'True')],
      managers: [{ manager: 'kubelet', operation: 'Update', subresource: 'status', seconds: secondsAt(0) }],
    },
    then: ['condition Ready True (condition-second, watch-receipt, field-manager-second)'],
  },
  {
    name: 'Ready no more',
    before: { conditions: [condition('Ready', 'True')] },
    after: { conditions: [condition('Ready', 'False', 3000)] },
    then: ['condition Ready False (condition-second, watch-receipt)'],
  },
  {
    name: 'a container that runs',
    before: {},
    after: { containerStatuses: [running()] },
    then: ['started container app run 0 (state-second, status-receipt)'],
  },
  {
    name: 'a probed container that is started and ready',
    before: { containers: PROBED, containerStatuses: [running()] },
    after: { containers: PROBED, containerStatuses: [running({ started: true, ready: true })] },
    then: ['startup passed app run 0 (status-receipt)', 'container ready app run 0 (status-receipt)'],
  },
  {
    name: 'a probed container that is ready no more',
    before: { containers: PROBED, containerStatuses: [running({ started: true, ready: true })] },
    after: { containers: PROBED, containerStatuses: [running({ started: true })] },
    then: ['container unready app run 0 (status-receipt)'],
  },
  {
    name: 'a probed container that ended is not ready for that reason',
    before: { containers: PROBED, containerStatuses: [running({ started: true, ready: true })] },
    after: {
      containers: PROBED,
      containerStatuses: [{ name: 'app', ready: false, restartCount: 0, state: exited(3) }],
    },
    then: [
      'started container app run 0 (state-second, status-receipt)',
      'finished container app run 0 (state-second, status-receipt)',
    ],
  },
  {
    name: 'a container without a probe that is started and ready, as soon as it runs',
    before: { containerStatuses: [running()] },
    after: { containerStatuses: [running({ started: true, ready: true })] },
    then: [],
  },
  {
    name: 'a container that ended tells its beginning too',
    before: {},
    after: { containerStatuses: [{ name: 'app', ready: false, restartCount: 0, state: exited(3) }] },
    then: [
      'started container app run 0 (state-second, status-receipt)',
      'finished container app run 0 (state-second, status-receipt)',
    ],
  },
  {
    name: 'a container that waits to be restarted: the run that ended has the same count',
    before: { containerStatuses: [running()] },
    after: {
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: { kind: 'waiting', reason: 'CrashLoopBackOff' },
          lastState: exited(1),
        },
      ],
    },
    then: [
      'waiting app run 0 CrashLoopBackOff (status-receipt)',
      'started container app run 0 (state-second, status-receipt)',
      'finished container app run 0 (state-second, status-receipt)',
    ],
  },
  {
    name: 'a container whose last state is of an earlier run: of the one that has the count there is no state',
    before: {},
    after: {
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 1,
          state: { kind: 'waiting', reason: 'CrashLoopBackOff' },
          lastState: exited(1),
          lastIsEarlier: true,
        },
      ],
    },
    then: [
      'waiting app run 1 CrashLoopBackOff (status-receipt)',
      'started container app run 0 (state-second, status-receipt)',
      'finished container app run 0 (state-second, status-receipt)',
    ],
  },
  {
    name: 'a container that was restarted: the run before it has the count before',
    before: { containerStatuses: [running()] },
    after: {
      containerStatuses: [
        running({
          restartCount: 1,
          state: { kind: 'running', startedSeconds: secondsAt(9000) },
          lastState: exited(1),
        }),
      ],
    },
    then: [
      'started container app run 1 (state-second, status-receipt)',
      'started container app run 0 (state-second, status-receipt)',
      'finished container app run 0 (state-second, status-receipt)',
    ],
  },
  {
    name: 'a container that waits its turn says nothing',
    before: {},
    after: {
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          restartCount: 0,
          state: { kind: 'waiting', reason: 'ContainerCreating' },
        },
      ],
    },
    then: [],
  },
  {
    name: 'the pod failed',
    before: {},
    after: { phase: 'Failed', reason: 'Evicted' },
    then: ['phase Failed Evicted (watch-receipt)'],
  },
  {
    name: 'the pod succeeded',
    before: {},
    after: { phase: 'Succeeded' },
    then: ['phase Succeeded (watch-receipt)'],
  },
  { name: 'the pod runs', before: {}, after: { phase: 'Running' }, then: [] },
  {
    name: 'deletion is asked for',
    before: {},
    after: { deletionSeconds: secondsAt(30_000), deletionGraceSeconds: 30 },
    then: ['deleting (deletion-second, watch-receipt)'],
  },
  { name: 'nothing new', before: { phase: 'Running' }, after: { phase: 'Running' }, then: [] },
]

for (const { name, before, after, phase, then } of CASES) {
  test(`${name}: ${then.length === 0 ? 'no fact' : then.map((text) => text.replace(/ \(.*/, '')).join('; ')}`, () => {
    assert.deepEqual(told(observe(before && podRecord(before), podRecord(after), phase)), then)
  })
}

/** What a live ADDED shows of the moment of creation, by what the pod has been through. */
const BIRTHS: readonly (readonly [name: string, pod: Partial<PodRecord>, isBirth: boolean])[] = [
  ['a pod that nobody has touched', {}, true],
  ['one that its kubelet has touched', { startSeconds: secondsAt(0), nodeName: 'node-1' }, false],
  [
    'one that is bound already',
    { nodeName: 'node-1', conditions: [condition('PodScheduled', 'True')] },
    false,
  ],
  ['one created long ago that was tried', { createdSeconds: secondsAt(-600_000), nodeName: 'node-1' }, false],
  ['one that nobody has touched, by a clock set back', { createdSeconds: secondsAt(-3_600_000) }, true],
]

for (const [name, pod, expected] of BIRTHS)
  test(`a live ADDED of ${name} is ${expected ? 'its birth' : 'no birth'}`, () => {
    const record = podRecord(pod)
    assert.equal(isBirth(frameOf(MS, record, 'live', 'added'), record), expected)
    assert.equal(isBirth(frameOf(MS, record, 'live', 'modified'), record), false)
    assert.equal(isBirth(frameOf(MS, record, 'initial', 'added'), record), false)
  })

test('deletion was asked for the grace period before the stamp says', () => {
  const [found] = observe(
    podRecord(),
    podRecord({ deletionSeconds: secondsAt(30_000), deletionGraceSeconds: 30 }),
  )
  assert.equal(found?.stamps[0]?.at, at(0))
})

test('absurd seconds are no stamps', () => {
  for (const createdSeconds of [0, -5, 99_999_999_999]) {
    const [found] = observe(undefined, podRecord({ createdSeconds }), 'initial')
    assert.deepEqual(
      found?.stamps.map(({ source }) => source),
      ['list-receipt'],
    )
  }
})

test("a kubelet's conditions are by its node's clock, a controller's by the API server's", () => {
  const conditions = [
    condition('PodScheduled', 'True'),
    condition('Ready', 'True'),
    condition('lb.example.com/up', 'True'),
  ]
  const found = observe(podRecord({ nodeName: 'node-1' }), podRecord({ nodeName: 'node-1', conditions }))
  assert.deepEqual(
    found.map(({ detail, stamps }) => [detail?.type, stamps[0]?.clock]),
    [
      ['Ready', 'node/node-1'],
      ['lb.example.com/up', 'apiserver'],
    ],
  )
})

test('a pod that a list no longer shows is gone, and nobody saw when', () => {
  const pod = podRecord()
  const frame = { ...frameOf(MS, pod, 'relist', 'deleted'), synthetic: true }
  const found = observePod(pod, frame, pod)
  assert.deepEqual(told(found), ['deleted (list-receipt)'])
})

test('every stamp says where it was read', () => {
  const [found] = observe(undefined, podRecord())
  assert.deepEqual(found?.stamps[0]?.evidence, {
    object: 'pods/shop/web',
    resourceVersion: '100',
    field: 'metadata.creationTimestamp',
    raw: String(secondsAt(0)),
  })
})
