// Owns the putting in order of one container's facts: which occurrence came when, by its kubelet's record.
// Promises a total order for any set of facts. Does not say which run an occurrence belongs to: container-history.ts does.

import type { UnixNano } from '../base/time.ts'
import { durationNano, SECOND } from '../base/time.ts'
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

export function inOrder(facts: readonly Fact[]): Occurrence[] {
  return facts
    .map((fact) => ({ fact, key: keyOf(fact) }))
    .sort((a, b) =>
      a.key < b.key ? -1 : a.key > b.key ? 1 : (PLACE[a.fact.what] ?? 9) - (PLACE[b.fact.what] ?? 9),
    )
}

const LAST_IN_SECOND = durationNano(SECOND - 1n)

/** A fine stamp as it is; a whole second is placed within itself by when we heard of it. */
function keyOf(fact: Fact): UnixNano {
  const fine = fact.stamps.find(({ source }) => source === 'event-name' || source === 'event-time')
  if (fine) return fine.at
  const receipt = fact.stamps.find(({ clock }) => clock === 'observer')
  const second = fact.stamps.find(({ resolution }) => resolution === SECOND)
  if (!second) return receipt?.at ?? (0n as UnixNano)
  const end = (second.at + LAST_IN_SECOND) as UnixNano
  if (!receipt || receipt.at > end) return end
  return receipt.at > second.at ? receipt.at : second.at
}
