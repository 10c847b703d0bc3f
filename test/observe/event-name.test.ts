import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventRecord } from '../../src/base/record.ts'
import { parseRfc3339 } from '../../src/base/time.ts'
import { eventNameTime } from '../../src/observe/event-name.ts'
import { deepFreeze } from '../support/frames.ts'
import { eventRecord } from '../support/pods.ts'

const AT = parseRfc3339('2026-08-23T15:46:40.123456789Z') ?? 0n
const SECOND = Number(AT / 1_000_000_000n)
const HEX = '18ce79c78f5e8d15'

interface Case {
  readonly name: string
  readonly given: Partial<EventRecord>
  readonly then: bigint | undefined
}

const CASES: readonly Case[] = [
  {
    name: 'a suffix in the second of firstTimestamp',
    given: { name: `web.${HEX}`, firstSeconds: SECOND },
    then: AT,
  },
  {
    name: 'a suffix one second before it',
    given: { name: `web.${HEX}`, firstSeconds: SECOND + 1 },
    then: undefined,
  },
  {
    name: 'a suffix one second after it',
    given: { name: `web.${HEX}`, firstSeconds: SECOND - 1 },
    then: undefined,
  },
  { name: 'a pod name with dots', given: { name: `a.b.c.${HEX}`, firstSeconds: SECOND }, then: AT },
  {
    name: 'capital digits',
    given: { name: `web.${HEX.toUpperCase()}`, firstSeconds: SECOND },
    then: undefined,
  },
  { name: '15 digits', given: { name: `web.${HEX.slice(1)}`, firstSeconds: SECOND }, then: undefined },
  { name: '17 digits', given: { name: `web.1${HEX}`, firstSeconds: SECOND }, then: undefined },
  {
    name: 'a random UUID',
    given: { name: '5b7e0e4c-52c4-4f5d-9a0e-7d1e9f6f2c11', firstSeconds: SECOND },
    then: undefined,
  },
  { name: 'no suffix', given: { name: 'web', firstSeconds: SECOND }, then: undefined },
  { name: 'nothing before the suffix', given: { name: HEX, firstSeconds: SECOND }, then: undefined },
]

for (const { name, given, then } of CASES) {
  test(`${name}: ${then === undefined ? 'no moment' : 'a moment'}`, () => {
    assert.equal(eventNameTime(deepFreeze(eventRecord(0, 'Started', given))), then)
  })
}

const NEARNESS: readonly { readonly name: string; readonly afterNs: bigint; readonly then: boolean }[] = [
  { name: 'at eventTime itself', afterNs: 0n, then: true },
  { name: 'some microseconds after eventTime', afterNs: 3_456n, then: true },
  { name: 'just less than 10 ms after it', afterNs: 9_999_999n, then: true },
  { name: '10 ms after it', afterNs: 10_000_000n, then: false },
  { name: 'before it', afterNs: -1n, then: false },
]

for (const { name, afterNs, then } of NEARNESS) {
  test(`a suffix ${name} is ${then ? '' : 'not '}of one call with it`, () => {
    const { firstSeconds: _, ...bare } = eventRecord(0, 'Scheduled', { name: `web.${HEX}` })
    const eventTime = (AT - afterNs) as NonNullable<EventRecord['eventTime']>
    assert.equal(eventNameTime(deepFreeze({ ...bare, eventTime })), then ? AT : undefined)
  })
}

test('without any stamp that confirms it, a suffix is no moment', () => {
  const { firstSeconds: _, ...bare } = eventRecord(0, 'Started', { name: `web.${HEX}` })
  assert.equal(eventNameTime(bare), undefined)
})
