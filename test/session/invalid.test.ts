import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTraceSession } from '../../src/session/schema.ts'
import { INVALID, sessionObject, VALID } from './invalid.ts'

const stored = (spec: Readonly<Record<string, unknown>>) => ({
  ...sessionObject('s', 'shop', spec),
  metadata: { name: 's', namespace: 'shop', uid: 'u-1', creationTimestamp: '2026-11-22T10:00:00Z' },
})

for (const { name, spec, field, says, zodSays } of INVALID) {
  test(`${name} is refused, and ${field} is named`, () => {
    const parsed = parseTraceSession(stored(spec))
    assert.equal(parsed.kind, 'invalid')
    const problems = parsed.kind === 'invalid' ? parsed.problems : []
    const said = problems.filter((problem) => problem.startsWith(`${field}: `))
    assert.ok(
      said.some((problem) => problem.includes(zodSays ?? says)),
      `'${zodSays ?? says}' in ${JSON.stringify(problems)}`,
    )
  })
}

for (const [name, spec] of Object.entries(VALID)) {
  test(`${name} is a valid session`, () => {
    const parsed = parseTraceSession(stored(spec))
    assert.deepEqual(parsed.kind === 'invalid' ? parsed.problems : [], [])
  })
}

test('a status that cannot be read is none, and the session is', () => {
  const parsed = parseTraceSession({ ...stored({ allPods: true }), status: { phase: 'Unheard' } })
  assert.equal(parsed.kind === 'ok' && parsed.session.status, undefined)
})

test('what another program added beside our fields is no problem', () => {
  const parsed = parseTraceSession({ ...stored({ allPods: true, future: 1 }), more: true })
  assert.equal(parsed.kind, 'ok')
})
