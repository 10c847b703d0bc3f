// Owns the command `make soak`: starts for as long as asked, with faults all the while, and a report of what that did to the operator.
// Promises to fail where a start is lost, invented or wrong, where more repeats than the operator counts, and where memory, handles or
// listeners grow. Ends by itself. Prints figures; it judges none that the machine decides.

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import type { Fault } from './faults.ts'
import type { Operator } from './operator.ts'
import type { Probe } from './probe.ts'
import { assertWhole, GAP, openRun, type Run } from './run.ts'
import { randomFrom } from '../support/frames.ts'

const MINUTES = Number(process.env['PODSPAN_SOAK_MINUTES'] ?? 60)
const RATE = Number(process.env['PODSPAN_SOAK_RATE'] ?? 1000)
const SEED = Number(process.env['PODSPAN_SOAK_SEED'] ?? 1)
const say = (line: string): void => console.log(`soak: ${line}`)

/** Of so many starts one is judged by its boundaries too; of all it is judged that they came, once, with their outcome. */
const TRUTH_SHARE = Math.min(1, 20 / RATE)
const SAMPLE_MS = Math.max(5000, (MINUTES * 60_000) / 40)
/** From the end of a fault to the next. Apart enough for an operator to be well between two: failures that add up are the tests of the watch. */
const FAULT_MS = Math.max(12_000, (MINUTES * 60_000) / 60)
/** How long every request fails. Five tries fit into it, after which an operator holds back for 12.8 s at most. */
const FAILING_MS = 10_000
/** Longer than an operator may be away: a pod that came and went meanwhile would have been seen by nobody. */
const LIFETIME_MS = 60_000
/** The first part of a run, in which caches and bounded models fill. */
const WARM_UP = 0.4

const FAULTS: readonly (readonly [name: string, (run: Run) => Promise<unknown>])[] = [
  ['reset', ({ simulator }) => simulator.commands.reset('*')],
  ['cut', ({ simulator }) => simulator.commands.cut('pods', 100_003)],
  ['ended in order', ({ simulator }) => simulator.commands.end('*')],
  ['500', (run) => failing(run, { kind: 'status', code: 500, reason: 'InternalError' })],
  ['429', (run) => failing(run, { kind: 'too-many', retryAfter: 1 })],
  ['restart', ({ simulator }) => simulator.commands.restart(1500)],
  ['frames twice', ({ simulator }) => simulator.commands.repeat(0.2)],
  ['frames once again', ({ simulator }) => simulator.commands.repeat(0)],
  ['poison', ({ simulator }) => simulator.commands.poison()],
  [
    'backend away',
    async (run) => {
      await run.backendGone()
      await delay(2000)
      await run.backendBack()
    },
  ],
]

/** All watches break, and nothing is answered for a while. */
async function failing({ simulator }: Run, fault: Fault): Promise<void> {
  await simulator.commands.fail('*', 'any', fault, Number.MAX_SAFE_INTEGER)
  await simulator.commands.reset('*')
  await delay(FAILING_MS)
  await simulator.commands.healed()
}

async function probe({ child }: Operator): Promise<Probe> {
  const { promise, resolve } = Promise.withResolvers<Probe>()
  child.once('message', (message) => resolve((message as { readonly probe: Probe }).probe))
  child.send('probe')
  return promise
}

async function sampled(run: Run, operator: Operator, begun: number): Promise<Probe> {
  const seen = await probe(operator)
  const { handles, heapBytes, listeners, rssBytes, signals, tookMs } = seen
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
  const arrived = run.judge.told
  say(
    `${((performance.now() - begun) / 1000).toFixed(0)} s: ${arrived} told; heap ${mb(heapBytes)} MB, RSS ${mb(rssBytes)} MB; handles ${JSON.stringify(handles)}; signals ${signals}; listeners ${listeners}; looked for ${tookMs.toFixed(0)} ms`,
  )
  return seen
}

/** The median of the last third against that of the third after the warm-up. */
function growth(samples: readonly Probe[], of: (probe: Probe) => number): number {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP))
  const half = Math.floor(warm.length / 2)
  const median = (part: readonly Probe[]): number =>
    part.map(of).toSorted((a, b) => a - b)[part.length >> 1] ?? 0
  return median(warm.slice(half)) - median(warm.slice(0, half))
}

const handlesOf = ({ handles }: Probe): number =>
  Object.values(handles).reduce((sum, count) => sum + count, 0)

await using run = await openRun({ seed: SEED })
run.judge.forgets()
const operator = await run.operator({
  preload: join(import.meta.dirname, 'probe.ts'),
  // The default: a watch may be away for longer than the tests' own, and who was ready meanwhile would be a timeout.
  config: { startTimeout: '10m' },
})
const begun = performance.now()
const endMs = MINUTES * 60_000
const random = randomFrom(SEED)
const samples: Probe[] = []
const inflicted: Record<string, number> = {}
const state = { nextFault: FAULT_MS, nextSample: SAMPLE_MS }
await run.simulator.commands.play(RATE * MINUTES * 60, {
  ...GAP,
  startsPerSecond: RATE,
  lifetimeMs: LIFETIME_MS,
  truthShare: TRUTH_SHARE,
  eventLoss: 0.02,
})
say(
  `${RATE} starts/s for ${MINUTES} minutes, seed ${SEED}, the next fault ${(FAULT_MS / 1000).toFixed(0)} s after each`,
)
while (performance.now() - begun < endMs) {
  await delay(200)
  const elapsed = performance.now() - begun
  if (elapsed >= state.nextFault) {
    const [name, inflict] = FAULTS[Math.floor(random() * FAULTS.length)] as (typeof FAULTS)[number]
    inflicted[name] = (inflicted[name] ?? 0) + 1
    // What an operator that holds back has not asked for yet would add up, until nothing it asks is answered.
    await run.simulator.commands.healed()
    await inflict(run)
    state.nextFault = performance.now() - begun + FAULT_MS
  }
  if (elapsed >= state.nextSample) {
    state.nextSample += SAMPLE_MS
    samples.push(await sampled(run, operator, begun))
  }
}
await run.simulator.commands.stop()
await run.simulator.commands.healed()
await run.settled(180_000)
const judgement = await assertWhole(run, await operator.metric('podspan_export_repeats_total'))
const seconds = (performance.now() - begun) / 1000
const [, cpuSeconds = '0'] = /^process_cpu_seconds_total (\S+)/m.exec(await operator.metrics()) ?? []
say(`faults: ${JSON.stringify(inflicted)}`)
say(
  `${judgement.starts} starts in ${seconds.toFixed(0)} s (${(judgement.starts / seconds).toFixed(0)}/s), ${judgement.told} told, ${judgement.unseen} came and went unseen, 0 lost, ${judgement.repeated.length} repeated; ${judgement.outside.length} of ${judgement.boundaries} boundaries outside; operator ${((Number(cpuSeconds) * 1e6) / judgement.starts).toFixed(0)} µs of CPU per start`,
)
const heapGrowth = growth(samples, ({ heapBytes }) => heapBytes)
say(
  `growth after the warm-up: heap ${(heapGrowth / 1e6).toFixed(1)} MB, handles ${growth(samples, handlesOf)}, signals and their listeners ${growth(samples, ({ signals }) => signals)}`,
)
// What is bounded may still fill; what leaks grows by every fault or start.
if (MINUTES >= 5) {
  assert.ok(heapGrowth < 20e6, 'the heap is flat')
  assert.ok(
    growth(samples, handlesOf) < 10 && growth(samples, ({ signals }) => signals) < 200,
    'handles and listeners are flat',
  )
}
assert.equal(operator.child.exitCode, null)
