import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plain } from '../../src/cli/glyphs.ts'
import { drawTable, inFlightLine } from '../../src/cli/in-flight.ts'
import { createLiveArea } from '../../src/cli/live-area.ts'
import type { InFlight } from '../../src/trace/pipeline.ts'
import { at } from './hand-made.ts'

const ESCAPE = '\u001b'

const start = (name: string, created: number, more: Partial<InFlight> = {}): InFlight => ({
  uid: name,
  namespace: 'shop',
  name,
  created: at(created),
  operation: 'pull image',
  since: at(created + 1000),
  waitsFor: 'pulling big:2',
  labels: {},
  owners: [],
  cause: 'unknown',
  ...more,
})

test('the oldest start stands first, with what it waits for and since when', () => {
  assert.deepEqual(drawTable([start('b', 5000), start('a', 0)], at(9000), 100, 10, plain), [
    '2 starts in flight',
    '     9.0 s  shop/a  pulling big:2 (8.0 s)',
    '     4.0 s  shop/b  pulling big:2 (3.0 s)',
  ])
})

test('what does not fit is counted, and long or hostile text is cut', () => {
  const many = Array.from({ length: 30 }, (_, index) => start(`p${index}\u001b[2J${'x'.repeat(500)}`, index))
  const lines = drawTable(many, at(9000), 60, 5, plain)
  assert.equal(lines.length, 7)
  assert.equal(lines[6], '… and 25 more')
  assert.ok(lines.every((line) => line.length <= 60 && !line.includes('\u001b')))
})

test('a clock that is ahead of ours gives no negative age', () => {
  assert.match(drawTable([start('a', 5000)], at(0), 100, 10, plain)[1] ?? '', /^ +0 ms {2}shop\/a/)
})

test('a log gets one line', () => {
  assert.equal(
    inFlightLine([start('b', 5000), start('a', 0)], at(9000)),
    '2 in flight; oldest 9.0 s: shop/a pulling big:2',
  )
  assert.equal(inFlightLine([], at(0)), '0 in flight')
})

/** What a terminal shows after it was written to, for the two sequences that the area uses. */
function screen(written: string): string[] {
  const lines: string[] = ['']
  for (const part of written.split(new RegExp(`(${ESCAPE}\\[1A${ESCAPE}\\[2K|\n)`))) {
    if (part === '\n') lines.push('')
    else if (part.startsWith(ESCAPE)) {
      lines.pop()
      lines[lines.length - 1] = ''
    } else lines[lines.length - 1] += part
  }
  return lines
}

test('lasting text scrolls above the table, which is replaced in place', async () => {
  let written = ''
  const area = createLiveArea((text) => {
    written += text
    return Promise.resolve()
  })
  area.draw(['1 in flight', 'a'])
  await area.print('a is ready\n')
  area.draw(['2 in flight', 'b', 'c'])
  await area.print('b is ready\n')
  area.draw(['1 in flight', 'c'])
  assert.deepEqual(screen(written), ['a is ready', 'b is ready', '1 in flight', 'c', ''])
  area.draw([])
  assert.deepEqual(screen(written), ['a is ready', 'b is ready', ''])
})

test('an unchanged table is not written again', () => {
  let writes = 0
  const area = createLiveArea(() => {
    writes++
    return Promise.resolve()
  })
  area.draw(['a'])
  area.draw(['a'])
  assert.equal(writes, 1)
})

test('talk on the same screen appears above the table', () => {
  let written = ''
  const write = (text: string): Promise<void> => {
    written += text
    return Promise.resolve()
  }
  const area = createLiveArea(write)
  area.aside(() => void write('hello\n'))
  assert.equal(written, 'hello\n')
  area.draw(['1 in flight', 'a'])
  area.aside(() => void write('relisting\n'))
  assert.deepEqual(screen(written), ['hello', 'relisting', '1 in flight', 'a', ''])
})
