import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PodRecord } from '../../src/base/record.ts'
import { KnownObjects } from '../../src/kube/known-objects.ts'

const versions = fc.oneof(
  fc.nat({ max: 3 }).map(String),
  fc.constantFrom('opaque', '', '01', '9007199254740993', '9007199254740992', '18446744073709551615', 'NaN'),
)
const pod = fc.record({
  resource: fc.constant('pods'),
  uid: fc.oneof(
    fc.nat({ max: 9 }).map((n) => `0000000${n}-0000-4000-8000-000000000000`),
    fc.constant('odd'),
  ),
  namespace: fc.constantFrom('default', 'shop', ''),
  name: fc.constantFrom('web-0', 'web-1', 'größe'),
  resourceVersion: versions,
  containers: fc.constant([]),
}) as fc.Arbitrary<PodRecord>
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom('ADDED', 'MODIFIED', 'DELETED'), pod) },
    fc.constant('begin' as const),
    fc.constant('end' as const),
  ),
  { maxLength: 200 },
)

test('what is known is what a map of all objects would know', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const known = new KnownObjects()
      const model = new Map<string, { record: PodRecord; seen: boolean }>()
      for (const step of taken) {
        if (step === 'begin') {
          known.beginSweep()
          for (const entry of model.values()) entry.seen = false
        } else if (step === 'end') {
          const gone = [...model.values()].filter(({ seen }) => !seen).map(({ record }) => record)
          const missing = known.sweepMissing()
          const byUid = (a: { uid: string }, b: { uid: string }): number => (a.uid < b.uid ? -1 : 1)
          assert.deepEqual(
            missing.toSorted(byUid),
            gone
              .map(({ uid, resourceVersion, namespace, name }) => ({ uid, resourceVersion, namespace, name }))
              .toSorted(byUid),
          )
          for (const { uid } of gone) model.delete(uid)
        } else {
          const [type, record] = step
          const before = model.get(record.uid)
          const same = before?.record.resourceVersion === record.resourceVersion
          const expected =
            type === 'DELETED' ? 'deleted' : before === undefined ? 'added' : same ? undefined : 'modified'
          assert.equal(known.observe(type, record), expected)
          if (type === 'DELETED') model.delete(record.uid)
          // An object keeps its name; only its version changes.
          else if (before)
            model.set(record.uid, {
              record: { ...before.record, resourceVersion: record.resourceVersion },
              seen: true,
            })
          else model.set(record.uid, { record, seen: true })
        }
        assert.equal(known.size, model.size)
      }
    }),
  )
})
