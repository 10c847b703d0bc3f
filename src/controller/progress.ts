// Owns how far the pods of each stream have been seen without a hole, and when: resourceVersion by time.
// Promises that whatever the API server stored up to a position of ours has been delivered to us, in one version or a later one.
// Does not know what was done about it: handover.ts does.
//
// Versions of one resource are ordered numbers (KEP-5504), and a live watch delivers in that order, so the last version delivered
// is the position. While a list arrives it comes in no order: then the position stands still until the list is complete. A gap that is
// repaired by a list is followed by frames that are not live; one that is not (a frame that could not be read) by live ones.

import type { Frame } from '../base/frame.ts'
import { add, milliseconds, type UnixNano } from '../base/time.ts'
import { isOlder } from '../timeline/world.ts'

/** By stream: '' for the whole cluster, else the namespace. */
export type Position = Readonly<Record<string, string>>

export interface Progress {
  /** Every frame of a stream of pods, before anything is done with it. */
  see(stream: string, frame: Frame): void
  /** Where we were at that time; a stream that had no position then is not in it. */
  at(t: UnixNano): Position
  /** A version that nothing which has been seen by now can be later than; undefined until something live comes after a list. */
  bound(stream: string): string | undefined
}

interface Stream {
  listing: 'no' | 'perhaps' | 'yes'
  /** A list does not say how far it reaches: what it shows to be gone may have gone after all that it shows. */
  live: boolean
  /** The highest version of the list that is arriving. */
  listed: string
  readonly samples: Sample[]
}

interface Sample {
  /** The first frame of the sample; a new one begins a grain later. */
  readonly since: UnixNano
  readonly t: UnixNano
  readonly version: string
}

/** Several frames of one such span are one sample: a position that is a little old is only more careful. */
const GRAIN = milliseconds(100)
/** Seven minutes of a busy cluster as they are, and hours of it coarser. */
const SAMPLES_MAX = 4096

export function createProgress(): Progress {
  const streams = new Map<string, Stream>()
  return {
    see: (name, frame) => {
      let stream = streams.get(name)
      if (!stream) streams.set(name, (stream = { listing: 'yes', live: false, listed: '', samples: [] }))
      see(stream, frame)
    },
    at: (t) => {
      const found: Record<string, string> = {}
      for (const [name, { samples }] of streams) {
        const sample = samples.findLast((one) => one.t <= t)
        if (sample) found[name] = sample.version
      }
      return found
    },
    bound: (name) => {
      const stream = streams.get(name)
      return stream?.live ? stream.samples.at(-1)?.version : undefined
    },
  }
}

function see(stream: Stream, frame: Frame): void {
  switch (frame.kind) {
    case 'gap':
      stream.listing = 'perhaps'
      stream.live = false
      return
    case 'synced':
      return arrive(stream, frame.t)
    case 'added':
    case 'modified':
    case 'deleted':
      return seeObject(stream, frame)
  }
}

function seeObject(stream: Stream, frame: Extract<Frame, { kind: 'added' | 'modified' | 'deleted' }>): void {
  const version = frame.record.resourceVersion
  if (stream.listed === '' || isOlder(stream.listed, version)) stream.listed = version
  if (stream.listing === 'perhaps' && frame.phase !== 'live') stream.listing = 'yes'
  // Only `synced` ends a list.
  if (stream.listing === 'yes') return
  arrive(stream, frame.t)
  stream.live = true
}

function arrive(stream: Stream, t: UnixNano): void {
  const { listed, samples } = stream
  stream.listing = 'no'
  stream.listed = ''
  if (listed === '') return
  const last = samples.at(-1)
  // Said to be known later than it was, never earlier.
  if (last && t < add(last.since, GRAIN))
    samples[samples.length - 1] = { since: last.since, t, version: listed }
  else samples.push({ since: t, t, version: listed })
  if (samples.length <= SAMPLES_MAX) return
  // The older half gets coarser each time, and the first sample stays: a position that is older than need be only repeats more.
  const thinned = samples.filter((_, n) => n % 2 === 0 || n > SAMPLES_MAX / 2)
  samples.splice(0, samples.length, ...thinned)
}
