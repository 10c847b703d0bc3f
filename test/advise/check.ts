// Owns the check of advice on a real cluster: what was predicted from one recording against what another shows after the change.
// Promises a table to paste into docs/advice.md, and exit code 1 where a measured saving lies outside its range.
// Usage: check.ts [--keep DIRECTORY] [--pods N] [NAME…], with the cluster of test/cluster up. Not part of `make test`: it takes eight minutes.
// `--pods` is for the experiments with probes: from 100 on there is a P99 to speak of.

import { mkdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readCluster } from '../cluster/cluster.ts'
import { Api } from '../scenarios/api.ts'
import { experiments } from './experiments.ts'
import { doAndCompare, type Outcome } from './measured.ts'

/** Two runs of the same pods on this machine differ by that much. */
const NOISE_MS = 500

const seconds = (ms: number | undefined): string => (ms === undefined ? '–' : (ms / 1000).toFixed(1))

function isWithin({ lowMs, highMs, ofMs, afterMs }: Outcome['rows'][number]): boolean {
  const saved = ofMs - afterMs
  return saved >= lowMs - NOISE_MS && saved <= highMs + NOISE_MS
}

/** P99 of fewer starts is their slowest one. */
const named = (percentile: number, starts: number): string =>
  percentile === 99 && starts < 100 ? 'max' : `P${percentile}`

function rowsOf({ change, starts, rows }: Outcome): string[] {
  return rows.map((row, index) => {
    const { percentile, ofMs, afterMs, wholeMs, lowMs, likelyMs, highMs } = row
    const what = index === 0 ? `${change} (n = ${starts})` : ''
    const range = `${seconds(lowMs)} to ${seconds(highMs)}`
    const saved = `${seconds(ofMs - afterMs)}${isWithin(row) ? '' : ' **outside**'}`
    const whole = seconds(ofMs - wholeMs)
    return `| ${[what, named(percentile, starts), seconds(ofMs), range, seconds(likelyMs), saved, whole].join(' | ')} |`
  })
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'string' }, pods: { type: 'string', default: '12' } },
})
const pods = Number(values.pods)
if (!Number.isInteger(pods) || pods < 5 || pods > 200)
  throw new Error(`--pods ${values.pods}: expected a whole number from 5 to 200`)
if (values.keep !== undefined) await mkdir(values.keep, { recursive: true })
using api = new Api()
const { kubeconfig } = readCluster()
console.log(
  '| advice | at | was, s | predicted, s | likely, s | measured, s | whole start, s |\n|---|---|---|---|---|---|---|',
)
for (const experiment of await experiments(positionals, pods)) {
  const outcome = await doAndCompare({ api, kubeconfig }, experiment, values.keep)
  console.log(rowsOf(outcome).join('\n'))
  if (!outcome.rows.every(isWithin)) process.exitCode = 1
}
