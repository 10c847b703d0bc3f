// Owns the putting in order of one container's facts: which occurrence came when, by its kubelet's record.
// Promises a total order for any set of facts. Does not say which run an occurrence belongs to: container-history.ts does.

import type { UnixNano } from '../base/time.ts'
import { durationNano, latest, SECOND } from '../base/time.ts'
import type { What } from '../observe/observation.ts'
import type { Fact } from '../timeline/pod-timeline.ts'

export interface Occurrence {
  readonly fact: Fact
  /** Where it stands among the others, roughly by the node's clock. */
  readonly key: UnixNano
}

/** Events of one run that carry the same second stand in this order. */
const PLACE: Partial<Record<What, number>> = {
  pulling: 0,
  'pull failed': 1,
  pulled: 2,
  'image present': 2,
  'created container': 3,
  'container failed': 4,
  'started container': 5,
  'hook failed': 6,
  'finished container': 7,
  'backing off': 8,
}

const placeOf = ({ what }: Fact): number => PLACE[what] ?? 9

export function inOrder(facts: readonly Fact[]): Occurrence[] {
  const fine: Occurrence[] = []
  const coarse: Fact[] = []
  for (const fact of facts) {
    const key = fineKey(fact)
    if (key === undefined) coarse.push(fact)
    else fine.push({ fact, key })
  }
  return [...fine, ...coarse.map((fact) => ({ fact, key: coarseKey(fact, fine) }))].sort((a, b) =>
    a.key < b.key ? -1 : a.key > b.key ? 1 : placeOf(a.fact) - placeOf(b.fact),
  )
}

const fineKey = ({ stamps }: Fact): UnixNano | undefined =>
  stamps.find(({ source }) => source === 'event-name' || source === 'event-time')?.at

const LAST_IN_SECOND = durationNano(SECOND - 1n)

/** A whole second is placed within itself by when we heard of it live, else before what of that second must come after it. */
function coarseKey(fact: Fact, fine: readonly Occurrence[]): UnixNano {
  const receipt = fact.stamps.find(({ clock }) => clock === 'observer')
  const second = fact.stamps.find(({ resolution }) => resolution === SECOND)
  if (!second) return receipt?.at ?? (0n as UnixNano)
  const end = (second.at + LAST_IN_SECOND) as UnixNano
  if (receipt && receipt.source !== 'list-receipt' && receipt.at <= end) return latest(receipt.at, second.at)
  const place = placeOf(fact)
  const after = fine.filter(
    ({ fact: other, key }) => key >= second.at && key <= end && placeOf(other) > place,
  )
  return after.reduce((key, other) => (other.key <= key ? ((other.key - 1n) as UnixNano) : key), end)
}
