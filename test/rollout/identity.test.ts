import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { rolloutRootSpanId, rolloutSpanId, rolloutTraceId } from '../../src/rollout/identity.ts'
import { traceIdOf } from '../../src/trace/identity.ts'

const uid = 'f456426a-241b-4342-83e1-e2a6e4609913'
const sha = (text: string): string => createHash('sha256').update(text).digest('hex')

test('the ids follow from the UID and the revision as docs/spans.md says', () => {
  const key = { uid, revision: '4' }
  assert.equal(rolloutTraceId(key), sha(`${uid}/rollout/4`).slice(0, 32))
  assert.equal(rolloutRootSpanId(key), sha(`${uid}/rollout/4`).slice(0, 16))
  assert.equal(rolloutSpanId(key, 'paused/1'), sha(`${uid}/rollout/4/paused/1`).slice(0, 16))
})

test('a Job has one rollout, and it is not the start of a pod with the same UID', () => {
  const key = { uid, revision: '' }
  assert.equal(rolloutTraceId(key), sha(`${uid}/rollout`).slice(0, 32))
  assert.notEqual(rolloutTraceId(key), traceIdOf(uid))
})
