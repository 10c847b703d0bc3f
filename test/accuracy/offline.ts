// Owns the reading of one recording with its truth: traces by the pipeline, comparisons and violations of them.
// Promises to judge exactly what a replay gives. Does not print.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readRecording } from '../../src/recording/read.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import type { Trace } from '../../src/trace/trace.ts'
import type { TruthSpan } from './collector.ts'
import { type Comparison, compareTrace } from './compare.ts'
import { withNative } from './native.ts'
import { parseTruth } from './reduce.ts'
import { findViolations, type Violation } from './shape.ts'
import { joinTruth } from './truth.ts'
import { Versions } from './versions.ts'

export interface Judgement {
  readonly scenario: string
  readonly traces: readonly Trace[]
  readonly comparisons: readonly Comparison[]
  readonly untold: readonly string[]
  readonly missed: readonly string[]
  readonly violations: readonly Violation[]
}

export const RECORDINGS = join(import.meta.dirname, '..', 'recordings')

/** The names of the recordings in a directory that have a truth beside them. */
export function recordingsIn(directory: string): string[] {
  const names = readdirSync(directory).filter((file) => file.endsWith('.jsonl.gz'))
  const scenarios = names.map((file) => basename(file, '.jsonl.gz'))
  return scenarios.filter((name) => existsSync(join(directory, `${name}.truth.json.gz`))).sort()
}

export interface Judged {
  /** Traces that were made live are judged in place of the replay's. */
  readonly live?: readonly Trace[]
  /** Which of the native spans the replay is shown as well, as exporters send them; none by default. */
  readonly shown?: (span: TruthSpan) => boolean
}

export async function judgeRecording(
  directory: string,
  scenario: string,
  { live, shown }: Judged = {},
): Promise<Judgement> {
  const spans = readTruth(directory, scenario)
  const versions = new Versions()
  const pipeline = createPipeline()
  const replayed: Trace[] = []
  const recording = await readRecording(join(directory, `${scenario}.jsonl.gz`))
  for await (const frame of shown ? withNative(recording.frames, spans.filter(shown)) : recording.frames) {
    versions.see(frame)
    if (live === undefined) replayed.push(...pipeline.push(frame))
  }
  const truth = joinTruth(spans)
  const traces = live?.filter(({ uid }) => versions.of(uid) !== undefined) ?? replayed
  const judged = traces.map((trace) => compareTrace(trace, truth, versions, scenario))
  return {
    scenario,
    traces,
    comparisons: judged.flatMap((one) => one.comparisons),
    untold: judged.flatMap((one) => one.untold),
    missed: judged.flatMap((one) => one.missed),
    violations: traces.flatMap(findViolations),
  }
}

const readTruth = (directory: string, scenario: string): TruthSpan[] =>
  parseTruth(gunzipSync(readFileSync(join(directory, `${scenario}.truth.json.gz`))).toString())
