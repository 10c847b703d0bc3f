import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assertGolden } from '../../support/golden-file.ts'
import { measureRecordings } from './measure.ts'

const FILE = join(import.meta.dirname, 'distributions.json')

test('the generator draws from what the recordings of a real cluster say', async () => {
  const measured = await measureRecordings()
  assertGolden(FILE, `${JSON.stringify(measured, undefined, 1).replace(/\n\s+(-?[\d.]+,?)(?=\n)/g, ' $1')}\n`)
  assert.ok(measured.starts > 150, `${measured.starts} starts`)
  assert.deepEqual(JSON.parse(readFileSync(FILE, 'utf8')), measured)
})
