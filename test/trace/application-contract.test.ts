import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { parseTraceparent } from '../../src/base/trace-context.ts'
import { rootSpanIdOf, traceIdOf } from '../../src/trace/identity.ts'

const UID = '0b0aa422-b0b8-4b47-a94d-f7cd32bbea36'
const EXPECTED = `00-${traceIdOf(UID)}-${rootSpanIdOf(UID)}-01`

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'application-spans.md'), 'utf8')

/** The line of a language in the table of the contract. */
const lineOf = (language: string): string => {
  const cell = new RegExp(`^\\| ${language} \\| (\`+) ?(.*?) ?\\1 \\|$`, 'm').exec(page)?.[2]
  return cell?.replaceAll('\\|', '|') ?? assert.fail(`docs/application-spans.md has no line for ${language}`)
}

test('what the documented contract gives is the root that Podspan tells', () =>
  assert.deepEqual(parseTraceparent(EXPECTED), { traceId: traceIdOf(UID), spanId: rootSpanIdOf(UID) }))

test('the line for JavaScript gives it', () =>
  assert.equal(runInNewContext(`${lineOf('JavaScript')}; traceparent`, { uid: UID }), EXPECTED))

test('the line for the shell gives it', () => {
  const script = `${lineOf('shell')}; printf %s "$TRACEPARENT"`
  const env = { PATH: process.env['PATH'], POD_UID: UID }
  assert.equal(execFileSync('sh', ['-c', script], { env, encoding: 'utf8' }), EXPECTED)
})

for (const language of ['Go', 'Python', 'Java'])
  test(`the line for ${language} puts the same parts together`, () => {
    const parts = lineOf(language).replaceAll(/\s/g, '')
    const [first, half] = [/u\[16:\]|u\.substring\(16\)/g, /u\[:16\]|u\.substring\(0,16\)/g]
    assert.equal(parts.match(first)?.length, 1)
    assert.equal(parts.match(half)?.length, 2)
  })
