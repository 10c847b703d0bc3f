import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { UidTable } from '../../src/base/uid-table.ts'

/** UUIDs that begin and end alike, and texts that are nearly ones. */
const uids = fc.oneof(
  { weight: 3, arbitrary: fc.uuid() },
  {
    weight: 3,
    arbitrary: fc
      .nat({ max: 60 })
      .map((number) => `0000000${number % 2}-0000-4000-8000-${String(number).padStart(12, '0')}`),
  },
  fc.constantFrom(
    '',
    'pod-1',
    '0000000A-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000_000000000001',
  ),
  fc.constantFrom('__proto__', '0'.repeat(36), 'g0000000-0000-4000-8000-000000000001'),
)
const steps = fc.array(fc.tuple(fc.constantFrom('add', 'add', 'add', 'remove', 'find'), uids), {
  maxLength: 400,
})

test('each UID has one row of its own for as long as it is there', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const table = new UidTable()
      const model = new Map<string, number>()
      for (const [step, uid] of taken) {
        const row = table[step](uid)
        const known = model.get(uid)
        if (step === 'add' && known === undefined) {
          assert.ok(row >= 0 && ![...model.values()].includes(row))
          model.set(uid, row)
        } else assert.equal(row, known ?? -1)
        if (step === 'remove') model.delete(uid)
        assert.equal(table.size, model.size)
      }
      for (const [uid, row] of model) {
        assert.equal(table.find(uid), row)
        assert.equal(table.uidOf(row), uid)
        assert.ok(table.has(row) && row < table.rows)
      }
    }),
  )
})

test('rows are used again, so that columns grow with what is there at one time', () => {
  const table = new UidTable()
  const uidOf = (number: number): string =>
    `${number.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`
  for (let number = 0; number < 100_000; number++) {
    table.add(uidOf(number))
    if (number >= 50) table.remove(uidOf(number - 50))
  }
  assert.equal(table.size, 50)
  assert.equal(table.rows, 64)
})
