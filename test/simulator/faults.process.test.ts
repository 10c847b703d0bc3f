// Owns the faults that an operator has to survive, each against the simulator, with the operator as a process and a real OTLP receiver.
// Promises that the ledger is kept: every start that happened has exactly one trace, with the outcome that it had. docs/reliability.md
// names each test. Does not measure speed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Operator } from './operator.ts'
import { assertWhole, GAP, openRun, QUICK, type Run } from './run.ts'
import type { PlayOptions } from './starts/player.ts'

const timeout = 300_000
const STARTS = 300

interface Case {
  readonly name: string
  /** While starts go on. */
  readonly disturb: (run: Run, operator: Operator) => Promise<void>
  /** What the operator must have noticed. */
  readonly noticed?: (operator: Operator) => Promise<boolean>
  readonly skews?: Readonly<Record<number, number>>
  readonly play?: PlayOptions
}

const restarts = async (operator: Operator): Promise<boolean> =>
  (await operator.metric('podspan_watch_restarts_total')) > 0

const CASES: readonly Case[] = [
  {
    name: 'connections that are reset',
    disturb: async ({ simulator }) => {
      for (let n = 0; n < 4; n++) {
        await simulator.commands.reset('*')
        await delay(700)
      }
    },
    noticed: restarts,
  },
  {
    name: 'watches that break off inside a frame, at any byte',
    disturb: async ({ simulator }) => {
      for (let n = 0; n < 5; n++) {
        await simulator.commands.cut('pods', 1 + n * 977)
        await simulator.commands.cut('events', 3 + n * 211)
        await delay(700)
      }
    },
    noticed: restarts,
  },
  {
    name: 'watches that end early and in order',
    disturb: async ({ simulator }) => {
      for (let n = 0; n < 4; n++) {
        await simulator.commands.end('*')
        await delay(600)
      }
    },
    noticed: restarts,
  },
  {
    name: 'errors 500 to every request',
    disturb: async ({ simulator }) => {
      await simulator.commands.fail('*', 'any', { kind: 'status', code: 500, reason: 'InternalError' }, 40)
      await simulator.commands.reset('*')
    },
    noticed: async (operator) => (await operator.metric('podspan_watch_failures_total')) > 0,
  },
  {
    name: 'a storm of 429 with Retry-After',
    disturb: async ({ simulator }) => {
      await simulator.commands.fail('*', 'any', { kind: 'too-many', retryAfter: 1 }, 60)
      await simulator.commands.reset('*')
      await delay(3000)
      await simulator.commands.healed()
    },
    noticed: async (operator) => (await operator.metric('podspan_watch_failures_total', 'too-many')) > 0,
  },
  {
    name: 'an API server that is killed and comes back after 3 s',
    disturb: ({ simulator }) => simulator.commands.restart(3000),
    noticed: restarts,
  },
  {
    name: 'a watch cache that has forgotten: 410',
    play: GAP,
    disturb: async ({ simulator }) => {
      await simulator.commands.fail('*', 'watch', { kind: 'reset' }, 12)
      await simulator.commands.reset('*')
      await delay(1500)
      await simulator.commands.compact()
    },
    noticed: async (operator) => (await operator.metric('podspan_watch_relists_total')) > 0,
  },
  {
    name: 'an operator that is stopped for 12 s and has fallen behind',
    play: GAP,
    disturb: async (_, operator) => {
      operator.signal('SIGSTOP')
      await delay(12_000)
      operator.signal('SIGCONT')
    },
  },
  {
    name: 'frames that come twice',
    disturb: ({ simulator }) => simulator.commands.repeat(0.5),
  },
  {
    name: 'frames that are no objects',
    disturb: async ({ simulator }) => {
      for (let n = 0; n < 3; n++) {
        await simulator.commands.poison()
        await delay(500)
      }
    },
    noticed: async (operator) => (await operator.metric('podspan_watch_decode_errors_total')) > 0,
  },
  {
    name: 'a clock of the cluster that jumps by an hour and back',
    disturb: async ({ simulator }) => {
      await simulator.commands.jump(3_600_000)
      await delay(2000)
      await simulator.commands.jump(-3_600_000)
    },
  },
  {
    name: 'a clock of the cluster that jumps back by an hour and stays there',
    disturb: ({ simulator }) => simulator.commands.jump(-3_600_000),
  },
  {
    name: 'nodes whose clocks are five minutes off',
    disturb: () => Promise.resolve(),
    skews: Object.fromEntries(Array.from({ length: 25 }, (_, n) => [2 * n, n % 2 ? 300_000 : -300_000])),
  },
]

for (const { disturb, name, noticed, play = QUICK, skews } of CASES)
  test(`no start is lost, invented or told twice by ${name}`, { timeout }, async () => {
    await using run = await openRun(skews ? { skews } : {})
    const operator = await run.operator()
    const playing = run.play(STARTS, play)
    await delay(1500)
    await disturb(run, operator)
    await playing
    await run.settled()
    await assertWhole(run)
    if (noticed) assert.ok(await noticed(operator), 'the fault was one')
    assert.equal(operator.child.exitCode, null, 'the operator still runs')
  })
