// Owns which of many (workloads, nodes) have series of their own: at most `max`; all others are counted together as `other`.
// Promises that every start is in exactly one of the exposed counts, so that their sum never falls, that no exposed series falls,
// and that rate() never shows a start twice. Time is that of the starts; there is no clock.
//
// The first `max` are admitted as they come, so that a small cluster sees all of its own at once. Then one is admitted in place of another
// only if its starts, halved every so often, are more than twice the other's and one more: to take the place back, the other needs four times
// as many as before, so that places do not flap. That is looked at every ten minutes, and a tenth of the places may change.
//
// An evicted one's series ends and its counts go on in `other`. A counter that jumped by them would look to rate() like starts of now;
// so `other` goes on under a new name (`other`, `other-1`, …), as a series that begins with what it has. Who comes back begins with 0.

export interface Places<Labels, Counts> {
  /** The counts that a start that is over goes into. `now` is in seconds and never goes back. */
  countsOf(labels: Labels, now: number): Counts
  /** The counts that a start in flight is shown in: it takes a place that is free, and counts for nothing when places are given. */
  inFlightOf(labels: Labels): Counts
  /** Those with series of their own, and `other` once there is one. */
  list(): Counts[]
  /** Starts that were counted as `other`. */
  readonly folded: number
  readonly evicted: number
  readonly admitted: number
}

export interface PlacesOptions<Labels, Counts> {
  readonly max: number
  /** After this time a start counts half. */
  readonly halfLifeSeconds: number
  empty(labels: Labels): Counts
  /** Adds what one that is evicted has counted. */
  addAll(into: Counts, from: Counts): void
  /** What `other` is called after it took in evicted ones for the n-th time. */
  otherLabels(generation: number): Labels
}

const REBALANCE_SECONDS = 600
const FACTOR = 2
const MARGIN = 1
/** Those without a place whose starts are counted, per place; at a rebalance half of them stay. */
const CANDIDATES_PER_PLACE = 4
/** Fewer recent starts than this are forgotten. */
const SCORE_MIN = 0.1

/** One that is known, with its recent starts. */
interface Known<Labels, Counts> {
  readonly key: string
  readonly labels: Labels
  score: number
  /** Only while it has a place. */
  counts?: Counts
}

interface State<Labels, Counts> extends PlacesOptions<Labels, Counts> {
  readonly admitted: Map<string, Known<Labels, Counts>>
  readonly candidates: Map<string, Known<Labels, Counts>>
  other: Counts | undefined
  rebalancedAt: number | undefined
  generation: number
  folded: number
  evicted: number
}

export function createPlaces<Labels extends Readonly<Record<string, string>>, Counts>(
  options: PlacesOptions<Labels, Counts>,
): Places<Labels, Counts> {
  const state: State<Labels, Counts> = {
    ...options,
    admitted: new Map(),
    candidates: new Map(),
    other: undefined,
    rebalancedAt: undefined,
    generation: 0,
    folded: 0,
    evicted: 0,
  }
  return {
    countsOf: (labels, now) => countsOf(state, labels, now),
    inFlightOf: (labels) => inFlightOf(state, labels),
    list: () => {
      const all: Counts[] = []
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

const keyOf = (labels: Readonly<Record<string, string>>): string => Object.values(labels).join('/')

function countsOf<Labels extends Readonly<Record<string, string>>, Counts>(
  state: State<Labels, Counts>,
  labels: Labels,
  now: number,
): Counts {
  state.rebalancedAt ??= now
  if (now - state.rebalancedAt >= REBALANCE_SECONDS) rebalance(state, now)
  const key = keyOf(labels)
  const admitted = state.admitted.get(key)
  if (admitted?.counts) {
    admitted.score++
    return admitted.counts
  }
  if (state.admitted.size < state.max) return admit(state, { key, labels, score: 1 })
  noteCandidate(state, key, labels)
  state.folded++
  return otherOf(state)
}

function inFlightOf<Labels extends Readonly<Record<string, string>>, Counts>(
  state: State<Labels, Counts>,
  labels: Labels,
): Counts {
  const key = keyOf(labels)
  const { counts } = state.admitted.get(key) ?? {}
  if (counts) return counts
  if (state.admitted.size < state.max) return admit(state, { key, labels, score: 0 })
  return otherOf(state)
}

function otherOf<Labels, Counts>(state: State<Labels, Counts>): Counts {
  state.other ??= state.empty(state.otherLabels(state.generation))
  return state.other
}

function admit<Labels, Counts>(state: State<Labels, Counts>, known: Known<Labels, Counts>): Counts {
  const counts = state.empty(known.labels)
  known.counts = counts
  state.admitted.set(known.key, known)
  return counts
}

/** One that comes when the list is full has to come again after the next rebalance. */
function noteCandidate<Labels, Counts>(state: State<Labels, Counts>, key: string, labels: Labels): void {
  const candidate = state.candidates.get(key)
  if (candidate) candidate.score++
  else if (state.candidates.size < state.max * CANDIDATES_PER_PLACE) {
    state.candidates.set(key, { key, labels, score: 1 })
  }
}

function rebalance<Labels, Counts>(state: State<Labels, Counts>, now: number): void {
  const faded = 0.5 ** ((now - (state.rebalancedAt ?? now)) / state.halfLifeSeconds)
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

const isAbove = (rising: { score: number } | undefined, falling: { score: number } | undefined): boolean =>
  rising !== undefined && falling !== undefined && rising.score > falling.score * FACTOR + MARGIN

function swap<Labels, Counts>(
  state: State<Labels, Counts>,
  rising: readonly Known<Labels, Counts>[],
  falling: readonly Known<Labels, Counts>[],
): void {
  state.generation++
  const other = state.empty(state.otherLabels(state.generation))
  if (state.other) state.addAll(other, state.other)
  state.other = other
  for (const known of falling) {
    if (known.counts) state.addAll(other, known.counts)
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
function forgetCandidates<Labels, Counts>(
  state: State<Labels, Counts>,
  ranked: readonly Known<Labels, Counts>[],
): void {
  const kept = (state.max * CANDIDATES_PER_PLACE) / 2
  ranked.forEach(({ key, score }, index) => {
    if (index >= kept || score < SCORE_MIN) state.candidates.delete(key)
  })
}
