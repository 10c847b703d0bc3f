// Owns the live stream to open pages: server-sent events of starts that are over and of all that are in flight.
// Promises that a page which does not read is dropped instead of kept in memory; it reconnects and reads the list again.
// Does not ask the clock: whoever beats says when.

import type { Trace } from '../trace/trace.ts'
import { rowOf, rowOfFlight } from './rows.ts'
import type { Starts } from './starts.ts'

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
  /** About once a second: what is in flight, if that has changed, else a comment that keeps the connection open. */
  beat(): void
  close(): void
}

const LISTENERS_MAX = 32
/** A page that has this much unread is asleep. */
const WAITING_MAX = 4 * 1024 * 1024
const KEEP_ALIVE_BEATS = 15

export function createLiveEvents(starts: Starts): LiveEvents {
  const listeners = new Set<Listener>()
  let lastFlight = '[]'
  let quiet = 0
  const send = (text: string): void => {
    for (const listener of listeners) {
      if (listener.waiting() <= WAITING_MAX) {
        listener.write(text)
        continue
      }
      listeners.delete(listener)
      listener.end()
    }
  }
  const stop = starts.onFinished((trace: Trace) => {
    if (listeners.size > 0) send(eventOf('finished', JSON.stringify(rowOf(trace))))
  })
  return {
    add: (listener) => {
      if (listeners.size >= LISTENERS_MAX) return false
      listeners.add(listener)
      listener.write(eventOf('flight', lastFlight))
      return true
    },
    remove: (listener) => void listeners.delete(listener),
    beat: () => {
      if (listeners.size === 0) return
      const flight = JSON.stringify(starts.inFlight().map(rowOfFlight))
      quiet = flight === lastFlight ? quiet + 1 : 0
      if (quiet === 0) send(eventOf('flight', flight))
      else if (quiet % KEEP_ALIVE_BEATS === 0) send(': still here\n\n')
      lastFlight = flight
    },
    close: () => {
      stop()
      for (const listener of listeners) listener.end()
      listeners.clear()
    },
  }
}

/** JSON holds no line end, so that one line of data is the whole event. */
const eventOf = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`
