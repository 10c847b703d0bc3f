import assert from 'node:assert/strict'
import { mkdtempSync, existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { fromSeconds, seconds } from '../../src/base/time.ts'
import { EXIT } from '../../src/cli/exit.ts'
import { run } from '../../src/cli/program.ts'
import type { TraceSessionStatus } from '../../src/session/schema.ts'
import {
  FAILED,
  INCONCLUSIVE,
  NOT_ACCEPTED,
  PASSED,
  RUNNING,
  type SessionSurroundings,
  sessionSurroundings,
  TAKEN,
} from './session-made.ts'

const RUN = ['session', 'run', '--target', 'deploy/checkout', '--objective', 'p99=30s', '-n', 'shop']

const start = ({ context, kubeconfig }: SessionSurroundings, ...more: string[]): Promise<number> =>
  run([...RUN, '--kubeconfig', kubeconfig, ...more], context)

/** Writes the statuses one after the other, as Podspan would. */
async function play({ server }: SessionSurroundings, ...statuses: TraceSessionStatus[]): Promise<string> {
  const { metadata } = await server.created()
  for (const status of statuses) server.write(metadata.name, status)
  return metadata.name
}

const node = (code: string): string[] => ['--', process.execPath, '-e', code]

const VERDICTS: readonly {
  readonly name: string
  readonly last: TraceSessionStatus
  readonly code: number
  readonly prints: RegExp
}[] = [
  {
    name: 'passed',
    last: PASSED,
    code: EXIT.ok,
    prints: /^Passed {2}shop\/checkout-rrrrr {2}Deployment\/checkout, /,
  },
  {
    name: 'failed',
    last: FAILED,
    code: EXIT.finding,
    prints: /^Failed {2}shop\/.*\nThe rollout has failed; missed p99/,
  },
  { name: 'inconclusive', last: INCONCLUSIVE, code: EXIT.inconclusive, prints: /^Inconclusive {2}shop\// },
  {
    name: 'not accepted',
    last: NOT_ACCEPTED,
    code: EXIT.inconclusive,
    prints: /^Error {2}shop\/.*\nA session sees pods/,
  },
]

for (const { name, last, code, prints } of VERDICTS) {
  test(`a session that is ${name} prints its report and exits with ${code}`, async (t) => {
    const around = await sessionSurroundings(t)
    const done = start(around)
    await play(around, ...(last === NOT_ACCEPTED ? [] : [TAKEN, RUNNING]), last)
    assert.equal(await done, code)
    assert.match(around.out(), prints)
    assert.match(around.err(), /^podspan: session shop\/checkout-rrrrr was created\n/)
  })
}

test('nothing is asked of the cluster but to list, watch and create sessions of one namespace', async (t) => {
  const around = await sessionSurroundings(t)
  const done = start(around)
  await play(around, TAKEN, PASSED)
  assert.equal(await done, EXIT.ok)
  assert.deepEqual([...new Set(around.server.requests)].sort(), [
    'create tracesessions in shop',
    'list tracesessions in shop',
    'watch tracesessions in shop',
  ])
  const first = (verb: string): number =>
    around.server.requests.findIndex((request) => request.startsWith(verb))
  assert.ok(first('watch') < first('create'))
})

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('the session carries the trace of whoever runs it', async (t) => {
  const around = await sessionSurroundings(t, {}, { env: { TRACEPARENT } })
  const done = start(around)
  const { metadata } = await around.server.created()
  assert.deepEqual(metadata.annotations, { 'tracing.k8s.io/traceparent': TRACEPARENT })
  await play(around, TAKEN, PASSED)
  assert.equal(await done, EXIT.ok)
})

for (const [given, says] of [
  ['', /^podspan: session/],
  [
    '00-no-context',
    /^podspan: TRACEPARENT is no W3C trace context, so nothing links to it: 00-no-context; expected/,
  ],
] as const)
  test(`TRACEPARENT=${given} goes into no session, and does not stop it`, async (t) => {
    const around = await sessionSurroundings(t, {}, { env: { TRACEPARENT: given } })
    const done = start(around)
    assert.equal((await around.server.created()).metadata.annotations, undefined)
    await play(around, TAKEN, PASSED)
    assert.equal(await done, EXIT.ok)
    assert.match(around.err(), says)
  })

test('with --output json stdout holds the session as the cluster has it, and nothing else', async (t) => {
  const around = await sessionSurroundings(t)
  const done = start(around, '-o', 'json', ...node(''))
  await play(around, TAKEN, PASSED)
  assert.equal(await done, EXIT.ok)
  const printed = JSON.parse(around.out())
  assert.deepEqual(printed.status, PASSED)
  assert.deepEqual(
    [printed.metadata.name, printed.metadata.managedFields, printed.spec.completion],
    ['checkout-rrrrr', undefined, {}],
  )
})

const REFUSED: readonly {
  readonly name: string
  readonly options: Parameters<typeof sessionSurroundings>[1]
  readonly args?: readonly string[]
  readonly code: number
  readonly says: RegExp
}[] = [
  {
    name: 'a cluster without the CRD',
    options: { crd: 'missing' },
    code: EXIT.cluster,
    says: /has no TraceSessions: Podspan is not installed there, or its CRD is missing\. 'helm install podspan'/,
  },
  {
    name: 'a namespace that is not there',
    options: { namespaces: [] },
    code: EXIT.cluster,
    says: /There is no namespace shop in context stub: .* -n chooses another/,
  },
  {
    name: 'a user who may not create sessions',
    options: { forbidden: ['create'] },
    code: EXIT.cluster,
    says: /You may not create TraceSessions in namespace shop.*create, get, list and watch/,
  },
  {
    name: 'a user who may not list sessions',
    options: { forbidden: ['list', 'watch'] },
    code: EXIT.cluster,
    says: /You may not list TraceSessions in namespace shop/,
  },
  {
    name: 'a wrong objective',
    options: {},
    args: ['--objective', 'p99'],
    code: EXIT.usage,
    says: /--objective p99: expected p99=30s/,
  },
]

for (const { name, options, args = [], code, says } of REFUSED) {
  test(`${name} is refused with a remedy and exit code ${code}, before the command runs`, async (t) => {
    const around = await sessionSurroundings(t, options)
    assert.equal(await start(around, ...args, ...node('process.exit(9)')), code)
    assert.equal(around.out(), '')
    assert.match(around.err(), says)
    assert.equal(around.server.sessions.size, 0)
  })
}

test('a cluster that does not answer is said', async (t) => {
  const around = await sessionSurroundings(t)
  await around.server.close()
  t.mock.method(around.server, 'close', () => Promise.resolve())
  assert.equal(await start(around), EXIT.cluster)
  assert.match(around.err(), /does not answer.*Is it up, and is this the right context\?/)
})

test('a name that is taken is refused, and what has it is left alone', async (t) => {
  const around = await sessionSurroundings(t)
  const first = start(around, '--name', 'mine')
  await play(around, TAKEN, PASSED)
  assert.equal(await first, EXIT.ok)
  assert.equal(await start(around, '--name', 'mine'), EXIT.cluster)
  assert.match(around.err(), /There is a TraceSession shop\/mine already\. Choose another --name/)
  assert.deepEqual(around.server.sessions.get('mine')?.status, PASSED)
})

test('a creation whose answer is lost is tried again, and is one session', async (t) => {
  const clock = manualClock(fromSeconds(1_795_000_000))
  const around = await sessionSurroundings(t, { loseAnswers: 1 }, { clock })
  const done = start(around)
  const { metadata } = await around.server.created()
  await passTime(clock, 1, () => around.err().includes('was created'))
  around.server.write(metadata.name, TAKEN)
  around.server.write(metadata.name, PASSED)
  assert.equal(await done, EXIT.ok)
  assert.equal(around.server.requests.filter((request) => request.startsWith('create')).length, 2)
  assert.equal(around.server.sessions.size, 1)
})

/** Lets seconds pass, each after whatever is ready has run, until something has happened. */
async function passTime(
  clock: ReturnType<typeof manualClock>,
  stepSeconds: number,
  until: () => boolean,
): Promise<void> {
  while (!until()) {
    // Answers from a loopback server come within a few turns; a clock that runs ahead would call them late.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(seconds(stepSeconds))
  }
}

test('a session that nobody accepts within 15 s is told, and the command is not run', async (t) => {
  const clock = manualClock(fromSeconds(1_795_000_000))
  const around = await sessionSurroundings(t, {}, { clock })
  let code: number | undefined
  const done = start(around, ...node('process.exit(0)')).then((result) => (code = result))
  await around.said(/was created/)
  await passTime(clock, 1, () => code !== undefined)
  await done
  assert.equal(code, EXIT.cluster)
  assert.match(
    around.err(),
    /No controller answers: nobody has accepted session shop\/checkout-rrrrr within 15 s, and nothing was run\. Is Podspan running.*podspan session get checkout-rrrrr -n shop/,
  )
  assert.equal(around.server.sessions.size, 1)
})

test('a line is said every 10 s, and one that never completes is given up', async (t) => {
  const clock = manualClock(fromSeconds(1_795_000_000))
  const around = await sessionSurroundings(t, {}, { clock })
  let code: number | undefined
  const done = start(around, '--timeout', '30s', '--start-timeout', '10s').then((result) => (code = result))
  await play(around, RUNNING)
  await around.said(/was created/)
  await passTime(clock, 1, () => code !== undefined)
  await done
  assert.equal(code, EXIT.cluster)
  const lines = around
    .err()
    .split('\n')
    .filter((line) => line.includes('3 starting'))
  // 30 s, 10 s and the 5 minutes beyond which nobody can be at work.
  assert.equal(lines.length, 34 - 1)
  assert.match(around.err(), /should be complete by now, and is not: Podspan seems to have stopped/)
  assert.match(around.out(), /^Running {2}shop\//)
})

test('a session that somebody deletes is said', async (t) => {
  const around = await sessionSurroundings(t)
  const done = start(around)
  const name = await play(around, RUNNING)
  await around.said(/was created/)
  around.server.remove(name)
  assert.equal(await done, EXIT.cluster)
  assert.match(around.err(), /Session shop\/checkout-rrrrr was deleted before it came to a verdict/)
})

test('the command runs once the session is accepted, and its rollout is waited for', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'podspan-command-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const mark = join(directory, 'ran')
  const around = await sessionSurroundings(t)
  const done = start(around, ...node(`require('fs').writeFileSync(${JSON.stringify(mark)}, '')`))
  const { metadata } = await around.server.created()
  await around.said(/was created/)
  assert.equal(existsSync(mark), false)
  around.server.write(metadata.name, TAKEN)
  while (!existsSync(mark)) await new Promise((resolve) => setImmediate(resolve))
  around.server.write(metadata.name, FAILED)
  assert.equal(await done, EXIT.finding)
})

const FAILURES: readonly (readonly [name: string, command: readonly string[], says: RegExp])[] = [
  ['exits with 7', node('process.exit(7)'), /the command ended with exit code 7, so this has failed/],
  ['is killed', node('process.kill(process.pid, "SIGKILL")'), /the command was ended by SIGKILL, so/],
  ['does not exist', ['--', '/no/such/command'], /the command could not be started: .*ENOENT, so/],
]

for (const [name, command, says] of FAILURES) {
  test(`a command that ${name} fails the run after a last look, whatever the session says`, async (t) => {
    const around = await sessionSurroundings(t)
    const done = start(around, ...command)
    const written = await play(around, TAKEN)
    await around.said(/looking once more before the report/)
    around.server.write(written, PASSED)
    assert.equal(await done, EXIT.finding)
    assert.match(around.out(), /^Passed/)
    assert.match(around.err(), says)
  })
}

test('a rollout whose command failed is not waited for longer than a status takes', async (t) => {
  const clock = manualClock(fromSeconds(1_795_000_000))
  const around = await sessionSurroundings(t, {}, { clock })
  let code: number | undefined
  const done = start(around, ...node('process.exit(7)')).then((result) => (code = result))
  await play(around, RUNNING)
  await around.said(/looking once more/)
  await passTime(clock, 1, () => code !== undefined)
  await done
  assert.equal(code, EXIT.finding)
  assert.match(around.out(), /^Running .*\n[^]*stuck in/)
})

test('an interrupt says which session there is and leaves it', async (t) => {
  const around = await sessionSurroundings(t)
  const done = start(around)
  await play(around, RUNNING)
  await around.said(/was created/)
  around.abort.abort('SIGINT')
  assert.equal(await done, EXIT.interrupted)
  assert.equal(around.out(), '')
  assert.match(
    around.err(),
    /interrupted before there was a verdict\. The session stays: 'podspan session get checkout-rrrrr -n shop' shows it, 'kubectl delete tsn checkout-rrrrr -n shop'/,
  )
  assert.equal(around.server.sessions.size, 1)
})

test('an interrupt ends the command, too, and with --delete the session', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'podspan-command-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const mark = join(directory, 'ran')
  const around = await sessionSurroundings(t)
  const wait = `require('fs').writeFileSync(${JSON.stringify(mark)}, ''); setInterval(() => {}, 1e6)`
  const done = start(around, '--delete', ...node(wait))
  await play(around, TAKEN)
  while (!existsSync(mark)) await new Promise((resolve) => setImmediate(resolve))
  around.abort.abort('SIGTERM')
  assert.equal(await done, EXIT.interrupted)
  assert.equal(around.server.sessions.size, 0)
})

test('an interrupt before there is a session leaves nothing behind', async (t) => {
  const around = await sessionSurroundings(t)
  around.abort.abort('SIGINT')
  assert.equal(await start(around), EXIT.interrupted)
  assert.equal(around.server.sessions.size, 0)
})

test('--delete deletes the session after its verdict', async (t) => {
  const around = await sessionSurroundings(t)
  const done = start(around, '--delete')
  await play(around, TAKEN, PASSED)
  assert.equal(await done, EXIT.ok)
  assert.deepEqual([...around.server.sessions.keys()], [])
})

test('--delete without the right says so, and the verdict counts', async (t) => {
  const around = await sessionSurroundings(t, { forbidden: ['delete'] })
  const done = start(around, '--delete')
  await play(around, TAKEN, PASSED)
  assert.equal(await done, EXIT.ok)
  assert.match(around.err(), /session shop\/checkout-rrrrr could not be deleted: .*cannot delete/)
})

test('on a terminal the progress is drawn in place and nothing of it stays', async (t) => {
  const drawn: string[][] = []
  const around = await sessionSurroundings(t)
  const { terminal } = around.context
  Object.assign(terminal, { interactive: true, footer: (lines: string[]) => drawn.push(lines) })
  const done = start(around)
  const name = await play(around, RUNNING)
  while (!drawn.some(([first]) => first?.startsWith('Running')))
    await new Promise((resolve) => setImmediate(resolve))
  around.server.write(name, PASSED)
  assert.equal(await done, EXIT.ok)
  assert.deepEqual(drawn.at(-1), [])
})

test('session get prints the report that the run ended with, or the object', async (t) => {
  const around = await sessionSurroundings(t)
  const done = start(around)
  await play(around, TAKEN, PASSED)
  await done
  const report = around.out()
  const get = (...more: string[]): Promise<number> =>
    run(
      ['session', 'get', 'checkout-rrrrr', '-n', 'shop', '--kubeconfig', around.kubeconfig, ...more],
      around.context,
    )
  assert.equal(await get(), EXIT.ok)
  assert.equal(around.out(), report + report)
  assert.equal(await get('-o', 'json'), EXIT.ok)
  assert.deepEqual(JSON.parse(around.out().slice(2 * report.length)).status, PASSED)
})

test('session get of a session that is not there exits with 5', async (t) => {
  const around = await sessionSurroundings(t)
  const args = ['session', 'get', 'nobody', '-n', 'shop', '--kubeconfig', around.kubeconfig]
  assert.equal(await run(args, around.context), EXIT.notFound)
  assert.match(
    around.err(),
    /There is no TraceSession nobody in namespace shop of context stub; 'podspan session list/,
  )
})

test('session list shows the sessions of one namespace or of all', async (t) => {
  const around = await sessionSurroundings(t)
  const list = (...args: string[]): Promise<number> =>
    run(['session', 'list', '--kubeconfig', around.kubeconfig, ...args], around.context)
  assert.equal(await list('-n', 'shop'), EXIT.ok)
  assert.equal(around.out(), 'no TraceSessions in namespace shop\n')
  const done = start(around)
  await play(around, TAKEN, PASSED)
  await done
  const before = around.out().length
  assert.equal(await list('-A', '--width', '100'), EXIT.ok)
  assert.match(around.out().slice(before), /^session .*\nshop\/checkout-rrrrr .*Passed .*20 of 20/)
})
