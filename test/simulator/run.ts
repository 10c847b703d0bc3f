// Owns one run: a simulator, operators against it, a real OTLP receiver behind them, and the judge between ledger and traces.
// Promises that everything ends with the run, and that a run which does not settle says what is still missing.
// Does not disturb: tests do.

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { Judge, type Judgement } from './judge.ts'
import type { SimulatorOptions } from './main.ts'
import { type Operator, startOperator } from './operator.ts'
import { type Simulator, startSimulator } from './process.ts'
import type { PlayOptions } from './starts/player.ts'

export interface Run extends AsyncDisposable {
  readonly simulator: Simulator
  readonly judge: Judge
  readonly operators: readonly Operator[]
  receiver: OtlpReceiver
  operator(options?: {
    readonly name?: string
    readonly url?: string
    readonly config?: object
    readonly exporter?: object
    readonly preload?: string
  }): Promise<Operator>
  /** Plays so many starts and resolves when all have begun. */
  play(starts: number, options: PlayOptions): Promise<void>
  /** Until every line of the ledger has its trace, or for so long. */
  settled(limitMs?: number): Promise<void>
  until(what: string, holds: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>
  /** The backend goes away, with its port, and comes back there. */
  backendGone(): Promise<void>
  backendBack(): Promise<void>
}

/** Short starts, so that a run takes seconds: stages that wait are a fifth of what the recordings say, and none waits for its time-out. */
export const QUICK: PlayOptions = {
  startsPerSecond: 60,
  lifetimeMs: 60_000,
  compress: 5,
  without: ['never ready'],
}

/** Where a list has to repair what was missed, a pod that came and went meanwhile was seen by nobody. */
export const GAP: PlayOptions = { ...QUICK, without: ['never ready', 'deleted'] }

export async function openRun(options: Partial<SimulatorOptions> = {}): Promise<Run> {
  const judge = new Judge()
  const simulator = await startSimulator({ nodes: 50, seed: 20_261, ...options }, (line) => judge.take(line))
  const open = (port?: number): Promise<OtlpReceiver> =>
    startOtlpReceiver({
      protocol: 'http',
      keep: 'counts',
      onSpans: (spans) => judge.receive(spans),
      ...(port === undefined ? {} : { port }),
    })
  const operators: Operator[] = []
  const run: Run = {
    simulator,
    judge,
    operators,
    receiver: await open(),
    operator: async (more = {}) => {
      const { ca, token, url } = simulator
      const operator = await startOperator({ url, ca, token, endpoint: run.receiver.url, ...more })
      operators.push(operator)
      await operator.said('podspan is ready')
      // Starts are exported once the standing session is there and was judged for the first time.
      await until('a session exports', () => simulator.commands.exports())
      return operator
    },
    play: async (starts, play) => {
      const before = await simulator.commands.begun()
      await simulator.commands.play(starts, play)
      await until(
        'all starts have begun',
        async () => (await simulator.commands.begun()) >= before + starts,
        600_000,
      )
    },
    settled: async (limitMs = 90_000) => {
      const whole = async (): Promise<boolean> => {
        const begun = await simulator.commands.begun()
        return judge.starts >= begun && judge.missing().length === 0
      }
      await until('every start has its trace', whole, limitMs).catch(() => undefined)
    },
    until,
    backendGone: () => run.receiver.close(),
    backendBack: async () => {
      run.receiver = await open(run.receiver.port)
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(operators.map((operator) => operator[Symbol.asyncDispose]()))
      await simulator[Symbol.asyncDispose]()
      await run.receiver.close()
    },
  }
  return run
}

async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`)
    await delay(100)
  }
}

/** Above this the machine is too busy for a watch to be on time, and boundaries are told instead of held to their limit. */
const BUSY_MS = 60
/** As in docs/accuracy.md. */
const OUTSIDE_MAX = 0.005

/** What a replica counts as possible repeats, if it began to lead more than once: a busy machine may hold it up for longer than a term. */
async function ownRepeats(operator: Operator): Promise<number> {
  const terms = await operator.metric('podspan_leader_acquired_total')
  return terms > 1 ? operator.metric('podspan_export_repeats_total') : 0
}

/** Nothing lost, nothing twice but for so many, nothing invented, nothing wrong. */
export async function assertWhole({ judge, operators, simulator }: Run, expected = 0): Promise<Judgement> {
  const judgement = judge.judge()
  const counted = await Promise.all(operators.map(ownRepeats))
  const mayRepeat = counted.reduce((sum, count) => Math.max(sum, count), expected)
  const { boundaries, incomplete, invented, lost, outside, repeated, starts, told, unseen, untold, wrong } =
    judgement
  const few = (list: readonly string[]): readonly string[] => list.slice(0, 5)
  const standstillMs = Math.round(await simulator.commands.standstillMs())
  console.log(
    `  ${told} of ${starts} starts told, ${unseen} came and went unseen, ${repeated.length} repeated, ${incomplete} marked incomplete; ${outside.length} of ${boundaries} boundaries outside, ${untold} untold; standstill ${standstillMs} ms`,
  )
  if (repeated.length > mayRepeat) for (const { lines } of operators) console.log(troubles(lines))
  assert.deepEqual(
    { lost: few(lost), invented: few(invented), wrong: few(wrong) },
    { lost: [], invented: [], wrong: [] },
  )
  assert.ok(
    repeated.length <= mayRepeat,
    `${repeated.length} repeated, ${mayRepeat} may: ${few(repeated).join('; ')}`,
  )
  assert.ok(starts > 0)
  if (standstillMs < BUSY_MS) assert.ok(outside.length <= OUTSIDE_MAX * boundaries, few(outside).join('\n'))
  return judgement
}

/** What an operator said of itself that may explain why something came twice. */
const troubles = (lines: Operator['lines']): string =>
  lines
    .filter(({ level, message }) => level !== 'info' || /lead|answers again/.test(String(message)))
    .map((line) => `  ${JSON.stringify(line)}`)
    .join('\n')
