// Owns the run of scenarios on the real cluster: a namespace each, recorded from before the first object until it settled.
// Promises that a recording is written only when its scenario went as described and no watch was lost, unless that is what it is about.
// Does not choose scenarios (run.ts) and does not compare anything (test/accuracy).

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { truthCursor } from '../accuracy/collector.ts'
import { reduceTruth } from '../accuracy/reduce.ts'
import { readCluster } from '../cluster/cluster.ts'
import { say } from '../cluster/commands.ts'
import { minorOf } from '../cluster/versions.ts'
import { Api } from './api.ts'
import { deployment, server, template } from './manifests.ts'
import { freshNamespace, removeNamespace, whenGone } from './namespaces.ts'
import { Recorder, type RecordingTask } from './record.ts'
import { followSpans } from './spans.ts'
import { clock, type Scenario, Stage } from './stage.ts'

/** Late events are in by then, and spans are in the truth file. */
const SETTLE_SECONDS = 7
/** So many at a time where they do not disturb each other. */
const LANES = 4

interface Run {
  readonly api: Api
  readonly recorder: Recorder
  readonly out: string
}

/** Runs all that this version of Kubernetes can carry, those that want to be alone last; returns the names of those that failed. */
export async function runAll(wanted: readonly Scenario[], out: string): Promise<string[]> {
  const chosen = onThisVersion(wanted)
  const run: Run = { api: new Api(), recorder: new Recorder(), out }
  const failed: string[] = []
  const queue = chosen.filter((scenario) => !scenario.alone)
  const attempt = async (scenario: Scenario): Promise<void> => {
    if (!(await runAndSay(run, scenario))) failed.push(scenario.name)
  }
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await attempt(next)
  }
  try {
    await perform(run, warmUp)
    await Promise.all(Array.from({ length: LANES }, lane))
    for (const scenario of chosen.filter((entry) => entry.alone)) await attempt(scenario)
  } finally {
    run.recorder.close()
    run.api.close()
  }
  return failed
}

function onThisVersion(wanted: readonly Scenario[]): Scenario[] {
  const minor = minorOf(readCluster().kubernetesVersion)
  return wanted.filter(({ name, on }) => {
    if (on === undefined || (minor >= on.from && minor <= (on.to ?? minor))) return true
    const until = on.to === undefined ? ' or later' : on.to === on.from ? '' : ` to 1.${on.to}`
    say(`skip ${name}: it is about Kubernetes 1.${on.from}${until}, and this is 1.${minor}`)
    return false
  })
}

/** Brings the images to the node, and the recorder to the speed of one that has run for a while. */
const warmUp: Scenario = {
  name: 'warm-up',
  description: 'some pods before the first scenario; not kept',
  run: async (stage) => {
    await stage.create(deployment('warm', 8, template('warm', [server()])))
    await stage.readyCount(8)
  },
}

async function runAndSay(run: Run, scenario: Scenario): Promise<boolean> {
  const started = clock.monotonicMs()
  const seconds = (): string => ((clock.monotonicMs() - started) / 1000).toFixed(0)
  try {
    const task = await perform(run, scenario)
    say(`ok   ${scenario.name} (${seconds()} s): ${await keep(run.out, scenario.name, task)}`)
    return true
  } catch (error) {
    say(`FAIL ${scenario.name} (${seconds()} s): ${(error as Error).message}`)
    return false
  }
}

interface Performance {
  readonly task: RecordingTask
  readonly truth: readonly object[]
}

async function perform({ api, recorder }: Run, scenario: Scenario): Promise<Performance> {
  const namespace = scenario.name
  await freshNamespace(api, namespace)
  await scenario.prepare?.()
  const cursor = truthCursor(readCluster().truthFile)
  const stage = new Stage(api, namespace)
  const spans = scenario.spans && followSpans(readCluster().truthFile, namespace)
  const task = recorder.record(namespace, scenario.everywhere ? 'cluster' : 'namespace', (seen) =>
    stage.see(seen),
  )
  try {
    await task.synced()
    await scenario.run(stage)
    await clock.sleep(SETTLE_SECONDS * 1000)
  } finally {
    await task.stop()
    task.lines.push(...((await spans?.stop()) ?? []))
    await stage.cleanUp()
    await removeNamespace(api, namespace)
    if (scenario.restore) await whenGone(api, namespace).then(scenario.restore)
  }
  const broken = task.broken ?? (scenario.gaps ? undefined : task.gap)
  if (broken !== undefined) throw new Error(broken)
  return { task, truth: reduceTruth(cursor.read(), namespace) }
}

async function keep(out: string, name: string, { task, truth }: Performance): Promise<string> {
  const recording = gzipSync(`${task.lines.join('\n')}\n`, { level: 9 })
  const spans = truth.map((span) => JSON.stringify(span)).join(',\n')
  const native = gzipSync(`[\n${spans}\n]\n`, { level: 9 })
  await writeFile(join(out, `${name}.jsonl.gz`), recording)
  await writeFile(join(out, `${name}.truth.json.gz`), native)
  const size = ((recording.length + native.length) / 1024).toFixed(0)
  return `${task.lines.length} lines, ${truth.length} native spans, ${size} KiB`
}
