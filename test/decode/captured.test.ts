// Owns the decoders against bytes that a real API server sent: Kubernetes 1.36.3, one list in both encodings at one version.
// Promises that what our own encoder assumes of Go is what Go does.
// Does not need a cluster.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { decodeJsonObject, openJsonList, parseJson } from '../../src/decode/json.ts'
import { openList } from '../../src/decode/protobuf.ts'
import { knownResource } from '../../src/decode/resources.ts'

const captured = (name: string): Buffer =>
  gunzipSync(readFileSync(join(import.meta.dirname, 'captured', `${name}.gz`)))

for (const [source, count] of [
  ['pods', 25],
  ['events', 25],
  ['nodes', 1],
  ['leases', 2],
  ['replicasets', 3],
] as const) {
  const resource = knownResource(source)
  const bytes = captured(`${source}-1.36.pb`)

  test(`captured ${source} are the same records from both encodings`, () => {
    const list = openList(resource, bytes)
    const json = openJsonList(parseJson(captured(`${source}-1.36.json`).toString('utf8')))
    assert.ok(list.ok && json)
    assert.deepStrictEqual(list.meta, json.meta)
    const records = [...list.items].map((item) =>
      item.ok ? item.record : assert.fail(JSON.stringify(item.error)),
    )
    const expected = json.items.map((item) => {
      const decoded = decodeJsonObject(resource, item)
      assert.ok(decoded.ok)
      return decoded.record
    })
    assert.equal(records.length, count)
    assert.deepStrictEqual(records, expected)
  })

  test(`captured ${source} cut anywhere give a value`, () => {
    for (let length = 0; length < bytes.length; length += 97) {
      const list = openList(resource, bytes.subarray(0, length))
      if (list.ok) for (const item of list.items) assert.equal(typeof item.ok, 'boolean')
    }
  })
}
