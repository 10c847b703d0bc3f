import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { ContainerStatus, PodRecord } from '../../src/base/record.ts'
import { condition, eventRecord, frameOf, onContainer, podRecord, secondsAt, story } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'

const probed = { containers: [{ name: 'app', image: 'a', readinessProbe: {} }] }
const ended = (from: number, until: number, exitCode = 3) =>
  ({
    kind: 'terminated',
    exitCode,
    startedSeconds: secondsAt(from),
    finishedSeconds: secondsAt(until),
  }) as const
const restarted = (from: number, until: number, running: number): ContainerStatus => ({
  name: 'app',
  ready: true,
  started: true,
  restartCount: 1,
  state: { kind: 'running', startedSeconds: secondsAt(running) },
  lastState: ended(from, until),
})

interface Case {
  readonly name: string
  readonly given: () => readonly Frame[]
  readonly outcome: 'ready' | 'unstable'
}

/** The pod as one list shows it at `ms`, with Ready as it turned at `turned`. */
const listed = (
  ms: number,
  { value = 'True', turned }: { readonly value?: string; readonly turned: number },
  more: Partial<PodRecord>,
): readonly Frame[] => {
  const pod = podRecord({
    ...probed,
    nodeName: 'node-1',
    phase: 'Running',
    startSeconds: secondsAt(1000),
    conditions: [condition('PodScheduled', 'True', 1000), condition('Ready', value, turned)],
    ...more,
  })
  return [frameOf(ms, pod, 'initial'), { kind: 'tick', t: frameOf(ms + 20_000, pod).t, final: true }]
}

const begun = (more: Partial<PodRecord> = probed) =>
  story(more).create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers').start(210, 'app')

/** A Job's pod whose proxy is stopped once its own work is done. */
const work = (proxyEnds: number) =>
  story({
    restartPolicy: 'Never',
    initContainers: [{ name: 'proxy', image: 'p', restartPolicy: 'Always' }],
  })
    .create(0)
    .bind(20)
    .admit(40)
    .start(100, 'proxy')
    .start(200, 'app')
    .statuses(240, { proxy: { running: 120 }, app: { running: 220 } })
    .ready(300)
    .statuses(2100, { app: { exited: 0, from: 220, until: 2000 } })
    .statuses(proxyEnds + 100, { proxy: { exited: 143, from: 120, until: proxyEnds } })

const crashed = () =>
  begun({})
    .statuses(250, { app: { running: 230 } })
    .ready(300)
    .statuses(2600, { app: { exited: 137, from: 230, until: 2500 } })
const killing = (message: string) =>
  eventRecord(1900, 'Killing', { message, involved: { ...onContainer('app').involved } })

const CASES: readonly Case[] = [
  {
    name: 'one frame that is the first to show Ready and a run before it',
    given: () =>
      begun()
        .change(5000, {
          phase: 'Running',
          conditions: [condition('Ready', 'True', 5000)],
          containerStatuses: [restarted(230, 1200, 3000)],
        })
        .frames(20_000),
    outcome: 'ready',
  },
  {
    name: 'a list that shows Ready and a run before it',
    given: () => listed(60_000, { turned: 5000 }, { containerStatuses: [restarted(2000, 3000, 4000)] }),
    outcome: 'ready',
  },
  {
    name: 'a list that shows what took Ready, soon after the first run began',
    given: () =>
      listed(
        60_000,
        { value: 'False', turned: 6000 },
        { containerStatuses: [{ name: 'app', ready: false, restartCount: 0, state: ended(3000, 5000) }] },
      ),
    outcome: 'unstable',
  },
  {
    name: 'a list that shows what took Ready after an hour',
    given: () =>
      listed(
        3_660_000,
        { value: 'False', turned: 3_600_000 },
        {
          containerStatuses: [
            { name: 'app', ready: false, restartCount: 0, state: ended(3000, 3_600_000, 137) },
          ],
        },
      ),
    outcome: 'ready',
  },
  {
    name: 'a sidecar that is stopped after its pod’s work',
    given: () => work(2500).frames(20_000),
    outcome: 'ready',
  },
  {
    name: 'a sidecar that ends before its pod’s work',
    given: () => work(1500).frames(20_000),
    outcome: 'unstable',
  },
  {
    name: 'a container that its kubelet stops',
    given: () => crashed().other(1900, killing('Stopping container app')).frames(20_000),
    outcome: 'ready',
  },
  {
    name: 'a container that its kubelet stops with a sandbox that is gone',
    given: () =>
      crashed()
        .event(1800, 'SandboxChanged', undefined, 'Pod sandbox changed, it will be killed and re-created.')
        .other(1900, killing('Stopping container app'))
        .frames(20_000),
    outcome: 'unstable',
  },
  {
    name: 'a container that its kubelet kills because it does not answer',
    given: () =>
      crashed().other(1900, killing('Container app failed liveness probe, will be restarted')).frames(20_000),
    outcome: 'unstable',
  },
]

for (const { name, given, outcome } of CASES)
  test(`${name} makes the start ${outcome}`, () => {
    assert.equal(traceOf(given(), { backfill: () => true }).outcome, outcome)
  })
