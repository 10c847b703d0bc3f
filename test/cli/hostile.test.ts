import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { displayWidth } from '../../src/cli/display-width.ts'
import { ansi, plain } from '../../src/cli/glyphs.ts'
import { EXIT } from '../../src/cli/exit.ts'
import { harmlessJson } from '../../src/cli/json-line.ts'
import { run } from '../../src/cli/program.ts'
import { drawList } from '../../src/cli/session-list.ts'
import { progressLine, progressLines } from '../../src/cli/session-progress.ts'
import { drawSession } from '../../src/cli/session-report.ts'
import { neutralise, padEnd, truncate, truncateStart } from '../../src/cli/text.ts'
import type { TraceSession } from '../../src/session/schema.ts'
import type { Obj } from '../simulator/encode.ts'
import { at } from './hand-made.ts'
import { assertHarmless, assertHarmlessJson, poisoned, poisonedRecording, POISONS } from './hostile.ts'
import { FAILED, NOT_ACCEPTED, PASSED, RUNNING, session } from './session-made.ts'
import { type Changes, changesOf, emptyCluster, surroundings } from './surroundings.ts'

const directory = mkdtempSync(join(tmpdir(), 'podspan-hostile-'))
after(() => rmSync(directory, { recursive: true }))

/** With the width that all pictures keep to; whole workloads are named only where recordings hold them. */
const COMMANDS: readonly { readonly args: readonly string[]; readonly recordings: readonly string[] }[] = [
  { args: ['replay'], recordings: ['image-missing', 'unschedulable', 'crash-loop', 'kueue', 'volume-fails'] },
  { args: ['replay', '--slowest', '3'], recordings: ['burst'] },
  { args: ['rollout', '--from'], recordings: ['rollout-slower', 'rollout-quota', 'rollout-job'] },
  { args: ['advise', '--min-starts', '1', '--min-saving', '1ms', '--from'], recordings: ['pulls', 'plain'] },
]
const FORMS: readonly (readonly string[])[] = [
  [],
  ['--ascii'],
  ['--width', '40'],
  ['--width', '240'],
  ['-o', 'json'],
  ['-o', 'otlp-json'],
]

for (const { args, recordings } of COMMANDS) {
  for (const recording of recordings) {
    test(`${args[0]} of ${recording} prints nothing that a terminal obeys, whatever objects are called`, async () => {
      const path = join(directory, `${args[0]}-${recording}.jsonl`)
      writeFileSync(path, poisonedRecording(recording, POISONS))
      const forms = FORMS.filter((form) => args[0] !== 'advise' || form[1] !== 'otlp-json')
      for (const form of forms) await runs([...args, path, ...form])
    })
  }
}

test('diff of revisions prints nothing that a terminal obeys, whatever objects are called', async () => {
  const path = join(directory, 'diff.jsonl')
  const poison = '\u001b[2J\u202e日本'
  writeFileSync(path, poisonedRecording('rollout-slower', [poison]))
  for (const form of FORMS.slice(0, 5)) await runs(['diff', `deploy/shop${poison}`, '--from', path, ...form])
})

test('commands on a cluster print nothing that a terminal obeys, whatever objects are called', async (t) => {
  const cluster = await emptyCluster()
  t.after(() => cluster.close())
  for (const recording of ['image-missing', 'unschedulable', 'rollout-slower'])
    for (const { resource, object } of lastOf(recording))
      cluster.stub.store.load(resource, [poisoned(object, POISONS)])
  const at = ['--kubeconfig', cluster.kubeconfig]
  for (const form of [[], ['--ascii'], ['--width', '40'], ['-o', 'json']]) {
    await runs(['top', '-A', '--since', '200000h', ...at, ...form])
    if (form[0] !== '--width')
      await runs(['advise', '-n', `image-missing${POISONS[8]}`, ...at, ...form], EXIT.notFound)
  }
})

test('watch tells of hostile pods harmlessly', async (t) => {
  const cluster = await emptyCluster()
  t.after(() => cluster.close())
  const { context, abort, out, err, printed } = surroundings()
  const done = run(['watch', '--kubeconfig', cluster.kubeconfig, '--settle', '1ms'], context)
  while (cluster.stub.openWatches('pods') === 0) await new Promise((resolve) => setImmediate(resolve))
  const [pod] = lastOf('plain').filter(({ resource }) => resource === 'pods')
  const { deletionTimestamp: _, ...metadata } = (pod?.object['metadata'] ?? {}) as Record<string, unknown>
  const created = new Date().toISOString().replace(/\.\d+Z/, 'Z')
  const object = { ...pod?.object, metadata: { ...metadata, creationTimestamp: created } }
  cluster.stub.store.apply('pods', poisoned({ ...object, status: {} }, POISONS))
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: created }]
  cluster.stub.store.apply('pods', poisoned({ ...object, status: { phase: 'Running', conditions } }, POISONS))
  await printed(/ready +\d/)
  abort.abort()
  assert.equal(await done, EXIT.ok)
  assertHarmless(out() + err())
})

function lastOf(recording: string): Changes[] {
  const last = new Map<unknown, Changes>()
  for (const change of changesOf(recording))
    if (change.type !== 'DELETED') last.set((change.object['metadata'] as { uid: string }).uid, change)
  return [...last.values()]
}

const SESSIONS: readonly TraceSession[] = [PASSED, FAILED, RUNNING, NOT_ACCEPTED].map(
  (status) => poisoned(session(status) as unknown as Obj, POISONS) as unknown as TraceSession,
)

for (const width of [40, 80, 200]) {
  test(`what sessions say is harmless and within ${width} columns`, () => {
    const now = at(100_000)
    for (const one of SESSIONS) {
      const report = drawSession(one, now, { width, colour: true, ascii: false })
      assertHarmless(report)
      // An address is not cut, so that it can be followed.
      assertHarmless(report.replace(/^.*https:\S+$/gm, ''), width)
      assertHarmless(progressLines(one, now, width, ansi).join('\n'), width)
      assertHarmless(progressLine(one, now))
    }
    assertHarmless(drawList(SESSIONS, now, { width, paint: plain, named: undefined }).join('\n'), width)
  })
}

async function runs(args: readonly string[], code: number = EXIT.ok): Promise<void> {
  const { context, out, err } = surroundings()
  assert.equal(await run(args, context), code, err())
  if (code !== EXIT.ok) return assertHarmless(err())
  assert.notEqual(out(), '')
  assertHarmless(err())
  if (args.includes('-o')) return assertHarmlessJson(out())
  assertHarmless(out(), Number(args[args.indexOf('--width') + 1]) || 100)
  if (args.includes('--ascii')) assert.match(out(), /^[\x20-\x7e\n]*$/)
}

test('any poison at all leaves a waterfall harmless and within its width', async () => {
  const path = join(directory, 'any.jsonl')
  const poison = fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(poison, fc.constantFrom(...FORMS), async (poisons, form) => {
      writeFileSync(path, poisonedRecording('plain', poisons))
      await runs(['replay', path, ...form])
    }),
    { numRuns: 30 },
  )
})

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom(...POISONS))

test('columns stay aligned: a padded cell is as wide as it was to be, whatever is in it', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 2, max: 60 }), (text, width) => {
      const harmless = neutralise(text)
      assert.equal(displayWidth(padEnd(truncate(harmless, width), width)), width)
      assert.ok(displayWidth(truncateStart(harmless, width)) <= width)
    }),
  )
})

test('a JSON line holds the same value, with what a terminal obeys escaped', () => {
  fc.assert(
    fc.property(anyText, anyText, (key, text) => {
      const value = { [`k${key}`]: [text] }
      const line = harmlessJson(JSON.stringify(value))
      assertHarmless(line)
      assert.deepEqual(JSON.parse(line), value)
    }),
  )
})

const WIDTHS: readonly (readonly [string, string, number])[] = [
  ['East Asian letters', '日本語', 6],
  ['decomposed Hangul', '\u1100\u1161\u11a8', 2],
  ['an emoji of one character', '⌚', 2],
  ['marks on a letter', 'e\u0301\u0302', 1],
  ['vowel signs that stand beside their letter', 'का', 2],
  ['ambiguous ones', '…─█', 3],
  ['half-width ones', 'ｱｲ', 2],
]

for (const [name, text, width] of WIDTHS)
  test(`${name} take ${width} columns`, () => assert.equal(displayWidth(text), width))
