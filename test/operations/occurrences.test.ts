// Owns the order of one container's events: what their counts, their second, and each other's lengths say of it.
// Promises one case for each rule, in which the order is another without it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { milliseconds } from '../../src/base/time.ts'
import type { Detail } from '../../src/observe/observation.ts'
import { eachFailed, inOrder } from '../../src/operations/occurrences.ts'
import type { Fact } from '../../src/timeline/facts.ts'
import { recorded, repeated, rightClocks, shown } from '../support/facts.ts'

const took = (ms: number): Detail => ({ pull: milliseconds(ms), withWaiting: milliseconds(ms) })
const because = (message: string): Detail => ({ message })

/** `what` and, of later occurrences, which. */
const orderOf = (facts: readonly Fact[]): string[] =>
  inOrder(facts, rightClocks()).map(({ fact }) =>
    fact.index === 0 ? fact.what : `${fact.what} ${fact.index}`,
  )

interface Case {
  readonly name: string
  readonly given: readonly Fact[]
  readonly then: readonly string[]
}

const CASES: readonly Case[] = [
  {
    name: 'a whole second of which the watch told within it lies where it told of it',
    given: [recorded('hook failed', 10_500), repeated('started container', 10_000, { heard: 10_300 })],
    then: ['started container', 'hook failed'],
  },
  {
    name: 'a whole second that a list told of lies at its end',
    given: [recorded('pulling', 10_500), repeated('backing off', 10_000)],
    then: ['pulling', 'backing off'],
  },
  {
    name: 'a whole second of which the watch told later lies at its end',
    given: [
      recorded('pulling', 10_500),
      repeated('backing off', 10_000, { heard: 11_200 }),
      recorded('unhealthy', 11_100),
    ],
    then: ['pulling', 'backing off', 'unhealthy'],
  },
  {
    name: 'what is listed comes before what of its second must come after it',
    given: [
      recorded('started container', 10_500),
      repeated('created container', 10_000),
      recorded('backing off', 10_600),
    ],
    then: ['created container', 'started container', 'backing off'],
  },
  {
    name: 'also if the list came after that; but it came before the list',
    given: [
      recorded('started container', 10_200),
      repeated('created container', 10_000, { listed: 10_300 }),
      repeated('backing off', 10_000, { listed: 10_300 }),
      recorded('pulling', 10_500),
    ],
    then: ['created container', 'started container', 'backing off', 'pulling'],
  },
  {
    name: 'an image was asked for as long before it came as the message says',
    given: [
      repeated('pulling', 10_000, { index: 1, heard: 12_000 }),
      recorded('backing off', 10_300),
      recorded('pulled', 10_500, { detail: took(300) }),
    ],
    then: ['pulling 1', 'backing off', 'pulled'],
  },
  {
    name: 'a pull whose request has a fine stamp is not the one that only a second tells of',
    given: [
      recorded('pulling', 10_200),
      recorded('pulled', 10_300, { group: 'first', detail: took(100) }),
      recorded('backing off', 10_600),
      repeated('pulling', 10_000, { index: 1, heard: 12_000 }),
      recorded('pulled', 10_900, { group: 'second', detail: took(200) }),
    ],
    then: ['pulling', 'pulled', 'backing off', 'pulling 1', 'pulled'],
  },
  {
    name: 'an image that was asked for after the watch had told so is another one',
    given: [
      repeated('pulling', 10_000, { index: 1, heard: 10_300 }),
      recorded('backing off', 10_500),
      recorded('pulled', 10_900, { detail: took(200) }),
    ],
    then: ['pulling 1', 'backing off', 'pulled'],
  },
  {
    name: 'what came once more came when the attempt before had failed',
    given: [
      recorded('pulling', 10_100),
      recorded('pull failed', 10_300),
      repeated('pulling', 10_000, { index: 1 }),
    ],
    then: ['pulling', 'pull failed', 'pulling 1'],
  },
  {
    name: 'and when both reports of that failure had come',
    given: [
      recorded('pulling', 10_100),
      recorded('pull failed', 10_300, { group: 'in full' }),
      recorded('pull failed', 10_350, { group: 'in short' }),
      repeated('pulling', 10_000, { index: 1 }),
    ],
    then: ['pulling', 'pull failed', 'pull failed', 'pulling 1'],
  },
  {
    name: 'an image is not asked for once more while it comes',
    given: [
      recorded('pulling', 10_100),
      recorded('container failed', 10_200),
      recorded('pulled', 10_500),
      repeated('pulling', 10_000, { index: 1 }),
    ],
    then: ['pulling', 'container failed', 'pulled', 'pulling 1'],
  },
  {
    name: 'of one event a later occurrence comes later, though only a list told of the earlier',
    given: [
      recorded('container failed', 9_000),
      repeated('container failed', 10_000, { index: 1 }),
      repeated('container failed', 10_000, { index: 2, heard: 10_600 }),
    ],
    then: ['container failed', 'container failed 1', 'container failed 2'],
  },
  {
    name: 'where every try gave a run, a repeat is of its own number at the earliest',
    given: [
      recorded('image present', 9_000),
      recorded('created container', 10_500),
      recorded('started container', 10_600),
      repeated('image present', 10_000, { index: 2 }),
    ],
    then: ['image present', 'created container', 'started container', 'image present 2'],
  },
  {
    name: 'an image that was there more often than there were tries is of a later one',
    given: [
      recorded('pulled', 8_000),
      recorded('container failed', 8_001, { group: 'no settings' }),
      recorded('image present', 9_000),
      repeated('container failed', 9_000, { group: 'no settings', index: 1 }),
      recorded('created container', 10_480),
      recorded('container failed', 10_600, { group: 'no program' }),
      repeated('image present', 10_000, { index: 2 }),
    ],
    then: [
      'pulled',
      'container failed',
      'image present',
      'container failed 1',
      'created container',
      'container failed',
      'image present 2',
    ],
  },
  {
    name: 'an image that was there no more often than there were tries comes before the container was created',
    given: [
      recorded('pulled', 8_000),
      recorded('container failed', 8_001, { group: 'no settings' }),
      recorded('container failed', 8_900, { group: 'no limits' }),
      repeated('image present', 10_000, { index: 1 }),
      recorded('created container', 10_480),
    ],
    then: ['pulled', 'container failed', 'container failed', 'image present 1', 'created container'],
  },
  {
    name: 'where counts number the tries, what is of a later one comes after all of the one before',
    given: [
      recorded('created container', 9_000),
      repeated('started container', 10_000),
      repeated('created container', 10_000, { index: 1 }),
      repeated('started container', 11_000, { index: 1 }),
    ],
    then: ['created container', 'started container', 'created container 1', 'started container 1'],
  },
  {
    name: 'but not where one that was not seen is missing in the count',
    given: [
      repeated('started container', 10_000),
      repeated('created container', 10_000, { index: 1, heard: 10_100 }),
    ],
    then: ['created container 1', 'started container'],
  },
]

for (const { name, given, then } of CASES)
  test(name, () => {
    assert.deepEqual(orderOf(given), then)
    assert.deepEqual(orderOf(given.toReversed()), then)
  })

const NO_PROGRAM = 'exec: no such file or directory'
const couldNotStart = shown('finished container', 10_000, {
  detail: { reason: 'StartError', message: NO_PROGRAM },
})
const failed = (message: string, index = 0): Fact =>
  recorded('container failed', 10_000, { group: message, index, detail: because(message) })

test('every run failed to start where the status says so of one and the event counts the same', () => {
  assert.equal(
    eachFailed([failed(`Error: ${NO_PROGRAM}`), failed(`Error: ${NO_PROGRAM}`, 2)], [couldNotStart]),
    true,
  )
})

test('without a failure none failed to start', () => {
  assert.equal(eachFailed([recorded('created container', 9_000)], [couldNotStart]), false)
})

test('a failure that the status tells of no run may have been one to create the container', () => {
  assert.equal(eachFailed([failed(`Error: ${NO_PROGRAM}`)], []), false)
  assert.equal(eachFailed([failed('Error: configmap not found')], [couldNotStart]), false)
  const killed = shown('finished container', 10_000, { detail: { reason: 'Error', message: NO_PROGRAM } })
  assert.equal(eachFailed([failed(`Error: ${NO_PROGRAM}`)], [killed]), false)
})

test('where a run was started, or failures are of several events, the count is not that of the runs', () => {
  const one = failed(`Error: ${NO_PROGRAM}`)
  assert.equal(eachFailed([one, recorded('started container', 9_000)], [couldNotStart]), false)
  assert.equal(eachFailed([one, failed(`Error: again, ${NO_PROGRAM}`)], [couldNotStart]), false)
})
