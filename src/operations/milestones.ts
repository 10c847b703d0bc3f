// Owns the boundaries that concern the pod as a whole: created, ungated, bound, network ready, ready, and the end.
// Promises that each is combined once, from all its facts. Does not order them against each other: the rules do.

import type { PodRecord } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import { add, type DurationNano, milliseconds, minus, seconds, type UnixNano, ZERO } from '../base/time.ts'
import type { What } from '../observe/observation.ts'
import { type Clocks, combine, type Draft, unseen } from '../timeline/combine.ts'
import { readFacts } from '../timeline/fact-log.ts'
import type { Fact } from '../timeline/facts.ts'
import type { PodTimeline } from '../timeline/pod-timeline.ts'
import type { Surroundings } from '../timeline/related.ts'
import type { Boundary } from '../timeline/weight.ts'
import { findEvidence, type NativeEvidence, type NativeOfPod, type Write } from './native-evidence.ts'
import { matchVersions, type StoredVersions, withoutNamesakes } from './native-versions.ts'

export type Ending = 'ready' | 'completed' | 'failed' | 'deleted' | 'timeout' | 'starting'

export interface Facts {
  readonly pod: PodRecord
  readonly clocks: Clocks
  readonly byWhat: ReadonlyMap<What, readonly Fact[]>
  readonly byContainer: ReadonlyMap<string, readonly Fact[]>
  /** Taints that kept the pod off nodes, where its scheduler does not name them. */
  readonly untolerated: readonly string[]
  /** The objects beside the pod. */
  readonly surroundings: Surroundings
  /** What the components' own spans say; undefined where none has come. */
  readonly native: NativeFacts | undefined
}

export interface NativeFacts {
  readonly evidence: NativeEvidence
  readonly stored: StoredVersions
}

export interface Milestones {
  readonly created: Draft
  /** Undefined where the pod had no gates, or has them still. */
  readonly ungated: Draft | undefined
  readonly gates: readonly string[]
  readonly bound: Draft | undefined
  /** Bound by whoever wrote `spec.nodeName` at creation. */
  readonly preset: boolean
  readonly admitted: Draft | undefined
  readonly networkReady: Draft | undefined
  /** Where the pod has readiness gates. */
  readonly containersReady: Draft | undefined
  readonly readyOnNode: Draft | undefined
  readonly readyStored: Draft | undefined
  /** Only a list showed Ready, whose stamps are of its last turn: the first is bounded from above. */
  readonly isListed: boolean
  /** The receipt that showed Ready, to see which container made it so. */
  readonly readyReceipt: Stamp | undefined
}

export function sortFacts(
  timeline: PodTimeline,
  clocks: Clocks,
  surroundings: Surroundings,
  native?: NativeOfPod,
): Facts {
  const byWhat = new Map<What, Fact[]>()
  const byContainer = new Map<string, Fact[]>()
  for (const fact of readFacts(timeline.facts, timeline.pod)) {
    append(byWhat, fact.what, fact)
    if (fact.container !== undefined) append(byContainer, fact.container, fact)
  }
  const found = native && nativeFacts(native, clocks)
  const { pod, untolerated } = timeline
  return { pod, untolerated, clocks, byWhat, byContainer, surroundings, native: found }
}

function nativeFacts(native: NativeOfPod, clocks: Clocks): NativeFacts {
  const found = findEvidence(native)
  const writes = withoutNamesakes(native, found.writes, clocks)
  return { evidence: { ...found, writes }, stored: matchVersions(native, writes, clocks) }
}

function append<K>(lists: Map<K, Fact[]>, key: K, fact: Fact): void {
  const list = lists.get(key)
  if (list) list.push(fact)
  else lists.set(key, [fact])
}

export const factsOf = (facts: Facts, what: What): readonly Fact[] => facts.byWhat.get(what) ?? []

/** The earliest True of a condition, by when it was shown. */
export function firstTrue(facts: Facts, type: string): Fact | undefined {
  let first: Fact | undefined
  for (const what of CONDITIONS) {
    for (const fact of factsOf(facts, what)) {
      if (fact.detail?.type !== type || fact.detail.value !== 'True') continue
      if (!first || shownAt(fact) < shownAt(first)) first = fact
    }
  }
  return first
}

/** The True of a condition that held when the pod became Ready, or holds as yet: it may have turned back before. */
export function trueAtLast(facts: Facts, type: string, readyReceipt: UnixNano | undefined): Fact | undefined {
  let last: Fact | undefined
  for (const fact of factsOf(facts, 'condition')) {
    if (fact.detail?.type !== type || (readyReceipt !== undefined && shownAt(fact) > readyReceipt)) continue
    if (!last || shownAt(fact) >= shownAt(last)) last = fact
  }
  return last?.detail?.value === 'True' ? last : undefined
}

const CONDITIONS = ['condition', 'network ready'] as const

const shownAt = ({ stamps }: Fact): UnixNano =>
  stamps.find(({ clock }) => clock === 'observer')?.at ?? (0n as UnixNano)

export function findMilestones(facts: Facts): Milestones {
  const { pod } = facts
  const gates = factsOf(facts, 'gated').map(({ detail }) => detail?.value ?? '')
  const bindings = factsOf(facts, 'bound')
  const ready = firstTrue(facts, 'Ready')
  const readyReceipt = ready?.stamps.find(({ clock }) => clock === 'observer')
  const taken = takenIn(facts)
  return {
    created: combineAll(facts, 'created', factsOf(facts, 'created'), writesOf(facts, 'create')) ?? unseen(),
    gates,
    ungated: combineAll(facts, 'ungated', factsOf(facts, 'ungated')),
    bound: pod.nodeName ? combineAll(facts, 'bound', bindings, writesOf(facts, 'bind')) : undefined,
    preset: isPreset(pod, bindings),
    admitted: combineAll(facts, 'admitted', factsOf(facts, 'admitted').slice(0, 1), taken ? [taken] : NONE),
    networkReady: combineOne(facts, 'network ready', firstTrue(facts, 'PodReadyToStartContainers')),
    containersReady: pod.readinessGates?.length
      ? onNode(facts, trueAtLast(facts, 'ContainersReady', readyReceipt?.at))
      : undefined,
    readyOnNode: onNode(facts, ready),
    readyStored: combineAll(facts, isLive(ready) ? 'ready stored' : 'ready listed', ready ? [ready] : []),
    isListed: ready !== undefined && !isLive(ready),
    readyReceipt,
  }
}

const onNode = (facts: Facts, fact: Fact | undefined): Draft | undefined =>
  combineOne(facts, isLive(fact) ? 'ready on node' : 'ready on node listed', fact)

const isLive = (fact: Fact | undefined): boolean =>
  fact?.stamps.some(({ source }) => source === 'watch-receipt') ?? false

/** A static pod, or one created with a node: nobody scheduled it. */
function isPreset(pod: PodRecord, bindings: readonly Fact[]): boolean {
  if (pod.annotations?.['kubernetes.io/config.mirror'] !== undefined) return true
  return bindings.length === 1 && bindings[0]?.detail?.type === 'preset'
}

const NONE: readonly Stamp[] = []

/** The pass begins a moment before the kubelet takes the pod's start time, in whole seconds. */
const BEFORE_START_TIME = milliseconds(100)

/** Where the kubelet's own start time says otherwise, it is not the first pass: that one was not kept, or not sent. */
function takenIn(facts: Facts): Stamp | undefined {
  const taken = facts.native?.evidence.taken
  const told = factsOf(facts, 'admitted')[0]?.stamps.find(({ clock }) => clock === taken?.clock)
  if (!taken || !told) return taken
  const isFirst =
    taken.at >= add(told.at, minus(BEFORE_START_TIME)) && taken.at < add(told.at, told.resolution)
  return isFirst ? taken : undefined
}

/** A mirror is written when its pod runs already. */
function writesOf({ native, pod }: Facts, kind: Write['kind']): readonly Stamp[] {
  if (!native || pod.annotations?.['kubernetes.io/config.mirror'] !== undefined) return NONE
  return native.evidence.writes.flatMap((write) => (write.kind === kind ? [write.stored] : []))
}

/** What was stored, by its stamps and by the write that the watch's receipt is of; `writes`: those that may be it by what they are. */
function combineAll(
  facts: Facts,
  boundary: Boundary,
  found: readonly Fact[],
  writes: readonly Stamp[] = NONE,
): Draft | undefined {
  if (found.length === 0) return undefined
  const [only] = found
  const stamps = only && found.length === 1 && !facts.native ? only.stamps : stampsOf(facts, found)
  const draft = combine(boundary, stamps, facts.clocks)
  const write = writes.findLast((one) => fits(combine(boundary, [one], facts.clocks), draft))
  return write ? combine(boundary, [...stamps, write], facts.clocks) : draft
}

function stampsOf(facts: Facts, found: readonly Fact[]): Stamp[] {
  const stamps: Stamp[] = []
  for (const fact of found) stamps.push(...fact.stamps, ...storedOf(facts, fact))
  return stamps
}

/** Within it, or so little outside that the watch was later than it usually is. The name may have been another pod's, before or after. */
const OUTSIDE = seconds(1)

function fits({ earliest, latest }: Draft, within: Draft): boolean {
  const isTooEarly =
    latest !== undefined && within.earliest !== undefined && add(latest, OUTSIDE) < within.earliest
  const isTooLate =
    earliest !== undefined && within.latest !== undefined && earliest > add(within.latest, OUTSIDE)
  return !isTooEarly && !isTooLate
}

function storedOf({ native }: Facts, { stamps }: Fact): readonly Stamp[] {
  if (!native) return NONE
  const receipt = stamps.find(({ source }) => source === 'watch-receipt')
  const stored = receipt && native.stored.get(receipt.at)
  return stored ? [stored] : NONE
}

const combineOne = (facts: Facts, boundary: Boundary, fact: Fact | undefined): Draft | undefined =>
  fact && combine(boundary, fact.stamps, facts.clocks)

/** When the start ended, for the root. `now` is the time of asking, by our clock. */
export function findEnd(
  facts: Facts,
  milestones: Milestones,
  ending: Ending,
  now: UnixNano,
  startTimeout: DurationNano,
): Draft {
  const found = endDraft(facts, milestones, ending)
  if (found) return found
  const created = milestones.created.best ?? now
  return at(ending === 'timeout' ? add(created, startTimeout) : now)
}

function endDraft(facts: Facts, milestones: Milestones, ending: Ending): Draft | undefined {
  if (ending === 'ready') return milestones.readyStored
  if (ending === 'completed') return combineAll(facts, 'phase', phaseFacts(facts, 'Succeeded'))
  if (ending === 'failed') return combineAll(facts, 'phase', phaseFacts(facts, 'Failed'))
  if (ending !== 'deleted') return undefined
  const asked = factsOf(facts, 'deleting')
  return combineAll(facts, 'deleting', asked.length > 0 ? asked : factsOf(facts, 'deleted'))
}

const phaseFacts = (facts: Facts, phase: string): readonly Fact[] =>
  factsOf(facts, 'phase').filter(({ detail }) => detail?.value === phase)

/** A boundary that we ourselves set, such as a timeout. */
export const at = (moment: UnixNano): Draft => ({
  earliest: moment,
  latest: moment,
  likely: undefined,
  best: moment,
  rank: 0,
  source: 'order',
  stamps: [],
  conflict: false,
  clamped: false,
  shifted: ZERO,
})
