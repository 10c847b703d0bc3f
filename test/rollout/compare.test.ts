import assert from 'node:assert/strict'
import { test } from 'node:test'
import { milliseconds } from '../../src/base/time.ts'
import { compareRevisions, type Side, spreadOf } from '../../src/rollout/compare.ts'
import type { Rollout } from '../../src/rollout/rollout.ts'
import type { Outcome, Trace } from '../../src/trace/trace.ts'
import { type Made, trace } from '../cli/hand-made.ts'

const rollout = (revision: string, images: Readonly<Record<string, string>>): Rollout =>
  ({ revision, length: 0n, images: new Map(Object.entries(images)) }) as unknown as Rollout

/** A start that pulls for so many milliseconds, and is ready 500 ms after. */
function start(pullMs: number, outcome: Outcome = 'ready'): Trace {
  const root: Made = { name: 'pod startup', start: 0, end: pullMs + 500 }
  const pull: Made = {
    name: 'pull image',
    start: 0,
    end: pullMs,
    critical: [[0, pullMs]],
    attributes: { 'container.image.name': 'web:1' },
  }
  const ready: Made = {
    name: 'readiness',
    start: pullMs,
    end: pullMs + 500,
    critical: [[pullMs, pullMs + 500]],
  }
  const startup = milliseconds(pullMs + 500)
  return trace({ spans: [root, pull, ready], outcome, startup })
}

const starts = (count: number, from: number): Trace[] =>
  Array.from({ length: count }, (_, n) => start(from + n))
const side = (
  revision: string,
  traces: readonly Trace[],
  images: Readonly<Record<string, string>> = { app: 'web:1' },
): Side => ({
  rollout: rollout(revision, images),
  traces,
})

test('what got slower is named with how much, and what did not is not', () => {
  const { startup, operations } = compareRevisions(side('1', starts(10, 1000)), side('2', starts(10, 4000)))
  assert.equal(startup.change, 'slower')
  assert.equal(startup.shift?.byMs, 3000)
  assert.deepEqual(
    operations.map(({ name, change }) => [name, change]),
    [
      ['pull image', 'slower'],
      ['readiness', 'not shown'],
    ],
  )
})

test('too few starts on one side give figures and no verdict', () => {
  const { startup, operations } = compareRevisions(side('1', starts(20, 1000)), side('2', starts(7, 9000)))
  assert.equal(startup.change, 'too few')
  assert.deepEqual([startup.before?.count, startup.after?.count], [20, 7])
  assert.ok(operations.every(({ change, shift }) => change === 'too few' && shift === undefined))
})

test('starts that failed or were cut short count by themselves, and not as fast ones', () => {
  const bad = [start(1, 'failed'), start(1, 'deleted'), start(1, 'timeout')]
  const { startup, outcomes } = compareRevisions(
    side('1', starts(8, 1000)),
    side('2', [...starts(8, 1000), ...bad]),
  )
  assert.equal(startup.after?.count, 8)
  assert.equal(startup.change, 'not shown')
  assert.deepEqual(outcomes.after, { ready: 8, failed: 1, deleted: 1, timeout: 1 })
})

test('a revision without starts still says which images it had', () => {
  const { images, startup } = compareRevisions(
    side('1', [], { app: 'web:1', old: 'x:1' }),
    side('2', starts(3, 1), { app: 'web:2' }),
  )
  assert.equal(startup.before, undefined)
  assert.deepEqual(images, [
    { container: 'app', before: 'web:1', after: 'web:2' },
    { container: 'old', before: 'x:1', after: undefined },
  ])
})

test('an operation that only one revision has was nothing in the other', () => {
  const without = starts(9, 0)
  const { operations } = compareRevisions(side('1', without), side('2', starts(9, 2000)))
  assert.equal(operations[0]?.name, 'pull image')
  assert.equal(operations[0]?.change, 'slower')
})

test('the order of the starts changes nothing', () => {
  const [a, b] = [starts(12, 500), starts(9, 800)]
  assert.deepEqual(
    compareRevisions(side('1', a.toReversed()), side('2', b.toReversed())),
    compareRevisions(side('1', a), side('2', b)),
  )
})

test('a spread of nothing is none, and of one is that one', () => {
  assert.equal(spreadOf([]), undefined)
  assert.deepEqual(spreadOf([7]), { count: 1, p50Ms: 7, p90Ms: 7, maxMs: 7 })
})
