import assert from 'node:assert/strict'
import { test } from 'node:test'
import { story } from '../support/pods.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'

const begun = (more: Parameters<typeof story>[0] = {}) =>
  story(more).create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')
const PROBED = {
  containers: [{ name: 'app', image: 'registry/app:1', readinessProbe: { periodSeconds: 1 } }],
}
const CRASHED = 'Back-off restarting failed container app in pod web_shop(x)'

test('a container that crashes twice before it is ready gives three attempts with back-off between', () => {
  const trace = traceOf(
    begun(PROBED)
      .start(210, 'app')
      .statuses(1300, { app: { exited: 1, from: 230, until: 1250 } })
      .start(1400, 'app')
      .statuses(1450, { app: { running: 1420, run: 1, started: true } })
      .statuses(2600, { app: { exited: 1, from: 1420, until: 2500, run: 1 } })
      .event(2700, 'BackOff', 'app', CRASHED)
      .statuses(2710, { app: { waiting: 'CrashLoopBackOff' } })
      .start(14_000, 'app')
      .statuses(14_050, { app: { running: 14_020, run: 2, started: true } })
      .ready(16_000)
      .frames(),
  )
  assert.deepEqual(treeOf(trace), [
    'pod startup',
    '  schedule',
    '  prepare pod and create sandbox',
    '  create container app #1',
    '  start container app #1',
    '  readiness app #1 ✗',
    '  back-off app',
    '  create container app #2',
    '  start container app #2',
    '  readiness app #2 ✗',
    '  back-off app',
    '  create container app #3',
    '  start container app #3',
    '  readiness app #3',
    '  report status',
  ])
  assert.equal(spanOf(trace, 'readiness', 'app', 1).error, 'exit code 1')
  const backOff = spanOf(trace, 'back-off', 'app')
  assert.equal(backOff.attributes['podspan.backoff.after'], 'exit')
  assert.equal(backOff.attributes['podspan.exit_code'], 1)
})

test('a restart that only the status shows is an attempt all the same', () => {
  const trace = traceOf(
    begun(PROBED)
      .statuses(300, { app: { running: 230, started: true } })
      .statuses(2600, { app: { exited: 137, from: 230, until: 2000, why: 'OOMKilled' } })
      .statuses(4100, { app: { running: 4000, run: 1, started: true } })
      .ready(5000)
      .frames(),
  )
  assert.deepEqual(treeOf(trace).slice(3), [
    '  start container app #1',
    '  readiness app #1 ✗',
    '  back-off app',
    '  start container app #2',
    '  readiness app #2',
    '  report status',
  ])
  assert.equal(spanOf(trace, 'readiness', 'app', 1).error, 'exit code 137 (OOMKilled)')
})

test('after a restart of the kubelet a reason has two event objects, and there are two runs', () => {
  const trace = traceOf(
    begun(PROBED)
      .start(210, 'app')
      .statuses(1300, { app: { exited: 1, from: 230, until: 1250 } })
      .event(12_000, 'Pulled', 'app', 'Container image "x" already present on machine, says another kubelet')
      .event(12_010, 'Created', 'app', 'Created container: app')
      .event(12_020, 'Started', 'app', 'Started container app')
      .statuses(12_050, { app: { running: 12_020, run: 1, started: true } })
      .ready(13_000)
      .frames(),
  )
  assert.deepEqual(
    trace.spans.filter(({ name }) => name === 'start container').map(({ attempt }) => attempt),
    [1, 2],
  )
})

for (const lost of ['Pulled', 'Created', 'Started'] as const) {
  test(`a container of which ${lost} was lost is one container still`, () => {
    const steps = {
      Pulled: 'already present on machine',
      Created: 'Container created',
      Started: 'Container started',
    }
    const told = begun()
    for (const [index, [reason, message]] of Object.entries(steps).entries())
      if (reason !== lost) told.event(210 + index * 10, reason, 'app', message)
    const trace = traceOf(
      told
        .statuses(250, { app: { running: 230 } })
        .ready(300)
        .frames(),
    )
    const parts = trace.spans.filter(({ name }) => name.endsWith(' container'))
    assert.deepEqual(
      parts.map(({ name, attempt }) => [name, attempt]),
      [
        ['create container', undefined],
        ['start container', undefined],
      ],
    )
    const [create, start] = parts
    assert.ok(
      create && start && create.end.latest >= create.end.best && start.start.best >= create.start.best,
    )
    assert.equal(trace.evidenceComplete, false)
  })
}

test('a container that cannot be created is tried again, with the reason', () => {
  const missing = 'Error: configmap "settings" not found'
  const present = 'Container image "x" already present on machine'
  const trace = traceOf(
    begun()
      .event(210, 'Pulled', 'app', present)
      .event(211, 'Failed', 'app', missing)
      .event(12_000, 'Pulled', 'app', present)
      .event(12_001, 'Failed', 'app', missing)
      .event(24_000, 'Pulled', 'app', present)
      .event(24_020, 'Created', 'app')
      .event(24_040, 'Started', 'app')
      .ready(24_100)
      .frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 24_100],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 200],
    ['  create container app #1 ✗', 210, 211],
    ['  back-off app', 211, 12_000],
    ['  create container app #2 ✗', 12_000, 12_001],
    ['  back-off app', 12_001, 24_000],
    ['  create container app #3', 24_000, 24_020],
    ['  start container app #3', 24_020, 24_040],
    ['  report status', 24_040, 24_100],
  ])
  assert.equal(spanOf(trace, 'create container', 'app', 1).error, missing)
})

test('a container that cannot be started fails there, in the words of the runtime', () => {
  const message = 'Error: exec: "/no-such-program": no such file or directory'
  const trace = traceOf(
    begun()
      .event(210, 'Pulled', 'app', 'already present on machine')
      .event(220, 'Created', 'app')
      .event(300, 'Failed', 'app', message)
      .statuses(1000, { app: { exited: 128, from: 0, until: 300, why: 'StartError' } })
      .frames(9000),
  )
  const start = spanOf(trace, 'start container', 'app')
  assert.equal(start.error, message)
  assert.ok(Math.abs(Number(start.end.best - start.start.best) / 1e6 - 80) < 10)
  assert.equal(treeOf(trace).at(-1), '  back-off app …')
})

test('an init container that fails runs again, each run an attempt', () => {
  const trace = traceOf(
    begun({ initContainers: [{ name: 'prepare', image: 'a' }] })
      .start(210, 'prepare')
      .statuses(1300, { prepare: { exited: 2, from: 230, until: 1250 } })
      .start(12_000, 'prepare')
      .statuses(13_100, { prepare: { exited: 0, from: 12_020, until: 13_000, run: 1 } })
      .start(13_200, 'app')
      .ready(13_300)
      .frames(),
  )
  const runs = trace.spans.filter(({ name }) => name === 'run init container')
  assert.deepEqual(
    runs.map(({ attempt, error, attributes }) => [attempt, error, attributes['podspan.exit_code']]),
    [
      [1, 'exit code 2', 2],
      [2, undefined, 0],
    ],
  )
})

test('a container with a postStart hook is started before the hook runs, and the next one after it', () => {
  const containers = [
    { name: 'app', image: 'a', postStart: true },
    { name: 'beside', image: 'b' },
  ]
  const trace = traceOf(begun({ containers }).start(210, 'app').start(2000, 'beside').ready(2100).frames())
  const tree = treeOf(trace)
  assert.deepEqual(
    tree.slice(tree.indexOf('  start container app'), tree.indexOf('  start container beside') + 1),
    [
      '  start container app',
      '  post-start hook app',
      '  create container beside',
      '  start container beside',
    ],
  )
  const hook = spanOf(trace, 'post-start hook', 'app')
  assert.ok(Math.abs(Number(hook.end.best - hook.start.best) / 1e6 - 1770) < 15)
})

test('a hook that fails in each run is a failed span of each', () => {
  const containers = [{ name: 'app', image: 'a', postStart: true }]
  const told = begun({ containers })
  for (const [run, from] of [210, 3210, 14_210].entries())
    told
      .start(from, 'app')
      .statuses(from + 60, { app: { running: from + 20, run } })
      .event(from + 1020, 'FailedPostStartHook', 'app', 'PostStartHook failed')
      .event(from + 1021, 'Killing', 'app', 'FailedPostStartHook')
      .statuses(from + 2100, { app: { exited: 137, from: from + 20, until: from + 2000, run } })
  const trace = traceOf(told.frames(20_000))
  for (const attempt of [1, 2, 3]) {
    const hook = spanOf(trace, 'post-start hook', 'app', attempt)
    assert.equal(hook.error, 'PostStartHook failed')
    assert.ok(Math.abs(Number(hook.end.best - hook.start.best) / 1e6 - 1000) < 20)
  }
  assert.match(trace.verdict, /now backing off after the post-start hook of app failed;/)
})

test('a container that ends with its pod is not waited for, unless it had ended before', () => {
  const ended = (reason: string | undefined, waiting?: string) => {
    const told = begun(PROBED)
      .start(210, 'app')
      .statuses(5100, { app: { exited: 137, from: 230, until: 5000 } })
    if (waiting !== undefined) told.statuses(5200, { app: { waiting } })
    const trace = traceOf(
      told.change(7000, { phase: 'Failed', ...(reason ? { reason } : {}) }).frames(20_000),
    )
    return treeOf(trace).some((line) => line.startsWith('  back-off'))
  }
  assert.equal(ended('DeadlineExceeded'), false)
  assert.equal(ended('DeadlineExceeded', 'CrashLoopBackOff'), true)
  assert.equal(ended(undefined), true)
})

test('a hook that fails is a failed span', () => {
  const containers = [{ name: 'app', image: 'a', postStart: true }]
  const trace = traceOf(
    begun({ containers })
      .start(210, 'app')
      .event(1230, 'FailedPostStartHook', 'app', 'PostStartHook failed')
      .frames(5000),
  )
  const hook = spanOf(trace, 'post-start hook', 'app')
  assert.equal(hook.error, 'PostStartHook failed')
  assert.ok(Math.abs(Number(hook.end.best - hook.start.best) / 1e6 - 1000) < 10)
})

/** How a run of these ended, and whether the kubelet says that it backs off; the pod's own policy, and the container's. */
const POLICIES: readonly {
  readonly name: string
  readonly policies: readonly [ofPod: string, own: string | undefined]
  readonly exitCode: number
  readonly backsOff?: boolean
  readonly isRestarted: boolean
}[] = [
  { name: 'OnFailure of its own', policies: ['Never', 'OnFailure'], exitCode: 1, isRestarted: true },
  {
    name: 'OnFailure of its own, ended well',
    policies: ['Always', 'OnFailure'],
    exitCode: 0,
    isRestarted: false,
  },
  { name: 'Always of its own, ended well', policies: ['Never', 'Always'], exitCode: 0, isRestarted: true },
  { name: 'Never of its own', policies: ['Always', 'Never'], exitCode: 1, isRestarted: false },
  {
    name: 'Never, by a rule',
    policies: ['Never', undefined],
    exitCode: 1,
    backsOff: true,
    isRestarted: true,
  },
  { name: 'Never of its pod', policies: ['Never', undefined], exitCode: 1, isRestarted: false },
  { name: 'Always of its pod', policies: ['Always', undefined], exitCode: 0, isRestarted: true },
]

for (const { name, policies, exitCode, backsOff, isRestarted } of POLICIES)
  test(`a container is ${isRestarted ? '' : 'not '}waited for after it exited with ${exitCode}: ${name}`, () => {
    const [restartPolicy, own] = policies
    const [app] = PROBED.containers
    assert.ok(app)
    const containers = [{ ...app, ...(own === undefined ? {} : { restartPolicy: own }) }]
    const told = begun({ restartPolicy, containers })
      .start(210, 'app')
      .statuses(1300, { app: { exited: exitCode, from: 230, until: 1250 } })
    if (backsOff) told.statuses(1400, { app: { waiting: 'CrashLoopBackOff' } })
    assert.equal(treeOf(traceOf(told.frames(9000))).at(-1) === '  back-off app …', isRestarted)
  })
