import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { PodRecord } from '../../src/base/record.ts'
import { seconds } from '../../src/base/time.ts'
import type { PipelineOptions } from '../../src/trace/pipeline.ts'
import { rootOf, type Outcome } from '../../src/trace/trace.ts'
import { tracesOf } from '../support/frames.ts'
import { at, secondsAt, story, UID } from '../support/pods.ts'
import { traceOf, TOLERANCE_MS } from '../support/pods-spans.ts'

const begun = (more: Parameters<typeof story>[0] = {}) =>
  story(more).create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')
const started = () =>
  begun()
    .start(210, 'app')
    .statuses(250, { app: { running: 230, started: true } })

/** A list does not show the pod any more. */
const goneAt = (ms: number): Frame => ({
  ...{ kind: 'deleted', t: at(ms), source: 'pods', phase: 'relist', synthetic: true },
  record: {
    resource: 'pods',
    uid: UID,
    name: 'checkout',
    namespace: 'shop',
    resourceVersion: '9',
    containers: [],
  },
})

interface Case {
  readonly name: string
  readonly given: () => readonly Frame[]
  readonly options?: PipelineOptions
  readonly outcome: Outcome
  readonly endMs: number
  readonly verdict: RegExp
  readonly failed: boolean
  /** What the root says of how it ended. */
  readonly attributes?: Readonly<Record<string, string | number>>
}

const DISRUPTED = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'PreemptionByScheduler',
  message: 'default-scheduler: preempting to accommodate a higher priority pod',
}

const NO_PROGRAM =
  'Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "/app": no such file or directory'

/** What says how a start ended. */
const OF_END = ['podspan.end.reason', 'podspan.end.container', 'podspan.exit_code']

const CASES: readonly Case[] = [
  {
    name: 'Ready ends the start where it is stored',
    given: () => started().ready(300).frames(9000),
    outcome: 'ready',
    endMs: 300,
    verdict: /^Ready after 30\d ms; \d+ ms \(\d+ %\) preparing the pod and its sandbox; image cached$/,
    failed: false,
  },
  {
    name: 'a Job that ends well has completed',
    given: () =>
      begun({ restartPolicy: 'Never', containers: [{ name: 'app', image: 'a', readinessProbe: {} }] })
        .start(210, 'app')
        .change(4000, { phase: 'Succeeded' })
        .frames(12_000),
    outcome: 'completed',
    endMs: 4000,
    verdict: /^Completed after 4\.0\d s/,
    failed: false,
  },
  {
    name: 'a pod that the kubelet rejects has failed, with its reason',
    given: () =>
      story()
        .create(0)
        .bind(20)
        .change(60, {
          phase: 'Failed',
          reason: 'OutOfcpu',
          message: 'Pod was rejected: Node didn’t have enough cpu',
        })
        .frames(12_000),
    outcome: 'failed',
    endMs: 60,
    verdict: /^Failed after \d+ ms \(OutOfcpu: Pod was rejected: Node didn’t have enough cpu\)/,
    failed: true,
    attributes: { 'podspan.end.reason': 'OutOfcpu' },
  },
  {
    name: 'of a pod that only a later list did not show any more nobody knows whether it was ready meanwhile',
    given: () => [
      ...begun()
        .event(210, 'Pulling', 'app', 'Pulling image "registry/app:1"')
        .frames(2000)
        .filter(({ kind }) => kind !== 'tick'),
      { kind: 'gap', t: at(60_000), source: 'pods', reason: 'expired', from: at(1000) },
      goneAt(60_000),
      { kind: 'tick', t: at(72_000) },
    ],
    outcome: 'deleted',
    endMs: 60_000,
    verdict: /^Gone after at most 1 min, not seen ready, last seen pulling registry\/app:1/,
    failed: true,
  },
  {
    name: 'a pod that is deleted while it starts was never ready',
    given: () =>
      begun()
        .event(210, 'Pulling', 'app', 'Pulling image "registry/app:1"')
        .change(2000, { deletionSeconds: secondsAt(2000) + 30, deletionGraceSeconds: 30 })
        .remove(3000)
        .frames(12_000),
    outcome: 'deleted',
    endMs: 2000,
    verdict: /^Deleted after (2\.00|1\.99) s, never ready, still pulling registry\/app:1/,
    failed: true,
  },
  {
    name: 'a pod that is preempted while it starts says so',
    given: () =>
      begun()
        .event(210, 'Pulling', 'app', 'Pulling image "registry/app:1"')
        .change(1990, { conditions: [DISRUPTED] })
        .change(2000, { deletionSeconds: secondsAt(2000) + 30, deletionGraceSeconds: 30 })
        .remove(3000)
        .frames(12_000),
    outcome: 'deleted',
    endMs: 2000,
    verdict:
      /, never ready \(PreemptionByScheduler: default-scheduler: preempting to accommodate a higher priority pod\), still pulling/,
    failed: true,
    attributes: { 'podspan.end.reason': 'PreemptionByScheduler' },
  },
  {
    name: 'a pod that is deleted while it crash-loops was not deleted by its exit',
    given: () =>
      begun()
        .start(210, 'app')
        .statuses(1300, { app: { exited: 3, from: 230, until: 1250 } })
        .change(2000, { deletionSeconds: secondsAt(2000) + 30, deletionGraceSeconds: 30 })
        .remove(3000)
        .frames(12_000),
    outcome: 'deleted',
    endMs: 2000,
    verdict: /, never ready, still backing off after app exited with code 3;/,
    failed: true,
    attributes: {},
  },
  {
    name: 'a pod that may not be restarted has failed with the exit of its container, not of a sidecar that was ended after it',
    given: () =>
      begun({
        restartPolicy: 'Never',
        initContainers: [{ name: 'proxy', image: 'a', restartPolicy: 'Always' }],
        containers: [{ name: 'app', image: 'a', readinessProbe: {} }],
      })
        .start(210, 'proxy')
        .statuses(300, { proxy: { running: 230, started: true } })
        .start(310, 'app')
        .statuses(2600, { app: { exited: 137, from: 330, until: 2500, why: 'OOMKilled' } })
        .statuses(3600, { proxy: { exited: 143, from: 230, until: 3500 } })
        .change(4000, { phase: 'Failed' })
        .frames(12_000),
    outcome: 'failed',
    endMs: 4000,
    verdict: /^Failed after 4\.00 s \(app exited with code 137 \(OOMKilled\)\);/,
    failed: true,
    attributes: { 'podspan.end.container': 'app', 'podspan.exit_code': 137 },
  },
  {
    name: 'a pod has failed with the exit of its init container',
    given: () =>
      begun({ restartPolicy: 'Never', initContainers: [{ name: 'migrate', image: 'a' }] })
        .start(210, 'migrate')
        .statuses(2600, { migrate: { exited: 1, from: 230, until: 2500, why: 'Error' } })
        .change(4000, { phase: 'Failed' })
        .frames(12_000),
    outcome: 'failed',
    endMs: 4000,
    verdict: /^Failed after 4\.00 s \(init container migrate exited with code 1\);/,
    failed: true,
    attributes: { 'podspan.end.container': 'migrate', 'podspan.exit_code': 1 },
  },
  {
    name: 'a pod that may not be restarted has failed with the probe for which its container was ended',
    given: () =>
      begun({ restartPolicy: 'Never', containers: [{ name: 'app', image: 'a', startupProbe: {} }] })
        .start(210, 'app')
        .event(2500, 'Killing', 'app', 'Container app failed startup probe')
        .statuses(2600, { app: { exited: 137, from: 230, until: 2500, why: 'Error' } })
        .change(4000, { phase: 'Failed' })
        .frames(12_000),
    outcome: 'failed',
    endMs: 4000,
    verdict: /^Failed after 4\.00 s \(app exited with code 137 after its startup probe failed\);/,
    failed: true,
    attributes: { 'podspan.end.container': 'app', 'podspan.exit_code': 137 },
  },
  {
    name: 'a pod that may not be restarted is stopped whole for the probe of its only container',
    given: () =>
      begun({ restartPolicy: 'Never', containers: [{ name: 'app', image: 'a', livenessProbe: {} }] })
        .start(210, 'app')
        .event(2480, 'Unhealthy', 'app', 'Readiness probe failed: HTTP 503')
        .event(2490, 'Unhealthy', 'app', 'Liveness probe failed: HTTP 500')
        .event(2500, 'Killing', 'app', 'Stopping container app')
        .statuses(2600, { app: { exited: 137, from: 230, until: 2500, why: 'Error' } })
        .change(4000, { phase: 'Failed' })
        .frames(12_000),
    outcome: 'failed',
    endMs: 4000,
    verdict: /^Failed after 4\.00 s \(app exited with code 137 after its liveness probe failed\);/,
    failed: true,
    attributes: { 'podspan.end.container': 'app', 'podspan.exit_code': 137 },
  },
  {
    name: 'one that ran out of time is not',
    given: () =>
      begun({ restartPolicy: 'Never', containers: [{ name: 'app', image: 'a', readinessProbe: {} }] })
        .start(210, 'app')
        .event(2490, 'Unhealthy', 'app', 'Liveness probe failed: HTTP 500')
        .event(2500, 'Killing', 'app', 'Stopping container app')
        .statuses(2600, { app: { exited: 137, from: 230, until: 2500, why: 'Error' } })
        .change(4000, { phase: 'Failed', reason: 'DeadlineExceeded' })
        .frames(12_000),
    outcome: 'failed',
    endMs: 4000,
    verdict: /^Failed after 4\.00 s \(DeadlineExceeded\); [^(]*\(\d+ %\) [^(]*$/,
    failed: true,
    attributes: { 'podspan.end.reason': 'DeadlineExceeded' },
  },
  {
    name: 'a container that could not be started has not exited',
    given: () =>
      begun({ restartPolicy: 'Never' })
        .event(210, 'Created', 'app')
        .event(230, 'Failed', 'app', NO_PROGRAM)
        .statuses(2600, {
          app: { exited: 128, from: 0, until: 230, why: 'StartError', message: NO_PROGRAM.slice(7) },
        })
        .change(4000, { phase: 'Failed' })
        .frames(12_000),
    outcome: 'failed',
    endMs: 4000,
    verdict: /^Failed after 4\.00 s \(app could not be started: exec: "\/app": no such file or directory\);/,
    failed: true,
    attributes: { 'podspan.end.container': 'app', 'podspan.exit_code': 128 },
  },
  {
    name: 'a start that takes too long is a timeout, and says what it waits for',
    given: () => begun().event(210, 'Pulling', 'app', 'Pulling image "registry/app:1"').frames(40_000),
    options: { startTimeout: seconds(30) },
    outcome: 'timeout',
    endMs: 30_000,
    verdict: /^Not ready after 30(\.0)? s, still pulling registry\/app:1/,
    failed: true,
  },
  {
    name: 'a container that ends non-zero while the evidence settles makes the start unstable',
    given: () =>
      started()
        .ready(300)
        .statuses(2600, { app: { exited: 3, from: 230, until: 2500 } })
        .frames(12_000),
    outcome: 'unstable',
    endMs: 300,
    verdict: /^Ready after 30\d ms, but app exited with code 3/,
    failed: true,
  },
  {
    name: 'a container that crashed before the pod was ready does not',
    given: () =>
      begun({ containers: [{ name: 'app', image: 'a', readinessProbe: {} }] })
        .start(210, 'app')
        .statuses(1300, { app: { exited: 3, from: 230, until: 1250 } })
        .start(2000, 'app')
        .statuses(2050, { app: { running: 2020, run: 1, started: true } })
        .ready(2500)
        .frames(12_000),
    outcome: 'ready',
    endMs: 2500,
    verdict: /^Ready after 2\.50 s;/,
    failed: false,
  },
  {
    name: 'a container that ends well while the evidence settles does not',
    given: () =>
      started()
        .ready(300)
        .statuses(2600, { app: { exited: 0, from: 230, until: 2500 } })
        .frames(12_000),
    outcome: 'ready',
    endMs: 300,
    verdict: /^Ready after 30\d ms;/,
    failed: false,
  },
  {
    name: 'what is still open at the end of a recording is told as it stands',
    given: () => started().frames(1500),
    outcome: 'starting',
    endMs: 1500,
    verdict: /^Starting for 1\.50 s/,
    failed: false,
  },
]

for (const { name, given, options, outcome, endMs, verdict, failed, attributes = {} } of CASES) {
  test(name, () => {
    const trace = traceOf(given(), options)
    const root = rootOf(trace)
    assert.equal(trace.outcome, outcome)
    assert.match(trace.verdict, verdict)
    assert.equal(root.error, failed ? trace.verdict : undefined)
    const ofEnd = Object.entries(root.attributes).filter(([key]) => OF_END.includes(key))
    assert.deepEqual(Object.fromEntries(ofEnd), attributes)
    assert.ok(
      Math.abs(Number(root.end.best - at(endMs)) / 1e6) <= TOLERANCE_MS,
      `ends ${root.end.best - at(endMs)} ns off`,
    )
  })
}

test('a start is told when its evidence has settled, not before, and once', () => {
  const frames = started().ready(300).frames(20_000)
  const told = frames.map((_, index) => tracesOf(frames.slice(0, index + 1)).length)
  assert.ok(told.every((count) => count <= 1))
  const first = frames[told.indexOf(1)]
  const settled = Number((first?.t ?? 0n) - at(300)) / 1e6
  assert.ok(settled >= 5000 && settled < 6100, `told ${settled} ms after Ready`)
})

test('a pod that is Ready when we first see it gives no trace, but with backfill one', () => {
  const frames = started()
    .ready(300)
    .frames()
    .filter((frame) => 'record' in frame && frame.record.resource === 'pods')
  const last = frames.at(-1)
  assert.ok(last && 'record' in last)
  const listed: Frame[] = [
    { ...last, kind: 'added', phase: 'initial', t: at(1000) },
    { kind: 'tick', t: at(9000), final: true },
  ]
  assert.deepEqual(tracesOf(listed), [])
  assert.equal(tracesOf(listed, { backfill: () => true })[0]?.outcome, 'ready')
})

test('a pod that had timed out before we saw it is not told', () => {
  const frames = started()
    .frames()
    .filter((frame) => 'record' in frame && frame.record.resource === 'pods')
  const last = frames.at(-1)
  assert.ok(last && 'record' in last)
  const late: Frame[] = [
    { ...last, kind: 'added', phase: 'initial', t: at(700_000) },
    { kind: 'tick', t: at(701_000) },
    { kind: 'tick', t: at(702_000), final: true },
  ]
  assert.deepEqual(tracesOf(late), [])
})

test('the time from the last exit to the phase is the report of it, where nothing else ended the pod', () => {
  const told = (more: Partial<PodRecord>, phase: Partial<PodRecord>) =>
    traceOf(
      begun({ containers: [{ name: 'app', image: 'a', readinessProbe: {} }], ...more })
        .start(210, 'app')
        .statuses(2600, { app: { exited: 3, from: 230, until: 2500, why: 'Error' } })
        .change(9000, phase)
        .frames(20_000),
    )
  const failed = told({ restartPolicy: 'Never' }, { phase: 'Failed' })
  const report = failed.spans.find(({ name }) => name === 'report status')
  assert.equal(report?.subject, 'Failed')
  assert.equal(report?.end.best, rootOf(failed).end.best)
  assert.match(failed.verdict, /; 7\.00 s \(78 %\) until the kubelet had reported Failed; image cached$/)
  for (const trace of [
    told({ restartPolicy: 'Never' }, { phase: 'Failed', reason: 'DeadlineExceeded' }),
    told({ restartPolicy: 'OnFailure' }, { phase: 'Failed' }),
  ])
    assert.ok(trace.spans.every(({ name }) => name !== 'report status'))
})

test('a pod that failed as a whole while a container was running reported nothing at the last exit', () => {
  const containers = ['a', 'b'].map((name) => ({ name, image: 'i', readinessProbe: {} }))
  const trace = traceOf(
    begun({ containers, restartPolicy: 'Never' })
      .start(210, 'a')
      .start(240, 'b')
      .statuses(10_100, { a: { exited: 1, from: 230, until: 10_000 }, b: { running: 260 } })
      .change(300_000, { phase: 'Failed' })
      .frames(320_000),
  )
  assert.ok(trace.spans.every(({ name }) => name !== 'report status'))
})
