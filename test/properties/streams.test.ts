import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame, ObjectFrame } from '../../src/base/frame.ts'
import { add, earliest, milliseconds, type UnixNano } from '../../src/base/time.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { framesOf, isObjectFrame, randomFrom, recordings, runs, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { compareRuns } from '../support/restart-compare.ts'

const RUNS = runs(4)

for (const [place, name] of recordings().entries()) {
  test(`${name}: whatever streams are missing or come late, what is told of a start holds what the whole says`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    for (let run = 0; run < RUNS; run++) {
      const seed = place * 1000 + run
      const { disturbed, words } = disturb(frames, randomFrom(seed))
      const told = tracesOf(disturbed)
      const where = `seed ${seed}: ${words}`
      assert.deepEqual(violations(told), [], where)
      assert.equal(told.length, full.length, where)
      const wrong = {
        outside: compareRuns(full, told).outside.filter(isKnown),
        invented: invented(full, told),
      }
      assert.deepEqual(wrong, { outside: [], invented: [] }, where)
    }
  })

  test(`${name}: events that come late, all at once, make intervals wider and nothing else`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    for (let run = 0; run < RUNS; run++) {
      const seed = place * 1000 + run
      const { delayed, words } = delay(frames, randomFrom(seed))
      const told = tracesOf(delayed)
      const where = `seed ${seed}: ${words}`
      assert.deepEqual(violations(told), [], where)
      const { outside, added, lost } = compareRuns(full, told)
      assert.deepEqual({ outside, added, lost }, { outside: [], added: [], lost: [] }, where)
    }
  })
}

/** With the first attempt unseen, the one after it is the first; so it is of pulls, whose parts have no number, nor has what comes after them. */
const isKnown = (boundary: string): boolean =>
  !/#\d+ (start|end)|: (transfer and unpack|wait for pull slot) |: back-off .* after pull image /.test(
    boundary,
  )

/** Spans of which the whole has none of that name: with less evidence two of one kind may be told as one. */
function invented(full: readonly Trace[], told: readonly Trace[]): string[] {
  const names = new Map(full.map(({ uid, spans }) => [uid, new Set(spans.map(({ name }) => name))]))
  return told.flatMap(({ uid, name: pod, spans }) =>
    spans
      .filter(({ name }) => name !== 'unaccounted' && !names.get(uid)?.has(name))
      .map(({ name }) => `${pod}: ${name}`),
  )
}

type Fate = 'whole' | 'absent' | 'late'

/** Every stream but that of the pods is there, absent as without a right or an API group, or begins late with a list. */
function disturb(frames: readonly Frame[], random: () => number) {
  const sources = [...new Set(frames.flatMap((frame) => ('source' in frame ? [frame.source] : [])))].sort()
  const fates = new Map<string, Fate>()
  for (const source of sources)
    if (source !== 'pods')
      fates.set(source, (['whole', 'absent', 'late'] as const)[Math.floor(random() * 3)] ?? 'whole')
  const from = Math.floor(random() * frames.length)
  const fateOf = (source: string): Fate => fates.get(source) ?? 'whole'
  const disturbed = frames.flatMap((frame, index): Frame[] => [
    ...(index === from ? listed(frames.slice(0, from), frame.t, (source) => fateOf(source) === 'late') : []),
    ...(!isObjectFrame(frame) || isKept(fateOf(frame.source), index >= from) ? [frame] : []),
  ])
  const words = [...fates].flatMap(([source, fate]) => (fate === 'whole' ? [] : [`${source} ${fate}`]))
  return { disturbed, words: `${words.join(', ')}; late from frame ${from}` }
}

const isKept = (fate: Fate, isLater: boolean): boolean => fate === 'whole' || (fate === 'late' && isLater)

/** What a list at this moment shows of the streams that begin with it; past events are not listed. */
function listed(before: readonly Frame[], t: Frame['t'], isLate: (source: string) => boolean): Frame[] {
  const state = new Map<string, ObjectFrame>()
  for (const frame of before) {
    if (!isObjectFrame(frame) || frame.source === 'events' || !isLate(frame.source)) continue
    const key = `${frame.source}/${frame.record.uid}`
    if (frame.kind === 'deleted') state.delete(key)
    else state.set(key, frame)
  }
  return [...state.values()].map((frame) => ({ ...frame, kind: 'added', phase: 'initial', t }))
}

/** Below the time that evidence has to settle. */
const DELAY_MAX_MS = 4000

/** The stream of events stalls, and shows what it kept back in one burst. */
function delay(frames: readonly Frame[], random: () => number) {
  const from = frames[Math.floor(random() * frames.length)]?.t ?? (0n as UnixNano)
  // What is still under way at the end is told up to that.
  const end = frames.at(-1)?.t ?? (0n as UnixNano)
  const until = earliest(end, add(from, milliseconds(Math.floor(random() * DELAY_MAX_MS))))
  const isLast = (frame: Frame): boolean => frame.kind === 'tick' && frame.final === true
  const moved = frames
    .filter((frame) => !isLast(frame))
    .map((frame): Frame => {
      const isKept = isObjectFrame(frame) && frame.source === 'events' && frame.phase === 'live'
      return isKept && frame.t >= from && frame.t < until ? { ...frame, t: until } : frame
    })
    .sort((a, b) => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0))
  const begin = frames[0]?.t ?? 0n
  const seconds = (at: bigint): number => Number(at - begin) / 1e9
  return {
    delayed: [...moved, ...frames.filter(isLast)],
    words: `from ${seconds(from)} to ${seconds(until)} s`,
  }
}
