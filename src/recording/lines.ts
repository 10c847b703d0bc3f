// Owns the way from a file's bytes to its lines of text, gzip or not.
// Promises the same lines however the bytes are cut into chunks, and every whole line before the place where a file was cut off.
// Does not look into a line.

import { createGunzip } from 'node:zlib'

type Bytes = AsyncIterable<Uint8Array>

const NEWLINE = 0x0a

/** The largest object an API server takes is 1.5 MiB, its JSON a few times that; a longer line is no recording. */
export const LINE_MAX_BYTES = 32 * 1024 * 1024

export interface TextLine {
  readonly number: number
  readonly text: string
  /** Longer than `LINE_MAX_BYTES`; the text was not kept. */
  readonly tooLong?: boolean
  /** The last line of a file, without an end of line: perhaps only a part of one. */
  readonly unfinished?: boolean
}

/** Splits on 0x0A only: U+2028 may stand raw in a JSON string. */
export async function* splitLines(chunks: Bytes): AsyncGenerator<TextLine> {
  let parts: Uint8Array[] = []
  let size = 0
  let number = 0
  const take = (unfinished: boolean): TextLine => {
    const text = size > LINE_MAX_BYTES ? '' : Buffer.concat(parts).toString('utf8')
    const line = { number: ++number, text, tooLong: size > LINE_MAX_BYTES, unfinished }
    parts = []
    size = 0
    return line
  }
  const keep = (part: Uint8Array): void => {
    size += part.length
    if (size > LINE_MAX_BYTES) parts = []
    else if (part.length > 0) parts.push(part)
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, at))
      yield take(false)
      from = at + 1
    }
    keep(chunk.subarray(from))
  }
  if (size > 0) yield take(true)
}

/** Passes plain bytes through and inflates gzip, told apart by the first two bytes; `onDamage` says where a gzip file stops making sense. */
export async function* inflate(
  chunks: Bytes,
  onDamage: (reason: string) => void,
): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < 2) {
    const next = await iterator.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  const all = prepend(head, iterator)
  if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzip(all, onDamage)
  else yield* all
}

async function* prepend(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

/**
 * Each chunk is written and its output taken before the next one, and the end is written last and alone: a file without its end
 * then fails only after everything that was in it came out.
 */
async function* gunzip(chunks: Bytes, onDamage: (reason: string) => void): AsyncGenerator<Uint8Array> {
  const stream = createGunzip()
  let output: Uint8Array[] = []
  let failure: Error | undefined
  stream.on('data', (data: Uint8Array) => output.push(data))
  const failed = new Promise<void>((resolve) => {
    stream.on('error', (error) => {
      failure = error
      resolve()
    })
  })
  const step = async (act: (done: () => void) => void): Promise<Uint8Array[]> => {
    await Promise.race([new Promise<void>((resolve) => act(resolve)), failed])
    const taken = output
    output = []
    return taken
  }
  for await (const chunk of chunks) {
    yield* await step((done) => void stream.write(chunk, () => done()))
    if (failure) break
  }
  if (!failure) yield* await step((done) => void stream.once('end', done).end())
  stream.destroy()
  if (failure)
    onDamage(/unexpected end/.test(failure.message) ? 'is cut off' : `is damaged (${failure.message})`)
}
