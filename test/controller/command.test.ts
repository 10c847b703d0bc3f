// Owns `podspan controller` as it is typed: where its configuration comes from, and what --check-config says.
// Promises nothing of the operator itself.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../src/cli/program.ts'
import { surroundings } from '../cli/surroundings.ts'

async function check(text: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'podspan-config-'))
  const path = join(directory, 'config.yaml')
  writeFileSync(path, text)
  const { context, out, err } = surroundings({ env })
  const code = await run(['controller', '--config', path, '--check-config', ...args], context)
  rmSync(directory, { recursive: true })
  return { code, out: out(), err: err().replaceAll(path, 'config.yaml') }
}

test('--check-config prints what would be used, and no header value', async () => {
  const { code, out } = await check(
    'exporters: {default: {endpoint: "http://c:4317", headers: {authorization: s3cret}}}',
    ['--log-level', 'debug', '--start-timeout=20m'],
    { PODSPAN_CLUSTER_NAME: 'prod-1' },
  )
  assert.equal(code, 0)
  const used = JSON.parse(out) as Record<string, unknown>
  assert.equal(used['clusterName'], 'prod-1')
  assert.equal(used['startTimeout'], '1200s')
  assert.deepEqual(used['log'], { level: 'debug' })
  assert.doesNotMatch(out, /s3cret/)
})

test('--check-config names every wrong value and ends with 2', async () => {
  const { code, err } = await check('settle: 1d\nlog: {level: loud}\n')
  assert.equal(code, 2)
  assert.match(err, /config\.yaml:1: settle: "1d" is not valid; expected a duration from 0s to 5m/)
  assert.match(err, /config\.yaml:2: log\.level: "loud" is not valid/)
})

test('an option that is no setting is refused with the nearest one', async () => {
  const { code, err } = await check('', ['--log-levle', 'debug'])
  assert.equal(code, 2)
  assert.match(err, /unknown option '--log-levle'\. Did you mean --log-level\?/)
})

test('a setting without its value is refused', async () => {
  const { code, err } = await check('', ['--log-level'])
  assert.equal(code, 2)
  assert.match(err, /--log-level needs a value/)
})

test('a file that is named and not there is refused', async () => {
  const { context, err } = surroundings({ env: { PODSPAN_CONFIG: '/nowhere/config.yaml' } })
  assert.equal(await run(['controller', '--check-config'], context), 2)
  assert.match(err(), /The configuration \/nowhere\/config\.yaml cannot be read/)
})
