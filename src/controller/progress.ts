// Owns how far the pods of each stream have been seen without a hole, and when: resourceVersion by time.
// Promises that whatever the API server stored up to a mark of ours has been delivered to us, in one version or a later one.
// Does not know what was done about it: handover.ts does.
//
// Versions of one resource are ordered numbers (KEP-5504), those of its lists among them. A list reaches as far as its own version
// says, also where it shows nothing; a watch delivers in order, so the last version delivered is the mark. While a list arrives it
// comes in no order: then the mark stands still until the list says its version, or until something live shows that there was none
// (a gap comes also where a single frame could not be read).

import type { Frame } from '../base/frame.ts'
import { isOlder } from '../base/resource-version.ts'
import { add, milliseconds, type UnixNano } from '../base/time.ts'

export interface Mark {
  readonly version: string
  /** By our clock, when the stream had shown that much. */
  readonly at: UnixNano
}

export interface Progress {
  /**
   * Every frame of a stream of pods, before anything is done with it. True where its list is of a lower version than what was seen
   * before: the store was restored from a backup, and no version of before says anything of those to come.
   */
  see(stream: string, frame: Frame): boolean
  /** Where each stream was at that time that has begun by now; undefined: it had no mark yet. */
  at(t: UnixNano): ReadonlyMap<string, Mark | undefined>
  /** A version that nothing which has been seen by now can be later than; undefined while a list arrives. */
  bound(stream: string): string | undefined
}

interface Stream {
  listing: boolean
  readonly samples: Sample[]
}

interface Sample extends Mark {
  /** The first frame of the sample; a new one begins a grain later. */
  readonly since: UnixNano
}

/** Several frames of one such span are one sample: a mark that is a little old is only more careful. */
const GRAIN = milliseconds(100)
/** Seven minutes of a busy cluster as they are, and hours of it coarser. */
const SAMPLES_MAX = 4096

export function createProgress(): Progress {
  const streams = new Map<string, Stream>()
  return {
    see: (name, frame) => {
      let stream = streams.get(name)
      if (!stream) streams.set(name, (stream = { listing: true, samples: [] }))
      return see(stream, frame)
    },
    at: (t) => {
      const found = new Map<string, Mark | undefined>()
      for (const [name, { samples }] of streams) {
        const sample = samples.findLast((one) => one.at <= t)
        found.set(name, sample && { version: sample.version, at: sample.at })
      }
      return found
    },
    bound: (name) => {
      const stream = streams.get(name)
      return stream?.listing === false ? stream.samples.at(-1)?.version : undefined
    },
  }
}

function see(stream: Stream, frame: Frame): boolean {
  switch (frame.kind) {
    case 'gap':
      stream.listing = true
      return false
    case 'synced': {
      const wentBack = frame.version !== undefined && isBehind(stream, frame.version)
      if (wentBack) stream.samples.length = 0
      if (frame.version !== undefined) reach(stream, frame.t, frame.version)
      return wentBack
    }
    case 'added':
    case 'modified':
    case 'deleted':
      if (frame.phase === 'live' || !stream.listing) reach(stream, frame.t, frame.record.resourceVersion)
  }
  return false
}

function isBehind({ samples }: Stream, version: string): boolean {
  const last = samples.at(-1)
  return last !== undefined && isOlder(version, last.version)
}

function reach(stream: Stream, t: UnixNano, version: string): void {
  const { samples } = stream
  stream.listing = false
  const last = samples.at(-1)
  // Said to be known later than it was, never earlier.
  if (last && t < add(last.since, GRAIN)) samples[samples.length - 1] = { since: last.since, at: t, version }
  else samples.push({ since: t, at: t, version })
  if (samples.length <= SAMPLES_MAX) return
  // The older half gets coarser each time, and the first sample stays: a mark that is older than need be only repeats more.
  const thinned = samples.filter((_, n) => n % 2 === 0 || n > SAMPLES_MAX / 2)
  samples.splice(0, samples.length, ...thinned)
}
