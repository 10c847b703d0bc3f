import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { Frame } from '../src/base/frame.ts'
import { formatFrame, formatHeader, parseLine } from '../src/recording/format.ts'
import { readRecording } from '../src/recording/read.ts'
import { redact } from '../src/recording/redact.ts'
import { createPipeline } from '../src/trace/pipeline.ts'
import { assertGolden, isRewriting } from './support/golden-file.ts'
import { spansText } from './support/spans-text.ts'

const directory = join(import.meta.dirname, 'recordings')
const cases = readdirSync(directory)
  .filter((file) => file.endsWith('.jsonl.gz'))
  .map((file) => file.replace('.jsonl.gz', ''))

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

async function replayed(
  bytes: Uint8Array,
  alter: (frame: Frame) => readonly Frame[] = (frame) => [frame],
): Promise<string> {
  const { header, frames } = await readRecording('-', { stdin: inChunks(bytes, 4099) })
  const pipeline = createPipeline(header.cluster === undefined ? {} : { clusterName: header.cluster })
  const traces = []
  for await (const frame of frames) for (const each of alter(frame)) traces.push(...pipeline.push(each))
  return spansText(traces)
}

function redacted(bytes: Uint8Array): Buffer {
  const lines = gunzipSync(bytes)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const parsed = parseLine(line)
      if (parsed.kind === 'header') return formatHeader(parsed.header)
      assert.equal(parsed.kind, 'frame')
      return parsed.kind === 'frame'
        ? formatFrame({ ...parsed.frame, object: redact(parsed.frame.object) })
        : ''
    })
  return Buffer.from(`${lines.join('\n')}\n`)
}

for (const name of cases) {
  const bytes = readFileSync(join(directory, `${name}.jsonl.gz`))

  test(`the recording ${name} gives the spans that it should`, async () => {
    const path = join(directory, `${name}.spans.txt`)
    assert.ok(existsSync(path) || isRewriting(), "no spans yet; 'make golden' writes them")
    assertGolden(path, await replayed(bytes))
  })

  test(`the recording ${name} gives the same spans when it is redacted again`, async () => {
    assert.equal(await replayed(redacted(bytes)), await replayed(bytes))
  })

  test(`the recording ${name} gives the same spans when each frame comes twice`, async () => {
    const twice = (frame: Frame): readonly Frame[] => ('record' in frame ? [frame, frame] : [frame])
    assert.equal(await replayed(bytes, twice), await replayed(bytes))
  })
}
