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
  assert.deepEqual(err.split('\n'), [
    'podspan: the configuration is wrong:',
    '  config.yaml:1: settle: "1d" is not valid; expected a duration from 0s to 5m',
    '  config.yaml:2: log.level: "loud" is not valid; expected debug, info, warn or error',
    '',
  ])
})

test('--check-config names wrong values also where there are many', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `wrong-${index}`)
  const { code, err } = await check(names.map((name) => `${name}: 1\n`).join(''))
  assert.equal(code, 2)
  assert.equal(
    err.split('\n').filter((line) => /^ {2}config\.yaml:\d+: wrong-\d+: unknown/.test(line)).length,
    60,
  )
})

test('of the standing session it is said what is wrong with it, and which exporter it does not find', async () => {
  const { code, err } = await check(
    'standingSession: {allPods: true, objectives: [{name: A, percentile: 0.99, threshold: 1s}]}',
  )
  assert.equal(code, 2)
  assert.match(err, /objectives\.0\.name: "A" is not valid; write lower-case letters/)
  const absent = await check('standingSession: {allPods: true, exporter: jaeger}')
  assert.equal(absent.code, 0)
  assert.match(
    absent.err,
    /config\.yaml:1: standingSession\.exporter: no exporter is named jaeger; nothing is exported/,
  )
})

test('what is no option at all is refused', async () => {
  const { code, err } = await check('', ['web.yaml'])
  assert.equal(code, 2)
  assert.match(err, /'web\.yaml' is no option/)
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
