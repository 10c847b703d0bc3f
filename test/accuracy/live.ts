// Owns the live part of `make accuracy`: an observer in a process of its own, while all scenarios run beside it.
// Promises the traces that the observer told when they became final, not those of a replay.
// Does not compare: offline.ts does, with the recording's versions and native spans.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Trace } from '../../src/trace/trace.ts'
import { readCluster } from '../cluster/cluster.ts'
import { runAll } from '../scenarios/runner.ts'
import type { Scenario } from '../scenarios/stage.ts'
import { unpackTrace } from './pack.ts'

export interface LiveRun {
  readonly traces: readonly Trace[]
  /** Scenarios that did not go as described. */
  readonly failed: readonly string[]
}

/** Runs the scenarios with their recordings going to `out`. */
export async function runLive(chosen: readonly Scenario[], out: string): Promise<LiveRun> {
  const observer = await observe()
  const failed = await runAll(chosen, out).finally(() => observer.stop())
  await observer.ended
  return { traces: observer.traces, failed }
}

interface Observer {
  readonly traces: Trace[]
  readonly ended: Promise<void>
  stop(): void
}

async function observe(): Promise<Observer> {
  const args = [join(import.meta.dirname, 'observe.ts'), readCluster().kubeconfig]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const traces: Trace[] = []
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') resolve()
    else traces.push(unpackTrace(line))
  })
  void ended.then(() => reject(new Error('the observer ended before its lists were complete')))
  await ready
  return { traces, ended, stop: () => void child.stdin.end() }
}
