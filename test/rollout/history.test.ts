import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectFrame } from '../../src/base/frame.ts'
import type { CustomRecord } from '../../src/base/record.ts'
import { parseRfc3339, unixNano } from '../../src/base/time.ts'
import { foldVersion, openHistory } from '../../src/rollout/history.ts'
import { readWorkload, type WorkloadKind } from '../../src/rollout/workload.ts'

const AT = '2026-01-02T03:04:05Z'

const ENDS: readonly (readonly [WorkloadKind, condition: object, kind: 'complete' | 'failed'])[] = [
  ['Job', { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }, 'failed'],
  ['Job', { type: 'Complete', status: 'True' }, 'complete'],
  ['Deployment', { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }, 'failed'],
]

for (const [kind, condition, then] of ENDS)
  test(`of a ${kind} that a list shows ${then}, its condition says when`, () => {
    const conditions = [{ ...condition, lastTransitionTime: AT }]
    const record: CustomRecord = {
      resource: 'custom',
      uid: 'u-1',
      name: 'web',
      namespace: 'shop',
      resourceVersion: '7',
      object: { spec: {}, status: { conditions, observedGeneration: 1 } },
    }
    const source = `${kind.toLowerCase()}s`
    const frame: ObjectFrame = { kind: 'added', t: unixNano(9n), source, phase: 'initial', record }
    const history = openHistory(kind, frame)
    const version = readWorkload(record, kind)
    assert.ok(version)
    foldVersion(history, frame, version)
    const change = history.changes.find((one) => one.kind === then)
    assert.deepEqual(
      change?.stamps.map(({ source: of, at }) => [of, at]),
      [
        ['list-receipt', 9n],
        ['state-second', parseRfc3339(AT)],
      ],
    )
  })
