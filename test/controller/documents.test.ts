// Owns docs/configuration.md and docs/security.md against what they are made from.
// Promises a failure that shows the difference; `make golden` rewrites the files.

import { join } from 'node:path'
import { test } from 'node:test'
import { configurationReference } from '../../src/controller/config-reference.ts'
import { securityReference } from '../../src/controller/security-reference.ts'
import { assertGolden } from '../support/golden-file.ts'

const docs = join(import.meta.dirname, '..', '..', 'docs')

test('docs/configuration.md says what the schema says', () => {
  assertGolden(join(docs, 'configuration.md'), configurationReference())
})

test('docs/security.md says what the table of rights says', () => {
  assertGolden(join(docs, 'security.md'), securityReference())
})
