import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { EXIT } from '../../src/cli/exit.ts'
import { run } from '../../src/cli/program.ts'
import { parseTraceSession } from '../../src/session/schema.ts'
import { PASSED, sessionSurroundings, TAKEN } from './session-made.ts'

const root = join(import.meta.dirname, '..', '..')
const directory = join(root, 'examples')
const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.(yaml|sh)$/.test(file),
)
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8')

type Tree = Readonly<Record<string, unknown>>
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null

const documents = (file: string): Tree[] =>
  parseAllDocuments(read('examples', file)).map((document) => {
    assert.deepEqual(document.errors, [], file)
    return document.toJS() as Tree
  })

/** Every object below, itself included. */
function* treesIn(value: unknown): Generator<Tree> {
  if (!isTree(value)) return
  yield value
  for (const each of Object.values(value)) yield* treesIn(each)
}

const manifests = files.filter((file) => file.endsWith('.yaml'))
const chart = parse(read('charts', 'podspan', 'Chart.yaml')) as { appVersion: string }
const { image } = parse(read('charts', 'podspan', 'values.yaml')) as {
  image: { registry: string; repository: string }
}
const IMAGE = `${image.registry}/${image.repository}:${chart.appVersion}`

for (const file of files) {
  test(`examples/${file} begins with what it does and needs`, () => {
    const lines = read('examples', file)
      .replace(/^#!.*\n/, '')
      .split('\n')
    assert.deepEqual(
      lines.slice(0, 3).map((line) => /^# \S.{40,}/.test(line)),
      [true, true, true],
    )
    assert.match(lines.slice(0, 3).join('\n'), /[Nn]eeds/)
    assert.ok(read('examples', 'README.md').includes(`(${file})`), `examples/README.md does not name ${file}`)
  })
}

for (const file of manifests)
  test(`examples/${file} is YAML without a mistake`, () => assert.ok(documents(file).length > 0))

test('every image of Podspan in examples is the one that the chart installs', () => {
  const named = files.flatMap((file) =>
    [...read('examples', file).matchAll(/\S*podspan\/podspan:\S+/g)].map(String),
  )
  assert.deepEqual([...new Set(named)], [IMAGE])
})

const sessions = manifests.flatMap((file) =>
  documents(file)
    .filter(({ kind }) => kind === 'TraceSession')
    .map((session) => [file, session] as const),
)

test('every TraceSession in examples is one that the cluster would take', () => {
  assert.ok(sessions.length > 0)
  for (const [file, session] of sessions) {
    const given = { name: 'x', uid: 'x', creationTimestamp: '', ...(session['metadata'] as Tree) }
    const parsed = parseTraceSession({ ...session, metadata: given })
    assert.deepEqual(parsed.kind === 'invalid' && parsed.problems, false, file)
  }
})

const commands = manifests.flatMap((file) =>
  documents(file).flatMap((document) =>
    [...treesIn(document)].flatMap(({ args }) =>
      Array.isArray(args) && args[0] === 'session' ? [[file, args.map(String)] as const] : [],
    ),
  ),
)

test('there are examples that run the command in the cluster', () => assert.equal(commands.length, 2))

for (const [file, args] of commands) {
  test(`the command of examples/${file} waits for a verdict, with no right but those of its Role`, async (t) => {
    const around = await sessionSurroundings(t)
    const filled = args.map((arg) => arg.replace('{{args.pod-hash}}', 'abc').replace('{{args.pods}}', '2'))
    const done = run([...filled, '-n', 'shop', '--kubeconfig', around.kubeconfig], around.context)
    const early = await Promise.race([done, around.server.created()])
    assert.ok(typeof early === 'object', around.err())
    around.server.write(early.metadata.name, TAKEN)
    around.server.write(early.metadata.name, PASSED)
    assert.equal(await done, EXIT.ok)
    const role = documents(file).find(({ kind }) => kind === 'Role')
    assert.deepEqual(role?.['rules'], [
      { apiGroups: ['podspan.dev'], resources: ['tracesessions'], verbs: ['create', 'get', 'list', 'watch'] },
    ])
    const used = new Set(around.server.requests.map((request) => request.split(' ')[0]))
    assert.deepEqual(
      [...used].filter((verb) => !['create', 'get', 'list', 'watch'].includes(verb ?? '')),
      [],
    )
  })
}

test('pods in examples keep to the restricted standard', () => {
  const pods = manifests.flatMap((file) => documents(file).flatMap((document) => [...treesIn(document)]))
  const specs = pods.filter((tree) => Array.isArray(tree['containers']))
  assert.ok(specs.length >= 4)
  for (const spec of specs) {
    const { runAsNonRoot, seccompProfile } = spec['securityContext'] as Tree
    assert.deepEqual([runAsNonRoot, seccompProfile], [true, { type: 'RuntimeDefault' }])
    for (const container of spec['containers'] as Tree[]) {
      const { allowPrivilegeEscalation, capabilities } = container['securityContext'] as Tree
      assert.deepEqual([allowPrivilegeEscalation, capabilities], [false, { drop: ['ALL'] }])
    }
  }
})

const scripts = [
  ...files.filter((file) => file.endsWith('.sh')).map((file) => join('examples', file)),
  'scripts/first-ten-minutes.sh',
]

for (const script of scripts)
  test(`${script} is a shell script without a mistake in its form`, () => {
    assert.equal(execFileSync('sh', ['-n', join(root, script)], { encoding: 'utf8' }), '')
  })

test('the steps of the GitHub workflow are shell without a mistake in their form', () => {
  const [workflow] = documents('github-actions.yaml')
  const steps = [...treesIn(workflow)].flatMap(({ run: text }) => (typeof text === 'string' ? [text] : []))
  assert.equal(steps.length, 4)
  for (const text of steps) execFileSync('sh', ['-n'], { input: text })
})
