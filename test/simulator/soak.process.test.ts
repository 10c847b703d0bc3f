// Owns the short form of the soak: a minute of starts and faults. `make soak` has the long one.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('a minute of starts and faults loses, invents and repeats nothing', { timeout: 400_000 }, () => {
  const env = { ...process.env, PODSPAN_SOAK_MINUTES: '1', PODSPAN_SOAK_RATE: '100' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'soak.ts')], {
    env,
    encoding: 'utf8',
  })
  console.log(stdout.replace(/^/gm, '  '))
  assert.equal(status, 0, stderr)
})
