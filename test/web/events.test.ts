// Owns the live stream: what is said at a beat, and that nobody who does not read is kept in memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { createLiveEvents, type Listener } from '../../src/web/events.ts'
import { story } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'
import { sourceOf } from './source.ts'

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
  const { source, starts } = sourceOf({ inFlight: () => flight })
  return { flight, starts, live: createLiveEvents(source) }
}

const names = ({ texts }: Heard): string[] =>
  texts.map((text) => /^event: (\w+)\ndata: /.exec(text)?.[1] ?? text.slice(0, 1))

/** What the last event carries. */
const last = ({ texts }: Heard): unknown =>
  JSON.parse(/^data: (.*)$/m.exec(texts.at(-1) ?? '')?.[1] ?? 'null')

const waiting = (uid: string, waitsFor: string): InFlight => {
  const { cause, created, labels, name, namespace, owners } = trace
  return {
    ...{ uid, name, namespace, cause, created, labels, owners, waitsFor },
    ...{ since: created, operation: 'schedule' },
  }
}

test('what is in flight is said whole once, and then only what has changed', () => {
  const { flight, live } = open()
  flight.push(waiting('a', 'waiting\nto be scheduled'), waiting('b', 'pulling'))
  const heard = listener()
  live.add(heard)
  live.beat()
  live.beat()
  assert.deepEqual(names(heard), ['flight'])
  assert.equal(heard.texts.at(-1)?.split('\n').length, 4, 'an event is one line of data, whatever it holds')
  flight.splice(0, 2, waiting('b', 'pulling'), waiting('c', 'starting'))
  live.beat()
  assert.deepEqual(names(heard), ['flight', 'changes'])
  const { set, gone } = last(heard) as { set: { uid: string }[]; gone: string[] }
  assert.deepEqual([set.map(({ uid }) => uid), gone], [['c'], ['a']])
})

test('who comes later hears of all that is in flight', () => {
  const { flight, live } = open()
  const [first, second] = [listener(), listener()]
  live.add(first)
  flight.push(waiting('a', 'pulling'))
  live.beat()
  live.add(second)
  assert.deepEqual(
    (last(second) as { uid: string }[]).map(({ uid }) => uid),
    ['a'],
  )
})

test('while no page is open nothing is asked', () => {
  let asked = 0
  const { source } = sourceOf({ inFlight: () => (asked++, []) })
  const live = createLiveEvents(source)
  live.beat()
  const heard = listener()
  live.add(heard)
  live.remove(heard)
  const before = asked
  live.beat()
  assert.equal(asked, before)
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
