// Owns what the verdict names and adds up: that a figure is of the thing beside it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodRecord } from '../../src/base/record.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { type Story, story } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'

const begun = (more: Partial<PodRecord> = {}): Story =>
  story(more).create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')
const verdictOf = (told: Story): string => traceOf(told.frames()).verdict

const PULLING = 'Pulling image "registry/app:1"'
const RATE_EXCEEDED = 'Failed to pull image "registry/app:1": toomanyrequests: rate exceeded'
const pulledIn = (time: string): string =>
  `Successfully pulled image "registry/app:1" in ${time} (${time} including waiting). Image size: 7 bytes.`

/** A pull that fails at once, and the back-off until the next, 10 s later. */
const refusedOnce = (): Story =>
  begun()
    .event(210, 'Pulling', 'app', PULLING)
    .event(710, 'Failed', 'app', RATE_EXCEEDED)
    .event(10_710, 'Pulling', 'app', PULLING)

test('a pull that succeeds after one that failed is not told with the error of that', () => {
  const told = refusedOnce()
    .event(70_710, 'Pulled', 'app', pulledIn('60s'))
    .event(70_720, 'Created', 'app')
    .event(70_730, 'Started', 'app')
    .ready(70_800)
  assert.match(verdictOf(told), /; 1 min \(85 %\) pulling registry\/app:1$/)
})

test('pulls that mostly failed are told with an error', () => {
  const told = begun()
  for (const from of [210, 20_210, 40_210])
    told.event(from, 'Pulling', 'app', PULLING).event(from + 19_000, 'Failed', 'app', RATE_EXCEEDED)
  told
    .event(60_210, 'Pulling', 'app', PULLING)
    .event(80_210, 'Pulled', 'app', pulledIn('20s'))
    .event(80_220, 'Created', 'app')
    .event(80_230, 'Started', 'app')
    .ready(80_300)
  assert.match(verdictOf(told), /; 1 min 17 s \(96 %\) pulling registry\/app:1 \(failed: .*rate exceeded\)$/)
})

test('several containers that each take a little are added up, and the longest is named', () => {
  const containers = ['a', 'b', 'c', 'd'].map((name) => ({ name, image: 'i' }))
  const told = story({ containers }).create(0).bind(20).admit(40).condition(700, 'PodReadyToStartContainers')
  for (const [index, { name }] of containers.entries()) {
    told.event(710 + index * 300, 'Created', name)
    told.event(1000 + index * 300 + (name === 'c' ? 5 : 0), 'Started', name)
  }
  assert.match(
    verdictOf(told.ready(1950)),
    /; 1\.1\d s \(6\d %\) starting 4 containers, \d+ ms of it starting container c$/,
  )
})

test('an image that two containers pull is one', () => {
  const of = { a: 'x:1', b: 'x:1', c: 'y:1' }
  const containers = Object.entries(of).map(([name, image]) => ({ name, image }))
  const told = story({ containers }).create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')
  const took = { a: 4000, b: 4000, c: 5000 }
  let ms = 210
  for (const { name, image } of containers) {
    const length = took[name as keyof typeof took]
    told.event(ms, 'Pulling', name, `Pulling image "${image}"`)
    const text = `${length / 1000}s (${length / 1000}s including waiting)`
    told.event(
      ms + length,
      'Pulled',
      name,
      `Successfully pulled image "${image}" in ${text}. Image size: 7 bytes.`,
    )
    told.event(ms + length + 10, 'Created', name).event(ms + length + 20, 'Started', name)
    ms += length + 30
  }
  assert.match(
    verdictOf(told.ready(ms + 100)),
    /; 13\.0 s \(9\d %\) pulling 2 images, 8\.00 s of it pulling x:1$/,
  )
})

test('one thing that took nearly all of the time of its kind is named alone', () => {
  const initContainers = ['long', 'short'].map((name) => ({ name, image: 'i' }))
  const told = begun({ initContainers })
    .start(210, 'long')
    .statuses(60_300, { long: { exited: 0, from: 220, until: 60_220 } })
    .start(60_400, 'short')
    .statuses(61_000, {
      long: { exited: 0, from: 220, until: 60_220 },
      short: { exited: 0, from: 60_410, until: 60_900 },
    })
    .start(61_100, 'app')
    .ready(61_200)
  assert.match(verdictOf(told), /; 59\.8 s \(98 %\) running init container long; images cached$/)
})

test('an init container that succeeds after it failed is not told with its exit code', () => {
  const told = begun({ initContainers: [{ name: 'migrate', image: 'a' }] })
    .start(210, 'migrate')
    .statuses(1300, { migrate: { exited: 1, from: 230, until: 1000 } })
    .start(3000, 'migrate')
    .statuses(3100, { migrate: { running: 3020, run: 1 } })
    .statuses(93_100, { migrate: { exited: 0, from: 3020, until: 93_000, run: 1 } })
    .start(93_200, 'app')
    .ready(93_300)
  assert.match(verdictOf(told), /; 1 min 31 s \(97 %\) running init container migrate; images cached$/)
})

test('the wait after a failed pull is not added to those after exits', () => {
  const told = refusedOnce()
    .event(11_710, 'Pulled', 'app', pulledIn('1s'))
    .event(11_720, 'Created', 'app')
    .event(11_730, 'Started', 'app')
    .statuses(13_000, { app: { exited: 1, from: 11_730, until: 12_900 } })
    .start(33_000, 'app')
    .statuses(33_100, { app: { running: 33_020, run: 1 } })
    .ready(33_100)
  assert.match(verdictOf(told), /; 2[01]\.\d s \(6\d %\) backing off after app exited with code 1$/)
})

test('gaps between different neighbours are not added up', () => {
  const told = begun({ initContainers: [{ name: 'migrate', image: 'a' }] })
    .start(5200, 'migrate')
    .statuses(6300, { migrate: { exited: 0, from: 5230, until: 6000 } })
    .start(10_000, 'app')
    .ready(10_100)
  assert.match(
    verdictOf(told),
    /; 4\.99 s \(49 %\) unaccounted for between prepare pod and create sandbox and create container migrate;/,
  )
})

const NOT_FOUND =
  'Failed to pull image "registry/app:1": rpc error: code = NotFound desc = failed to pull and unpack image "registry/app:1": failed to resolve reference "registry/app:1": registry/app:1: not found'
const notFound = (): Story =>
  begun().event(210, 'Pulling', 'app', PULLING).event(710, 'Failed', 'app', NOT_FOUND)

/** A story that still goes on, and what is quoted of why. */
const BACKING_OFF: readonly (readonly [what: string, told: () => Story, verdict: RegExp, reason: string])[] =
  [
    [
      'an image that is not there',
      notFound,
      /, now backing off after failed pulls of registry\/app:1 \(registry\/app:1: not found\);/,
      'registry/app:1: not found',
    ],
    [
      'an image of which only the status says why',
      () =>
        begun()
          .event(210, 'Pulling', 'app', PULLING)
          .event(710, 'Failed', 'app', 'Error: ErrImagePull')
          .statuses(1710, {
            app: {
              waiting: 'ImagePullBackOff',
              message: 'Back-off pulling image "registry/app:1": ErrImagePull: manifest unknown',
            },
          }),
      /, now backing off after failed pulls of registry\/app:1 \(manifest unknown\);/,
      'manifest unknown',
    ],
    [
      'a Secret that is not there',
      () =>
        begun()
          .event(210, 'Pulled', 'app', 'Container image "registry/app:1" already present on machine')
          .event(220, 'Failed', 'app', 'Error: secret "db" not found'),
      /, now backing off because container app could not be created \(secret "db" not found\); \S+ s \(\d+ %\) backing off because container app could not be created$/,
      'secret "db" not found',
    ],
    [
      'an exit',
      () =>
        begun({ containers: [{ name: 'app', image: 'a', readinessProbe: {} }] })
          .start(210, 'app')
          .statuses(1300, { app: { exited: 137, from: 230, until: 1000, why: 'OOMKilled' } }),
      /, now backing off after app exited with code 137 \(OOMKilled\);/,
      'exit code 137 (OOMKilled)',
    ],
    [
      'a program that is not there',
      () =>
        begun()
          .event(210, 'Created', 'app')
          .event(230, 'Failed', 'app', 'Error: exec: "/app": no such file or directory')
          .statuses(1300, { app: { exited: 128, from: 0, until: 230, why: 'StartError' } }),
      /, now backing off because container app could not be started \(exec: "\/app": no such file or directory\); \S+ s \(\d+ %\) backing off because container app could not be started$/,
      'exec: "/app": no such file or directory',
    ],
    [
      'a probe that ended a run',
      () =>
        begun({ containers: [{ name: 'app', image: 'a', startupProbe: {} }] })
          .start(210, 'app')
          .event(900, 'Unhealthy', 'app', 'Startup probe failed: HTTP 500')
          .event(905, 'Unhealthy', 'app', 'Readiness probe failed: HTTP 503')
          .event(910, 'Killing', 'app', 'Container app failed startup probe, will be restarted')
          .statuses(1300, { app: { exited: 0, from: 230, until: 1000, why: 'Completed' } }),
      /, now backing off after the startup probe of app failed \(Startup probe failed: HTTP 500\);/,
      'exit code 0 after its startup probe failed',
    ],
    [
      'an exit of a container without probes',
      () =>
        begun()
          .start(210, 'app')
          .statuses(1300, { app: { exited: 137, from: 230, until: 1000, why: 'OOMKilled' } })
          .statuses(2300, { app: { waiting: 'CrashLoopBackOff', message: 'back-off 10s restarting' } }),
      /, now backing off after app exited with code 137 \(OOMKilled\);/,
      'exit code 137 (OOMKilled)',
    ],
    [
      'an exit without an error after one with',
      () =>
        begun({ containers: [{ name: 'app', image: 'a', readinessProbe: {} }] })
          .start(210, 'app')
          .statuses(1300, { app: { exited: 1, from: 230, until: 1000 } })
          .start(12_000, 'app')
          .statuses(12_100, { app: { running: 12_020, run: 1 } })
          .statuses(14_000, { app: { exited: 0, from: 12_020, until: 13_900, run: 1 } }),
      /, now backing off after app exited with code 0;/,
      'exit code 0',
    ],
    [
      'a sandbox that could not be made',
      () =>
        story()
          .create(0)
          .bind(20)
          .admit(40)
          .event(900, 'FailedCreatePodSandBox', undefined, 'Failed to create pod sandbox: no more addresses'),
      /, now preparing the pod and its sandbox \(no more addresses\);|, now backing off before the next sandbox \(no more addresses\);/,
      'no more addresses',
    ],
  ]

for (const [what, told, verdict, reason] of BACKING_OFF)
  test(`a back-off says what failed before it: ${what}`, () => {
    const frames = told().frames(20_000)
    assert.match(traceOf(frames).verdict, verdict)
    const pipeline = createPipeline()
    for (const frame of frames) if (frame.kind !== 'tick') pipeline.push(frame)
    assert.equal(pipeline.inFlight()[0]?.reason, reason)
  })

test('of a probe that has not passed yet the last failure is quoted, of one that has none', () => {
  const told = begun({ containers: [{ name: 'app', image: 'a', readinessProbe: {} }] })
    .start(210, 'app')
    .event(900, 'Unhealthy', 'app', 'Readiness probe failed: HTTP 503')
    .event(4900, 'Unhealthy', 'app', 'Readiness probe failed: no database')
  assert.match(verdictOf(told), /, now waiting for app to be ready \(Readiness probe failed: no database\);/)
  assert.match(verdictOf(told.ready(9000)), /; 8\.\d+ s \(\d+ %\) waiting for app to be ready; image cached$/)
})

test('a scheduler that has not looked at a pod is named', () => {
  const untried = story({ schedulerName: 'batch' }).create(0)
  assert.match(
    verdictOf(untried),
    /, now waiting to be scheduled by batch \(batch has not tried yet\); [^;]* waiting to be scheduled by batch$/,
  )
  const tried = untried.condition(900, 'PodScheduled', 'False', 'Unschedulable')
  assert.match(verdictOf(tried), /, now waiting to be scheduled by batch \(Unschedulable, in words\);/)
})
