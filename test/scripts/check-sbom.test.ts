import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingIn } from '../../scripts/check-sbom.ts'

test('a bill of materials that leaves out a package, or names another version of it, is said to', () => {
  const manifest = JSON.stringify({ dependencies: { undici: '8.12.4', '@scope/one': '1.0.0', two: '2.0.0' } })
  const sbom = JSON.stringify({
    components: [
      { name: 'undici', version: '8.12.4' },
      { group: '@scope', name: 'one', version: '1.0.0' },
      { name: 'two', version: '2.0.1' },
    ],
  })
  assert.deepEqual(missingIn(sbom, manifest), ['two@2.0.0'])
})
