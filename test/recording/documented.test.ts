// Owns that recordings made of documented events are what their script makes, and say that nobody recorded them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documented, linesOf } from '../scenarios/documented.ts'
import { recordingLines, recordings } from '../support/frames.ts'

test('every documented recording is what its script makes of it', () => {
  const names = recordings().filter((name) => name.startsWith('documented-'))
  assert.deepEqual(names, Object.keys(documented).sort())
  for (const [name, tell] of Object.entries(documented))
    assert.deepEqual(recordingLines(name), linesOf(tell()), `${name}: documented.ts writes it anew`)
})

test('a documented recording says in its header that it was not recorded', () => {
  for (const name of Object.keys(documented)) {
    const header = JSON.parse(recordingLines(name)[0] ?? '') as { cluster?: string }
    assert.equal(header.cluster, 'documented, not recorded')
  }
})
