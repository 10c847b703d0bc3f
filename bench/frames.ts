// Owns frames in memory for benches without a network: many starts, played in their own time, as the protobuf decoder gives them.
// Promises frames in the order of time and records that share nothing but what the decoder itself shares.
// Does not know what is measured with them.

import type { Frame, ObjectFrame } from '../src/base/frame.ts'
import { add, milliseconds, type UnixNano, unixNano } from '../src/base/time.ts'
import { decodeWatchFrame } from '../src/decode/protobuf.ts'
import { knownResource } from '../src/decode/resources.ts'
import { stampBefore, type StartIdentity, STEPS } from './start.ts'
import { identityOf, patch, type Template, watchTemplate } from './template.ts'

export interface PlayOptions {
  readonly from: number
  readonly starts: number
  readonly startsPerSecond: number
  /** Steps of each start; fewer than all leave the pods in flight. */
  readonly steps?: number
  readonly nodes?: number
  /** `opaque` ones are no numbers, so that the bounded model of revisions stays empty. */
  readonly revisions?: 'numbers' | 'opaque'
}

/** Midday of the recordings' day; the middle asks no clock, so any will do. */
const BEGIN = unixNano(1_795_367_200_000_000_000n)
const RESOURCES = { pods: knownResource('pods'), events: knownResource('events') }

let templates: readonly Template[] | undefined

export function playStarts(options: PlayOptions): ObjectFrame[] {
  const steps = STEPS.slice(0, options.steps ?? STEPS.length)
  const places: { readonly number: number; readonly step: number; readonly ms: number }[] = []
  for (let index = 0; index < options.starts; index++) {
    const createdMs = (index * 1000) / options.startsPerSecond
    for (let step = 0; step < steps.length; step++)
      places.push({ number: options.from + index, step, ms: createdMs + (steps[step]?.offsetMs ?? 0) })
  }
  places.sort((a, b) => a.ms - b.ms)
  return places.map(({ number, step }, place) =>
    frameOf(identityAt(number, step, place, options), step, createdAt(number, options)),
  )
}

function identityAt(number: number, step: number, place: number, options: PlayOptions): StartIdentity {
  const { from, nodes, revisions } = options
  const identity = identityOf(number, step, from * STEPS.length + place, nodes)
  return revisions === 'opaque'
    ? { ...identity, resourceVersion: identity.resourceVersion.replace('1', 'r') }
    : identity
}

const createdAt = (number: number, { startsPerSecond }: PlayOptions): UnixNano =>
  add(BEGIN, milliseconds((number * 1000) / startsPerSecond))

/** One frame of one start; `created` is when its first one is received. */
function frameOf(identity: StartIdentity, step: number, created: UnixNano): ObjectFrame {
  templates ??= STEPS.map((each) => watchTemplate(each, 'protobuf'))
  const [template, { stream = 'pods', type = 'ADDED' } = {}] = [templates[step], STEPS[step]]
  if (!template) throw new Error(`a start has no step ${step}`)
  const receivedAt = (at: number): UnixNano => add(created, milliseconds(STEPS[at]?.offsetMs ?? 0))
  const bytes = patch(template, 'protobuf', identity, (at) => stampBefore(receivedAt(at)))
  const item = decodeWatchFrame(RESOURCES[stream], bytes, 4, bytes.length)
  if (item.kind !== 'object') throw new Error(`step ${step} was decoded to ${JSON.stringify(item)}`)
  return {
    kind: type === 'ADDED' ? 'added' : 'modified',
    t: receivedAt(step),
    source: stream,
    phase: 'live',
    record: item.record,
  }
}

export const finalTick = (t: UnixNano): Frame => ({ kind: 'tick', t, final: true })
