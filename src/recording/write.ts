// Owns the writing of a recording: header, one line a frame, gzip by the file's name.
// Promises that what was written can be read after a crash up to a few seconds before it, and says when the disk is behind.
// Does not watch, and does not decide what is redacted (redact.ts).

import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { constants, createGzip, type Gzip } from 'node:zlib'
import { formatFrame, formatHeader, OTLP, type RecordedFrame, type RecordingHeader } from './format.ts'
import { redact } from './redact.ts'
import { redactSpans } from './redact-spans.ts'

export interface RecordingWriter {
  write(frame: RecordedFrame): void
  /** Puts what was written so far where a reader finds it. */
  flush(): void
  /** Rejects where the file could not be written whole. */
  close(): Promise<void>
  readonly counts: WriteCounts
}

export interface WriteCounts {
  /** Without bookmarks, which say only how far a stream has come. */
  frames: number
  bytes: number
  readonly byResource: Map<string, number>
}

export interface WriteOptions {
  readonly redact: boolean
  /** Told true when more than a few MiB wait for the disk, false when they are gone. */
  readonly onPressure?: (behind: boolean) => void
  readonly onError?: (error: Error) => void
  /** What `-` writes to; it is not compressed and not closed. */
  readonly stdout?: Writable
}

/** Enough for a burst, little beside the watch's own buffers. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024

export function createRecordingWriter(
  path: string,
  header: RecordingHeader,
  options: WriteOptions,
): RecordingWriter {
  const target = path === '-' && options.stdout ? options.stdout : createWriteStream(path)
  const gzip = path.endsWith('.gz') ? createGzip({ flush: constants.Z_NO_FLUSH }) : undefined
  const sink: Writable = gzip ? pipeInto(gzip, target) : target
  const failure = failureOf([target, ...(gzip ? [gzip] : [])], options.onError)
  const counts: WriteCounts = { frames: 0, bytes: 0, byResource: new Map() }
  let behind = false
  const press = (now: boolean): void => {
    if (now !== behind) options.onPressure?.(now)
    behind = now
  }
  sink.on('drain', () => press(false))
  const put = (line: string): void => {
    counts.bytes += line.length + 1
    sink.write(`${line}\n`)
    if (sink.writableLength > HIGH_WATER_BYTES) press(true)
  }
  put(formatHeader(header))
  return {
    counts,
    write: (frame) => {
      if (frame.type !== 'BOOKMARK') count(counts, frame.resource)
      put(formatFrame(options.redact ? { ...frame, object: redacted(frame) } : frame))
    },
    flush: () => gzip?.flush(constants.Z_SYNC_FLUSH),
    close: () => closed(sink, target, failure, target === options.stdout),
  }
}

function count(counts: WriteCounts, resource: string): void {
  counts.frames++
  counts.byResource.set(resource, (counts.byResource.get(resource) ?? 0) + 1)
}

const redacted = ({ resource, object }: RecordedFrame): RecordedFrame['object'] =>
  resource === OTLP ? redactSpans(object) : redact(object)

function pipeInto(gzip: Gzip, target: Writable): Gzip {
  gzip.pipe(target)
  return gzip
}

interface FirstFailure {
  error?: Error
}

function failureOf(
  streams: readonly Writable[],
  onError: ((error: Error) => void) | undefined,
): FirstFailure {
  const failure: FirstFailure = {}
  for (const stream of streams) {
    stream.on('error', (error) => {
      if (failure.error === undefined) onError?.(error)
      failure.error ??= error
    })
  }
  return failure
}

function closed(sink: Writable, target: Writable, failure: FirstFailure, keepOpen: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => (failure.error ? reject(failure.error) : resolve())
    if (failure.error) return settle()
    if (keepOpen) return void sink.write('', settle)
    target.once('error', settle)
    target.once('close', settle)
    sink.end()
  })
}
