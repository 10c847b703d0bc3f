// Owns what the recordings of a real cluster say about starts: how long each stage takes, how late events are, which shapes there are.
// Promises figures that anybody can measure again from test/recordings. Does not generate: life.ts and shapes.ts do.

import { basename } from 'node:path'
import type { Frame } from '../../../src/base/frame.ts'
import { durationNano, toMilliseconds } from '../../../src/base/time.ts'
import { eventNameTime } from '../../../src/observe/event-name.ts'
import { createPipeline } from '../../../src/trace/pipeline.ts'
import type { Span, Trace } from '../../../src/trace/trace.ts'
import { judgeRecording, RECORDINGS, recordingsIn } from '../../accuracy/offline.ts'
import { framesOf, recordingLines, recordings } from '../../support/frames.ts'

/** Every twentieth of a distribution, in ms, from the least to the greatest. */
export type Quantiles = readonly number[]

export interface Distributions {
  readonly starts: number
  readonly stages: Readonly<Record<string, Quantiles>>
  /** How many starts were of each shape: init containers, containers, pulls, how it ended. */
  readonly shapes: Readonly<Record<string, number>>
  readonly versionsPerPod: Quantiles
  readonly eventsPerPod: Quantiles
  readonly podBytes: Quantiles
  readonly eventBytes: Quantiles
  /** Of containers that ran: of how many no event tells the start. */
  readonly eventsLost: number
  /** Of events: how many tell of more than one occurrence. */
  readonly eventsMerged: number
}

const STAGES: Readonly<Record<string, (span: Span) => boolean>> = {
  schedule: ({ name, events }) => name === 'schedule' && events.length === 0,
  'wait for room': ({ name, events }) => name === 'schedule' && events.length > 0,
  gate: ({ name }) => name === 'wait at scheduling gate',
  sandbox: ({ name, error }) => name === 'prepare pod and create sandbox' && error === undefined,
  pull: ({ name, error }) => name === 'pull image' && error === undefined,
  'failed pull': ({ name, error }) => name === 'pull image' && error !== undefined,
  create: ({ name, error }) => name === 'create container' && error === undefined,
  start: ({ name, error }) => name === 'start container' && error === undefined,
  'init run': ({ name }) => name === 'run init container',
  'startup probe': ({ name }) => name === 'startup probe',
  readiness: ({ name }) => name === 'readiness',
  report: ({ name }) => name === 'report status',
  'back-off': ({ name }) => name === 'back-off',
}

interface Sums {
  readonly stages: Map<string, number[]>
  readonly shapes: Map<string, number>
  readonly versions: Map<string, number>
  readonly events: Map<string, number>
  readonly podBytes: number[]
  readonly eventBytes: number[]
  started: number
  told: number
  merged: Set<string>
  all: Set<string>
}

export async function measureRecordings(): Promise<Distributions> {
  const sums: Sums = {
    stages: new Map(),
    shapes: new Map(),
    versions: new Map(),
    events: new Map(),
    podBytes: [],
    eventBytes: [],
    started: 0,
    told: 0,
    merged: new Set(),
    all: new Set(),
  }
  let starts = 0
  for (const name of recordings().filter((one) => !basename(one).startsWith('documented-'))) {
    countBytes(sums, name)
    const pipeline = createPipeline()
    for (const frame of await framesOf(name)) {
      countFrame(sums, frame)
      for (const trace of pipeline.push(frame)) {
        starts += 1
        countTrace(sums, trace)
      }
    }
  }
  await countLags(sums)
  return {
    starts,
    stages: Object.fromEntries([...sums.stages].map(([name, values]) => [name, quantilesOf(values)])),
    shapes: Object.fromEntries([...sums.shapes].toSorted((a, b) => b[1] - a[1])),
    versionsPerPod: quantilesOf([...sums.versions.values()]),
    eventsPerPod: quantilesOf([...sums.events.values()]),
    podBytes: quantilesOf(sums.podBytes),
    eventBytes: quantilesOf(sums.eventBytes),
    eventsLost: share(sums.started - sums.told, sums.started),
    eventsMerged: share(sums.merged.size, sums.all.size),
  }
}

const share = (part: number, whole: number): number => Math.round((1000 * part) / Math.max(1, whole)) / 1000
const round = (value: number): number => Math.round(value * 100) / 100

function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b)
  return Array.from({ length: 21 }, (_, n) => round(sorted[Math.round((n / 20) * (sorted.length - 1))] ?? 0))
}

function note(sums: Sums, stage: string, ms: number): void {
  sums.stages.set(stage, [...(sums.stages.get(stage) ?? []), ms])
}

/** As JSON, redacted: without environment, arguments and the values of annotations. */
function countBytes({ eventBytes, podBytes }: Sums, name: string): void {
  for (const line of recordingLines(name).slice(1)) {
    const { object, resource } = JSON.parse(line) as { resource: string; object: object }
    const bytes = resource === 'pods' ? podBytes : resource === 'events' ? eventBytes : undefined
    if ('spec' in object || resource === 'events') bytes?.push(JSON.stringify(object).length)
  }
}

function countFrame(sums: Sums, frame: Frame): void {
  if (!('record' in frame) || frame.kind === 'deleted') return
  const { record } = frame
  if (record.resource === 'pods') {
    sums.versions.set(record.uid, (sums.versions.get(record.uid) ?? 0) + 1)
  }
  if (record.resource !== 'events' || record.involved.kind !== 'Pod') return
  const pod = record.involved.uid ?? ''
  sums.all.add(record.uid)
  if ((record.count ?? 1) > 1) sums.merged.add(record.uid)
  if (frame.kind !== 'added') return
  sums.events.set(pod, (sums.events.get(pod) ?? 0) + 1)
  const recordedAt = eventNameTime(record)
  if (recordedAt !== undefined && frame.phase === 'live')
    note(sums, 'event delay', Math.max(0, toMilliseconds(durationNano(frame.t - recordedAt))))
}

function countTrace(sums: Sums, { outcome, spans }: Trace): void {
  for (const span of spans)
    for (const [stage, is] of Object.entries(STAGES))
      if (is(span) && span.attributes['podspan.open'] !== true)
        note(sums, stage, Math.max(0, toMilliseconds(durationNano(span.end.best - span.start.best))))
  const named = (name: string): Span[] => spans.filter((span) => span.name === name)
  const inits = new Set(named('run init container').map(({ subject }) => subject)).size
  const containers = new Set(named('start container').map(({ subject }) => subject)).size - inits
  const pulls = named('pull image').length
  const shape = `${inits} init, ${Math.max(0, containers)} containers, ${pulls} pulls, ${outcome}`
  sums.shapes.set(shape, (sums.shapes.get(shape) ?? 0) + 1)
  for (const { end } of named('start container')) {
    sums.started += 1
    if (end.stamps.some(({ source }) => source === 'event-name')) sums.told += 1
  }
}

const LAGS: Readonly<Record<string, string>> = {
  'container created': 'lag of Created',
  'container started': 'lag of Started',
  'pull ended': 'lag of Pulled',
}

/** How long after what it reports an event was recorded, by the components' own spans. */
async function countLags(sums: Sums): Promise<void> {
  for (const name of recordingsIn(RECORDINGS))
    for (const { boundary, instant, truth } of (await judgeRecording(RECORDINGS, name)).comparisons) {
      const stamp = instant.stamps.find(({ source }) => source === 'event-name')
      const stage = LAGS[boundary]
      if (stage !== undefined && stamp)
        note(sums, stage, Math.max(0, toMilliseconds(durationNano(stamp.at - truth.to))))
    }
}
