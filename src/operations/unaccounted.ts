// Owns what no operation explains: the gaps in the root, each a span that names its neighbours.
// Promises that operations and gaps together cover the root, but for gaps shorter than a millisecond.

import type { UnixNano } from '../base/time.ts'
import { earliest, latest, MILLISECOND } from '../base/time.ts'
import type { Instant } from '../timeline/instant.ts'
import { type Operation, operation } from './operation.ts'

interface Edge {
  readonly instant: Instant
  readonly label: string
}

/** The gaps between the given operations within the root, in order. */
export function findUnaccounted(
  root: { readonly start: Instant; readonly end: Instant },
  operations: readonly Operation[],
): Operation[] {
  const sorted = [...operations].sort((a, b) =>
    a.start.best < b.start.best ? -1 : a.start.best > b.start.best ? 1 : 0,
  )
  const gaps = new Map<string, Operation>()
  let reached: Edge = { instant: root.start, label: 'start' }
  for (const one of sorted) {
    pushGap(gaps, reached, { instant: one.start, label: labelOf(one) })
    if (one.end.best > reached.instant.best) reached = { instant: one.end, label: labelOf(one) }
  }
  pushGap(gaps, reached, { instant: root.end, label: 'end' })
  return [...gaps.values()]
}

/** Where neighbours of the same names come again, the gap between them is numbered. */
function pushGap(gaps: Map<string, Operation>, from: Edge, to: Edge): void {
  if (to.instant.best - from.instant.best < MILLISECOND) return
  let path = `unaccounted/${from.label}/${to.label}`
  for (let number = 2; gaps.has(path); number++) path = `unaccounted/${from.label}/${to.label}/${number}`
  const gap = operation({
    name: 'unaccounted',
    path,
    actor: 'podspan',
    subject: `${from.label} → ${to.label}`,
    start: from.instant,
    end: to.instant,
    attributes: { 'podspan.unaccounted.after': from.label, 'podspan.unaccounted.before': to.label },
  })
  gaps.set(path, gap)
}

const labelOf = ({ name, container, attempt }: Operation): string =>
  `${name}${container === undefined ? '' : ` ${container}`}${attempt === undefined ? '' : ` #${attempt}`}`

/** The share of the root that is covered by operations whose both boundaries rest on an observation of their own. */
export function explainedRatio(
  root: { readonly start: Instant; readonly end: Instant },
  operations: readonly Operation[],
): number {
  const total = root.end.best - root.start.best
  if (total <= 0n) return 1
  const sorted = operations
    .filter(({ start, end }) => start.stamps.length > 0 && end.stamps.length > 0)
    .sort((a, b) => (a.start.best < b.start.best ? -1 : 1))
  let covered = 0n
  let reached: UnixNano = root.start.best
  for (const { start, end } of sorted) {
    const from = latest(reached, start.best)
    const to = earliest(end.best, root.end.best)
    if (to > from) covered += to - from
    reached = latest(reached, to)
  }
  return Number((covered * 10_000n) / total) / 10_000
}
