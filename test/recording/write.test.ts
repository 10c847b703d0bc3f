import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { Frame } from '../../src/base/frame.ts'
import { durationNano, unixNano } from '../../src/base/time.ts'
import type { RecordedFrame } from '../../src/recording/format.ts'
import { readRecording } from '../../src/recording/read.ts'
import { createRecordingWriter } from '../../src/recording/write.ts'

const directory = mkdtempSync(join(tmpdir(), 'podspan-write-'))
after(() => rmSync(directory, { recursive: true }))

const HEADER = {
  kubernetes: 'v1.36.3',
  cluster: 'test',
  clusterUid: 'c-1',
  startedAt: unixNano(1_700_000_000_000_000_000n),
}

const frame = (index: number, more: Partial<RecordedFrame> = {}): RecordedFrame => ({
  t: unixNano(1_700_000_000_000_000_000n + BigInt(index)),
  resource: 'pods',
  type: 'ADDED',
  object: {
    metadata: {
      uid: `u-${index}`,
      name: `p-${index}`,
      namespace: 'n',
      resourceVersion: '1',
      annotations: { x: 'secret' },
    },
  },
  ...more,
})

async function framesOf(path: string): Promise<Frame[]> {
  const frames: Frame[] = []
  for await (const each of (await readRecording(path)).frames) frames.push(each)
  return frames
}

for (const name of ['a.jsonl', 'a.jsonl.gz']) {
  test(`what is written to ${name} is read again`, async () => {
    const path = join(directory, name)
    const writer = createRecordingWriter(path, HEADER, { redact: true })
    for (let index = 0; index < 100; index++) writer.write(frame(index))
    writer.write(frame(100, { resource: 'nodes', phase: 'relist', type: 'DELETED' }))
    await writer.close()
    const { header } = await readRecording(path)
    assert.deepEqual(header, HEADER)
    const frames = await framesOf(path)
    assert.equal(frames.length, 102)
    assert.equal(frames[100]?.kind === 'deleted' && frames[100].synthetic, true)
    assert.deepEqual([writer.counts.frames, writer.counts.byResource.get('pods')], [101, 100])
  })
}

test('a recording is redacted unless asked otherwise', async () => {
  const texts = await Promise.all(
    [true, false].map(async (redact) => {
      const path = join(directory, `${redact}.jsonl`)
      const writer = createRecordingWriter(path, HEADER, { redact })
      writer.write(frame(0))
      await writer.close()
      return readFileSync(path, 'utf8')
    }),
  )
  assert.deepEqual(
    texts.map((text) => text.includes('"secret"')),
    [false, true],
  )
})

test('a gzip recording can be read while it is being written', async () => {
  const path = join(directory, 'open.jsonl.gz')
  const writer = createRecordingWriter(path, HEADER, { redact: true })
  writer.write(frame(0))
  writer.flush()
  while ((await framesOf(path).catch(() => [])).length < 2);
  await writer.close()
  assert.equal(gunzipSync(readFileSync(path)).toString().split('\n').length, 3)
})

test('a slow disk is reported, and its recovery', async () => {
  const slow = new PassThrough()
  const pressure: boolean[] = []
  const writer = createRecordingWriter('-', HEADER, {
    redact: false,
    stdout: slow,
    onPressure: (behind) => pressure.push(behind),
  })
  const object = { metadata: { labels: { big: 'x'.repeat(1024 * 1024) } } }
  for (let index = 0; index < 8; index++) writer.write(frame(index, { object }))
  assert.deepEqual(pressure, [true])
  slow.resume()
  await writer.close()
  assert.deepEqual(pressure, [true, false])
})

test('a file that cannot be written is an error at the end, and is told at once', async () => {
  const errors: Error[] = []
  const writer = createRecordingWriter(join(directory, 'none', 'x.jsonl'), HEADER, {
    redact: true,
    onError: (error) => errors.push(error),
  })
  writer.write(frame(0))
  await assert.rejects(writer.close(), /ENOENT/)
  assert.equal(errors.length, 1)
})

test('how long reading was held up is kept with what came then', async () => {
  const path = join(directory, 'held-up.jsonl')
  const writer = createRecordingWriter(path, HEADER, { redact: true })
  writer.write(frame(1, { heldUp: durationNano(300_000_000n) }))
  writer.write(frame(2))
  await writer.close()
  const read = (await framesOf(path)).map((each) => 'record' in each && each.heldUp)
  assert.deepEqual(read.slice(0, 2), [300_000_000n, undefined])
})
