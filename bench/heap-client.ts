// Owns one measurement of retained memory, in a process of its own.
// Promises that what is measured is reachable while it is measured, and nothing else of the frames is.
// Does not time anything.

import { addOrUpdateObject, type KubernetesObject } from '@kubernetes/client-node'
import type { ObjectFrame } from '../src/base/frame.ts'
import { SECOND, seconds, type UnixNano, unixNano } from '../src/base/time.ts'
import { KnownObjects } from '../src/kube/known-objects.ts'
import { createPipeline } from '../src/trace/pipeline.ts'
import { retainedBytes } from './cpu.ts'
import { finalTick, playStarts } from './frames.ts'
import { STEPS } from './start.ts'
import { identityOf, patch, watchTemplate } from './template.ts'

export type Holder = 'in flight' | 'finished' | 'known to the watch' | 'cached' | 'cached with events'

export interface HeapCommand {
  readonly holder: Holder
  /** Pods that are there before the first measurement. */
  readonly before: number
  readonly pods: number
}

export interface Retained {
  readonly bytes: number
}

/** Takes pods in by number; what it keeps of them is measured. */
type Taker = (from: number, pods: number) => void

/** Pods whose frames are in memory at once. */
const PORTION = 500
/** Few, so that what is remembered per node is at its bound before the measurement. */
const NODES = 20
/** All but the last, which would make the pod Ready. */
const IN_FLIGHT_STEPS = STEPS.length - 1

function portions(
  steps: number,
  take: (frames: readonly ObjectFrame[]) => void,
  revisions: 'numbers' | 'opaque' = 'opaque',
): Taker {
  return (from, pods) => {
    for (let first = from; first < from + pods; first += PORTION) {
      const starts = Math.min(PORTION, from + pods - first)
      take(playStarts({ from: first, starts, startsPerSecond: 1000, steps, nodes: NODES, revisions }))
    }
  }
}

function pipelineTaker(steps: number): Taker {
  const pipeline = createPipeline({ startTimeout: seconds(1e6) })
  return portions(steps, (frames) => {
    for (const frame of frames) pipeline.push(frame)
    if (steps === STEPS.length) pipeline.push(finalTick(frames.at(-1)?.t ?? unixNano(0n)))
  })
}

function knownTaker(): Taker {
  const known = new KnownObjects()
  const take = (frames: readonly ObjectFrame[]): void => {
    for (const { record } of frames) known.observe('ADDED', record)
  }
  return portions(1, take, 'numbers')
}

/** What an informer's callback gets, put where an informer puts it. */
function cacheTaker(withEvents: boolean): Taker {
  const caches = { pods: new Map(), events: new Map() }
  const templates = STEPS.map((step) => watchTemplate(step, 'json'))
  return (from, pods) => {
    for (let number = from; number < from + pods; number++) {
      STEPS.forEach(({ stream }, step) => {
        const template = templates[step]
        if (!template || (stream === 'events' ? !withEvents : step !== IN_FLIGHT_STEPS - 1)) return
        const text = patch(template, 'json', identityOf(number, step, number), momentOf).toString('utf8')
        const { object } = JSON.parse(text) as { object: KubernetesObject }
        addOrUpdateObject(caches[stream], object, [], [])
      })
    }
  }
}

/** Steps are a microsecond apart, so that a pod's events have different names. */
const momentOf = (step: number): UnixNano => unixNano(1_795_367_200n * SECOND + BigInt(step) * 1000n)

const TAKERS: Readonly<Record<Holder, () => Taker>> = {
  'in flight': () => pipelineTaker(IN_FLIGHT_STEPS),
  finished: () => pipelineTaker(STEPS.length),
  'known to the watch': knownTaker,
  cached: () => cacheTaker(false),
  'cached with events': () => cacheTaker(true),
}

process.on('disconnect', () => process.exit(0))
process.once('message', (message) => {
  const { holder, before, pods } = message as HeapCommand
  const take = TAKERS[holder]()
  take(1, before)
  const begun = retainedBytes()
  take(1 + before, pods)
  const retained: Retained = { bytes: retainedBytes() - begun }
  process.send?.({ retained })
  // Called once more, so that what it keeps is reachable until here.
  take(1, 1)
})
