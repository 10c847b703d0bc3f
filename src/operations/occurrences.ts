// Owns the putting in order of one container's facts: which occurrence came when, by its kubelet's record.
// Promises a total order for any set of facts. Does not say which run an occurrence belongs to: container-history.ts does.

import type { Stamp } from '../base/stamp.ts'
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
  const anchored: Occurrence[] = []
  const loose: Fact[] = []
  for (const fact of facts) {
    const key = fineKey(fact) ?? heardKey(fact)
    if (key === undefined) loose.push(fact)
    else anchored.push({ fact, key })
  }
  return [...anchored, ...loose.map((fact) => ({ fact, key: looseKey(fact, anchored) }))].sort((a, b) =>
    a.key < b.key ? -1 : a.key > b.key ? 1 : placeOf(a.fact) - placeOf(b.fact),
  )
}

const fineKey = ({ stamps }: Fact): UnixNano | undefined =>
  stamps.find(({ source }) => source === 'event-name' || source === 'event-time')?.at

const receiptOf = ({ stamps }: Fact): Stamp | undefined => stamps.find(({ clock }) => clock === 'observer')
const secondOf = ({ stamps }: Fact): Stamp | undefined =>
  stamps.find(({ resolution }) => resolution === SECOND)

const LAST_IN_SECOND = durationNano(SECOND - 1n)
const endOf = (second: Stamp): UnixNano => (second.at + LAST_IN_SECOND) as UnixNano

/** A whole second of which we heard live lies where we heard of it. */
function heardKey(fact: Fact): UnixNano | undefined {
  const [receipt, second] = [receiptOf(fact), secondOf(fact)]
  if (!second) return receipt?.at ?? (0n as UnixNano)
  if (!receipt || receipt.source === 'list-receipt' || receipt.at > endOf(second)) return undefined
  return latest(receipt.at, second.at)
}

/** One that only a list told of lies at its second's end, but before what of that second must come after it. */
function looseKey(fact: Fact, anchored: readonly Occurrence[]): UnixNano {
  const second = secondOf(fact)
  if (!second) return 0n as UnixNano
  const [end, place] = [endOf(second), placeOf(fact)]
  const after = anchored.filter(
    ({ fact: other, key }) => key >= second.at && key <= end && placeOf(other) > place,
  )
  return after.reduce((key, other) => (other.key <= key ? ((other.key - 1n) as UnixNano) : key), end)
}
