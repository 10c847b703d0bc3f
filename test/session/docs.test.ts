import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { DOCS_FILE } from '../../scripts/generate-crd.ts'
import { parseTraceSession } from '../../src/session/schema.ts'

/** The examples of the page, those in a shell's here-document too. */
const examples = [
  ...readFileSync(DOCS_FILE, 'utf8').matchAll(/```yaml\n([\s\S]*?)```|<<EOF\n([\s\S]*?)\nEOF/g),
].map(([, block, here]) => block ?? here ?? '')

interface Example {
  readonly metadata?: object
  readonly spec?: unknown
}

test('every example in docs/tracesession.md is a session that the API server takes', () => {
  assert.equal(examples.length, 4)
  for (const text of examples) {
    const { metadata, spec } = parse(text) as Example
    const parsed = parseTraceSession({
      apiVersion: 'podspan.dev/v1alpha1',
      kind: 'TraceSession',
      metadata: {
        name: 's',
        namespace: 'n',
        ...metadata,
        uid: 'u',
        creationTimestamp: '2026-11-22T10:00:00Z',
      },
      spec,
    })
    assert.deepEqual(parsed.kind === 'invalid' ? parsed.problems : [], [], text)
  }
})
