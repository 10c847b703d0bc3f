import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { parseRfc3339, type UnixNano } from '../../src/base/time.ts'
import { plain } from '../../src/cli/glyphs.ts'
import { drawList } from '../../src/cli/session-list.ts'
import { progressLine, progressLines } from '../../src/cli/session-progress.ts'
import { drawSession } from '../../src/cli/session-report.ts'
import { displayWidth } from '../../src/cli/display-width.ts'
import type { TraceSessionStatus } from '../../src/session/schema.ts'
import { assertGolden } from '../support/golden-file.ts'
import { FAILED, INCONCLUSIVE, NOT_ACCEPTED, PASSED, RUNNING, session } from './session-made.ts'

const NOW = parseRfc3339('2026-11-22T12:01:20.4Z') as UnixNano

const STATUSES: Readonly<Record<string, TraceSessionStatus | undefined>> = {
  passed: PASSED,
  failed: FAILED,
  running: RUNNING,
  inconclusive: INCONCLUSIVE,
  'not-accepted': NOT_ACCEPTED,
  new: undefined,
}

const look = { width: 80, colour: false, ascii: false }

for (const [name, status] of Object.entries(STATUSES)) {
  test(`the report of a session that is ${name} looks as it should`, () => {
    const report = drawSession(session(status), NOW, look)
    assertGolden(join(import.meta.dirname, 'session', `${name}.80.txt`), report)
  })

  test(`the report of a session that is ${name} says the same with colour, and in ASCII`, () => {
    const report = drawSession(session(status), NOW, look)
    const coloured = drawSession(session(status), NOW, { ...look, colour: true })
    assert.notEqual(coloured, report)
    assert.equal(stripVTControlCharacters(coloured), report)
    assert.match(drawSession(session(status), NOW, { ...look, ascii: true }), /^[\x20-\x7e\n]*$/)
  })

  test(`nothing but a link is wider than asked for in the report of one that is ${name}`, () => {
    for (const width of [60, 72, 100, 240]) {
      const lines = drawSession(session(status), NOW, { ...look, width }).split('\n')
      const wide = lines.filter((line) => displayWidth(line) > width && !line.includes('https://'))
      assert.deepEqual(wide, [])
    }
  })
}

test('what a pod or a message is called cannot move the cursor', () => {
  const hostile = { ...PASSED, slowest: [{ ...PASSED.slowest?.[0], pod: 'a\u001b[2Jb', why: 'c\u0007\nd' }] }
  const report = drawSession(session(hostile as TraceSessionStatus), NOW, look)
  assert.doesNotMatch(report, /[^\P{Cc}\n]/u)
})

test('the line of a running session says pods, what is slow, what is stuck and what is waited for', () => {
  assert.equal(
    progressLine(session(RUNNING), NOW),
    '1 m 20 s  pods 20: 3 starting, 16 ready, 1 failed; startup p50 2.1 s p90 9.8 s p99 31.0 s max 40.0 s; ' +
      'objective missed: p99 31s > 30s; slowest checkout-6f5d8c9b7c-x2x4p failed after 40.0 s (pull image); ' +
      'stuck 2 in schedule for up to 1 m 00 s: Insufficient cpu; node(s) had untolerated taint {dedicated: batch}; ' +
      '1 in pull image for up to 30.0 s; waiting Deployment/checkout: 12 of 20 updated pods are available.',
  )
})

test('a session without pods says so', () => {
  assert.equal(progressLine(session(undefined), NOW), '1 m 20 s  pods none yet')
})

test('the picture of a running session fits the terminal', () => {
  const lines = progressLines(session(RUNNING), NOW, 60, plain)
  assert.deepEqual(lines, [
    'Running  shop/checkout-7kx2p  1 m 20 s',
    'pods       20: 3 starting, 16 ready, 1 failed',
    'startup    p50 2.1 s p90 9.8 s p99 31.0 s max 40.0 s',
    'objective  missed: p99 31s > 30s',
    'slowest    checkout-6f5d8c9b7c-x2x4p failed after 40.0 s (p…',
    'stuck      2 in schedule for up to 1 m 00 s: Insufficient c…',
    'waiting    Deployment/checkout: 12 of 20 updated pods are a…',
  ])
})

test('a list shows each session on one line', () => {
  const sessions = [session(PASSED, 'checkout-new'), session(undefined, 'checkout-old')]
  assert.deepEqual(drawList(sessions, NOW, { width: 80, paint: plain, named: 'shop' }), [
    'session       phase       ready    p50     p99       age',
    'checkout-new  Passed   20 of 20  2.1 s  28.0 s  1 m 20 s',
    'checkout-old  Pending                           1 m 20 s',
  ])
  assert.match(
    drawList(sessions, NOW, { width: 80, paint: plain, named: undefined })[1] ?? '',
    /^shop\/checkout-new {2}/,
  )
})
