// Owns the run of all scenarios on the real cluster: a namespace each, recorded from before the first object until it settled.
// Promises that a recording is written only when its scenario went as described and no watch was lost.
// Does not compare anything: test/accuracy does. Usage: run.ts [--only NAME…] [--out DIRECTORY] [--list]

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { readCluster } from '../cluster/cluster.ts'
import { runScript, say } from '../cluster/commands.ts'
import { truthCursor } from '../accuracy/collector.ts'
import { reduceTruth } from '../accuracy/reduce.ts'
import { Api } from './api.ts'
import { failureScenarios } from './failures.ts'
import { nodeScenarios } from './node.ts'
import { plainScenarios } from './plain.ts'
import { record, type RecordingTask } from './record.ts'
import { schedulingScenarios } from './scheduling.ts'
import { clock, type Scenario, Stage } from './stage.ts'
import { workloadScenarios } from './workloads.ts'

export const scenarios: readonly Scenario[] = [
  ...plainScenarios,
  ...failureScenarios,
  ...schedulingScenarios,
  ...workloadScenarios,
  ...nodeScenarios,
]

/** Late events are in by then, and spans are in the truth file. */
const SETTLE_SECONDS = 7
/** So many at a time where they do not disturb each other. */
const LANES = 4

async function runOne(api: Api, scenario: Scenario, out: string): Promise<string> {
  const namespace = scenario.name
  await freshNamespace(api, namespace)
  const cursor = truthCursor(readCluster().truthFile)
  const stage = new Stage(api, namespace)
  const kubernetes = `v${readCluster().kubernetesVersion}`
  const task = record({ access: api.access, kubernetes, namespace, onObject: (seen) => stage.see(seen) })
  try {
    await task.synced
    await scenario.run(stage)
    await clock.sleep(SETTLE_SECONDS * 1000)
  } finally {
    task.stop()
    await stage.cleanUp()
    await api.remove({ apiVersion: 'v1', kind: 'Namespace', name: namespace })
  }
  if (task.broken !== undefined) throw new Error(`${scenario.name}: ${task.broken}`)
  return keep(out, scenario.name, task, reduceTruth(cursor.read(), namespace))
}

async function keep(
  out: string,
  name: string,
  task: RecordingTask,
  truth: readonly object[],
): Promise<string> {
  const recording = gzipSync(`${task.lines.join('\n')}\n`, { level: 9 })
  const native = gzipSync(`[\n${truth.map((span) => JSON.stringify(span)).join(',\n')}\n]\n`, { level: 9 })
  await writeFile(join(out, `${name}.jsonl.gz`), recording)
  await writeFile(join(out, `${name}.truth.json.gz`), native)
  const size = ((recording.length + native.length) / 1024).toFixed(0)
  return `${task.lines.length} lines, ${truth.length} native spans, ${size} KiB`
}

async function freshNamespace(api: Api, name: string): Promise<void> {
  const target = { apiVersion: 'v1', kind: 'Namespace', name }
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace: name, name: 'default' }
  await api.remove(target)
  await eventually(`namespace ${name} is gone`, async () => !(await api.exists(target)))
  await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  await eventually(`service account of ${name}`, () => api.exists(account))
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = clock.monotonicMs() + 60_000
  while (!(await holds())) {
    if (clock.monotonicMs() > deadline) throw new Error(`${what}: not within 60 s`)
    await clock.sleep(200)
  }
}

/** What runs alone comes after what runs side by side. */
async function runAll(chosen: readonly Scenario[], out: string): Promise<string[]> {
  const api = new Api()
  const failed: string[] = []
  const attempt = async (scenario: Scenario): Promise<void> => {
    const started = clock.monotonicMs()
    const seconds = (): string => ((clock.monotonicMs() - started) / 1000).toFixed(0)
    await runOne(api, scenario, out).then(
      (words) => say(`ok   ${scenario.name} (${seconds()} s): ${words}`),
      (error: Error) => {
        failed.push(scenario.name)
        say(`FAIL ${scenario.name} (${seconds()} s): ${error.message}`)
      },
    )
  }
  const queue = chosen.filter((scenario) => !scenario.alone)
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await attempt(next)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  for (const scenario of chosen.filter((entry) => entry.alone)) await attempt(scenario)
  api.close()
  return failed
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      out: { type: 'string', default: join(import.meta.dirname, '..', 'recordings') },
      list: { type: 'boolean', default: false },
    },
  })
  if (values.list) {
    for (const { name, description } of scenarios) process.stdout.write(`${name.padEnd(24)} ${description}\n`)
    return
  }
  const chosen = values.only ? scenarios.filter(({ name }) => values.only?.includes(name)) : scenarios
  await mkdir(values.out, { recursive: true })
  const failed = await runAll(chosen, values.out)
  if (failed.length > 0)
    throw new Error(`${failed.length} of ${chosen.length} scenarios failed: ${failed.join(', ')}`)
}

if (import.meta.main) runScript(main)
