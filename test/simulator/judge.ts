// Owns the judgement of a run: the ledger's lines against the traces that arrived, start by start and boundary by boundary.
// Promises to name each start that is lost, told twice, told without having been, or told wrongly, by its own words.
// Does not know how a run was disturbed; whoever runs it says what may repeat or be missing.

import type { DecodedSpan } from '../support/otlp-receiver-decode.ts'
import type { LedgerLine, TrueBoundary } from './starts/ledger.ts'

export interface Judgement {
  readonly starts: number
  readonly told: number
  /** Came and went while no reader was shown pods: they may be told or not. */
  readonly unseen: number
  readonly lost: readonly string[]
  /** Told of what the ledger does not know. */
  readonly invented: readonly string[]
  /** Told more than once. */
  readonly repeated: readonly string[]
  /** Told with an outcome that is not what happened. */
  readonly wrong: readonly string[]
  /** Boundaries whose stated interval does not hold the truth, of so many. */
  readonly outside: readonly string[]
  readonly boundaries: number
  /** Of those, the ones that no span tells. */
  readonly untold: number
  /** Marked as resting on less than everything. */
  readonly incomplete: number
}

/** Two processes read one machine's clock, each with an error of its own. */
const CLOCKS_NS = 2_000_000n

export class Judge {
  /** Of the starts that are not forgotten; see `forgets`. */
  readonly lines = new Map<string, LedgerLine>()
  /** Starts of the ledger, and those of them that have come. */
  starts = 0
  told = 0
  /** Came and went while no reader was shown pods. */
  unseen = 0
  private excused: (line: LedgerLine) => boolean = () => false
  private readonly found = {
    repeated: [] as string[],
    wrong: [] as string[],
    outside: [] as string[],
  }
  private boundaries = 0
  private untold = 0
  private incomplete = 0
  private keeps = true
  /** Traces that came before their line. */
  private readonly early = new Map<string, DecodedSpan[]>()
  /** How often the trace of a start came, by the start's number. */
  private counts = new Uint8Array(1024)

  /** For runs of hours: what is judged is not kept. */
  forgets(): void {
    this.keeps = false
  }

  take(line: LedgerLine): void {
    const id = traceIdOf(line.uid)
    // What the store has forgotten since has a line already.
    if (!this.lines.has(id)) this.starts += 1
    if (line.outcome === 'unseen') this.unseen += 1
    this.lines.set(id, line)
    const spans = this.early.get(id)
    if (!spans) return
    this.early.delete(id)
    this.settle(id, line, spans)
  }

  /** All spans of one request: traces are never cut apart. */
  receive(spans: readonly DecodedSpan[]): void {
    for (const [id, own] of Map.groupBy(spans, ({ traceId }) => traceId)) {
      if (!own.some(({ name }) => name === 'pod startup')) continue
      const line = this.lines.get(id)
      if (this.count(id) > 1) this.found.repeated.push(line ? describe(line) : id)
      else if (line) this.settle(id, line, own)
      else this.early.set(id, own)
    }
  }

  private count(id: string): number {
    const number = numberIn(id)
    if (number >= this.counts.length) {
      const grown = new Uint8Array(Math.max(number + 1, this.counts.length * 2))
      grown.set(this.counts)
      this.counts = grown
    }
    const count = Math.min(255, (this.counts[number] ?? 0) + 1)
    this.counts[number] = count
    return count
  }

  private settle(id: string, line: LedgerLine, spans: readonly DecodedSpan[]): void {
    this.told += 1
    if (!this.keeps) this.lines.delete(id)
    const root = spans.find(({ name }) => name === 'pod startup')
    if (root?.attributes['podspan.evidence.complete'] === false) this.incomplete += 1
    this.boundaries += line.truths.length
    if (isOpen(line)) return
    const outcome = root?.attributes['podspan.outcome']
    if (outcome !== line.outcome) this.found.wrong.push(`${describe(line)} is told as ${String(outcome)}`)
    for (const truth of line.truths) {
      const span = spanOf(truth, spans)
      if (span) this.found.outside.push(...outside(line, truth, span))
      else this.untold += 1
    }
  }

  has({ uid }: LedgerLine): boolean {
    return (this.counts[numberIn(traceIdOf(uid))] ?? 0) > 0
  }

  /** Starts that nobody can tell any more: whether one of them is told does not matter. */
  excuse(holds: (line: LedgerLine) => boolean): void {
    this.excused = holds
  }

  missing(): readonly LedgerLine[] {
    return [...this.lines.values()].filter((line) => !this.has(line) && !isOpen(line) && !this.excused(line))
  }

  judge(): Judgement {
    const missing = this.missing()
    const { boundaries, incomplete, starts, told, unseen, untold } = this
    const lost = missing.map(describe)
    const invented = [...this.early.keys()]
    return { starts, told, unseen, boundaries, untold, incomplete, lost, invented, ...this.found }
  }
}

const isOpen = ({ outcome }: LedgerLine): boolean => outcome === 'undone' || outcome === 'unseen'

/** The number of a start is the beginning of its UID, which is behind the middle of its trace id. */
const numberIn = (traceId: string): number => Number.parseInt(traceId.slice(16, 24), 16)

export function traceIdOf(uid: string): string {
  const hex = uid.replaceAll('-', '')
  return hex.slice(16) + hex.slice(0, 16)
}

const describe = ({ life, number, outcome, uid }: LedgerLine): string =>
  `${life} #${number} (${outcome}) ${uid}`

/** What is not told is not wrong: a boundary without evidence has no span, or is a part of a coarser one. */
function spanOf(
  { container, place, span: name }: TrueBoundary,
  spans: readonly DecodedSpan[],
): DecodedSpan | undefined {
  const own = spans
    .filter((span) => span.name === name && span.attributes['k8s.container.name'] === container)
    .filter(({ attributes, status }) => attributes['podspan.open'] !== true && status.code !== 2)
    .sort((a, b) => (a.start < b.start ? -1 : 1))
  return own[place]
}

function outside(
  line: LedgerLine,
  { container, fromNs, side, span: name, toNs }: TrueBoundary,
  span: DecodedSpan,
): string[] {
  const by = (what: 'early' | 'late'): bigint =>
    BigInt(Math.ceil(Number(span.attributes[`podspan.${side}.${what}_ms`] ?? 0) * 1e6))
  const [from, to] = [span[side] - by('early') - CLOCKS_NS, span[side] + by('late') + CLOCKS_NS]
  if (from <= BigInt(toNs) && to >= BigInt(fromNs)) return []
  const at = (moment: bigint): string => `${Number(moment - BigInt(line.createdNs)) / 1e6} ms`
  const source = String(span.attributes[`podspan.${side}.source`])
  return [
    `${describe(line)}: ${name} ${container ?? ''} ${side}s at ${at(BigInt(fromNs))} to ${at(BigInt(toNs))}, told ${at(from)} to ${at(to)} by ${source}`,
  ]
}
