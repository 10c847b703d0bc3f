// Owns the live stream to open pages: server-sent events of starts that are over, and of what has changed among those in flight.
// Promises that a page which does not read is dropped instead of kept in memory; it reconnects and reads the list again; and that
// while no page is open nothing is computed. Does not ask the clock: whoever beats says when.

import type { Trace } from '../trace/trace.ts'
import { rowOf, rowOfFlight } from './rows.ts'
import type { PageSource } from './source.ts'

/** A response as far as it is written to. */
export interface Listener {
  write(text: string): void
  /** Bytes that wait to be read. */
  waiting(): number
  end(): void
}

export interface LiveEvents {
  /** False where there are too many pages already. */
  add(listener: Listener): boolean
  remove(listener: Listener): void
  /** About once a second: what has changed in flight, or now and then a comment that keeps the connection open. */
  beat(): void
  close(): void
}

const LISTENERS_MAX = 32
/** A page that has this much unread is asleep. */
const WAITING_MAX = 4 * 1024 * 1024
const KEEP_ALIVE_BEATS = 15

export const createLiveEvents = (source: PageSource): LiveEvents => new Stream(source)

class Stream implements LiveEvents {
  readonly #source: PageSource
  readonly #listeners = new Set<Listener>()
  /** Rows in flight as the listeners know them, by uid. */
  #flight: ReadonlyMap<string, string> = new Map()
  #quiet = 0
  readonly #stop: () => void

  constructor(source: PageSource) {
    this.#source = source
    this.#stop = source.onFinished((trace) => this.#finished(trace))
  }

  add(listener: Listener): boolean {
    if (this.#listeners.size >= LISTENERS_MAX) return false
    // The others hear of the same changes with the next beat; hearing them twice does no harm.
    if (this.#listeners.size === 0) this.#flight = this.#look()
    this.#listeners.add(listener)
    listener.write(event('flight', `[${[...this.#flight.values()].join(',')}]`))
    return true
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size === 0) this.#flight = new Map()
  }

  beat(): void {
    if (this.#listeners.size === 0) return
    const before = this.#flight
    this.#flight = this.#look()
    const changed = [...this.#flight].filter(([uid, row]) => before.get(uid) !== row).map(([, row]) => row)
    const gone = [...before.keys()].filter((uid) => !this.#flight.has(uid))
    const isQuiet = changed.length === 0 && gone.length === 0
    this.#quiet = isQuiet ? this.#quiet + 1 : 0
    if (!isQuiet)
      this.#send(event('changes', `{"set":[${changed.join(',')}],"gone":${JSON.stringify(gone)}}`))
    else if (this.#quiet % KEEP_ALIVE_BEATS === 0) this.#send(': still here\n\n')
  }

  #look(): ReadonlyMap<string, string> {
    return new Map(this.#source.inFlight().map((start) => [start.uid, JSON.stringify(rowOfFlight(start))]))
  }

  #finished(trace: Trace): void {
    if (this.#listeners.size > 0) this.#send(event('finished', JSON.stringify(rowOf(trace))))
  }

  #send(text: string): void {
    for (const listener of this.#listeners) {
      if (listener.waiting() <= WAITING_MAX) {
        listener.write(text)
        continue
      }
      this.remove(listener)
      listener.end()
    }
  }

  close(): void {
    this.#stop()
    for (const listener of this.#listeners) listener.end()
    this.#listeners.clear()
  }
}

/** JSON holds no line end, so that one line of data is the whole event. */
const event = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`
