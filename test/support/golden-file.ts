// Owns the comparison of a text with the file that says what it should be.
// Promises a failure that shows the difference, and that PODSPAN_GOLDEN=write rewrites the file instead.
// Does not make the text.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export const isRewriting = (): boolean => process.env['PODSPAN_GOLDEN'] === 'write'

export function assertGolden(path: string, actual: string): void {
  if (isRewriting()) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, actual)
    return
  }
  assert.ok(existsSync(path), `${path} does not exist; 'make golden' writes it`)
  assert.equal(
    actual,
    readFileSync(path, 'utf8'),
    `${path} differs; look at it, then 'make golden' rewrites it`,
  )
}
