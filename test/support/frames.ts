// Owns the way from a recording, or from frames made by hand, to the traces of the pure middle.
// Promises that every frame is deep-frozen before it is pushed, and that a recording is read through the recording reader.
// Does not compare traces: frames-normal.ts does.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Frame, ObjectFrame } from '../../src/base/frame.ts'
import { unixNano } from '../../src/base/time.ts'
import { type ReadCounts, readRecording } from '../../src/recording/read.ts'
import { createPipeline, type PipelineOptions } from '../../src/trace/pipeline.ts'
import type { Trace } from '../../src/trace/trace.ts'

/** Properties hold of any recordings, also of others than ours. */
const DIRECTORY = process.env['PODSPAN_RECORDINGS'] ?? join(import.meta.dirname, '../recordings')
const ENDING = '.jsonl.gz'

/** The names of all recordings, without their ending. */
export const recordings = (): string[] =>
  readdirSync(DIRECTORY)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length))
    .sort()

export const recordingBytes = (name: string): Uint8Array => readFileSync(join(DIRECTORY, name + ENDING))

/** The lines of a recording, the header first. */
export const recordingLines = (name: string): string[] =>
  gunzipSync(recordingBytes(name)).toString('utf8').split('\n').filter(Boolean)

export interface Read {
  readonly frames: readonly Frame[]
  readonly counts: ReadCounts
  readonly problems: readonly string[]
}

/** Reads chunks of bytes as the recording reader would from standard input. */
export const readChunks = (chunks: readonly Uint8Array[]): Promise<Read> => readStream(asStream(chunks))

/** The same, from a stream that may look at what is held while it is read. */
export async function readStream(stdin: AsyncIterable<Uint8Array>): Promise<Read> {
  const problems: string[] = []
  const onProblem = (sentence: string): void => void problems.push(sentence)
  const { frames, counts } = await readRecording('-', { stdin, onProblem })
  const read: Frame[] = []
  for await (const frame of frames) read.push(deepFreeze(frame))
  return { frames: read, counts, problems }
}

async function* asStream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

export const readLines = async (lines: readonly string[]): Promise<readonly Frame[]> =>
  (await readChunks([Buffer.from(`${lines.join('\n')}\n`)])).frames

const cache = new Map<string, Promise<readonly Frame[]>>()

/** The frames of a recording, read once per process. */
export function framesOf(name: string): Promise<readonly Frame[]> {
  let frames = cache.get(name)
  if (!frames) cache.set(name, (frames = readLines(recordingLines(name))))
  return frames
}

/** All traces that these frames give, in the order in which they were told. */
export function tracesOf(frames: Iterable<Frame>, options: PipelineOptions = {}): Trace[] {
  const pipeline = createPipeline(options)
  const traces: Trace[] = []
  for (const frame of frames) traces.push(...pipeline.push(frame))
  return traces
}

export const isObjectFrame = (frame: Frame): frame is ObjectFrame =>
  frame.kind === 'added' || frame.kind === 'modified' || frame.kind === 'deleted'

/** Frames without their ticks, to which `withTicks` then gives new ones: one a second and the final one. */
export function withTicks(frames: readonly Frame[], until: bigint = frames.at(-1)?.t ?? 0n): Frame[] {
  const out: Frame[] = []
  let now: bigint | undefined
  for (const frame of frames) {
    if (frame.kind === 'tick') continue
    for (let at = now === undefined ? frame.t : nextSecond(now); at < frame.t; at += 1_000_000_000n)
      out.push({ kind: 'tick', t: unixNano(at) })
    out.push(frame)
    now = frame.t
  }
  for (let at = nextSecond(now ?? until); at < until; at += 1_000_000_000n)
    out.push({ kind: 'tick', t: unixNano(at) })
  out.push({ kind: 'tick', t: unixNano(until > (now ?? until) ? until : (now ?? until)), final: true })
  return out
}

const nextSecond = (at: bigint): bigint => (at / 1_000_000_000n + 1n) * 1_000_000_000n

/** Freezes a value and everything in it, but for bytes, which cannot be: who writes to an input then throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (ArrayBuffer.isView(value)) return value
  Object.freeze(value)
  for (const one of Object.values(value)) deepFreeze(one)
  return value
}

/** Numbers that look random and are the same in every run. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** How many cases a property tries: more of them where `PODSPAN_PROPERTY_RUNS` says so. */
export const runs = (usual: number): number => Number(process.env['PODSPAN_PROPERTY_RUNS'] ?? usual)

/** Where a property begins: at the same place in every run, but for a long one, which prints its own where it fails. */
export const seedOf = (usual: number): number =>
  Number(process.env['PODSPAN_PROPERTY_SEED'] ?? (runs(0) > 0 ? Date.now() % 2 ** 31 : usual))
