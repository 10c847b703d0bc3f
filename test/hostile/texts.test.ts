// Owns what people may write that is none: TraceSessions, messages of events, recordings, configuration, contexts, of any shape and size.
// Promises values instead of throws, problems that say where, and bounded work. `make fuzz` runs it for long.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import {
  containerInFieldPath,
  imageInMessage,
  isPullError,
  parseGoDuration,
  parsePulled,
} from '../../src/observe/messages.ts'
import { carriedBy, ownContext, parseTraceparent } from '../../src/base/trace-context.ts'
import { LINE_MAX_BYTES } from '../../src/recording/lines.ts'
import { loadConfig } from '../../src/controller/config.ts'
import { parseTraceSession } from '../../src/session/schema.ts'
import { replacedIn } from '../support/damage.ts'
import { readChunks, readStream, recordingLines, runs, seedOf } from '../support/frames.ts'
import { heldInBuffers } from '../support/memory.ts'

const SESSION = {
  apiVersion: 'podspan.dev/v1alpha1',
  kind: 'TraceSession',
  metadata: { name: 'a', namespace: 'b', uid: 'c', generation: 1, creationTimestamp: '2026-11-22T12:00:00Z' },
  spec: {
    podSelector: {
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }],
    },
    completion: { when: 'PodCount', pods: 3, timeout: '30m' },
    objectives: [{ name: 'ready', percentile: 99, threshold: '30s' }],
    sampling: { percent: 50, keep: { slowerThan: '30s', failed: true } },
  },
  status: { phase: 'Running', conditions: [{ type: 'Accepted', status: 'True' }] },
}

const anything = fc.anything({ withBigInt: false, withDate: false, withNullPrototype: true, maxDepth: 4 })

test('a TraceSession of any shape is one, or problems that say where', () => {
  const path = fc.array(fc.nat(), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(
      fc.oneof(
        anything,
        fc.tuple(path, anything).map(([at, value]) => replacedIn(SESSION, at, value)),
      ),
      (value) => {
        const parsed = parseTraceSession(value)
        if (parsed.kind === 'invalid') {
          assert.ok(parsed.problems.length > 0)
          assert.ok(parsed.problems.every((problem) => problem.length < 10_000))
        }
      },
    ),
    { numRuns: runs(500), seed: seedOf(3) },
  )
})

test('a TraceSession of ten thousand objectives, or nested ten thousand deep, is refused in bounded time', () => {
  const objectives = Array.from({ length: 10_000 }, (_, n) => ({
    name: `o${n}`,
    percentile: 'x',
    threshold: n,
  }))
  const many = parseTraceSession({ ...SESSION, spec: { ...SESSION.spec, objectives } })
  assert.equal(many.kind, 'invalid')
  let deep: unknown = 1
  for (let depth = 0; depth < 10_000; depth++) deep = { a: deep }
  parseTraceSession({ ...SESSION, spec: deep })
  parseTraceSession({ ...SESSION, status: deep, metadata: { ...SESSION.metadata, labels: deep } })
})

const MESSAGES = [
  'Successfully pulled image "',
  '" in ',
  '1.5s',
  ' (',
  ' including waiting)',
  '. Image size: ',
  ' bytes.',
  'Failed to pull image "',
  'Error: ErrImagePull',
  'image "',
  'spec.containers{',
  '}',
  '9'.repeat(50),
]

test('messages of any words are read or not, and never guessed into a throw', () => {
  const message = fc
    .array(fc.oneof(fc.constantFrom(...MESSAGES), fc.string()), { maxLength: 12 })
    .map((all) => all.join(''))
  fc.assert(
    fc.property(message, (text) => {
      for (const read of [parsePulled, imageInMessage, isPullError, parseGoDuration, containerInFieldPath])
        read(text)
    }),
    { numRuns: runs(500), seed: seedOf(4) },
  )
})

test('messages of a megabyte are read in a time that grows with their length', () => {
  for (const part of MESSAGES)
    for (const read of [parsePulled, imageInMessage, isPullError, parseGoDuration, containerInFieldPath]) {
      read(part.repeat(Math.floor(1_000_000 / part.length)))
      read(`Successfully pulled image "${part.repeat(Math.floor(500_000 / part.length))}`)
    }
})

const LINES = recordingLines('plain')

test('a recording of which any line is anything is read to its end, each bad line named', async () => {
  const line = fc.oneof(
    fc.constantFrom(...LINES),
    fc.string(),
    fc.json(),
    anything.map((value) =>
      JSON.stringify({ t: '1795370193101934750', resource: 'pods', type: 'ADDED', object: value }),
    ),
    fc.tuple(fc.constantFrom(...LINES), fc.nat()).map(([text, at]) => text.slice(0, at % text.length)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.boolean(), async (lines, isZipped) => {
      const text = Buffer.from(`${LINES[0]}\n${lines.join('\n')}\n`)
      const { counts, problems } = await readChunks([isZipped ? gzipSync(text) : text])
      assert.ok(problems.length <= counts.broken + 2)
    }),
    { numRuns: runs(100), seed: seedOf(5) },
  )
})

/** Its own function, so that what is not zipped can go before anything is measured. */
const endlessLine = (): Buffer =>
  gzipSync(Buffer.concat([Buffer.from(`${LINES[0]}\n`), Buffer.alloc(5 * LINE_MAX_BYTES, 0x61)]))

test('a recording that inflates to a line without an end is refused by that line, not kept', async () => {
  const bomb = endlessLine()
  const before = heldInBuffers()
  let most = 0
  async function* inParts(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bomb.length; at += 16_384) {
      yield bomb.subarray(at, at + 16_384)
      most = Math.max(most, heldInBuffers() - before)
    }
  }
  const { counts } = await readStream(inParts())
  assert.equal(counts.broken, 1)
  assert.ok(most < 2 * LINE_MAX_BYTES, `${most} bytes were held`)
})

const CONFIG = [
  'exporters:',
  '  default: {endpoint: "https://a:4317", headers: {x: y}, timeout: 5s, tls: {insecure: true}}',
  'standingSession: {allPods: true, completion: {when: Never}}',
  'server: &server {address: 127.0.0.1, port: 8080}',
  'log: {level: info}',
  'leaderElection: {leaseDuration: 15s}',
]
const SCRAPS = [
  '*server',
  '&a',
  '<<: *server',
  '!!set',
  '? ',
  '- ',
  ': ',
  '{',
  '[',
  '"',
  '|',
  '\t',
  '\0',
  '...',
  '---',
  '~',
]

test('a configuration of which any part is anything is one, or problems that name the file', () => {
  const scrap = fc.oneof(fc.constantFrom(...SCRAPS, ...CONFIG), fc.string(), fc.json())
  const edit = fc.tuple(fc.nat(), fc.nat(), fc.nat(12), scrap)
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 5 }), (edits) => {
      const lines = [...CONFIG]
      for (const [line, at, length, scrap] of edits) {
        const text = lines[line % lines.length] ?? ''
        const place = at % (text.length + 1)
        lines[line % lines.length] = text.slice(0, place) + scrap + text.slice(place + length)
      }
      const loaded = loadConfig({ file: { path: 'config.yaml', text: lines.join('\n') } })
      if (!loaded.ok) assert.ok(loaded.problems.every((problem) => problem.startsWith('config.yaml')))
    }),
    { numRuns: runs(200), seed: seedOf(12) },
  )
})

const CONTEXTS = [
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01').toString('base64'),
  'AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE=',
]

test('annotations of any words carry a context by its form, or none, and what does not is counted', () => {
  const text = fc.oneof(
    fc.string(),
    fc.base64String(),
    fc
      .tuple(fc.constantFrom(...CONTEXTS), fc.nat(), fc.string({ maxLength: 3 }))
      .map(([context, at, put]) => {
        const place = at % (context.length + 1)
        return context.slice(0, place) + put + context.slice(place + put.length)
      }),
  )
  const keys = ['tracing.k8s.io/traceparent', 'trace.kubernetes.io/context', 'podspan.dev/traceparent']
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), text), fc.string(), (annotations, uid) => {
      const { context, malformed } = carriedBy(annotations)
      assert.ok(malformed <= 2)
      if (context) {
        assert.match(`${context.traceId} ${context.spanId}`, /^[0-9a-f]{32} [0-9a-f]{16}$/)
        assert.deepEqual(parseTraceparent(`00-${context.traceId}-${context.spanId}-00`), context)
      }
      ownContext(uid)
    }),
    { numRuns: runs(500), seed: seedOf(13) },
  )
})
