// Owns the judgement of a run: the ledger's lines against the traces that arrived, start by start and boundary by boundary.
// Promises to name each start that is lost, told twice, told without having been, or told wrongly, by its own words.
// Does not know how a run was disturbed; whoever runs it says what may repeat or be missing.

import type { DecodedSpan } from '../support/otlp-receiver-decode.ts'
import type { LedgerLine, TrueBoundary } from './starts/ledger.ts'

export interface Judgement {
  readonly starts: number
  readonly told: number
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
  /** Marked as resting on less than everything. */
  readonly incomplete: number
}

/** Two processes read one machine's clock, each with an error of its own. */
const CLOCKS_NS = 2_000_000n

export class Judge {
  readonly lines = new Map<string, LedgerLine>()
  /** Spans by trace, and how often its root came. */
  private readonly traces = new Map<string, { roots: number; spans: DecodedSpan[] }>()

  take(line: LedgerLine): void {
    this.lines.set(traceIdOf(line.uid), line)
  }

  receive(spans: readonly DecodedSpan[]): void {
    for (const span of spans) {
      let trace = this.traces.get(span.traceId)
      if (!trace) this.traces.set(span.traceId, (trace = { roots: 0, spans: [] }))
      if (span.name === 'pod startup') trace.roots += 1
      if (trace.roots < 2) trace.spans.push(span)
    }
  }

  /** Traces that have come of the ledger's starts. */
  arrived(): number {
    let count = 0
    for (const id of this.lines.keys()) if (this.traces.has(id)) count += 1
    return count
  }

  has(line: LedgerLine): boolean {
    return this.traces.has(traceIdOf(line.uid))
  }

  judge(): Judgement {
    const found = {
      lost: [] as string[],
      invented: [] as string[],
      repeated: [] as string[],
      wrong: [] as string[],
      outside: [] as string[],
    }
    let [told, boundaries, incomplete] = [0, 0, 0]
    for (const [id, line] of this.lines) {
      const trace = this.traces.get(id)
      if (trace) told += 1
      else if (line.outcome !== 'undone') found.lost.push(describe(line))
      if (!trace) continue
      if (trace.roots > 1) found.repeated.push(`${describe(line)}: ${trace.roots} times`)
      const root = trace.spans.find(({ name }) => name === 'pod startup')
      if (root?.attributes['podspan.evidence.complete'] === false) incomplete += 1
      boundaries += line.truths.length
      if (line.outcome === 'undone') continue
      const outcome = root?.attributes['podspan.outcome']
      if (outcome !== line.outcome) found.wrong.push(`${describe(line)} is told as ${String(outcome)}`)
      found.outside.push(...line.truths.flatMap((truth) => outside(line, truth, trace.spans)))
    }
    for (const [id, { spans }] of this.traces)
      if (!this.lines.has(id) && spans.some(({ name }) => name === 'pod startup')) found.invented.push(id)
    return { starts: this.lines.size, told, boundaries, incomplete, ...found }
  }
}

export function traceIdOf(uid: string): string {
  const hex = uid.replaceAll('-', '')
  return hex.slice(16) + hex.slice(0, 16)
}

const describe = ({ life, number, outcome, uid }: LedgerLine): string =>
  `${life} #${number} (${outcome}) ${uid}`

/** What is not told is not wrong: a boundary without evidence has no span, or is a part of a coarser one. */
function outside(line: LedgerLine, truth: TrueBoundary, spans: readonly DecodedSpan[]): string[] {
  const { container, fromNs, place, side, span: name, toNs } = truth
  const own = spans
    .filter((span) => span.name === name && span.attributes['k8s.container.name'] === container)
    .filter(({ attributes, status }) => attributes['podspan.open'] !== true && status.code !== 2)
    .sort((a, b) => (a.start < b.start ? -1 : 1))
  const span = own[place]
  if (!span) return []
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
