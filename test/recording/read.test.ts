import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Frame } from '../../src/base/frame.ts'
import { RecordingError, type ReadCounts, type ReadOptions, readRecording } from '../../src/recording/read.ts'

const directory = mkdtempSync(join(tmpdir(), 'podspan-read-'))
after(() => rmSync(directory, { recursive: true }))

const START = 1_700_000_000_000_000_000n
const HEADER =
  '{"podspan":"recording/v1","kubernetes":"v1.36.3","cluster":"test","startedAt":"1700000000000000000"}'

/** A pod named after its place; `at` in milliseconds after the start. */
function pod(at: number, name: string, type = 'ADDED', phase?: string): string {
  const object = {
    metadata: { uid: `uid-${name}`, name, namespace: 'default', resourceVersion: '1' },
    spec: {},
  }
  return JSON.stringify({ t: nanos(at), resource: 'pods', type, object, ...(phase && { phase }) })
}

function bookmark(at: number, resource = 'pods'): string {
  const object = { metadata: { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } } }
  return JSON.stringify({ t: nanos(at), resource, type: 'BOOKMARK', object })
}

const nanos = (ms: number): string => (START + BigInt(ms) * 1_000_000n).toString()

interface Read {
  readonly frames: Frame[]
  readonly problems: string[]
  readonly counts: ReadCounts
}

async function read(bytes: Uint8Array | string, options: ReadOptions = {}): Promise<Read> {
  const path = join(directory, 'a.jsonl')
  writeFileSync(path, bytes)
  return readPath(path, options)
}

async function readPath(path: string, options: ReadOptions = {}): Promise<Read> {
  const problems: string[] = []
  const onProblem = (sentence: string): void => void problems.push(sentence.replaceAll(directory, ''))
  const recording = await readRecording(path, { onProblem, ...options })
  const frames: Frame[] = []
  for await (const frame of recording.frames) frames.push(frame)
  return { frames, problems, counts: recording.counts }
}

/** One short text per frame: milliseconds, kind, phase, name. */
function brief(frames: readonly Frame[]): string[] {
  return frames.map((frame) => {
    const at = Number((frame.t - START) / 1_000_000n)
    if (frame.kind === 'tick') return frame.final ? `${at} final` : `${at} tick`
    if (frame.kind === 'synced') return `${at} synced ${frame.source}`
    if (frame.kind === 'gap') return `${at} gap ${frame.source}: ${frame.reason}`
    if (frame.kind === 'otlp') return `${at} otlp`
    return `${at} ${frame.kind} ${frame.phase} ${frame.record.name}${frame.synthetic ? ' synthetic' : ''}`
  })
}

const lines = (...texts: string[]): string => `${texts.join('\n')}\n`

test('frames come in the order of receipt, wherever they stand in the file', async () => {
  const { frames, problems } = await read(lines(HEADER, pod(30, 'c'), pod(10, 'a'), pod(20, 'b')))
  assert.deepEqual(brief(frames), ['10 added live a', '20 added live b', '30 added live c', '30 final'])
  assert.deepEqual(problems, [])
})

test('frames of the same nanosecond keep their order in the file', async () => {
  const { frames } = await read(lines(HEADER, pod(10, 'x'), pod(10, 'a'), pod(10, 'm')))
  assert.deepEqual(brief(frames).slice(0, 3), ['10 added live x', '10 added live a', '10 added live m'])
})

test('what comes before the bookmark that ends a list is initial, the rest is live', async () => {
  const { frames } = await read(lines(HEADER, pod(30, 'late'), bookmark(20), pod(10, 'early')))
  assert.deepEqual(brief(frames), [
    '10 added initial early',
    '20 synced pods',
    '30 added live late',
    '30 final',
  ])
})

test('the bookmark of one resource says nothing about another', async () => {
  const { frames } = await read(lines(HEADER, pod(10, 'a'), bookmark(20, 'nodes')))
  assert.deepEqual(brief(frames), ['10 added live a', '20 synced nodes', '20 final'])
})

test('a phase that is written down is believed', async () => {
  const file = lines(HEADER, bookmark(5), pod(10, 'a', 'ADDED', 'relist'), pod(11, 'b', 'DELETED', 'relist'))
  const { frames } = await read(file)
  assert.deepEqual(brief(frames).slice(1, 3), ['10 added relist a', '11 deleted relist b synthetic'])
})

test('an ERROR is a gap since the last frame of that resource', async () => {
  const error = `{"t":"${nanos(40)}","resource":"pods","type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}`
  const { frames } = await read(lines(HEADER, pod(10, 'a'), error))
  const gap = frames.find((frame) => frame.kind === 'gap')
  assert.equal(gap?.reason, 'Expired: too old')
  assert.equal(gap?.from, START + 10_000_000n)
})

test('time passes between frames, a tick at each full second', async () => {
  const { frames } = await read(lines(HEADER, pod(500, 'a'), pod(3200, 'b')))
  assert.deepEqual(brief(frames), [
    '500 added live a',
    '1000 tick',
    '2000 tick',
    '3000 tick',
    '3200 added live b',
    '3200 final',
  ])
})

test('while what comes next may wait, ticks say that nothing is known to be read', async () => {
  const late = pod(5400, 'b').replace('"resource"', '"heldUp":"3900000000","resource"')
  const { frames } = await read(lines(HEADER, pod(500, 'a'), late))
  const ticks = frames.filter((frame) => frame.kind === 'tick' && !frame.final)
  assert.deepEqual(
    ticks.map((tick) => 'heldUp' in tick && tick.heldUp),
    [false, 500_000_000n, 1_500_000_000n, 2_500_000_000n, 3_500_000_000n],
  )
})

test('a long silence is filled for a quarter of an hour and then skipped', async () => {
  const { frames } = await read(lines(HEADER, pod(0, 'a'), pod(86_400_000, 'b')))
  const ticks = frames.filter((frame) => frame.kind === 'tick')
  assert.equal(ticks.length, 899 + 1 + 1)
  assert.deepEqual(brief(frames).slice(-3), ['86400000 tick', '86400000 added live b', '86400000 final'])
})

test('a bookmark without an object of interest still lets time pass', async () => {
  const plain = JSON.stringify({
    t: nanos(700),
    resource: 'pods',
    type: 'BOOKMARK',
    object: { metadata: {} },
  })
  const { frames } = await read(lines(HEADER, pod(10, 'a'), plain))
  assert.deepEqual(brief(frames), ['10 added live a', '700 tick', '700 final'])
})

const BROKEN = [
  { name: 'garbage', line: 'garbage', expected: 'is not JSON' },
  { name: 'an array', line: '[1,2]', expected: 'is not an object' },
  { name: 'no time', line: '{"resource":"pods","type":"ADDED","object":{}}', expected: 'has no time' },
  {
    name: 'a time that is no number',
    line: '{"t":"soon","resource":"pods","type":"ADDED","object":{}}',
    expected: 'has no time',
  },
  { name: 'no resource', line: '{"t":"1","type":"ADDED","object":{}}', expected: 'has no resource' },
  {
    name: 'an unknown type',
    line: '{"t":"1","resource":"pods","type":"MOVED","object":{}}',
    expected: 'has no type',
  },
  { name: 'no object', line: '{"t":"1","resource":"pods","type":"ADDED"}', expected: 'has no object' },
  {
    name: 'a pod without a uid',
    line: '{"t":"1","resource":"pods","type":"ADDED","object":{"metadata":{"name":"x"}}}',
    expected: 'has an unusable object',
  },
]

for (const { name, line, expected } of BROKEN) {
  test(`a line with ${name} is named with its place and left out`, async () => {
    const { frames, problems, counts } = await read(lines(HEADER, pod(10, 'a'), line, pod(20, 'b')))
    assert.deepEqual(brief(frames), ['10 added live a', '20 added live b', '20 final'])
    assert.match(problems.join('\n'), new RegExp(`^/a.jsonl:3 ${expected} and is left out; expected .+\\.$`))
    assert.equal(counts.broken, 1)
  })
}

test('each kind of broken line is said once, with a count', async () => {
  const { problems, counts } = await read(lines(HEADER, 'x', 'y', 'z', '[]', pod(10, 'a')))
  assert.equal(counts.broken, 4)
  assert.deepEqual(problems.length, 3)
  assert.match(problems[2] ?? '', /3 lines in all, of which each is not JSON/)
})

test('resources that are not read are counted and left out without a word', async () => {
  const other = `{"t":"${nanos(5)}","resource":"configmaps","type":"ADDED","object":{"metadata":{}}}`
  const { frames, problems, counts } = await read(lines(HEADER, other, pod(10, 'a')))
  assert.deepEqual(brief(frames), ['10 added live a', '10 final'])
  assert.deepEqual([problems, counts.unknown], [[], 1])
})

test('a recording without a header is read with a warning', async () => {
  const { frames, problems } = await read(lines(pod(10, 'a')))
  assert.equal(frames.length, 2)
  assert.match(problems[0] ?? '', /has no header line/)
})

test('a recording with a bad header is read with a warning', async () => {
  const { frames, problems } = await read(lines('{"podspan":7}', pod(10, 'a')))
  assert.equal(frames.length, 2)
  assert.match(
    problems.join('\n'),
    /:1 is not a header and is left out; expected \{"podspan":"recording\/v1",…\}/,
  )
})

test('an empty recording has only its end', async () => {
  assert.deepEqual((await read(lines(HEADER))).frames, [{ kind: 'tick', t: 0n, final: true }])
})

const NO_RECORDINGS = [
  { name: 'an empty file', bytes: '', message: /is not a recording/ },
  { name: 'some text', bytes: 'hello\nworld\n', message: /is not a recording/ },
  { name: 'other JSON', bytes: '{"kind":"PodList","items":[]}\n', message: /is not a recording/ },
  {
    name: 'a later form',
    bytes: '{"podspan":"recording/v9"}\n',
    message: /recording\/v9; this version reads recording\/v1/,
  },
  { name: 'binary data', bytes: Buffer.alloc(100_000, '\n\0\xff'), message: /is not a recording/ },
]

for (const { name, bytes, message } of NO_RECORDINGS) {
  test(`${name} is refused as no recording`, async () => {
    await assert.rejects(
      read(bytes),
      (error) => error instanceof RecordingError && message.test(error.message),
    )
  })
}

test('a file that is not there is refused with a remedy', async () => {
  await assert.rejects(readPath(join(directory, 'none.jsonl')), /does not exist; record one with/)
})

test('gzip is told by its bytes, not by its name', async () => {
  const { frames } = await read(gzipSync(lines(HEADER, pod(10, 'a'))))
  assert.deepEqual(brief(frames), ['10 added live a', '10 final'])
})

test('several gzip files joined into one are read to the end', async () => {
  const parts = [gzipSync(lines(HEADER, pod(10, 'a'))), gzipSync(lines(pod(20, 'b')))]
  const { frames, problems } = await read(Buffer.concat(parts))
  assert.deepEqual(brief(frames), ['10 added live a', '20 added live b', '20 final'])
  assert.deepEqual(problems, [])
})

test('standard input is read where the name is a dash', async () => {
  const stdin = chunked(gzipSync(lines(HEADER, pod(10, 'a'))), [1, 2])
  const { frames } = await readPath('-', { stdin })
  assert.deepEqual(brief(frames), ['10 added live a', '10 final'])
})

test('a raw U+2028 does not end a line', async () => {
  const { frames } = await read(lines(HEADER, pod(10, 'a\u2028b')))
  assert.deepEqual(brief(frames), ['10 added live a\u2028b', '10 final'])
})

test('a file larger than the window is ordered within it, and says so', async () => {
  const file = lines(
    HEADER,
    pod(20, 'b'),
    pod(10, 'a'),
    pod(40, 'd'),
    pod(30, 'c'),
    pod(50, 'e'),
    pod(5, 'late'),
  )
  const { frames, problems, counts } = await read(file, { windowFrames: 4 })
  const names = brief(frames).map((text) => text.split(' ').at(-1))
  assert.deepEqual(names, ['a', 'b', 'late', 'c', 'd', 'e', 'final'])
  assert.match(problems[0] ?? '', /is large: frames are put in order within 4 of them/)
  assert.equal(counts.late, 1)
})

async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length]
  for (const [index, from] of places.slice(0, -1).entries()) yield bytes.subarray(from, places[index + 1])
}

test('cutting the bytes into any chunks changes nothing', async () => {
  const text = lines(HEADER, pod(30, 'ü'), bookmark(20), 'garbage', pod(10, '日本'), pod(40, 'd', 'MODIFIED'))
  const plain = Buffer.from(text)
  const expected = brief((await read(plain)).frames)
  const arrays = fc.array(fc.nat(10_000), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(arrays, fc.boolean(), async (cuts, gz) => {
      const { frames } = await readPath('-', { stdin: chunked(gz ? gzipSync(plain) : plain, cuts) })
      assert.deepEqual(brief(frames), expected)
    }),
    { numRuns: 60 },
  )
})

test('a file cut off anywhere gives the frames of its whole lines', async () => {
  const whole = lines(HEADER, ...Array.from({ length: 30 }, (_, index) => pod(index * 10, `p${index}`)))
  const packed = gzipSync(whole, { level: 1 })
  for (let end = 40; end < packed.length; end += 7) {
    const { frames, problems } = await read(packed.subarray(0, end)).catch(refused)
    assert.match(problems.join('\n'), /is cut off; what comes before is used/)
    assert.ok(frames.length <= 31)
  }
  for (let end = HEADER.length + 1; end < whole.length; end += 11) {
    const { frames } = await read(whole.slice(0, end))
    const complete = whole.slice(0, end).split('\n').slice(1, -1).length
    assert.ok([complete, complete + 1].includes(frames.filter((frame) => frame.kind !== 'tick').length))
  }
})

/** Of a gzip file with only its first bytes nothing may come out at all. */
function refused(error: unknown): Read {
  assert.ok(error instanceof RecordingError)
  return {
    frames: [],
    problems: ['is cut off; what comes before is used'],
    counts: { frames: 0, broken: 0, unknown: 0, late: 0 },
  }
}

test('damaged gzip gives what comes before the damage', async () => {
  const many = Array.from({ length: 20_000 }, (_, index) => pod(index, `p${index * 7919}`))
  const packed = gzipSync(lines(HEADER, ...many))
  packed.fill(0xff, packed.length - 2000, packed.length - 1000)
  const { frames, problems } = await read(packed)
  assert.ok(frames.length > 1000)
  assert.match(problems.join('\n'), /is damaged/)
})

test('permuting the lines of different objects changes nothing', async () => {
  const texts = [pod(10, 'a'), pod(20, 'b'), bookmark(25), pod(30, 'c'), pod(40, 'd')]
  const expected = brief((await read(lines(HEADER, ...texts))).frames)
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(texts, { minLength: texts.length }), async (shuffled) => {
      assert.deepEqual(brief((await read(lines(HEADER, ...shuffled))).frames), expected)
    }),
    { numRuns: 30 },
  )
})

test('workloads come with their metadata, or whole to whoever asks', async () => {
  const metadata = { uid: 'u-1', name: 'shop', namespace: 'default', resourceVersion: '1' }
  const lines = ['deployments', 'controllerrevisions', 'replicasets'].map((resource) =>
    JSON.stringify({ t: nanos(1), resource, type: 'ADDED', object: { metadata, spec: { replicas: 3 } } }),
  )
  const kinds = async (options: ReadOptions): Promise<(string | undefined)[]> =>
    (await read([HEADER, ...lines].join('\n'), options)).frames.flatMap((frame) =>
      'record' in frame ? [`${frame.source} ${frame.record.resource}`] : [],
    )
  assert.deepEqual(await kinds({}), ['deployments owners', 'replicasets owners'])
  assert.deepEqual(await kinds({ whole: true }), [
    'deployments custom',
    'controllerrevisions custom',
    'replicasets owners',
  ])
})
