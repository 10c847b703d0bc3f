import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import { framesOf, readLines, recordingLines, recordings, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import {
  begunLate,
  doubled,
  type Line,
  parseLines,
  textOf,
  thinned,
  without,
} from '../support/other-recorders.ts'
import { type Compared, compareRuns } from '../support/restart-compare.ts'

interface Told {
  readonly name: string
  readonly full: readonly Trace[]
  readonly told: readonly Trace[]
  readonly compared: Compared
}

/** What every recording tells when its lines were changed like this. */
async function tellAll(change: (lines: readonly Line[]) => readonly Line[]): Promise<Told[]> {
  const all: Told[] = []
  for (const name of recordings()) {
    const [header = '', ...lines] = recordingLines(name)
    const frames = await readLines([header, ...change(parseLines(lines)).map(textOf)])
    const [full, told] = [tracesOf(await framesOf(name)), tracesOf(frames)]
    assert.deepEqual(violations(told), [], name)
    all.push({ name, full, told, compared: compareRuns(full, told) })
  }
  return all
}

const boundariesOf = (all: readonly Told[]): number =>
  all.reduce((sum, { compared }) => sum + compared.count, 0)

/** Where a start was going on when the recording ended, it ends when that does. */
const outsideOf = (all: readonly Told[]): string[] =>
  all.flatMap(({ compared }) => compared.outside.filter((text) => !/pod startup end\n.*by order/.test(text)))

const outcomesOf = (traces: readonly Trace[]): string[] =>
  traces.map(({ uid, outcome }) => `${uid} ${outcome}`).sort()

/** Those that ended otherwise than the full evidence says, and do not say that something is missing. */
const silentlyOther = ({ full, told }: Told): string[] =>
  told.flatMap(({ evidenceComplete, name, outcome, uid }) => {
    const same = full.find((trace) => trace.uid === uid)
    return same && same.outcome !== outcome && evidenceComplete
      ? [`${name}: ${same.outcome}, not ${outcome}`]
      : []
  })

/** What nobody numbered may be taken for the one before it, where one of them was not seen. */
const MAY_BE_OUTSIDE = 0.004

function assertHonest(all: readonly Told[]): void {
  const outside = outsideOf(all)
  assert.ok(outside.length <= boundariesOf(all) * MAY_BE_OUTSIDE, outside.join('\n'))
  assert.deepEqual(all.flatMap(silentlyOther), [])
}

test('without resource versions all is told as with them', async () => {
  const all = await tellAll((lines) => without(lines, 'resourceVersion'))
  for (const { full, told, compared } of all) {
    assert.deepEqual(outcomesOf(told), outcomesOf(full))
    assert.deepEqual([...compared.added, ...compared.lost], [])
  }
  assert.deepEqual(outsideOf(all), [])
})

test('where every line came once more a second later, each start is told once, and as it was', async () => {
  const all = await tellAll((lines) => doubled(lines, 1_000_000_000n))
  for (const { full, told, compared } of all) {
    assert.deepEqual(outcomesOf(told), outcomesOf(full))
    assert.deepEqual([...compared.added, ...compared.lost], [])
  }
  assert.deepEqual(outsideOf(all), [])
})

test('written down with receipts of whole seconds, all is told, wider, and holds what the finer ones say', async () => {
  const all = await tellAll((lines) =>
    lines.map((line) => ({ ...line, t: line.t - (line.t % 1_000_000_000n) })),
  )
  for (const { name, full, told } of all) {
    // A few lines may be of whole seconds by chance.
    if (recordingLines(name).length <= 20) continue
    assert.deepEqual(outcomesOf(told), outcomesOf(full), name)
  }
  const outside = outsideOf(all.filter(({ name }) => recordingLines(name).length > 20))
  assert.ok(outside.length <= boundariesOf(all) * 0.001, outside.join('\n'))
})

for (const nth of [2, 3, 1000])
  test(`of which only every ${nth}th version was kept, pods are told as from a list, and say so`, async () => {
    const all = await tellAll((lines) => thinned(lines, nth))
    for (const { full, told } of all)
      assert.deepEqual(told.map(({ uid }) => uid).sort(), full.map(({ uid }) => uid).sort())
    assertHonest(all)
  })

for (const share of [0.1, 0.3, 0.5, 0.7, 0.9])
  test(`begun after ${share * 100} % without a list, what is told of pods that were there is not dated by when it was seen`, async () => {
    const all = await tellAll((lines) => begunLate(lines, share))
    assertHonest(all)
    for (const { full, told } of all)
      for (const trace of told) {
        const same = full.find(({ uid }) => uid === trace.uid)
        if (!same || rootOf(trace).start.best <= rootOf(same).start.latest) continue
        assert.equal(trace.evidenceComplete, false, trace.name)
      }
  })
