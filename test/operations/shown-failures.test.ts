// Owns failures whose events were lost, or may not be seen at all: the status says what a container waits for, and that is what the start is told with.
// Promises the verdict and the incomplete evidence of each; intervals hold the failure, which was over when the status showed it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import { type Story, story } from '../support/pods.ts'
import { spanOf, traceOf } from '../support/pods-spans.ts'

const IMAGE = 'registry/app:1'
const PULLING = `Pulling image "${IMAGE}"`
const PRESENT = `Container image "${IMAGE}" already present on machine`
const NOT_FOUND = `failed to pull and unpack image "docker.io/${IMAGE}": not found`
const NO_SETTINGS = 'configmap "settings" not found'

const begun = (): Story =>
  story({ containers: [{ name: 'app', image: IMAGE }] })
    .create(0)
    .bind(20)
    .admit(40)
    .condition(200, 'PodReadyToStartContainers')

const waits = (told: Story, ms: number, reason: string, message = NOT_FOUND): Story =>
  told.statuses(ms, { app: { waiting: reason, message } })

const missingOf = (trace: Trace): unknown => rootOf(trace).attributes['podspan.evidence.missing']
const names = ({ spans }: Trace): string[] => spans.map(({ name }) => name)

test('a pull whose failure only the status shows has failed, and is backed off from', () => {
  const trace = traceOf(waits(waits(begun(), 1300, 'ErrImagePull'), 2300, 'ImagePullBackOff').frames(9000))
  const pull = spanOf(trace, 'pull image', 'app')
  assert.equal(pull.error, NOT_FOUND)
  assert.equal(pull.attributes['container.image.name'], IMAGE)
  assert.equal(trace.outcome, 'starting')
  assert.match(trace.verdict, /now backing off after failed pulls of registry\/app:1 \(not found\)/)
  assert.deepEqual(missingOf(trace), ['no event of a failed pull for app'])
})

test('with the events of its requests, each pull but the last has failed, and none took all the time', () => {
  const told = begun().event(210, 'Pulling', 'app', PULLING)
  const trace = traceOf(
    waits(told, 1300, 'ErrImagePull')
      .event(11_500, 'Pulling', 'app', PULLING)
      .event(32_000, 'Pulling', 'app', PULLING)
      .event(
        32_900,
        'Pulled',
        'app',
        `Successfully pulled image "${IMAGE}" in 890ms (890ms including waiting)`,
      )
      .event(33_000, 'Created', 'app')
      .event(33_100, 'Started', 'app')
      .statuses(33_200, { app: { running: 33_100 } })
      .ready(33_300)
      .frames(),
  )
  const pulls = trace.spans.filter(({ name }) => name === 'pull image')
  assert.deepEqual(
    pulls.map(({ error }) => error),
    [NOT_FOUND, NOT_FOUND, undefined],
  )
  assert.equal(names(trace).filter((name) => name === 'back-off').length, 2)
  assert.match(trace.verdict, /backing off after failed pulls/)
  assert.deepEqual(missingOf(trace), ['no event of a failed pull for app'])
})

test('where a pull is known to go on and an earlier one had failed, both is said', () => {
  const told = waits(begun().event(210, 'Pulling', 'app', PULLING), 1300, 'ErrImagePull')
  const trace = traceOf(told.event(11_500, 'Pulling', 'app', PULLING).frames(13_000))
  assert.match(trace.verdict, /now pulling registry\/app:1 \(failed before: not found\)/)
})

test('a failure to create that only the status shows was one try at the least', () => {
  const told = waits(begun(), 1300, 'CreateContainerConfigError', NO_SETTINGS)
  const trace = traceOf(
    told
      .statuses(21_200, { app: { running: 21_100 } })
      .ready(21_300)
      .frames(),
  )
  assert.equal(spanOf(trace, 'create container', 'app', 1).error, NO_SETTINGS)
  assert.match(
    trace.verdict,
    /backing off because container app could not be created \(configmap "settings" not found\)/,
  )
  assert.ok(String(missingOf(trace)).includes('no event of a failure to create app'))
})

test('an image of a volume that cannot be pulled is no failure of the container that mounts it', () => {
  const volumes = [{ name: 'model', kind: 'image', image: 'registry/model:1' }]
  const told = waits(begun().change(60, { volumes }), 1300, 'ErrImagePull', 'registry/model:1: not found')
  assert.ok(!names(traceOf(told.frames(9000))).includes('pull image'))
})

for (const [lost, missing] of [
  ['Pulled', 'no Pulled event of app'],
  ['Created', 'no Created event of app'],
  ['Started', 'no Started event of app'],
] as const)
  test(`a start without its ${lost} event is not told from complete evidence`, () => {
    const told = begun()
    for (const [index, reason] of ['Pulled', 'Created', 'Started'].entries())
      if (reason !== lost) told.event(210 + index * 10, reason, 'app', reason === 'Pulled' ? PRESENT : reason)
    const trace = traceOf(
      told
        .statuses(250, { app: { running: 230 } })
        .ready(300)
        .frames(),
    )
    assert.deepEqual(missingOf(trace), [missing])
    assert.equal(trace.evidenceComplete, false)
  })

test('one that waits for a node says so where no event tells why', () => {
  const told = story().create(0).condition(30, 'PodScheduled', 'False', 'Unschedulable')
  assert.deepEqual(missingOf(traceOf(told.frames(3000))), ['no FailedScheduling event'])
})

test('a start that was told whole lacks nothing, also where a run came before the one that became ready', () => {
  const trace = traceOf(
    begun()
      .start(210, 'app')
      .statuses(1300, { app: { exited: 1, from: 230, until: 1250 } })
      .event(12_000, 'Pulled', 'app', PRESENT)
      .event(12_010, 'Created', 'app', 'Created container: app')
      .event(12_020, 'Started', 'app', 'Started container app')
      .statuses(12_050, { app: { running: 12_020, run: 1 } })
      .ready(13_000)
      .frames(),
  )
  assert.equal(missingOf(trace), undefined)
})

test('of a run that began later than one that is known, the number says so', () => {
  const trace = traceOf(
    begun()
      .statuses(40_000, { app: { running: 39_900, run: 2 } })
      .ready(40_100)
      .frames(),
  )
  assert.equal(spanOf(trace, 'start container', 'app', 3).attempt, 3)
  assert.ok(String(missingOf(trace)).includes('nothing of earlier runs of app'))
})
