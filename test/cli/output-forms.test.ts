import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { z } from 'zod'
import { EXIT } from '../../src/cli/exit.ts'
import { run } from '../../src/cli/program.ts'
import { parseTraceSession } from '../../src/session/schema.ts'
import { recordings } from '../support/frames.ts'
import { assertGolden } from '../support/golden-file.ts'
import { jsonSchemaOf, SCHEMAS } from '../support/output-schemas.ts'
import { FAILED, PASSED, RUNNING, session, sessionSurroundings } from './session-made.ts'
import { clusterAfter, surroundings } from './surroundings.ts'

const root = join(import.meta.dirname, '..', '..')
const recording = (name: string): string => join(root, 'test', 'recordings', `${name}.jsonl.gz`)

/** Each line against the schema of the form that it names; the forms that were met. */
async function formsOf(args: readonly string[], code: number = EXIT.ok): Promise<Set<string>> {
  const { context, out, err } = surroundings()
  assert.equal(await run([...args, '-o', 'json'], context), code, err())
  const forms = new Set<string>()
  for (const line of out().trimEnd().split('\n')) {
    const told = JSON.parse(line) as { podspan: string }
    const read = SCHEMAS[told.podspan]?.safeParse(told)
    assert.ok(
      read?.success,
      `${args.join(' ')}: ${told.podspan}: ${read?.error && z.prettifyError(read.error)}`,
    )
    forms.add(told.podspan)
  }
  return forms
}

test('starts of all recordings are start/v1', async () => {
  for (const name of recordings())
    assert.deepEqual([...(await formsOf(['replay', recording(name)]))], ['start/v1'])
})

test('rollouts of all recordings that hold any are rollout/v1', async () => {
  for (const name of recordings().filter((one) => one.startsWith('rollout')))
    assert.deepEqual([...(await formsOf(['rollout', '--from', recording(name)]))], ['rollout/v1'])
})

const FROM: readonly { readonly form: string; readonly args: readonly string[] }[] = [
  { form: 'diff/v1', args: ['diff', 'deploy/shop', '--from', recording('rollout-slower')] },
  {
    form: 'diff/v1',
    args: [
      'diff',
      'deploy/shop',
      '--from',
      recording('rollout-slower'),
      '--from',
      recording('rollout-budget'),
    ],
  },
  { form: 'advice/v1', args: ['advise', '--from', recording('rollout-slower')] },
  {
    form: 'advice/v1',
    args: [
      'advise',
      '--min-starts',
      '1',
      '--min-saving',
      '1ms',
      '--from',
      recording('pulls'),
      '--from',
      recording('startup-hook'),
    ],
  },
]

for (const { form, args } of FROM)
  test(`${args.slice(0, 2).join(' ')} prints ${form}`, async () => {
    assert.deepEqual([...(await formsOf(args))], [form])
  })

async function onCluster(t: TestContext, name: string, ...args: string[]): Promise<string[]> {
  const cluster = await clusterAfter(name)
  t.after(() => cluster.close())
  return [...(await formsOf([...args, '--kubeconfig', cluster.kubeconfig]))]
}

test('trace prints start/v1', async (t) => {
  assert.deepEqual(await onCluster(t, 'plain', 'trace', 'plain', '-n', 'plain'), ['start/v1'])
})

for (const name of ['burst', 'image-missing', 'unschedulable', 'completes'])
  test(`top prints top/v1, with ${name}`, async (t) => {
    assert.deepEqual(await onCluster(t, name, 'top', '-A', '--since', '200000h'), ['top/v1'])
  })

test('check prints check/v1, and nothing else', async (t) => {
  assert.deepEqual(await onCluster(t, 'plain', 'check', '--for', '50ms'), ['check/v1'])
})

test("sessions are printed as the CRD's own schema has them", async (t) => {
  const { context, kubeconfig, out, server } = await sessionSurroundings(t)
  for (const [name, status] of Object.entries({ passed: PASSED, failed: FAILED, running: RUNNING }))
    server.store(session(status, name) as Parameters<typeof server.store>[0])
  for (const args of [
    ['list', '-A'],
    ['get', 'passed', '-n', 'shop'],
  ])
    assert.equal(await run(['session', ...args, '-o', 'json', '--kubeconfig', kubeconfig], context), EXIT.ok)
  const lines = out().trimEnd().split('\n')
  assert.equal(lines.length, 4)
  for (const line of lines) {
    const read = parseTraceSession(JSON.parse(line))
    assert.ok(read.kind === 'ok' && read.session.status, line)
  }
})

for (const form of Object.keys(SCHEMAS)) {
  const name = `${form.replace('/', '-')}.json`
  test(`docs/schema/${name} is the schema that documents of ${form} are held to`, () => {
    mkdirSync(join(root, 'docs', 'schema'), { recursive: true })
    assertGolden(join(root, 'docs', 'schema', name), `${JSON.stringify(jsonSchemaOf(form), undefined, 2)}\n`)
  })

  test(`docs/output.md names every field of ${form}`, () => {
    const page = readFileSync(join(root, 'docs', 'output.md'), 'utf8')
    const [, section = ''] = page.split(`\n## \`${form}\`\n`)
    assert.notEqual(section, '', `no section ${form}`)
    const here = section.split('\n## ')[0] ?? ''
    // A boundary, a span and an outcome are described where they come first.
    const said = `${here}${page.split('\n## `rollout/v1`')[0]}`
    for (const field of fieldsOf(jsonSchemaOf(form)))
      assert.match(said, new RegExp(`[\`{, ]${field}[\`}, ?]`), `${field} is not described`)
  })
}

function fieldsOf(schema: unknown): Set<string> {
  if (schema === null || typeof schema !== 'object') return new Set()
  const own = 'properties' in schema ? Object.keys(schema.properties as object) : []
  return new Set([...own, ...Object.values(schema).flatMap((each) => [...fieldsOf(each)])])
}
