// Owns the reading of a recording: a file or stream in, frames in the order of receipt out.
// Promises to use every good line, to name every kind of bad one with its place and a count, and to end with a final tick.
// Does not watch a cluster (kube/) and keeps nothing of a resource that the decoder does not know.

import { createReadStream } from 'node:fs'
import type { Frame, Source } from '../base/frame.ts'
import { decodeJson } from '../decode/json.ts'
import { decodeJsonSpans, EVERY_SPAN } from '../decode/otlp.ts'
import type { Decoded, DecodeError } from '../decode/result.ts'
import { decodeWhole, WHOLE_SOURCES } from '../decode/whole.ts'
import {
  INITIAL_EVENTS_END,
  isObject,
  OTLP,
  parseLine,
  type RecordedFrame,
  type RecordingHeader,
} from './format.ts'
import { inflate, LINE_MAX_BYTES, splitLines, type TextLine } from './lines.ts'
import {
  areWholeSeconds,
  byReceipt,
  type Entry,
  frameMaker,
  InitialLists,
  withinSecond,
  withTicks,
} from './order.ts'

export interface Recording {
  readonly header: RecordingHeader
  /** Can be read once. */
  readonly frames: AsyncIterable<Frame>
  /** Complete once `frames` has ended. */
  readonly counts: ReadCounts
}

export interface ReadCounts {
  frames: number
  broken: number
  /** Frames of resources that Podspan does not read. */
  unknown: number
  /** Frames that stood too far from their place to be put in order. */
  late: number
}

export interface ReadOptions {
  /** Told, in a sentence, what is wrong with the file. */
  readonly onProblem?: (sentence: string) => void
  /** What `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /** How many frames are held to be put in order; a larger file is ordered within this window. */
  readonly windowFrames?: number
  /** Workloads as they stand in the file, in place of their metadata; for who tells rollouts. */
  readonly whole?: boolean
}

/** The file cannot be read, or is no recording. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError'
}

/** About 1 KiB each: some 300 MB at most. */
const WINDOW_FRAMES = 250_000
/** So many bad lines and not one good: this is some other file. */
const GIVE_UP_AFTER = 1000

export async function readRecording(path: string, options: ReadOptions = {}): Promise<Recording> {
  const reader = new Reader(path, options)
  await reader.fill()
  return { header: reader.header ?? {}, frames: withTicks(reader.drain()), counts: reader.counts }
}

class Reader {
  header: RecordingHeader | undefined
  readonly counts: ReadCounts = { frames: 0, broken: 0, unknown: 0, late: 0 }
  readonly #name: string
  readonly #say: (sentence: string) => void
  readonly #window: number
  readonly #decode: Decode
  readonly #lines: AsyncIterator<TextLine>
  readonly #lists = new InitialLists()
  readonly #problems = new Map<string, number>()
  #entries: Entry[] = []
  #index = 0
  #ended = false

  constructor(path: string, options: ReadOptions) {
    this.#name = path === '-' ? 'standard input' : path
    this.#say = options.onProblem ?? (() => {})
    this.#window = options.windowFrames ?? WINDOW_FRAMES
    this.#decode = options.whole ? decodeAll : decodeJson
    const bytes = path === '-' ? (options.stdin ?? nothing()) : createReadStream(path)
    const text = inflate(bytes, (how) => this.#say(`${this.#name} ${how}; what comes before is used.`))
    this.#lines = splitLines(text)[Symbol.asyncIterator]()
  }

  /** Reads until the window is full or the file ends. */
  async fill(): Promise<void> {
    while (!this.#ended && this.#entries.length < this.#window) {
      const next = await this.#nextLine()
      if (next === undefined) this.#finish()
      else this.#takeLine(next)
    }
  }

  /** In order; beyond the first window, half of it goes out before more comes in. */
  async *drain(): AsyncGenerator<Frame> {
    const toFrame = frameMaker(this.#lists)
    let last: Entry | undefined
    if (!this.#ended)
      this.#say(`${this.#name} is large: frames are put in order within ${this.#window} of them.`)
    const isCoarse = areWholeSeconds(this.#entries)
    if (isCoarse)
      this.#say(`${this.#name} tells when frames came in whole seconds only; intervals allow for it.`)
    for (;;) {
      this.#entries.sort(byReceipt)
      const count = this.#ended ? this.#entries.length : Math.ceil(this.#window / 2)
      for (const entry of this.#entries.splice(0, count)) {
        if (last !== undefined && entry.t < last.t) this.counts.late++
        else last = entry
        yield toFrame(isCoarse ? withinSecond(entry) : entry)
      }
      if (this.#ended) break
      await this.fill()
    }
    this.#sayCounts()
  }

  async #nextLine(): Promise<TextLine | undefined> {
    try {
      const next = await this.#lines.next()
      return next.done ? undefined : next.value
    } catch (error) {
      throw new RecordingError(unreadable(this.#name, error))
    }
  }

  #takeLine(line: TextLine): void {
    if (line.tooLong) return this.#broken(line, 'is too long', `at most ${LINE_MAX_BYTES / 1024 / 1024} MiB`)
    if (line.text.trim() === '') return
    const parsed = parseLine(line.text)
    if (parsed.kind === 'header') this.header ??= parsed.header
    else if (parsed.kind === 'foreign-header') throw new RecordingError(foreign(this.#name, parsed.format))
    else if (parsed.kind === 'frame') this.#takeFrame(line, parsed.frame)
    else if (line.unfinished)
      this.#say(`${this.#name} ends in the middle of line ${line.number}; that line is left out.`)
    else this.#broken(line, parsed.problem, parsed.expected)
  }

  #takeFrame(line: TextLine, frame: RecordedFrame): void {
    if (this.header === undefined && this.counts.frames === 0) {
      this.header = {}
      this.#say(`${this.#name} has no header line; it is read as a recording all the same.`)
    }
    const made = toEntry(frame, this.#index++, this.#decode)
    if (made.kind === 'unknown') this.counts.unknown++
    else if (made.kind === 'broken') this.#broken(line, 'has an unusable object', usable(made.error))
    else {
      this.counts.frames++
      if (made.entry.kind === 'synced') this.#lists.see(made.entry)
      this.#entries.push(made.entry)
    }
  }

  /** Said once per kind of problem, with the first place; the rest are counted. */
  #broken(line: TextLine, problem: string, expected: string): void {
    this.counts.broken++
    const known = this.#problems.get(problem) ?? 0
    this.#problems.set(problem, known + 1)
    if (known === 0)
      this.#say(`${this.#name}:${line.number} ${problem} and is left out; expected ${expected}.`)
    if (this.header === undefined && this.counts.frames === 0 && this.counts.broken >= GIVE_UP_AFTER)
      this.#finish()
  }

  #finish(): void {
    this.#ended = true
    if (this.header === undefined && this.counts.frames === 0)
      throw new RecordingError(noRecording(this.#name))
  }

  #sayCounts(): void {
    for (const [problem, count] of this.#problems) {
      if (count > 1)
        this.#say(`${this.#name}: ${count} lines in all, of which each ${problem}, are left out.`)
    }
    if (this.counts.late > 0)
      this.#say(`${this.#name}: ${this.counts.late} frames stand too far from their place to be ordered.`)
  }
}

type Made =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'broken'; readonly error: DecodeError }

const KINDS = { ADDED: 'added', MODIFIED: 'modified', DELETED: 'deleted' } as const

type Decode = (source: Source, object: unknown) => Decoded

const decodeAll: Decode = (source, object) =>
  WHOLE_SOURCES.includes(source) ? decodeWhole(source, object) : decodeJson(source, object)

function toEntry(frame: RecordedFrame, index: number, decode: Decode): Made {
  const { t, resource, type, object, phase, heldUp } = frame
  const at = { t, index, resource }
  if (type === 'ERROR') return { kind: 'entry', entry: { ...at, kind: 'gap', reason: reasonOf(object) } }
  if (type === 'BOOKMARK')
    return { kind: 'entry', entry: { ...at, kind: endsInitialList(object) ? 'synced' : 'time' } }
  if (resource === OTLP) return spansOf(at, object)
  const decoded = decode(resource, object)
  if (!decoded.ok)
    return decoded.error.kind === 'unsupported'
      ? { kind: 'unknown' }
      : { kind: 'broken', error: decoded.error }
  return {
    kind: 'entry',
    entry: {
      ...at,
      kind: KINDS[type],
      record: decoded.record,
      ...(phase && { phase }),
      ...(heldUp !== undefined && { heldUp }),
    },
  }
}

/** Spans that are none among others are left out, as they were when they came. */
function spansOf(at: Pick<Entry, 't' | 'index' | 'resource'>, object: RecordedFrame['object']): Made {
  const decoded = decodeJsonSpans(object, EVERY_SPAN)
  if (!decoded.ok) return { kind: 'broken', error: decoded.error }
  return { kind: 'entry', entry: { ...at, kind: 'spans', spans: decoded.spans } }
}

function endsInitialList(object: Readonly<Record<string, unknown>>): boolean {
  const metadata = object['metadata']
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined
  return isObject(annotations) && annotations[INITIAL_EVENTS_END] === 'true'
}

/** The Status that ended a watch, in its own words. */
function reasonOf(status: Readonly<Record<string, unknown>>): string {
  const words = [status['reason'], status['message']].filter(
    (text) => typeof text === 'string' && text !== '',
  )
  return words.length > 0 ? words.join(': ') : 'the watch reported an error'
}

function usable(error: DecodeError): string {
  return `an object that can be used, without: ${error.what}${error.where === '' ? '' : ` (${error.where})`}`
}

function unreadable(name: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return `${name} does not exist; record one with 'podspan record ${name}'.`
  if (code === 'EISDIR') return `${name} is a directory; name the recordings in it.`
  if (code === 'EACCES') return `${name} may not be read by this user.`
  return `${name} cannot be read: ${(error as Error).message}.`
}

function foreign(name: string, format: string): string {
  return `${name} is of the form ${format.slice(0, 60)}; this version reads recording/v1.`
}

function noRecording(name: string): string {
  return `${name} is not a recording: expected JSON lines that begin with {"podspan":"recording/v1",…}, gzip or not.`
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
