// Owns what workloads, which are read whole where a rollout is told, may hold that is none: any value anywhere, frames lost or out of order.
// Promises that nothing throws and that what is told has a form, as a rollout and as a trace. `make fuzz` runs it for long.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatRollout } from '../../src/rollout/rollout-json.ts'
import { traceOfRollout } from '../../src/rollout/trace-of.ts'
import { followed } from '../rollout/followed.ts'
import { rolloutsOf, wholeFrames } from '../rollout/replay.ts'
import { replacedIn } from '../support/damage.ts'
import { recordingLines, runs, seedOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'

const NAMES = ['rollout-job', 'rollout-daemonset', 'rollout-deadline'] as const
const LINES = new Map(NAMES.map((name) => [name, recordingLines(name)]))

const value = fc.oneof(
  fc.constantFrom(
    null,
    '',
    0,
    -1,
    1e300,
    2 ** 53,
    true,
    [],
    {},
    [null],
    '1970-01-01T00:00:00Z',
    '25%',
    'True',
  ),
  fc.string(),
  fc.integer(),
  fc.anything({ withBigInt: false, maxDepth: 2 }),
)
const damage = fc.record({
  line: fc.nat(),
  how: fc.constantFrom('replace', 'replace', 'replace', 'lose', 'again'),
  path: fc.array(fc.nat(), { minLength: 1, maxLength: 7 }),
  value,
})

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

function damaged(lines: readonly string[], damages: readonly Damage[]): string[] {
  const result = [...lines]
  for (const { how, line, path, value: put } of damages) {
    const at = 1 + (line % (result.length - 1))
    const text = result[at] ?? ''
    if (how === 'lose') result.splice(at, 1)
    else if (how === 'again') result.push(text)
    else {
      const parsed = JSON.parse(text) as { object: object }
      result[at] = JSON.stringify({ ...parsed, object: replacedIn(parsed.object ?? {}, path, put) })
    }
  }
  return result
}

test('workloads of which any field is anything are rollouts or none, and each has the form of a trace', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...NAMES),
      fc.array(damage, { minLength: 1, maxLength: 12 }),
      async (name, damages) => {
        const lines = damaged(LINES.get(name) ?? [], damages)
        const frames = await wholeFrames(Buffer.from(`${lines.join('\n')}\n`))
        for (const rollout of [...rolloutsOf(frames), ...followed(frames).told]) {
          JSON.parse(formatRollout(rollout))
          assert.deepEqual(violations([traceOfRollout(rollout)]), [])
        }
      },
    ),
    { numRuns: runs(12), seed: seedOf(14) },
  )
})
