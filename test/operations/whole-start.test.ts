import assert from 'node:assert/strict'
import { test } from 'node:test'
import { story } from '../support/pods.ts'
import { assertSpans, type Line, spanOf, traceOf } from '../support/pods-spans.ts'
import type { Frame } from '../../src/base/frame.ts'

const PULLED =
  'Successfully pulled image "registry/app:1" in 300ms (500ms including waiting). Image size: 7 bytes.'
const PULLING = 'Pulling image "registry/app:1"'

const begun = () => story().create(0).bind(20).admit(40)

interface Case {
  readonly name: string
  readonly given: () => readonly Frame[]
  readonly then: readonly Line[]
}

const CASES: readonly Case[] = [
  {
    name: 'a pod of one container with its image there',
    given: () => begun().condition(200, 'PodReadyToStartContainers').start(210, 'app').ready(240).frames(),
    then: [
      ['pod startup', 0, 240],
      ['  schedule', 0, 20],
      ['  prepare pod and create sandbox', 20, 200],
      ['  create container app', 210, 220],
      ['  start container app', 220, 230],
      ['  report status', 230, 240],
    ],
  },
  {
    name: 'an image that had to be pulled, with its wait for a slot',
    given: () =>
      begun()
        .condition(200, 'PodReadyToStartContainers')
        .event(210, 'Pulling', 'app', PULLING)
        .event(710, 'Pulled', 'app', PULLED)
        .event(730, 'Created', 'app')
        .event(760, 'Started', 'app')
        .ready(780)
        .frames(),
    then: [
      ['pod startup', 0, 780],
      ['  schedule', 0, 20],
      ['  prepare pod and create sandbox', 20, 200],
      ['  pull image app', 210, 710],
      ['    wait for pull slot app', 210, 410],
      ['    transfer and unpack app', 410, 710],
      ['  create container app', 710, 730],
      ['  start container app', 730, 760],
      ['  report status', 760, 780],
    ],
  },
  {
    name: 'an image that had to be pulled, at once',
    given: () =>
      begun()
        .condition(200, 'PodReadyToStartContainers')
        .event(210, 'Pulling', 'app', PULLING)
        .event(
          710,
          'Pulled',
          'app',
          'Successfully pulled image "registry/app:1" in 500ms (500ms including waiting)',
        )
        .event(730, 'Created', 'app')
        .event(760, 'Started', 'app')
        .ready(780)
        .frames(),
    then: [
      ['pod startup', 0, 780],
      ['  schedule', 0, 20],
      ['  prepare pod and create sandbox', 20, 200],
      ['  pull image app', 210, 710],
      ['    transfer and unpack app', 210, 710],
      ['  create container app', 710, 730],
      ['  start container app', 730, 760],
      ['  report status', 760, 780],
    ],
  },
  {
    name: 'init container, sidecar and two containers, one after the other',
    given: () =>
      story({
        initContainers: [
          { name: 'prepare', image: 'a' },
          { name: 'proxy', image: 'b', restartPolicy: 'Always' },
        ],
        containers: [
          { name: 'app', image: 'c' },
          { name: 'beside', image: 'd' },
        ],
      })
        .create(0)
        .bind(20)
        .admit(40)
        .condition(200, 'PodReadyToStartContainers')
        .start(210, 'prepare')
        .statuses(3100, { prepare: { exited: 0, from: 230, until: 3000 } })
        .start(3200, 'proxy')
        .start(3300, 'app')
        .start(3400, 'beside')
        .ready(3500)
        .frames(),
    then: [
      ['pod startup', 0, 3500],
      ['  schedule', 0, 20],
      ['  prepare pod and create sandbox', 20, 200],
      ['  create container prepare', 210, 220],
      ['  start container prepare', 220, 230],
      ['  run init container prepare', 230, 3000],
      ['  unaccounted', 3000, 3200],
      ['  create container proxy', 3200, 3210],
      ['  start container proxy', 3210, 3220],
      ['  unaccounted', 3220, 3300],
      ['  create container app', 3300, 3310],
      ['  start container app', 3310, 3320],
      ['  unaccounted', 3320, 3400],
      ['  create container beside', 3400, 3410],
      ['  start container beside', 3410, 3420],
      ['  report status', 3420, 3500],
    ],
  },
  {
    name: 'a container that is ready when its probe says so',
    given: () =>
      story({ containers: [{ name: 'app', image: 'a', readinessProbe: { periodSeconds: 1 } }] })
        .create(0)
        .bind(20)
        .admit(40)
        .condition(200, 'PodReadyToStartContainers')
        .start(210, 'app')
        .statuses(250, { app: { running: 230, started: true } })
        .ready(2300)
        .frames(),
    then: [
      ['pod startup', 0, 2300],
      ['  schedule', 0, 20],
      ['  prepare pod and create sandbox', 20, 200],
      ['  create container app', 210, 220],
      ['  start container app', 220, 230],
      ['  readiness app', 230, 2290],
      ['  report status', 2290, 2300],
    ],
  },
]

for (const { name, given, then } of CASES) {
  test(name, () => assertSpans(traceOf(given()), then))
}

test('what no operation explains names its neighbours', () => {
  const trace = traceOf(
    begun().condition(200, 'PodReadyToStartContainers').start(900, 'app').ready(950).frames(),
  )
  const gap = trace.spans.find(({ name }) => name === 'unaccounted')
  assert.equal(gap?.subject, 'prepare pod and create sandbox → create container app')
  assert.equal(gap?.attributes['podspan.unaccounted.after'], 'prepare pod and create sandbox')
  assert.equal(gap?.attributes['podspan.unaccounted.before'], 'create container app')
})

test('a cached image has no pull, and the container says so', () => {
  const trace = traceOf(begun().start(210, 'app').ready(240).frames())
  assert.equal(spanOf(trace, 'create container').attributes['podspan.image.cached'], true)
  assert.ok(trace.spans.every(({ name }) => name !== 'pull image'))
})

test('a pull says its bytes and its image', () => {
  const frames = begun().event(210, 'Pulling', 'app', PULLING).event(710, 'Pulled', 'app', PULLED)
  const { attributes } = spanOf(
    traceOf(frames.event(720, 'Created', 'app').ready(800).frames()),
    'pull image',
  )
  assert.equal(attributes['podspan.image.bytes'], 7)
  assert.equal(attributes['container.image.name'], 'registry/app:1')
})
