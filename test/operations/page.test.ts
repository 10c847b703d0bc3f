// Owns docs/operations.md against the operations and attributes that there are.
// Promises that each operation is explained there, and that it speaks of no attribute that spans.md does not list. Does not read the advice.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { OPERATIONS } from '../../src/metrics/labels.ts'

const read = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8')
const page = read('operations.md')
const headings = page.split('\n').filter((line) => line.startsWith('## '))

test('every operation has a heading of its own, or is named in the text of the one that it is a part of', () => {
  const missing = OPERATIONS.filter(
    (name) => !headings.some((line) => line.includes(name)) && !page.includes(`\`${name}\``),
  )
  assert.deepEqual(missing, [])
})

test('every attribute that the page names is in the table of spans.md', () => {
  const spans = read('spans.md')
  const named = new Set([...page.matchAll(/`(podspan\.[a-z_.]+)`/g)].map(([, name]) => name ?? ''))
  assert.ok(named.size > 10)
  // A row names what shares a beginning by its last part: `podspan.queue.name`, `….wait_ms`.
  const isListed = (name: string): boolean =>
    spans.includes(`\`${name}\``) || spans.includes(`\`….${name.split('.').at(-1)}\``)
  assert.deepEqual(
    [...named].filter((name) => !isListed(name)),
    [],
  )
})
