import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plain } from '../../src/cli/glyphs.ts'
import { drawTable, inFlightLine, type TableLook } from '../../src/cli/in-flight.ts'
import { createLiveArea } from '../../src/cli/live-area.ts'
import type { InFlight } from '../../src/trace/in-flight.ts'
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

const look = (width: number, rows: number): TableLook => ({ width, rows, paint: plain })

test('the oldest start stands first, with what it waits for and since when', () => {
  const starts = [start('b', 5000), start('a', 0, { node: 'node-1' })]
  assert.deepEqual(drawTable(starts, at(9000), look(100, 10)), [
    '  age  pod     waits for      since  node',
    '9.0 s  shop/a  pulling big:2  8.0 s  node-1',
    '4.0 s  shop/b  pulling big:2  3.0 s',
  ])
})

test('a narrow window keeps age and pod, whose name is cut at its beginning', () => {
  const long = start('checkout-6f5d8c9b7c-x2x4p', 0, { node: 'node-1' })
  assert.deepEqual(drawTable([long], at(9000), look(30, 10)), [
    '  age  pod',
    '9.0 s  …ckout-6f5d8c9b7c-x2x4p',
  ])
  assert.equal(
    drawTable([long], at(9000), look(70, 10))[1],
    '9.0 s  shop/checkout-6f5d8c9b7c-x2x4p  pulling big:2  8.0 s  node-1',
  )
})

test('wide letters take two columns, so that what follows stays straight', () => {
  const starts = [start('東京', 0), start('osaka', 1)]
  assert.deepEqual(drawTable(starts, at(9000), look(100, 10)).slice(1), [
    '9.0 s  shop/東京   pulling big:2  8.0 s',
    '9.0 s  shop/osaka  pulling big:2  8.0 s',
  ])
})

test('what does not fit is counted, and long or hostile text is cut', () => {
  const many = Array.from({ length: 30 }, (_, index) => start(`p${index}\u001b[2J${'x'.repeat(500)}`, index))
  const lines = drawTable(many, at(9000), look(60, 5))
  assert.equal(lines.length, 7)
  assert.equal(lines[6], '… and 25 more: 25 in pull image')
  assert.ok(lines.every((line) => line.length <= 60 && !line.includes('\u001b')))
})

test('where more wait than fit, those of a workload that wait for the same share a line', () => {
  const of = (workload: string, count: number, from: number): InFlight[] =>
    Array.from({ length: count }, (_, index) =>
      start(`${workload}-${index}`, from + index, {
        workload: `Deployment/${workload}`,
        node: `node-${index % 2}`,
      }),
    )
  const starts = [...of('web', 9, 1000), ...of('api', 3, 0)]
  const lines = drawTable(starts, at(9000), look(100, 2))
  assert.deepEqual(lines.slice(1), [
    '9.0 s  shop/Deployment/api × 3  pulling big:2  8.0 s  2 nodes',
    '8.0 s  shop/Deployment/web × 9  pulling big:2  7.0 s  2 nodes',
  ])
  assert.match(drawTable(starts, at(9000), look(100, 12))[1] ?? '', /shop\/api-0 /)
})

test('a clock that is ahead of ours gives no negative age', () => {
  assert.match(drawTable([start('a', 5000)], at(0), look(100, 10))[1] ?? '', /^0 ms {2}shop\/a/)
})

test('a log gets one line', () => {
  assert.equal(
    inFlightLine([start('b', 5000), start('a', 0)], at(9000)),
    '2 in flight; oldest 9.0 s: shop/a pulling big:2',
  )
  assert.equal(inFlightLine([], at(0)), '0 in flight')
})

/** What a terminal shows after it was written to, for the sequences that the area uses. */
function screen(written: string): string[] {
  const lines: string[] = ['']
  for (const part of written.split(
    new RegExp(`(${ESCAPE}\\[\\?2026[hl]|\\r${ESCAPE}\\[\\d+A${ESCAPE}\\[J|\n)`),
  )) {
    const up = /\[(\d+)A/.exec(part)?.[1]
    if (part === '\n') lines.push('')
    else if (up !== undefined) lines.splice(lines.length - 1 - Number(up), Infinity, '')
    else if (!part.startsWith(ESCAPE)) lines[lines.length - 1] += part
  }
  return lines
}

test('a window that has become narrower is cleared of all rows that the lines take now', () => {
  let written = ''
  let columns = 40
  const write = (text: string): Promise<void> => {
    written += text
    return Promise.resolve()
  }
  const area = createLiveArea(write, () => columns)
  area.draw(['x'.repeat(35), `${ESCAPE}[1m${'日'.repeat(10)}${ESCAPE}[22m`])
  columns = 10
  written = ''
  area.draw(['short'])
  assert.match(written, /\r.\[6A/)
})

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
