// Owns which workloads have series of their own: at most `max`; all others are counted together as `other`.
// Promises that every start is in exactly one of the exposed counts, so that their sum never falls, that no exposed series falls,
// and that rate() never shows a start twice. Time is that of the starts; there is no clock.
//
// The first `max` workloads are admitted as they come, so that a small cluster sees all of its own at once. Then a workload is admitted
// in place of another only if its starts, halved every day, are more than twice the other's and one more: to take the place back, the other
// needs four times as many as before, so that places do not flap. That is looked at every ten minutes, and a tenth of the places may change.
//
// An evicted workload's series ends and its counts go on in `other`. A counter that jumped by them would look to rate() like starts of now;
// so `other` goes on under a new kind (`other`, `other-1`, …), as a series that begins with what it has. A workload that comes back begins with 0.

import {
  addAll,
  emptyCounts,
  labelsOf,
  otherLabels,
  type WorkloadCounts,
  type WorkloadLabels,
} from './counts.ts'

export interface Workloads {
  /** The counts that a start of this workload goes into. `now` is in seconds and never goes back. */
  countsOf(namespace: string, workload: string | undefined, now: number): WorkloadCounts
  /** Those with series of their own, and `other` once there is one. */
  list(): WorkloadCounts[]
  /** Starts that were counted as `other`. */
  readonly folded: number
  readonly evicted: number
  readonly admitted: number
}

const REBALANCE_SECONDS = 600
const HALF_LIFE_SECONDS = 86_400
const FACTOR = 2
const MARGIN = 1
/** Workloads without a place whose starts are counted, per place; at a rebalance half of them stay. */
const CANDIDATES_PER_PLACE = 4
/** Fewer recent starts than this are forgotten. */
const SCORE_MIN = 0.1

/** A workload that is known, with its recent starts. */
interface Known {
  readonly key: string
  readonly labels: WorkloadLabels
  score: number
  /** Only while it has a place. */
  counts?: WorkloadCounts
}

interface State {
  readonly max: number
  readonly admitted: Map<string, Known>
  readonly candidates: Map<string, Known>
  other: WorkloadCounts | undefined
  rebalancedAt: number | undefined
  generation: number
  folded: number
  evicted: number
}

export function createWorkloads(max: number): Workloads {
  const state: State = {
    max,
    admitted: new Map(),
    candidates: new Map(),
    other: undefined,
    rebalancedAt: undefined,
    generation: 0,
    folded: 0,
    evicted: 0,
  }
  return {
    countsOf: (namespace, workload, now) => countsOf(state, namespace, workload, now),
    list: () => {
      const all: WorkloadCounts[] = []
      for (const { counts } of state.admitted.values()) if (counts) all.push(counts)
      return state.other ? [...all, state.other] : all
    },
    get folded() {
      return state.folded
    },
    get evicted() {
      return state.evicted
    },
    get admitted() {
      return state.admitted.size
    },
  }
}

function countsOf(
  state: State,
  namespace: string,
  workload: string | undefined,
  now: number,
): WorkloadCounts {
  state.rebalancedAt ??= now
  if (now - state.rebalancedAt >= REBALANCE_SECONDS) rebalance(state, now)
  const labels = labelsOf(namespace, workload)
  const key = `${labels.namespace}/${labels.workload_kind}/${labels.workload}`
  const admitted = state.admitted.get(key)
  if (admitted?.counts) {
    admitted.score++
    return admitted.counts
  }
  if (state.admitted.size < state.max) return admit(state, { key, labels, score: 1 })
  noteCandidate(state, key, labels)
  state.folded++
  state.other ??= emptyCounts(otherLabels(state.generation))
  return state.other
}

function admit(state: State, known: Known): WorkloadCounts {
  const counts = emptyCounts(known.labels)
  known.counts = counts
  state.admitted.set(known.key, known)
  return counts
}

/** One that comes when the list is full has to come again after the next rebalance. */
function noteCandidate(state: State, key: string, labels: WorkloadLabels): void {
  const candidate = state.candidates.get(key)
  if (candidate) candidate.score++
  else if (state.candidates.size < state.max * CANDIDATES_PER_PLACE) {
    state.candidates.set(key, { key, labels, score: 1 })
  }
}

function rebalance(state: State, now: number): void {
  const faded = 0.5 ** ((now - (state.rebalancedAt ?? now)) / HALF_LIFE_SECONDS)
  state.rebalancedAt = now
  for (const known of [...state.admitted.values(), ...state.candidates.values()]) known.score *= faded
  const rising = [...state.candidates.values()].sort((a, b) => b.score - a.score)
  const falling = [...state.admitted.values()].sort((a, b) => a.score - b.score)
  const swapsMax = Math.ceil(state.max / 10)
  let swaps = 0
  while (swaps < swapsMax && isAbove(rising[swaps], falling[swaps])) swaps++
  if (swaps > 0) swap(state, rising.slice(0, swaps), falling.slice(0, swaps))
  forgetCandidates(state, rising.slice(swaps))
}

const isAbove = (rising: Known | undefined, falling: Known | undefined): boolean =>
  rising !== undefined && falling !== undefined && rising.score > falling.score * FACTOR + MARGIN

function swap(state: State, rising: readonly Known[], falling: readonly Known[]): void {
  state.generation++
  const other = emptyCounts(otherLabels(state.generation))
  if (state.other) addAll(other, state.other)
  state.other = other
  for (const known of falling) {
    if (known.counts) addAll(other, known.counts)
    delete known.counts
    state.admitted.delete(known.key)
  }
  for (const known of rising) {
    state.candidates.delete(known.key)
    admit(state, known)
  }
  for (const known of falling) state.candidates.set(known.key, known)
  state.evicted += falling.length
}

/** Makes room for new ones: of those without a place the better half stays, and of them none that is quiet. */
function forgetCandidates(state: State, ranked: readonly Known[]): void {
  const kept = (state.max * CANDIDATES_PER_PLACE) / 2
  ranked.forEach(({ key, score }, index) => {
    if (index >= kept || score < SCORE_MIN) state.candidates.delete(key)
  })
}
