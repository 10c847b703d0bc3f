// Owns the accuracy report: every boundary of every scenario against the native span of the same moment, as one table.
// Promises exit code 1 where a row misses its limit. Usage: run.ts [--recordings [--from DIRECTORY]] [--native] [--strict] [NAME]… [--worst N] [--sum FILE]
// Does not decide what is compared: compare.ts does. Limits are doubled unless --strict, since other machines are busier.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ClusterError, runScript, say } from '../cluster/commands.ts'
import { chooseScenarios } from '../scenarios/run.ts'
import { runLive } from './live.ts'
import { type Judgement, judgeRecording, RECORDINGS, recordingsIn } from './offline.ts'
import {
  EXPLAINED_MEDIAN_MIN,
  formatRows,
  INSIDE_MIN,
  LIMITS,
  missedBy,
  NATIVE_LIMITS,
  quantile,
  rowOf,
  rowsOf,
  worstOf,
} from './table.ts'

interface Options {
  readonly strict: boolean
  readonly worst: number
  /** Whether Podspan was shown the native spans. */
  readonly native: boolean
}

/** Prints the report and returns what it misses. */
export function report(judgements: readonly Judgement[], options: Options): string[] {
  const comparisons = judgements.flatMap((one) => one.comparisons)
  const rows = rowsOf(comparisons)
  const all = rowOf('all boundaries', comparisons)
  const violations = judgements.flatMap((one) => one.violations)
  const traces = judgements.flatMap((one) => one.traces)
  const explained = traces
    .filter(({ outcome }) => outcome === 'ready')
    .map(({ explainedRatio }) => explainedRatio)
  const ratios = [0.1, 0.5, 0.9].map((share) => quantile(explained, share))
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  print(`${judgements.length} scenarios, ${traces.length} traces, ${cpus().length} cores. Milliseconds.\n`)
  print(formatRows([...rows, all]))
  print(
    `\nexplained ratio of ready starts: P10 ${ratios[0]?.toFixed(3)}, median ${ratios[1]?.toFixed(3)}, P90 ${ratios[2]?.toFixed(3)}`,
  )
  for (const kind of [
    'ends before it starts',
    'outside its parent',
    'interval without its estimate',
  ] as const)
    print(`spans, ${kind}: ${violations.filter((one) => one.kind === kind).length}`)
  print(`told by a native span only: ${countWords(judgements.flatMap((one) => one.missed))}`)
  print(`told by no native span: ${countWords(judgements.flatMap((one) => one.untold))}`)
  for (const { text, kind } of violations.slice(0, 20)) say(`${kind}: ${text}`)
  say(`\n${worstOf(comparisons, options.worst)}`)
  const margin = options.strict ? 1 : 2
  const limits = options.native ? NATIVE_LIMITS : LIMITS
  return [
    ...rows.flatMap((row) => missedBy(row, margin, limits)),
    ...(1 - all.inside > (1 - INSIDE_MIN) * margin
      ? [`truth inside: ${(all.inside * 100).toFixed(2)} %`]
      : []),
    ...((ratios[1] ?? 0) < EXPLAINED_MEDIAN_MIN ? [`explained ratio: median ${ratios[1]?.toFixed(3)}`] : []),
    ...(violations.length > 0 ? [`${violations.length} spans of a wrong shape`] : []),
  ]
}

/** What a table of several runs says of one. */
export interface Sum {
  readonly starts: number
  readonly boundaries: number
  readonly errorP50: number
  readonly errorP99: number
  readonly inside: number
  readonly explained: number
  readonly missed: readonly string[]
}

function sumOf(judgements: readonly Judgement[], missed: readonly string[]): Sum {
  const traces = judgements.flatMap((one) => one.traces)
  const ready = traces.filter(({ outcome }) => outcome === 'ready')
  const all = judgements.flatMap(({ comparisons }) => comparisons)
  const { count, errorP50, errorP99, inside } = rowOf('all boundaries', all)
  const explained = quantile(
    ready.map(({ explainedRatio }) => explainedRatio),
    0.5,
  )
  return { starts: traces.length, boundaries: count, errorP50, errorP99, inside, explained, missed }
}

function countWords(words: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].map(([word, count]) => `${word} ${count}`).join(', ') || 'none'
}

const ALL = { shown: () => true }

async function judgeRecordings(
  directory: string,
  only: readonly string[],
  native: boolean,
): Promise<Judgement[]> {
  const names = recordingsIn(directory).filter((name) => only.length === 0 || only.includes(name))
  const judgements: Judgement[] = []
  for (const name of names) judgements.push(await judgeRecording(directory, name, native ? ALL : {}))
  return judgements
}

/** The recordings of a live run are only for the join with the native spans; they are not kept. */
async function judgeLive(only: readonly string[], native: boolean): Promise<Judgement[]> {
  const directory = await mkdtemp(join(tmpdir(), 'podspan-accuracy-'))
  try {
    const { traces, failed } = await runLive(chooseScenarios(only), directory)
    if (failed.length > 0) say(`not judged, since they failed: ${failed.join(', ')}`)
    const judgements: Judgement[] = []
    for (const name of recordingsIn(directory))
      judgements.push(await judgeRecording(directory, name, native ? ALL : { live: traces }))
    return judgements
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      recordings: { type: 'boolean', default: false },
      native: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      worst: { type: 'string', default: '10' },
      from: { type: 'string', default: RECORDINGS },
      sum: { type: 'string' },
    },
  })
  const { recordings, from, native } = values
  const judgements = recordings
    ? await judgeRecordings(from, positionals, native)
    : await judgeLive(positionals, native)
  const missed = report(judgements, { strict: values.strict, worst: Number(values.worst), native })
  if (values.sum !== undefined) await writeFile(values.sum, JSON.stringify(sumOf(judgements, missed)))
  if (missed.length > 0) throw new ClusterError(`missed:\n${missed.join('\n')}`)
}

if (import.meta.main) runScript(main)
