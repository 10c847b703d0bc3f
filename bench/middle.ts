// Owns the bench of the pure middle: frames in memory become traces, and traces bytes, with no network and no decoder.
// Promises the same frames in every repeat, split into folding frames, telling traces and encoding them.
// Does not compare with another middle, for there is none: JSON.parse of the same frames gives the measure.

import type { ObjectFrame } from '../src/base/frame.ts'
import { BY_ACTOR } from '../src/export/resource.ts'
import { encodeTrace } from '../src/export/otlp-protobuf.ts'
import { createPipeline, type Pipeline } from '../src/trace/pipeline.ts'
import type { Trace } from '../src/trace/trace.ts'
import { cpuOf } from './cpu.ts'
import { finalTick, playStarts } from './frames.ts'
import { profiled } from './profile.ts'
import type { Bench, BenchOptions, Result } from './report.ts'
import { STEPS } from './start.ts'
import { watchTemplate } from './template.ts'

const PARSED = 'JSON.parse of the frames'

/** Running pods beside those that start: a small cluster, and the largest that Kubernetes is meant for. */
const FEW = 1000
const MANY = 150_000

interface Round {
  readonly wholeUs: number
  readonly foldUs: number
  readonly tellUs: number
  readonly encodeUs: number
  readonly parseUs: number
  readonly besideFewUs: number
  readonly besideManyUs: number
}

export const bench: Bench = async (options) => {
  const starts = options.quick ? 500 : 2000
  const frames = playStarts({ from: 1, starts, startsPerSecond: 1000 })
  const traces = pushAll(createPipeline(), frames)
  check(traces, starts)
  if (options.profile) options.say(await profiled(() => repeatWhole(frames, options)))
  const rounds = Array.from({ length: options.quick ? 2 : 4 }, () => measure(frames, traces))
  return results(rounds, starts)
}

function pushAll(pipeline: Pipeline, frames: readonly ObjectFrame[]): Trace[] {
  const told: Trace[] = []
  for (const frame of frames) for (const trace of pipeline.push(frame)) told.push(trace)
  const last = frames.at(-1)
  if (last) told.push(...pipeline.push(finalTick(last.t)))
  return told
}

function check(traces: readonly Trace[], starts: number): void {
  const odd = traces.find(({ outcome, evidenceComplete }) => outcome !== 'ready' || !evidenceComplete)
  if (traces.length !== starts || odd)
    throw new Error(`${starts} starts gave ${traces.length} traces, one ${odd?.outcome}`)
}

function repeatWhole(frames: readonly ObjectFrame[], { quick }: BenchOptions): void {
  for (let round = 0; round < (quick ? 2 : 6); round++) {
    for (const trace of pushAll(createPipeline(), frames)) encodeTrace(trace, BY_ACTOR)
  }
}

function measure(frames: readonly ObjectFrame[], traces: readonly Trace[]): Round {
  const wholeUs = cpuOf(() => void pushAll(createPipeline(), frames))
  // Within the timeout nothing settles, so that frames are only folded; the final tick then tells all.
  const folding = createPipeline({
    settle: 3_600_000_000_000n as never,
    startTimeout: 3_600_000_000_000n as never,
  })
  const foldUs = cpuOf(() => {
    for (const frame of frames) folding.push(frame)
  })
  const encodeUs = cpuOf(() => {
    for (const trace of traces) encodeTrace(trace, BY_ACTOR)
  })
  return {
    wholeUs,
    foldUs,
    tellUs: wholeUs - foldUs,
    encodeUs,
    parseUs: parseTime(traces.length),
    besideFewUs: besideRunning(frames, FEW),
    besideManyUs: besideRunning(frames, MANY),
  }
}

/** The same starts, where so many pods run already. */
function besideRunning(frames: readonly ObjectFrame[], running: number): number {
  const pipeline = createPipeline()
  const last = frames.findLast(({ source }) => source === 'pods')
  if (!last) throw new Error('there is no pod')
  for (let number = 0; number < running; number++) {
    const uid = `${number.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`
    const record = { ...last.record, uid, name: `running-${number}` }
    pipeline.push({ ...last, kind: 'added', phase: 'initial', record })
  }
  return cpuOf(() => void pushAll(pipeline, frames))
}

/** Each of the steps parsed as often as there are starts. */
function parseTime(starts: number): number {
  const texts = STEPS.map((step) => watchTemplate(step, 'json').bytes)
  let seen = 0
  const us = cpuOf(() => {
    for (let round = 0; round < starts; round++)
      for (const text of texts) seen += Object.keys(JSON.parse(text.toString('utf8')) as object).length
  })
  if (seen === 0) throw new Error('nothing was parsed')
  return us
}

function results(rounds: readonly Round[], starts: number): readonly Result[] {
  const perStart = (of: (round: Round) => number): number[] => rounds.map((round) => of(round) / starts)
  const perFrame = (of: (round: Round) => number): number[] => perStart(of).map((us) => us / STEPS.length)
  const parsed = { name: PARSED, values: perStart(({ parseUs }) => parseUs) }
  return [
    {
      what: 'middle: frames → trace, per start',
      unit: 'µs',
      ours: perStart(({ wholeUs }) => wholeUs),
      theirs: parsed,
    },
    { what: 'middle: of it folding, per frame', unit: 'µs', ours: perFrame(({ foldUs }) => foldUs) },
    { what: 'middle: of it telling, per start', unit: 'µs', ours: perStart(({ tellUs }) => tellUs) },
    { what: 'middle: trace → OTLP bytes, per start', unit: 'µs', ours: perStart(({ encodeUs }) => encodeUs) },
    {
      what: `middle: frames → trace, beside ${MANY.toLocaleString('en')} running pods`,
      unit: 'µs',
      ours: perStart(({ besideManyUs }) => besideManyUs),
      theirs: {
        name: `beside ${FEW.toLocaleString('en')} of them`,
        values: perStart(({ besideFewUs }) => besideFewUs),
      },
      // Within a fifth.
      target: { kind: 'ratio', atLeast: 1 / 1.2 },
    },
  ]
}
