import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPipeline } from '../../src/trace/pipeline.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { framesOf, readChunks, recordingLines, runs, seedOf, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { normalForm } from '../support/frames-normal.ts'

type Json = Record<string, unknown>

const NAME = 'init-sidecar-readiness'
const LINES = recordingLines(NAME)
const PARSED = LINES.slice(1).map((line) => JSON.parse(line) as { t: string; resource: string; object: Json })
const MIDDLE = PARSED[Math.floor(PARSED.length * 0.7)]?.t ?? '0'

const pod = (metadata: Json, rest: Json = {}): Json => ({
  metadata: { name: 'strange', namespace: 'elsewhere', uid: UID, resourceVersion: '7', ...metadata },
  spec: { containers: [{ name: 'app', image: 'a' }] },
  status: { phase: 'Pending' },
  ...rest,
})

const event = (rest: Json): Json => ({
  metadata: { name: 'strange.18ea6cd0ea883d04', namespace: 'elsewhere', uid: 'e-1', resourceVersion: '8' },
  involvedObject: { kind: 'Pod', namespace: 'elsewhere', name: 'strange', uid: UID },
  source: { component: 'kubelet', host: 'node-1' },
  firstTimestamp: '2026-11-22T17:04:06Z',
  lastTimestamp: '2026-11-22T17:04:06Z',
  count: 1,
  reason: 'Started',
  ...rest,
})

const UID = '0f9d2a34-0000-4000-8000-00000000dead'

interface Case {
  readonly name: string
  readonly resource: string
  readonly object: unknown
  readonly type?: string
  /** The line is refused by the reader, and counted there. */
  readonly broken?: boolean
}

const CASES: readonly Case[] = [
  { name: 'a pod without metadata', resource: 'pods', object: { spec: {} }, broken: true },
  { name: 'a pod without a UID', resource: 'pods', object: pod({ uid: undefined }), broken: true },
  {
    name: 'a pod whose containers are a text',
    resource: 'pods',
    object: pod({}, { spec: { containers: 'x' } }),
    broken: true,
  },
  { name: 'a pod whose status is a number', resource: 'pods', object: pod({}, { status: 7 }), broken: true },
  {
    name: 'a pod with nothing but metadata',
    resource: 'pods',
    object: pod({}, { spec: undefined, status: undefined }),
  },
  { name: 'a pod whose UID is none', resource: 'pods', object: pod({ uid: '../../etc/passwd' }) },
  {
    name: 'a pod created in 1970',
    resource: 'pods',
    object: pod({ creationTimestamp: '1970-01-01T00:00:00Z' }),
  },
  {
    name: 'a pod created in 2999',
    resource: 'pods',
    object: pod({ creationTimestamp: '2999-01-01T00:00:00Z' }),
  },
  { name: 'a pod that was deleted before it was seen', resource: 'pods', type: 'DELETED', object: pod({}) },
  {
    name: 'a pod that says it started before it was created',
    resource: 'pods',
    object: pod(
      { creationTimestamp: '2026-11-22T17:04:06Z' },
      {
        status: {
          startTime: '2001-01-01T00:00:00Z',
          conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z' }],
          containerStatuses: [{ name: 'other', restartCount: -3, state: { terminated: { exitCode: -1 } } }],
        },
      },
    ),
  },
  {
    name: 'a pod of 2 MB',
    resource: 'pods',
    object: pod({ labels: { big: 'x'.repeat(2_000_000) }, annotations: { 'a/b': 'y'.repeat(1000) } }),
  },
  { name: 'an event of an unknown reason', resource: 'events', object: event({ reason: 'Transcended' }) },
  { name: 'an event without reason or message', resource: 'events', object: event({ reason: undefined }) },
  { name: 'an event of no object', resource: 'events', object: event({ involvedObject: undefined }) },
  { name: 'an event of a pod that never comes', resource: 'events', object: event({}) },
  { name: 'an event counted -5 times', resource: 'events', object: event({ count: -5 }) },
  {
    name: 'an event whose count is a text',
    resource: 'events',
    object: event({ count: 'many' }),
    broken: true,
  },
  {
    name: 'an event of the year 2262',
    resource: 'events',
    object: event({
      metadata: { name: 'x.7fffffffffffffff', uid: 'e-2' },
      firstTimestamp: '2262-04-11T23:47:16Z',
    }),
  },
  {
    name: 'a Lease renewed in the far future',
    resource: 'leases',
    object: {
      metadata: { name: 'node-9', namespace: 'kube-node-lease', uid: 'l-9' },
      spec: { renewTime: '9999-12-31T23:59:59.999999Z' },
    },
  },
  {
    name: 'a node without anything',
    resource: 'nodes',
    object: { metadata: { name: 'node-9', uid: 'n-9' } },
  },
  { name: 'an object of an unknown resource', resource: 'unicorns', object: { horns: 1 } },
]

for (const { name, resource, object, type = 'ADDED', broken = false } of CASES) {
  test(`${name} is taken in its stride, and no other pod's trace changes`, async () => {
    const line = JSON.stringify({ t: String(BigInt(MIDDLE) + 1n), resource, type, object })
    const { frames, counts, problems } = await readChunks([Buffer.from([...LINES, line, ''].join('\n'))])
    assert.equal(counts.broken, broken ? 1 : 0)
    assert.equal(problems.length, broken ? 1 : 0)
    assert.equal(counts.unknown, resource === 'unicorns' ? 1 : 0)
    const told = tracesOf(frames)
    assert.deepEqual(violations(told), [])
    assert.deepEqual(normalForm(told.filter(isKnown)), normalForm(tracesOf(await framesOf(NAME))))
  })
}

const isKnown = ({ namespace }: Trace): boolean => namespace !== 'elsewhere'

test('a UID that is none still gives a trace with ids of the right length, and is counted', async () => {
  const line = JSON.stringify({ t: MIDDLE, resource: 'pods', type: 'ADDED', object: pod({ uid: 'x' }) })
  const { frames } = await readChunks([Buffer.from([...LINES, line, ''].join('\n'))])
  const pipeline = createPipeline()
  const traces = frames.flatMap((frame) => pipeline.push(frame))
  const strange = traces.find(({ uid }) => uid === 'x')
  assert.match(strange?.traceId ?? '', /^[0-9a-f]{32}$/)
  assert.match(strange?.spans[0]?.spanId ?? '', /^[0-9a-f]{16}$/)
  assert.ok((pipeline.counters()['garbage.uid'] ?? 0) > 0)
})

test('objects of which any field was replaced by any value never throw and leave no malformed trace', async () => {
  const damaged = fc.record({
    index: fc.nat(),
    path: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
    value: anything(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(damaged, { minLength: 1, maxLength: 6 }), async (damages) => {
      const lines = PARSED.map((line) => structuredClone(line))
      for (const { index, path, value } of damages)
        replaceAt(lines[index % lines.length]?.object ?? {}, path, value)
      const text = [LINES[0], ...lines.map((line) => JSON.stringify(line)), ''].join('\n')
      const { frames } = await readChunks([Buffer.from(text)])
      assert.deepEqual(violations(tracesOf(frames)), [])
    }),
    { numRuns: runs(150), seed: seedOf(42) },
  )
})

const anything = (): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.constantFrom(
      null,
      '',
      0,
      -1,
      1e300,
      true,
      [],
      {},
      'True',
      'Running',
      'Succeeded',
      '1970-01-01T00:00:00Z',
    ),
    fc.constantFrom('2262-04-11T23:47:16Z', '0001-01-01T00:00:00Z', '2026-11-22T17:04:05Z', 'node-1'),
    fc.string(),
    fc.integer(),
  )

/** Walks to some field of the object, by numbers taken modulo the keys there are, and replaces it. */
function replaceAt(object: Json, path: readonly number[], value: unknown): void {
  let at: Json = object
  for (const step of path.slice(0, -1)) {
    const keys = Object.keys(at)
    const next = at[keys[step % Math.max(1, keys.length)] ?? '']
    if (typeof next !== 'object' || next === null) break
    at = next as Json
  }
  const keys = Object.keys(at)
  const key = keys[(path.at(-1) ?? 0) % Math.max(1, keys.length)]
  if (key !== undefined) at[key] = value
}
