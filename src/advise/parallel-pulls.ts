// Owns the advice that a kubelet should pull images at once (serializeImagePulls: false) instead of one after the other.
// Promises a range from pulls that share one full link to pulls that do not slow each other; what waited behind pulls that no trace shows
// shares the link with them too. Does not say where between the two a node lies: nothing recorded tells.

import { milliseconds, toMilliseconds, type DurationNano } from '../base/time.ts'
import { type Counterfactual, type CutRange, oneCut } from './advice.ts'
import { type NodePull, pullAllAtOnce } from './node-pulls.ts'
import type { Start, Step } from './start.ts'

/** Nodes hardly pull more than this in the time that traces are held for; beyond it a node's later pulls are left as they were. */
const PULLS_MAX = 2000

interface Known {
  readonly start: Start
  readonly step: Step
  readonly pull: NodePull
}

export function findParallelPulls(starts: readonly Start[], all: readonly Start[]): Counterfactual[] {
  const waiting = starts.filter(({ steps }) => steps.some(isWaiting))
  if (waiting.length === 0) return []
  const nodes = new Set(waiting.map(({ node }) => node))
  const mine = new Set(starts)
  const cuts = new Map<Start, CutRange>()
  for (const node of nodes) {
    const known = pullsOf(all.filter((start) => start.node === node))
    for (const [start, range] of cutsOn(known)) if (mine.has(start)) cuts.set(start, range)
  }
  return [
    {
      kind: 'parallel pulls',
      span: 'wait for pull slot',
      from: 'serializeImagePulls true',
      to: 'serializeImagePulls false',
      change: 'kubelet serializeImagePulls true → false',
      note: `${waiting.length} of ${starts.length} starts waited for another pull`,
      cuts,
    },
  ]
}

const waitOf = ({ name, parts }: Step): Step | undefined =>
  name === 'pull image' ? parts.find((part) => part.name === 'wait for pull slot') : undefined

/** Shorter waits are the kubelet looking for credentials, and no queue. */
function isWaiting(step: Step): boolean {
  const wait = waitOf(step)
  return wait !== undefined && ms(wait.end.best - wait.start.best) >= WAIT_MIN_MS
}

const WAIT_MIN_MS = 100

function pullsOf(starts: readonly Start[]): Known[] {
  const known = starts.flatMap((start) =>
    start.steps
      .filter((step) => step.name === 'pull image' && !step.open && !step.failed)
      .map((step) => ({ start, step, pull: pullOf(step) })),
  )
  return known.sort((a, b) => a.pull.requested - b.pull.requested).slice(0, PULLS_MAX)
}

function pullOf(step: Step): NodePull {
  const wait = waitOf(step)
  const transfer = wait ? wait.end.best : step.start.best
  const image = step.attributes['container.image.name']
  return {
    image: typeof image === 'string' ? image : (step.subject ?? ''),
    requested: ms(step.start.best),
    work: ms(step.end.best - transfer),
    ended: ms(step.end.best),
  }
}

const ms = (at: bigint): number => toMilliseconds(at as DurationNano)

/** Both ends for every start of a node; a start with more than one pull of it gets the cuts of all. */
function cutsOn(known: readonly Known[]): Map<Start, CutRange> {
  const inTurn = known.map(({ pull }) => pull).sort((a, b) => beganAt(a) - beganAt(b))
  const unseen = known.flatMap(({ pull }) => unseenBefore(pull, inTurn))
  const { alone, shared } = pullAllAtOnce([...known.map(({ pull }) => pull), ...unseen])
  const cuts = new Map<Start, CutRange>()
  known.forEach(({ start, step, pull }, index) => {
    const before = cuts.get(start)
    const low = milliseconds(pull.ended - (shared[index] ?? pull.ended))
    const high = milliseconds(pull.ended - (alone[index] ?? pull.ended))
    const rests = before?.step ?? waitOf(step)
    cuts.set(start, {
      low: new Map([...(before?.low ?? []), ...oneCut(step, low)]),
      likely: undefined,
      high: new Map([...(before?.high ?? []), ...oneCut(step, high)]),
      step: rests ?? step,
    })
  })
  return cuts
}

/** A wait during which none of the pulls we know ran: others did, and would have run beside this one. */
function unseenBefore(pull: NodePull, inTurn: readonly NodePull[]): NodePull[] {
  const began = pull.ended - pull.work
  let covered = pull.requested
  let missing = 0
  for (const other of inTurn) {
    if (other === pull || other.ended <= covered || beganAt(other) >= began) continue
    missing += Math.max(0, beganAt(other) - covered)
    covered = Math.min(began, other.ended)
  }
  missing += Math.max(0, began - covered)
  return missing < WAIT_MIN_MS
    ? []
    : [{ image: '', requested: pull.requested, work: missing, ended: pull.requested + missing }]
}

const beganAt = ({ ended, work }: NodePull): number => ended - work
