// Owns which exporters get a trace, and what became of it: one decision per exporter for all sessions of a pod.
// Promises that each exporter gets a trace once, if any session wants it, and that every session hears of it once.
// Remembers what was sent lately, so that a session that comes later does not send it again.

import type { UnixNano } from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import type { BookExporter, Decision } from './book.ts'
import { type Budget, createBudget, createSlowest, type Urgency } from './budget.ts'
import { isKept, isSampled } from './sampling.ts'
import type { Era, Fate, Session } from './state.ts'
import { type Ending, isBad } from './sums.ts'

/** One session's view of a start. */
export interface Claim {
  readonly session: Session
  readonly ending: Ending
  readonly era: Era
}

export interface Exports {
  /** Decides for all claims of one start, and books the fates. `had`: exporters for which others decided it, and sent what they did. */
  decide(
    traceId: string,
    start: { readonly startupMs: number; readonly spans: number; readonly had: readonly string[] },
    claims: readonly Claim[],
    now: UnixNano,
  ): Map<string, Decision>
  /** The same for a rollout, which no session counts; `wanted`: the exporters that have the start of one of its pods. */
  decideRollout(
    trace: Trace,
    wanted: readonly string[],
    sessions: readonly Session[],
    now: UnixNano,
  ): Map<string, Decision>
  delivered(traceId: string, exporter: string, result: 'sent' | 'dropped'): void
  configure(exporters: Readonly<Record<string, BookExporter>>, now: UnixNano): void
  has(exporter: string): boolean
  names(): string[]
  readonly waiting: number
  /** Sent traces that are remembered no more, so that a late session may send them again. */
  readonly forgotten: number
}

const REMEMBERED = 20_000

interface Exporter {
  budget: Budget | undefined
  readonly isSlow: (startupMs: number) => boolean
}

export function createExports(): Exports {
  const exporters = new Map<string, Exporter>()
  const waiting = new Map<string, Claim[]>()
  const sent = new Set<string>()
  let forgotten = 0
  const remember = (key: string): void => {
    sent.add(key)
    if (sent.size <= REMEMBERED) return
    forgotten += 1
    for (const oldest of sent) if (sent.delete(oldest)) break
  }
  return {
    decide: (traceId, start, claims, now) => {
      const decisions = new Map<string, Decision>()
      for (const [name, group] of groupByExporter(claims)) {
        const exporter = exporters.get(name)
        const key = keyOf(traceId, name)
        if (!exporter) for (const claim of group) book(claim, 'dropped')
        else if (waiting.has(key)) {
          waiting.get(key)?.push(...group)
          for (const claim of group) book(claim, 'pending')
          decisions.set(name, 'sent before')
        } else if (sent.has(key)) {
          for (const claim of group) book(claim, 'exported')
          decisions.set(name, 'sent before')
        } else if (start.had.includes(name)) {
          const decision = decidedBefore(traceId, start, group)
          decisions.set(name, decision)
          if (decision === 'sent before') remember(key)
        } else {
          const decision = decideFor(exporter, traceId, start, group, now)
          decisions.set(name, decision)
          if (decision === 'export') waiting.set(key, [...group])
        }
      }
      return decisions
    },
    decideRollout: (trace, wanted, sessions, now) =>
      decideRollout({ exporters, waiting, sent }, { trace, wanted, sessions, now }),
    delivered: (traceId, exporter, result) => {
      const key = keyOf(traceId, exporter)
      const claims = waiting.get(key)
      if (!claims) return
      waiting.delete(key)
      for (const claim of claims) move(claim, 'pending', result === 'sent' ? 'exported' : 'dropped')
      if (result === 'sent') remember(key)
    },
    configure: (named, now) => {
      for (const name of exporters.keys()) if (!(name in named)) exporters.delete(name)
      for (const [name, { spansPerMinute }] of Object.entries(named)) {
        const known = exporters.get(name) ?? { budget: undefined, isSlow: createSlowest() }
        exporters.set(name, known)
        if (known.budget?.perMinute === spansPerMinute) continue
        known.budget = spansPerMinute === undefined ? undefined : createBudget(spansPerMinute, now)
      }
    },
    has: (name) => exporters.has(name),
    names: () => [...exporters.keys()].sort(),
    get waiting() {
      return waiting.size
    },
    get forgotten() {
      return forgotten
    },
  }
}

const keyOf = (traceId: string, exporter: string): string => `${traceId}/${exporter}`

interface Known {
  readonly exporters: ReadonlyMap<string, Exporter>
  readonly waiting: Map<string, Claim[]>
  readonly sent: ReadonlySet<string>
}

interface AskedRollout {
  readonly trace: Trace
  readonly wanted: readonly string[]
  readonly sessions: readonly Session[]
  readonly now: UnixNano
}

function decideRollout(
  { exporters, waiting, sent }: Known,
  { trace, wanted, sessions, now }: AskedRollout,
): Map<string, Decision> {
  const decisions = new Map<string, Decision>()
  for (const name of new Set([...wanted, ...sessions.map(({ plan }) => plan.exporter)])) {
    const exporter = exporters.get(name)
    const key = keyOf(trace.traceId, name)
    if (!exporter) continue
    if (waiting.has(key) || sent.has(key)) decisions.set(name, 'sent before')
    else if (!wanted.includes(name) && !sessions.some((one) => wantsRollout(one, name, trace)))
      decisions.set(name, 'sampled out')
    else if (exporter.budget?.take(trace.spans.length, urgencyOf(trace), now) === false)
      decisions.set(name, 'over budget')
    else {
      waiting.set(key, [])
      decisions.set(name, 'export')
    }
  }
  return decisions
}

function groupByExporter(claims: readonly Claim[]): Map<string, Claim[]> {
  const groups = new Map<string, Claim[]>()
  for (const claim of claims) {
    const name = claim.session.plan.exporter
    const group = groups.get(name)
    if (group) group.push(claim)
    else groups.set(name, [claim])
  }
  return groups
}

/** What one session says about a trace, before the exporter's budget is asked. */
type Wish = 'wanted' | 'sampled out' | 'over limit'

function decideFor(
  { budget, isSlow }: Exporter,
  traceId: string,
  { startupMs, spans }: { readonly startupMs: number; readonly spans: number },
  claims: readonly Claim[],
  now: UnixNano,
): Decision {
  const slow = isSlow(startupMs)
  const urgency: Urgency = slow || claims.some((claim) => isUrgent(claim, startupMs)) ? 'urgent' : 'ordinary'
  const wishes = claims.map((claim) => wishOf(claim, traceId, startupMs, urgency, now))
  if (!wishes.includes('wanted')) {
    claims.forEach((claim, index) => book(claim, wishes[index] === 'over limit' ? 'dropped' : 'sampledOut'))
    return wishes.includes('over limit') ? 'over limit' : 'sampled out'
  }
  if (budget && !budget.take(spans, urgency, now)) {
    claims.forEach((claim, index) => book(claim, wishes[index] === 'sampled out' ? 'sampledOut' : 'dropped'))
    return 'over budget'
  }
  // One that did not want it has it all the same: it is the same trace in the same place.
  for (const claim of claims) book(claim, 'pending')
  return 'export'
}

/** As far as it can be told again: sampling goes by the trace, budgets and limits by a moment that is over. */
function decidedBefore(
  traceId: string,
  { startupMs }: { readonly startupMs: number },
  claims: readonly Claim[],
): Decision {
  const wants = (claim: Claim): boolean => isWanted(claim, traceId, startupMs)
  for (const claim of claims) book(claim, wants(claim) ? 'exported' : 'sampledOut')
  return claims.some(wants) ? 'sent before' : 'sampled out'
}

const isUrgent = ({ session: { plan }, ending }: Claim, startupMs: number): boolean =>
  isBad(ending) ||
  (plan.sampling.slowerThanMs !== undefined && startupMs > plan.sampling.slowerThanMs) ||
  plan.goals.some(({ operation, thresholdMs }) => operation === undefined && startupMs > thresholdMs)

function wishOf(claim: Claim, traceId: string, startupMs: number, urgency: Urgency, now: UnixNano): Wish {
  if (!isWanted(claim, traceId, startupMs)) return 'sampled out'
  return claim.session.limit.take(1, urgency, now) ? 'wanted' : 'over limit'
}

function wantsRollout({ plan: { exporter, sampling } }: Session, name: string, trace: Trace): boolean {
  if (exporter !== name) return false
  return isSampled(trace.traceId, sampling.percent) || (sampling.failed && trace.outcome === 'failed')
}

const urgencyOf = ({ outcome }: Trace): Urgency => (outcome === 'failed' ? 'urgent' : 'ordinary')

function isWanted({ session, ending }: Claim, traceId: string, startupMs: number): boolean {
  const { sampling } = session.plan
  return isSampled(traceId, sampling.percent) || isKept(sampling, ending, startupMs)
}

function book({ session, era }: Claim, fate: Fate): void {
  session.totals[era].fates[fate] += 1
  session.dirty = true
}

function move(claim: Claim, from: Fate, to: Fate): void {
  claim.session.totals[claim.era].fates[from] -= 1
  book(claim, to)
}
