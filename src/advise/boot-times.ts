// Owns how long a container takes to be ready in truth, from starts that each say it only within limits.
// Promises the distribution under which what was seen is most likely (Turnbull's estimate for interval-censored values), and for what
// depends on it a range: what no start tells apart is not told apart here either. Milliseconds after the container's start.
//
// A probe that failed at one look and succeeded at the next says that the container became ready in between. Many starts, whose looks
// fall differently, say together what none says alone, as far as they are of one kind.

/** After `over`, and not after `until`. */
export interface Between {
  readonly over: number
  readonly until: number
}

/** The narrowest stretches that the starts tell apart, and how much of the distribution lies in each. */
interface Cell extends Between {
  readonly mass: number
}

export type BootTimes = readonly Cell[]

export type End = 'low' | 'likely' | 'high'
export type Expected = Readonly<Record<End, number>>

/** Beyond this many different intervals they are rounded outwards until there are fewer. */
const INTERVALS_MAX = 1000
const ROUNDS = 200
const SETTLED = 1e-6

export function estimateBootTimes(intervals: readonly Between[]): BootTimes {
  const weighed = weigh(intervals)
  const cells = innermost(weighed.map(({ between }) => between))
  const inside = weighed.map(({ between }) => indexesWithin(cells, between))
  let masses = cells.map(() => 1 / cells.length)
  for (let round = 0; round < ROUNDS; round++) {
    const next = improve(masses, weighed, inside)
    const moved = next.reduce((most, mass, index) => Math.max(most, Math.abs(mass - (masses[index] ?? 0))), 0)
    masses = next
    if (moved < SETTLED) break
  }
  return cells.map((cell, index) => ({ ...cell, mass: masses[index] ?? 0 }))
}

interface Weighed {
  readonly between: Between
  readonly count: number
}

function weigh(intervals: readonly Between[]): Weighed[] {
  for (let step = 1; ; step *= 2) {
    const counts = new Map<string, Weighed>()
    for (const { over, until } of intervals) {
      const between = { over: Math.floor(over / step) * step, until: Math.ceil(until / step) * step }
      const key = `${between.over}/${between.until}`
      counts.set(key, { between, count: (counts.get(key)?.count ?? 0) + 1 })
    }
    if (counts.size <= INTERVALS_MAX) return [...counts.values()]
  }
}

/** Where a beginning is followed by an end, with neither in between: only there can more intervals meet than beside it. */
function innermost(intervals: readonly Between[]): Between[] {
  const marks = intervals
    .flatMap(({ over, until }) => [
      { at: over, begins: 1 },
      { at: until, begins: 0 },
    ])
    .sort((a, b) => a.at - b.at || a.begins - b.begins)
  return marks.flatMap(({ at, begins }, index) => {
    const next = marks[index + 1]
    return begins === 1 && next?.begins === 0 ? [{ over: at, until: next.at }] : []
  })
}

const indexesWithin = (cells: readonly Between[], { over, until }: Between): number[] =>
  cells.flatMap((cell, index) => (cell.over >= over && cell.until <= until ? [index] : []))

/** Every start gives its one share to the cells of its interval, as they stand to each other now. */
function improve(
  masses: readonly number[],
  weighed: readonly Weighed[],
  inside: readonly (readonly number[])[],
): number[] {
  const next = masses.map(() => 0)
  let total = 0
  weighed.forEach(({ count }, which) => {
    const indexes = inside[which] ?? []
    const sum = indexes.reduce((all, index) => all + (masses[index] ?? 0), 0)
    if (sum <= 0) return
    total += count
    for (const index of indexes) next[index] = (next[index] ?? 0) + (count * (masses[index] ?? 0)) / sum
  })
  return total === 0 ? [...masses] : next.map((mass) => mass / total)
}

/** Points of a cell at which a value is asked for, where the distribution says nothing of how it lies in there. */
const POINTS = 20
const JUST_AFTER = 0.001

/**
 * What to expect of a value that only falls, or stays, the later a container of this start was ready: at the ends of every cell that its
 * interval allows for the range, and evenly in between for what is likely.
 */
export function expect(
  times: BootTimes,
  between: Between,
  valueAt: (boot: number, end: End) => number,
): Expected {
  const touched = times.filter(
    ({ over, until, mass }) => mass > 0 && over < between.until && until > between.over,
  )
  const sum = touched.reduce((all, { mass }) => all + mass, 0)
  if (sum <= 0) return expect([{ ...between, mass: 1 }], between, valueAt)
  const expected = { low: 0, likely: 0, high: 0 }
  for (const cell of touched) {
    const over = Math.max(cell.over, between.over)
    const until = Math.min(cell.until, between.until)
    const share = cell.mass / sum
    expected.low += share * valueAt(until, 'low')
    expected.high += share * valueAt(over + JUST_AFTER, 'high')
    expected.likely += share * average((point) => valueAt(over + (until - over) * point, 'likely'))
  }
  return expected
}

function average(valueAt: (point: number) => number): number {
  let sum = 0
  for (let point = 0; point < POINTS; point++) sum += valueAt((point + 0.5) / POINTS)
  return sum / POINTS
}
