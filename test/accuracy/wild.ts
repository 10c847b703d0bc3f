// Owns `make wild`: scenarios drawn at random on the real cluster, judged by the components' own spans, and their recordings by all properties.
// Promises exit code 1 where spans are of a wrong shape, or where less than 99 % of the truth is inside. Properties that do not hold are
// named and no more: a few are known not to (docs/accuracy.md).
// Usage: wild.ts [SEED [COUNT]] [--wilder] [--out DIRECTORY]. Does not draw: test/scenarios/wild.ts does.

import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ClusterError, runScript, say } from '../cluster/commands.ts'
import { chooseScenarios } from '../scenarios/run.ts'
import { runAll } from '../scenarios/runner.ts'
import { type Judgement, judgeRecording, recordingsIn } from './offline.ts'
import { report } from './run.ts'

/** On a machine that has other work to do beside nine pods at once. */
const INSIDE_MIN = 0.99
const PROPERTIES = ['lost-events', 'restart', 'streams', 'order-and-repeats', 'clock-skew']

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, wilder: { type: 'boolean', default: false } },
  })
  const [seed = Date.now() % 1e6, count = 10] = positionals.map(Number)
  if (![seed, count].every((number) => Number.isSafeInteger(number) && number >= 0))
    throw new ClusterError(`a seed and a count are whole numbers, not ${positionals.join(' ')}`)
  const out = values.out ?? (await mkdtemp(join(tmpdir(), 'podspan-wild-')))
  await mkdir(out, { recursive: true })
  const names = Array.from(
    { length: count },
    (_, index) => `${values.wilder ? 'wilder' : 'wild'}-${seed + index}`,
  )
  say(`${names.length} scenarios from ${names[0]}, some 50 s each; their recordings are kept in ${out}`)
  const failed = await runAll(chooseScenarios(names), out)
  const missed = [...failed.map((name) => `${name} did not run`), ...(await judge(out))]
  holdToProperties(out)
  if (missed.length > 0) throw new ClusterError(`missed:\n${missed.join('\n')}`)
}

async function judge(directory: string): Promise<string[]> {
  const judgements: Judgement[] = []
  for (const name of recordingsIn(directory)) judgements.push(await judgeRecording(directory, name))
  report(judgements, { strict: false, worst: 20, native: false })
  const all = judgements.flatMap(({ comparisons }) => comparisons)
  const inside = all.filter((one) => one.inside).length / all.length
  const shapes = judgements.flatMap(({ violations }) => violations).length
  return [
    ...(inside < INSIDE_MIN ? [`truth inside: ${(inside * 100).toFixed(2)} %`] : []),
    ...(shapes > 0 ? [`${shapes} spans of a wrong shape`] : []),
  ]
}

function holdToProperties(recordings: string): void {
  const wanted = PROPERTIES.map((name) => join(import.meta.dirname, '..', 'properties', `${name}.test.ts`))
  const { stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', ...wanted], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, PODSPAN_RECORDINGS: recordings },
  })
  const failed = stdout.split('\n').filter((line) => line.startsWith('not ok'))
  const [count = '0'] = /^# tests (\d+)$/m.exec(stdout)?.slice(1) ?? []
  say(`${failed.length} of ${count} properties do not hold`)
  for (const line of failed) say(`  ${line.replace(/^not ok \d+ - /, '')}`)
}

if (import.meta.main) runScript(main)
