// Owns the joining of one container's events with its status where some events were lost: which run each is of.
// Promises one case for each thing that tells it, in which the numbers are others without it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { milliseconds } from '../../src/base/time.ts'
import type { Detail } from '../../src/observe/observation.ts'
import type { ContainerHistory } from '../../src/operations/container-history.ts'
import { tellHistory } from '../../src/operations/tell-history.ts'
import type { Draft } from '../../src/timeline/combine.ts'
import type { Fact } from '../../src/timeline/facts.ts'
import { recorded, repeated, rightClocks, shown } from '../support/facts.ts'
import { at } from '../support/pods.ts'

const because = (message: string): Detail => ({ message })
const MISSING = because('Error: configmap "settings" not found')
const NO_PROGRAM = 'exec: no such file or directory'
const couldNotStart: Detail = { reason: 'StartError', message: NO_PROGRAM }

const tell = (facts: readonly Fact[]): ContainerHistory =>
  tellHistory({ name: 'app', image: 'registry/app:1' }, facts, rightClocks())

/** When this was, in whole seconds. */
const second = (draft: Draft | undefined): number | undefined =>
  draft?.best === undefined ? undefined : Math.floor(Number(draft.best - at(0)) / 1e9)

/** What events say of each run: its number, and the seconds in which it was created, started or failed. */
const runsOf = ({ runs }: ContainerHistory) =>
  [...runs]
    .sort(([a], [b]) => a - b)
    .map(([number, { created, started, failed }]) => [
      number,
      second(created),
      second(started),
      second(failed?.at),
    ])

const failuresOf = ({ failedCreates }: ContainerHistory) =>
  failedCreates.map(({ number, beforeRun, at: failed }) => [number, beforeRun, second(failed)])

test('a run that was created after the status says the first had begun is a later one', () => {
  const history = tell([
    recorded('created container', 20_050),
    recorded('started container', 20_100),
    shown('started container', 10_000, { heard: 11_000 }),
    shown('started container', 20_000, { index: 1, heard: 21_000 }),
  ])
  assert.deepEqual(runsOf(history), [
    [0, undefined, 10, undefined],
    [1, 20, 20, undefined],
  ])
})

test('a failure to create between two runs moves with the runs, and comes after what the status says had begun', () => {
  const history = tell([
    recorded('container failed', 15_050, { detail: MISSING }),
    recorded('created container', 20_050),
    recorded('started container', 20_100),
    shown('started container', 10_000, { heard: 11_000 }),
    shown('started container', 20_000, { index: 1, heard: 21_000 }),
  ])
  assert.deepEqual(failuresOf(history), [[1, 1, 15]])
})

test('a failure to create after a run that moved comes after it', () => {
  const history = tell([
    recorded('created container', 20_050),
    recorded('started container', 20_100),
    recorded('container failed', 20_900, { detail: MISSING }),
    shown('started container', 10_000, { heard: 11_000 }),
    shown('started container', 20_000, { index: 1, heard: 21_000 }),
  ])
  assert.deepEqual(failuresOf(history), [[1, 2, 20]])
})

test('a failure to create of which only the status knows the run before comes after that run', () => {
  const history = tell([
    recorded('container failed', 15_050, { detail: MISSING }),
    shown('finished container', 10_000, { heard: 11_000, detail: couldNotStart }),
  ])
  assert.deepEqual(failuresOf(history), [[1, 1, 15]])
})

test('a start that was recorded late, after a standstill, stays the run that had ended before the next one began', () => {
  const history = tell([
    recorded('started container', 18_500),
    repeated('started container', 19_000, { index: 1, heard: 19_050 }),
    shown('started container', 14_000, { heard: 18_600 }),
    shown('started container', 18_000, { index: 1, heard: 19_100 }),
    shown('finished container', 19_500, { index: 1, heard: 27_000 }),
    shown('finished container', 20_000, { index: 1, heard: 27_000 }),
  ])
  assert.deepEqual(
    runsOf(history).map(([number]) => number),
    [0, 1],
  )
})

test('what was started is the next run where the status says that this one could not be', () => {
  const history = tell([
    recorded('created container', 11_050),
    recorded('started container', 13_200),
    shown('waiting', 0, { heard: 12_500, detail: { reason: 'RunContainerError' } }),
    shown('started container', 13_000, { index: 1, heard: 13_600 }),
  ])
  assert.deepEqual(runsOf(history), [
    [0, 11, undefined, undefined],
    [1, undefined, 13, undefined],
  ])
})

test('so it is where nothing says that this one was created', () => {
  const history = tell([
    recorded('started container', 13_200),
    shown('waiting', 0, { heard: 12_500, detail: { reason: 'RunContainerError' } }),
    shown('started container', 13_000, { index: 1, heard: 13_600 }),
  ])
  assert.deepEqual(runsOf(history), [[1, undefined, 13, undefined]])
})

test('where the runs after it are later ones, so is one of whose own number the status knows nothing', () => {
  const history = tell([
    recorded('created container', 8_800),
    recorded('started container', 9_200),
    repeated('created container', 15_000, { index: 1, heard: 15_100 }),
    repeated('started container', 15_000, { index: 1, heard: 15_200 }),
    shown('started container', 9_000, { index: 1, heard: 9_500 }),
    shown('started container', 15_000, { index: 2, heard: 15_300 }),
  ])
  assert.deepEqual(runsOf(history), [
    [1, 8, 9, undefined],
    [2, 15, 15, undefined],
  ])
})

test('but not where the one after it has its own number', () => {
  const history = tell([
    recorded('created container', 8_800),
    recorded('started container', 9_200),
    repeated('created container', 9_000, { index: 1, heard: 9_400 }),
    repeated('started container', 9_000, { index: 1, heard: 9_500 }),
    shown('started container', 9_000, { index: 1, heard: 9_600 }),
  ])
  assert.deepEqual(
    runsOf(history).map(([number]) => number),
    [0, 1],
  )
})

test('nor where the status knows when it had begun itself', () => {
  const history = tell([
    recorded('created container', 9_150),
    recorded('started container', 9_250),
    repeated('created container', 15_000, { index: 1, heard: 15_100 }),
    repeated('started container', 15_000, { index: 1, heard: 15_200 }),
    shown('started container', 9_000, { heard: 9_400 }),
    shown('started container', 9_000, { index: 1, heard: 9_900 }),
    shown('started container', 15_000, { index: 2, heard: 15_300 }),
  ])
  assert.deepEqual(runsOf(history), [
    [0, 9, 9, undefined],
    [1, undefined, 9, undefined],
    [2, 15, 15, undefined],
  ])
})

test('the nth failure to start is the nth run, whatever was lost of it', () => {
  const failed = (index: number, ms: number): Fact =>
    repeated('container failed', ms, { index, heard: ms + 50, detail: because(`Error: ${NO_PROGRAM}`) })
  const history = tell([
    failed(0, 10_100),
    repeated('created container', 12_000, { index: 1, heard: 12_100 }),
    failed(3, 50_100),
    shown('finished container', 50_000, { index: 3, heard: 51_000, detail: couldNotStart }),
  ])
  assert.deepEqual(runsOf(history), [
    [0, undefined, undefined, 10],
    [1, 12, undefined, undefined],
    [3, undefined, undefined, 50],
  ])
  assert.equal(history.runs.get(1)?.failed?.message, `Error: ${NO_PROGRAM}`)
})

test('an image that could not be inspected is no failure to start what was created', () => {
  const history = tell([
    recorded('created container', 10_050),
    recorded('container failed', 12_050, {
      detail: { reason: 'InspectFailed', message: 'Failed to inspect image' },
    }),
  ])
  assert.deepEqual(runsOf(history), [[0, 10, undefined, undefined]])
  assert.deepEqual(failuresOf(history), [[1, 1, 12]])
})

test('an image is of an earlier try where tries were not seen and images are fewer than tries', () => {
  const given = (times: number) => [
    recorded('image present', 10_050),
    ...(times > 1 ? [repeated('image present', 13_000, { index: times - 1, heard: 13_100 })] : []),
    repeated('container failed', 13_000, { index: 2, heard: 13_200, detail: MISSING }),
  ]
  const imageOf = (times: number) => tell(given(times)).failedCreates[0]?.image
  assert.equal(imageOf(2)?.best, undefined)
  assert.notEqual(imageOf(2)?.earliest, undefined)
  assert.equal(second(imageOf(3)), 13)
})

const pulled = (ms: number, took: number, group: string): Fact =>
  recorded('pulled', ms, { group, detail: { pull: milliseconds(took), withWaiting: milliseconds(took) } })

test('a pull whose container was created is over: what ends next is another pull', () => {
  const { pulls } = tell([
    recorded('pulling', 10_050),
    recorded('created container', 12_050),
    recorded('started container', 12_100),
    pulled(20_050, 300, 'second'),
  ])
  assert.deepEqual(
    pulls.map(({ requested, ended }) => [second(requested), second(ended)]),
    [
      [10, undefined],
      [19, 20],
    ],
  )
})

test('what is asked for when the image has come is asked for a later try', () => {
  const history = tell([
    recorded('pulling', 10_050),
    pulled(10_300, 300, 'first'),
    recorded('pulling', 10_500, { group: 'again' }),
    repeated('container failed', 10_000, { heard: 10_900, detail: MISSING }),
    pulled(11_050, 500, 'second'),
    recorded('created container', 11_100),
  ])
  assert.equal(history.failedCreates[0]?.asked, history.pulls[0]?.requested)
  assert.equal(history.runs.get(0)?.asked, history.pulls[1]?.requested)
})

test('a run that found its image there was not what an image was pulled for before', () => {
  const history = tell([
    recorded('pulling', 10_050),
    pulled(10_300, 300, 'first'),
    recorded('image present', 15_050),
    recorded('created container', 15_100),
  ])
  assert.equal(history.runs.get(0)?.asked, undefined)
})
