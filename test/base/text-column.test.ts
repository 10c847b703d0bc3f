import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TextColumn } from '../../src/base/text-column.ts'

const texts = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ minLength: 200, maxLength: 2000 }))
const steps = fc.array(fc.tuple(fc.nat({ max: 200 }), fc.option(texts, { nil: undefined })), {
  maxLength: 300,
})

test('each row has the text that was set last', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const column = new TextColumn()
      const model = new Map<number, string>()
      for (const [row, text] of taken) {
        if (text === undefined) column.remove(row)
        else column.set(row, text)
        model.set(row, text ?? '')
      }
      for (const [row, text] of model) assert.equal(column.get(row), text)
    }),
  )
})

test('a text that no length fits is refused', () => {
  assert.throws(() => new TextColumn().set(0, 'x'.repeat(65_536)), RangeError)
})
