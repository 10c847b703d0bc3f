// Owns the live stream: what is said at a beat, and that nobody who does not read is kept in memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InFlight } from '../../src/trace/pipeline.ts'
import { createLiveEvents, type Listener } from '../../src/web/events.ts'
import { collectStarts } from '../../src/web/starts.ts'
import { story } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'

const trace = traceOf(story().create(0).bind(20).admit(40).start(210, 'app').ready(300).frames(9000))

interface Heard extends Listener {
  readonly texts: string[]
  asleep: boolean
  ended: boolean
}

function listener(): Heard {
  const heard: Heard = {
    texts: [],
    asleep: false,
    ended: false,
    write: (text) => void heard.texts.push(text),
    waiting: () => (heard.asleep ? 5 * 1024 * 1024 : 0),
    end: () => void (heard.ended = true),
  }
  return heard
}

function open() {
  const flight: InFlight[] = []
  const starts = collectStarts({ inFlight: () => flight, traceOf: () => undefined })
  return { flight, starts, live: createLiveEvents(starts) }
}

const names = ({ texts }: Heard): string[] =>
  texts.map((text) => /^event: (\w+)\ndata: /.exec(text)?.[1] ?? text.slice(0, 1))

test('what is in flight is said once, and again when it has changed', () => {
  const { flight, live } = open()
  const heard = listener()
  live.add(heard)
  live.beat()
  live.beat()
  assert.deepEqual(names(heard), ['flight'])
  const { cause, created, labels, name, namespace, owners, uid } = trace
  flight.push({
    ...{ uid, name, namespace, cause, created, labels, owners, since: created },
    operation: 'schedule',
    waitsFor: 'waiting\nto be scheduled',
  })
  live.beat()
  assert.deepEqual(names(heard), ['flight', 'flight'])
  assert.equal(heard.texts.at(-1)?.split('\n').length, 4, 'an event is one line of data, whatever it holds')
})

test('a quiet stream is kept open by a comment', () => {
  const { live } = open()
  const heard = listener()
  live.add(heard)
  for (let beat = 0; beat < 16; beat++) live.beat()
  assert.deepEqual(names(heard), ['flight', ':'])
})

test('a page that does not read is dropped, and others are told all the same', () => {
  const { live, starts } = open()
  const [awake, asleep] = [listener(), listener()]
  live.add(awake)
  live.add(asleep)
  asleep.asleep = true
  starts.add(trace)
  starts.add(trace)
  assert.ok(asleep.ended)
  assert.deepEqual(names(asleep), ['flight'])
  assert.deepEqual(names(awake), ['flight', 'finished', 'finished'])
})

test('there is room for so many pages, and again when one goes', () => {
  const { live } = open()
  const pages = Array.from({ length: 33 }, listener)
  assert.deepEqual(pages.map((page) => live.add(page)).filter((added) => !added).length, 1)
  live.remove(pages[0] as Heard)
  assert.ok(live.add(pages[32] as Heard))
})

test('the end ends every page', () => {
  const { live, starts } = open()
  const heard = listener()
  live.add(heard)
  live.close()
  starts.add(trace)
  assert.ok(heard.ended)
  assert.deepEqual(names(heard), ['flight'])
})
