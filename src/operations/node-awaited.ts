// Owns whether a pod waited for a node that was not there, or not ready, when the pod was.
// Promises yes only where it is sure: less evidence may lose the wait, and never makes one up.
// Does not say how long it took: node-boundaries.ts does.

import { durationNano, fromSeconds, SECOND, type UnixNano } from '../base/time.ts'
import { combine, type Draft } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Related } from '../timeline/related.ts'
import { type Facts, factsOf, type Milestones } from './milestones.ts'
import type { Bid } from './bid.ts'
import { factOf, nodeRecordOf, readyOf, stepOf, usableOf } from './node-boundaries.ts'

/** Longer than any autoscaler waits for a node: one that is older and not ready has broken, and is not being made. */
const YOUNG = durationNano(SECOND * 1800n)

/** Between which moments the pod became one that could be placed. */
interface Since {
  readonly best: UnixNano
  readonly latest: UnixNano
}

function sinceOf(draft: Draft): Since | undefined {
  const { best, latest } = draft
  return best === undefined ? undefined : { best, latest: latest ?? best }
}

export function isAwaited(bid: Bid, facts: Facts, milestones: Milestones): boolean {
  const since = sinceOf(milestones.ungated ?? milestones.created)
  if (!since) return false
  if (bid.node?.record) return isNodeAwaited(bid, bid.node, since, facts, milestones)
  const initialized = stepOf(bid.claim, 'Initialized', facts.clocks)
  if (initialized?.latest !== undefined && initialized.latest <= since.best) return false
  return bid.told.length > 0 || isAfter(factOf(bid.claim, 'created'), since.latest, facts)
}

function isNodeAwaited(bid: Bid, node: Related, since: Since, facts: Facts, milestones: Milestones): boolean {
  if (!isYoung(node, since.best)) return false
  const { ungated, bound } = milestones
  if (isAfter(factOf(node, 'created'), since.latest, facts)) return true
  if (!ungated && isYounger(node, facts)) return true
  if (hasBroken(node)) return false
  const usable = usableOf(bid, bound, facts)
  if (usable?.latest !== undefined && usable.latest <= since.best) return false
  // A node that was there already may have been tolerated as it was: a DaemonSet's pods are.
  if (!wasRefused(bid, facts)) return false
  // A taint that a list shows of a node which was Ready may have been set at any time.
  if (!bid.claim && bid.told.length === 0 && wasListedReady(node, since.best, facts)) return false
  if (usable?.earliest !== undefined || usable?.likely !== undefined) return startsAfter(usable, since.latest)
  return isReadyAfter(node, since.latest, facts) ?? bound === undefined
}

function isYoung(node: Related, since: UnixNano): boolean {
  const createdSeconds = nodeRecordOf(node)?.createdSeconds
  return createdSeconds !== undefined && since - fromSeconds(createdSeconds) <= YOUNG
}

/** A kubelet registers its node as not Ready; a turn to that later on is from Ready, seen or not. */
function hasBroken(node: Related): boolean {
  const createdSeconds = nodeRecordOf(node)?.createdSeconds ?? 0
  return [...node.facts.values()].some(
    ({ what, detail, index }) =>
      what === 'condition' &&
      detail?.type === 'Ready' &&
      detail.value !== 'True' &&
      index > createdSeconds + REGISTERING_SECONDS,
  )
}

/** Between the kubelet's stamp of the condition and the API server's of the node, by two clocks. */
const REGISTERING_SECONDS = 5

/** By the API server's own stamps, of which the pod's is the older by a second at least. */
function isYounger(node: Related, { pod }: Facts): boolean {
  const [ours, its] = [pod.createdSeconds, nodeRecordOf(node)?.createdSeconds]
  return ours !== undefined && its !== undefined && its > ours
}

const wasRefused = ({ told }: Bid, facts: Facts): boolean =>
  told.length > 0 || factsOf(facts, 'scheduling failed').length > 0 || isUnscheduled(facts)

const isUnscheduled = (facts: Facts): boolean =>
  factsOf(facts, 'condition').some(
    ({ detail }) => detail?.type === 'PodScheduled' && detail.value === 'False',
  )

function wasListedReady(node: Related, since: UnixNano, { clocks }: Facts): boolean {
  const isSeen = factOf(node, 'created')?.stamps.some(({ source }) => source === 'watch-receipt') ?? false
  const latest = readyOf(node, clocks)?.latest
  return !isSeen && latest !== undefined && latest <= since
}

/** A second Ready is a recovery. Undefined where there was none. */
function isReadyAfter(node: Related, since: UnixNano, { clocks }: Facts): boolean | undefined {
  const turns = [...node.facts.values()].filter(
    ({ what, detail }) => what === 'condition' && detail?.type === 'Ready' && detail.value === 'True',
  )
  const ready = readyOf(node, clocks)
  return ready && turns.length === 1 && startsAfter(ready, since)
}

const isAfter = (fact: Fact | undefined, since: UnixNano, { clocks }: Facts): boolean =>
  fact !== undefined && startsAfter(combine('created', fact.stamps, clocks), since)

const startsAfter = ({ earliest, likely }: Draft, since: UnixNano): boolean =>
  (earliest !== undefined && earliest > since) || (likely !== undefined && likely > since)

/** Whether the pod's node was not Ready yet when the pod was created; undefined where the node may not be seen. */
export function isOnNewNode(facts: Facts, { created }: Milestones): boolean | undefined {
  const { nodeName } = facts.pod
  const node = nodeName === undefined ? undefined : facts.surroundings.related('nodes', '', nodeName)
  const since = sinceOf(created)
  if (!since || !node?.record) return undefined
  const isNewer = isYounger(node, facts) || isAfter(factOf(node, 'created'), since.latest, facts)
  return isYoung(node, since.best) && (isNewer || (isReadyAfter(node, since.latest, facts) ?? false))
}
