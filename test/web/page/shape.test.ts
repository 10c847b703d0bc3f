// Owns the shape of a bar: solid only where the span surely was, faded to where it may have been, whatever the zoom.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bar } from '../../../src/web/page/line.ts'
import { maskOf, shapeOf, stretchOf } from '../../../src/web/page/shape.ts'

const bar = (early: readonly [number, number, number], late: readonly [number, number, number]): Bar => ({
  span: {} as Bar['span'],
  earliestStart: early[0],
  start: early[1],
  latestStart: early[2],
  earliestEnd: late[0],
  end: late[1],
  latestEnd: late[2],
  critical: [],
  isOpen: false,
})

const whole = { from: 0, to: 1000 }

test('an uncertain bar reaches from the earliest to the latest and is solid in between', () => {
  const shape = shapeOf(bar([100, 150, 200], [800, 850, 900]), whole)
  assert.ok(shape)
  assert.deepEqual([shape.left, shape.width], [10, 80])
  assert.deepEqual([shape.solidFrom, shape.solidTo], [12.5, 87.5])
  assert.match(maskOf(shape) ?? '', /^linear-gradient\(to right, .* 12\.500%, .* 87\.500%, /)
})

test('a bar that was nowhere for sure has its peak where it most likely was', () => {
  const shape = shapeOf(bar([100, 400, 600], [300, 500, 900]), whole)
  assert.ok(shape)
  assert.equal(shape.solidFrom, shape.solidTo)
  assert.equal(shape.left + (shape.solidFrom * shape.width) / 100, 45)
})

test('an exact bar has no mask, nor has one whose doubt is less than a hair', () => {
  assert.equal(maskOf(shapeOf(bar([100, 100, 100], [900, 900, 900]), whole) ?? never()), undefined)
  assert.equal(maskOf(shapeOf(bar([100, 100.5, 101], [900, 900, 900]), whole) ?? never()), undefined)
})

test('however far it is zoomed in, a browser gets percents that it can hold', () => {
  const shape = shapeOf(bar([0, 0, 0], [2_400_000, 2_400_000, 2_400_000]), { from: 1000, to: 1000.01 })
  assert.ok(shape)
  assert.ok(shape.left >= -4 && shape.left + shape.width <= 104)
  const stretch = stretchOf(0, 2_400_000, { from: 1000, to: 1000.01 })
  assert.ok(stretch && stretch.left >= -4 && stretch.width <= 108)
})

test('what is out of sight is not drawn', () => {
  assert.equal(shapeOf(bar([0, 0, 0], [1, 1, 1]), { from: 500, to: 600 }), undefined)
  assert.equal(stretchOf(900, 950, { from: 500, to: 600 }), undefined)
})

function never(): never {
  throw new Error('there is a shape')
}
