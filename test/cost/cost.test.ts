// Owns the guard against a middle that becomes dearer without anybody noticing: the amount of work for one start, by folder.
// Promises the same verdict on a busy machine: nothing here is timed. That a change is worth its work is said by writing the figures anew.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { assertGolden, isRewriting } from '../support/golden-file.ts'

const FIGURES = join(import.meta.dirname, 'cost.json')
/** Two runs differ by a hundredth. */
const TOLERANCE = 1.05

type Work = Readonly<Record<string, number>>

test('a start costs no more work than is written down, in any folder', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'count.ts')])
  const counted = JSON.parse(stdout) as Work
  if (isRewriting()) return assertGolden(FIGURES, `${JSON.stringify(counted, undefined, 2)}\n`)
  const stated = JSON.parse(readFileSync(FIGURES, 'utf8')) as Work
  assert.deepEqual(Object.keys(counted), Object.keys(stated))
  const dearer = Object.entries(counted).flatMap(([folder, characters]) => {
    const ratio = characters / (stated[folder] ?? 0)
    return ratio > TOLERANCE ? [`${folder}: ${ratio.toFixed(2)} times as much as in ${FIGURES}`] : []
  })
  assert.deepEqual(dearer, [], "if it is worth that, 'make golden' writes it down")
})
