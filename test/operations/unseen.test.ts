// Owns the boundaries that nothing was seen of: what came before and after them bounds them, and no more is claimed.
// Promises both sides of the interval in each row, so that an order that is not drawn, or drawn to the wrong neighbour, shows.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { at, type Story, story } from '../support/pods.ts'
import { spanOf, TOLERANCE_MS, traceOf } from '../support/pods-spans.ts'

const begun = (more: Parameters<typeof story>[0] = {}) =>
  story(more).create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')

const PULLING = 'Pulling image "registry/app:1"'
const FAILED = 'Failed to pull image "registry/app:1": not found'
const PRESENT = 'Container image "registry/app:1" already present on machine'
const MISSING = 'Error: configmap "settings" not found'
const NO_PROGRAM = 'Error: exec: "/no-such-program": no such file or directory'
const PROBED = {
  containers: [{ name: 'app', image: 'registry/app:1', readinessProbe: { periodSeconds: 1 } }],
}

const failedPull = () => begun().event(210, 'Pulling', 'app', PULLING).event(250, 'Failed', 'app', FAILED)
/** Ends at some time of its second 1, and is seen to have ended at 1305. */
const crashed = () =>
  begun(PROBED)
    .start(210, 'app')
    .statuses(1300, { app: { exited: 1, from: 230, until: 1250 } })
const notStarted = () =>
  begun(PROBED)
    .event(210, 'Pulled', 'app', PRESENT)
    .event(220, 'Created', 'app')
    .event(300, 'Failed', 'app', NO_PROGRAM)
/** The second run's own words, so that its events are other objects than the first one's. */
const createdAgain = (told: Story) => told.event(12_010, 'Created', 'app', 'Created container: app')
const startedAgain = (told: Story) => told.event(12_020, 'Started', 'app', 'Started container app')
const runsAgain = (told: Story) =>
  told.statuses(12_050, { app: { running: 12_020, run: 1, started: true } }).ready(13_000)

interface Row {
  readonly name: string
  readonly given: Story | readonly Frame[]
  /** The span, its attempt, and what its start or end is known to be: `earliest .. estimate .. latest` in ms. */
  readonly then: readonly (readonly [
    span: string,
    attempt: number | undefined,
    side: 'start' | 'end',
    known: readonly [earliest: number, best: number, latest: number],
  ])[]
}

/** As for a watch that was away while equal events counted up to two. */
const withoutSecondEvents = (told: Story): readonly Frame[] =>
  told
    .frames()
    .filter((frame) => !('record' in frame && frame.record.resource === 'events' && frame.record.count === 2))

/*
 * Some lines may be changed and no trace shows it, since others imply what they say. In pulls.ts a pull begins after the one before it
 * ended, both as `from` and as `following`; and a last failed pull ends before what is known next through the pull between them that was
 * not seen (`beforeNext`), so that naming what is next as its `following` adds nothing. In containers.ts a run that another follows has
 * ended (`endBeforeNext`) or could not be started, so that `from` never falls back to when it started; and its end comes before the next
 * one's first sign both by itself and as the start of the back-off between them.
 */
const PULLS: readonly Row[] = [
  {
    name: 'the pull after a failed one was not seen: the back-off ended some time before the container was created',
    given: failedPull().event(15_320, 'Created', 'app').event(15_340, 'Started', 'app').ready(15_400),
    then: [
      ['pull image', undefined, 'end', [245, 250, 250]],
      ['back-off', undefined, 'end', [245, 15_320, 15_320]],
    ],
  },
  {
    name: 'the end of a pull was not seen: it lies before the container was created',
    given: begun()
      .event(210, 'Pulling', 'app', PULLING)
      .event(600, 'Created', 'app')
      .event(620, 'Started', 'app')
      .ready(700),
    then: [['pull image', undefined, 'end', [210, 600, 600]]],
  },
  {
    name: 'the start of the second pull was not seen: it lies after the first one failed',
    given: failedPull()
      .event(15_300, 'Pulled', 'app', 'Successfully pulled image "registry/app:1"')
      .event(15_320, 'Created', 'app')
      .event(15_340, 'Started', 'app')
      .ready(15_400),
    then: [
      ['pull image', 2, 'start', [245, 15_300, 15_300]],
      ['back-off', undefined, 'end', [245, 15_300, 15_300]],
    ],
  },
  {
    name: 'the start of the only pull was not seen: it lies after the init container had ended',
    given: begun({ initContainers: [{ name: 'prepare', image: 'registry/prepare:1' }] })
      .start(210, 'prepare')
      .statuses(1300, { prepare: { exited: 0, from: 230, until: 1250 } })
      .event(5000, 'Pulled', 'app', 'Successfully pulled image "registry/app:1"')
      .event(5020, 'Created', 'app')
      .event(5040, 'Started', 'app')
      .ready(5100),
    then: [['pull image', undefined, 'start', [1000, 5000, 5000]]],
  },
]

const RESTARTS: readonly Row[] = [
  {
    name: 'the image of the second run was not seen: it was there after the first run ended, and was not that of the first',
    given: runsAgain(startedAgain(createdAgain(crashed()))),
    then: [['create container', 2, 'start', [1000, 12_010, 12_010]]],
  },
  {
    name: 'of the second run only its start was seen: it was created after the first one ended',
    given: runsAgain(startedAgain(crashed())),
    then: [['start container', 2, 'start', [1000, 12_020, 12_020]]],
  },
  {
    name: 'the first run could not be started: the second begins after that',
    given: runsAgain(startedAgain(createdAgain(notStarted()))),
    then: [
      ['start container', 1, 'end', [300, 300, 300]],
      ['create container', 2, 'start', [300, 12_010, 12_010]],
    ],
  },
  {
    name: 'the first run could not be started, and a start of which nothing was seen to be created is another run',
    given: runsAgain(startedAgain(notStarted())),
    then: [
      ['start container', 1, 'end', [300, 300, 300]],
      ['start container', 2, 'start', [300, 12_020, 12_020]],
    ],
  },
  {
    name: 'the container could not be created twice: its run begins after the second failure',
    given: begun()
      .event(210, 'Pulled', 'app', PRESENT)
      .event(211, 'Failed', 'app', MISSING)
      .event(12_000, 'Pulled', 'app', PRESENT)
      .event(12_001, 'Failed', 'app', MISSING)
      .event(24_020, 'Created', 'app')
      .event(24_040, 'Started', 'app')
      .ready(24_100),
    then: [['create container', 3, 'start', [12_000, 24_020, 24_020]]],
  },
  {
    name: 'the container could not be created, and its image was not seen again: the back-off ended before it was created',
    given: begun()
      .event(210, 'Pulled', 'app', PRESENT)
      .event(211, 'Failed', 'app', MISSING)
      .event(24_020, 'Created', 'app')
      .event(24_040, 'Started', 'app')
      .ready(24_100),
    then: [['back-off', undefined, 'end', [211, 24_020, 24_020]]],
  },
  {
    name: 'a run in between was not seen: the back-off ended some time before the one that was',
    given: crashed()
      .statuses(1400, { app: { waiting: 'CrashLoopBackOff' } })
      .statuses(40_050, { app: { running: 40_020, run: 2, started: true } })
      .ready(41_000),
    then: [
      ['back-off', undefined, 'end', [1000, 40_000, 40_055]],
      ['start container', 3, 'start', [1000, 40_000, 40_055]],
    ],
  },
  {
    name: 'the end of the first run was not seen: it lies between its start and the second run',
    given: runsAgain(begun(PROBED).start(210, 'app', 100)),
    then: [
      ['readiness', 1, 'end', [410, 12_000, 12_055]],
      ['back-off', undefined, 'start', [410, 12_000, 12_055]],
    ],
  },
  {
    name: 'the second run is told by other event objects: each run keeps its own moments',
    given: runsAgain(
      startedAgain(createdAgain(crashed().event(11_900, 'Pulled', 'app', `${PRESENT}, again`))),
    ),
    then: [
      ['create container', 1, 'start', [210, 210, 210]],
      ['start container', 1, 'end', [230, 230, 230]],
      ['back-off', undefined, 'end', [11_900, 11_900, 11_900]],
      ['create container', 2, 'start', [11_900, 11_900, 11_900]],
      ['start container', 2, 'end', [12_020, 12_020, 12_020]],
    ],
  },
  {
    name: 'the events of the second run were not seen: those that count three tell of the third',
    given: withoutSecondEvents(
      crashed()
        .start(12_000, 'app')
        .start(34_000, 'app')
        .statuses(34_050, { app: { running: 34_020, run: 2, started: true } })
        .ready(35_000),
    ),
    then: [
      ['start container', 1, 'end', [230, 230, 230]],
      ['create container', 3, 'end', [34_000, 34_015, 34_015]],
      ['start container', 3, 'end', [34_000, 34_025, 34_025]],
    ],
  },
]

const millisecondsOf = (moment: bigint): number => Math.round(Number(moment - at(0)) / 1e6)

for (const { name, given, then } of [...PULLS, ...RESTARTS])
  test(name, () => {
    const trace = traceOf('frames' in given ? given.frames() : given)
    for (const [span, attempt, side, known] of then) {
      const found = spanOf(trace, span, 'app', attempt)
      assert.notEqual(found.attributes['podspan.open'], true, `${span} has ended`)
      const { earliest, best, latest } = found[side]
      const is = [earliest, best, latest].map(millisecondsOf)
      const near = is.every((ms, index) => Math.abs(ms - (known[index] ?? NaN)) <= TOLERANCE_MS)
      assert.ok(
        near,
        `${side} of ${span} ${attempt ?? ''}: ${is.join(' .. ')}, and not ${known.join(' .. ')}`,
      )
    }
  })
