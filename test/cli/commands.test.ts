import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { EXIT } from '../../src/cli/exit.ts'
import { run } from '../../src/cli/program.ts'
import { recordings } from '../support/frames.ts'
import {
  answer,
  changesOf,
  clusterAfter,
  emptyCluster,
  type FilledCluster,
  surroundings,
} from './surroundings.ts'

async function cluster(t: TestContext, name?: string): Promise<FilledCluster> {
  const made = name === undefined ? await emptyCluster() : await clusterAfter(name)
  t.after(() => made.close())
  return made
}

const [plainPod] = changesOf('plain').filter(({ resource }) => resource === 'pods')
const plain = plainPod?.object['metadata'] as { name: string; namespace: string; uid: string }

test('trace prints a start that is over, from what the API server still holds', async (t) => {
  const { kubeconfig } = await cluster(t, 'plain')
  const { context, out, err } = surroundings()
  const code = await run(['trace', plain.name, '-n', plain.namespace, '--kubeconfig', kubeconfig], context)
  assert.deepEqual([code, err()], [EXIT.ok, ''])
  assert.match(out(), new RegExp(`^${plain.namespace}/${plain.name}  ready after `))
  assert.match(out(), /▸ {2}prepare pod and create sandbox/)
})

test('trace prints its JSON with the ids that follow from the UID', async (t) => {
  const { kubeconfig } = await cluster(t, 'plain')
  const { context, out } = surroundings()
  await run(
    ['trace', `pod/${plain.name}`, '-n', plain.namespace, '--kubeconfig', kubeconfig, '-o', 'json'],
    context,
  )
  const told = JSON.parse(out()) as { uid: string; traceId: string; spans: { spanId: string }[] }
  const hex = plain.uid.replaceAll('-', '')
  assert.deepEqual(
    [told.uid, told.traceId, told.spans[0]?.spanId],
    [plain.uid, hex.slice(16) + hex.slice(0, 16), hex.slice(0, 16)],
  )
})

test('replay prints every recording as JSON, with the evidence of each boundary whole', async () => {
  for (const name of recordings()) {
    const { context, out, err } = surroundings()
    const file = join(import.meta.dirname, '..', 'recordings', `${name}.jsonl.gz`)
    assert.equal(await run(['replay', file, '-o', 'json'], context), EXIT.ok, `${name}: ${err()}`)
    for (const line of out().trimEnd().split('\n')) {
      const { spans } = JSON.parse(line) as { spans: Record<'start' | 'end', { evidence: object[] }>[] }
      for (const { start, end } of spans)
        for (const stamp of [...start.evidence, ...end.evidence])
          for (const field of ['source', 'time', 'clock', 'resolutionMs', 'object', 'field'])
            assert.ok(field in stamp, `${name}: ${field} of ${JSON.stringify(stamp)}`)
    }
  }
})

const REFUSED: readonly {
  readonly name: string
  readonly args: readonly string[]
  readonly code: number
  readonly says: RegExp
}[] = [
  {
    name: 'a pod that is not there',
    args: ['trace', 'nobody'],
    code: EXIT.notFound,
    says: /There is no pod nobody in namespace default of context stub; -n chooses/,
  },
  {
    name: 'a target of an unknown kind',
    args: ['trace', 'service/web'],
    code: EXIT.usage,
    says: /service\/web names nothing that can be traced; expected POD, or pod\//,
  },
  {
    name: 'a feature that is none',
    args: ['check', '--without', 'nodes,pods'],
    code: EXIT.usage,
    says: /--without.*Expected some of events, nodes, leases, owners/,
  },
  {
    name: 'a selector that is none',
    args: ['watch', '-l', 'a=b=c'],
    code: EXIT.usage,
    says: /--selector.*'a=b=c' is invalid\. Expected a label selector as kubectl takes it/,
  },
  {
    name: 'a context that is not there',
    args: ['check', '--context', 'other'],
    code: EXIT.cluster,
    says: /context other: not in .*Name one with/,
  },
]

for (const { name, args, code, says } of REFUSED) {
  test(`${name} is refused with a remedy and exit code ${code}`, async (t) => {
    const { kubeconfig } = await cluster(t)
    const { context, out, err } = surroundings()
    assert.equal(await run([...args, '--kubeconfig', kubeconfig], context), code)
    assert.equal(out(), '')
    assert.match(err(), says)
  })
}

for (const command of [['trace', 'x'], ['watch'], ['record', '-'], ['check']]) {
  test(`${command[0]} says so where the cluster does not answer`, async (t) => {
    const { kubeconfig, stub } = await cluster(t)
    await stub.kill()
    const { context, err } = surroundings()
    assert.equal(await run([...command, '--kubeconfig', kubeconfig], context), EXIT.cluster)
    assert.match(
      err(),
      /does not answer.*Is it up, and is this the right context\? --context NAME chooses another/,
    )
  })
}

test('watch prints each start when it is over, and ends with 0 on an interrupt', async (t) => {
  const { kubeconfig, stub } = await cluster(t)
  const { context, abort, out, err, printed } = surroundings()
  const done = run(['watch', '--kubeconfig', kubeconfig, '--settle', '1ms'], context)
  await live(stub, 'pods')
  const [created] = changesOf('plain').filter(({ resource }) => resource === 'pods')
  const now = new Date().toISOString().replace(/\.\d+Z/, 'Z')
  const text = JSON.stringify(
    changesOf('plain').findLast(({ resource, type }) => resource === 'pods' && type === 'MODIFIED')?.object,
  )
  const { deletionTimestamp: _gone, ...metadata } = { ...JSON.parse(text).metadata, creationTimestamp: now }
  stub.store.apply('pods', { ...created?.object, metadata, status: {} })
  stub.store.apply('pods', {
    ...JSON.parse(text),
    metadata,
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now }] },
  })
  await printed(/ready +\d/)
  abort.abort()
  assert.equal(await done, EXIT.ok)
  assert.match(out(), new RegExp(`^\\d{4}-.*Z  ready .* ${metadata.namespace}/${metadata.name}  Ready after`))
  assert.match(err(), /watching all namespaces of stub \(v1\.36\.3\), read-only/)
})

test('record ends where pods may not be seen, and says what would help', async (t) => {
  const { kubeconfig, stub } = await cluster(t)
  stub.fail(
    'pods',
    'any',
    { kind: 'status', code: 403, reason: 'Forbidden', message: 'pods is forbidden' },
    99,
  )
  const { context, err } = surroundings()
  assert.equal(await run(['record', '-', '--kubeconfig', kubeconfig], context), EXIT.cluster)
  assert.match(err(), /Pods may not be watched: pods is forbidden\. Try one namespace with -n/)
})

test('watch ends where pods may not be seen, and says what would help', async (t) => {
  const { kubeconfig, stub } = await cluster(t)
  stub.fail(
    'pods',
    'any',
    { kind: 'status', code: 403, reason: 'Forbidden', message: 'pods is forbidden' },
    99,
  )
  const { context, err } = surroundings()
  assert.equal(await run(['watch', '--kubeconfig', kubeconfig], context), EXIT.cluster)
  assert.match(
    err(),
    /Pods may not be watched in all namespaces: pods is forbidden\. Try one namespace with -n/,
  )
})

test('a stream without rights is said once with its cost, and the others go on', async (t) => {
  const { kubeconfig, stub } = await cluster(t, 'plain')
  stub.fail(
    'leases',
    'any',
    { kind: 'status', code: 403, reason: 'Forbidden', message: 'leases is forbidden' },
    99,
  )
  const { context, out, err } = surroundings()
  assert.equal(
    await run(['trace', plain.name, '-n', plain.namespace, '--kubeconfig', kubeconfig], context),
    EXIT.ok,
  )
  assert.match(err(), /leases are not seen: leases is forbidden\. The nodes' clocks cannot be tied to ours/)
  assert.match(out(), /ready after/)
})

for (const watchList of [true, false]) {
  test(`what record writes can be replayed, ${watchList ? 'with' : 'without'} WatchList`, async (t) => {
    const { kubeconfig, stub } = await cluster(t, 'plain')
    stub.options = { ...stub.options, watchList }
    const written: Buffer[] = []
    const stdout = new PassThrough().on('data', (data: Buffer) => written.push(data))
    const recording = surroundings({ stdout })
    const done = run(['record', '-', '--kubeconfig', kubeconfig], recording.context)
    const pastEvent = /"resource":"events","type":"ADDED".*"phase":"initial"/
    await until(() => pastEvent.test(Buffer.concat(written).toString()))
    stub.store.apply('pods', plainPod?.object ?? {})
    await until(() => Buffer.concat(written).toString().includes('"type":"MODIFIED"'))
    recording.abort.abort()
    assert.equal(await done, EXIT.ok)
    assert.match(recording.err(), /\d+ frames in .* events.*Try: podspan replay/)
    const { context, out, err } = surroundings({ stdin: Readable.from(written) })
    assert.equal(await run(['replay', '-', '--pod', plain.name], context), EXIT.ok)
    assert.equal(err(), '')
    assert.match(out(), new RegExp(`^${plain.namespace}/${plain.name}  `))
  })
}

test('check prints rights, clocks, what the version tells and an estimate', async (t) => {
  const { kubeconfig } = await cluster(t, 'plain')
  const { context, out } = surroundings()
  assert.equal(await run(['check', '--kubeconfig', kubeconfig, '--for', '50ms'], context), EXIT.ok)
  for (const said of [
    /yes {2}pods +get, list, watch/,
    /Clocks\n/,
    /yes {2}events say how large/,
    /spans, for .* starts/,
  ])
    assert.match(out(), said)
})

test('no line of check is wider than asked for', async (t) => {
  const { kubeconfig, stub } = await cluster(t, 'plain')
  answerFirst(stub, 'selfsubjectaccessreviews', { status: { allowed: false } })
  const { context, out } = surroundings()
  await run(['check', '--kubeconfig', kubeconfig, '--for', '50ms', '--width', '60'], context)
  assert.deepEqual(
    out()
      .split('\n')
      .filter((line) => line.length > 60),
    [],
  )
  assert.match(
    out(),
    /\n {2}yes {2}a kubelet's own spans show each call to the container\n {7}runtime, where/,
  )
})

test('record writes over no recording', async (t) => {
  const { kubeconfig } = await cluster(t)
  const path = join(dirname(kubeconfig), 'kept.jsonl')
  writeFileSync(path, 'what was recorded')
  const { context, err } = surroundings()
  assert.equal(await run(['record', path, '--for', '1ms', '--kubeconfig', kubeconfig], context), EXIT.input)
  assert.match(err(), /kept\.jsonl is there already, and is kept: name another file, or remove it\./)
  assert.equal(readFileSync(path, 'utf8'), 'what was recorded')
})

test('check exits with 1 where something that traces rest on is missing', async (t) => {
  const { kubeconfig, stub } = await cluster(t)
  answerFirst(stub, 'selfsubjectaccessreviews', { status: { allowed: false } })
  const { context, out } = surroundings()
  assert.equal(await run(['check', '--kubeconfig', kubeconfig, '--for', '50ms'], context), EXIT.finding)
  assert.match(out(), /no {3}pods +get, list, watch not allowed\. Nothing can be traced\./)
})

test('check asks nothing about what is left out on purpose', async (t) => {
  const { kubeconfig, stub } = await cluster(t, 'plain')
  const { context, out } = surroundings()
  const args = [
    'check',
    '--kubeconfig',
    kubeconfig,
    '--for',
    '50ms',
    '--without',
    'nodes,leases,owners,volumes,nodeClaims,workloads,deviceClaims,rollouts',
  ]
  assert.equal(await run(args, context), EXIT.ok)
  const rows = out().match(/^ +(?:yes|no ) +\w+ +get, list, watch$/gm) ?? []
  assert.deepEqual(
    rows.map((row) => row.trim().split(/\s+/)[1]),
    ['pods', 'events'],
  )
  const asked = stub.requests.filter(({ resource }) => resource === 'selfsubjectaccessreviews')
  assert.equal(asked.length, 6)
})

type Stub = FilledCluster['stub']

/** Rules are asked in order, and the cluster's own answer is already there. */
function answerFirst(stub: Stub, resource: string, body: object): void {
  stub.faults.clear(resource)
  answer(stub, resource, body)
}

const live = (stub: Stub, resource: string): Promise<void> => until(() => stub.openWatches(resource) > 0)

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within 20 s: ${holds}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
