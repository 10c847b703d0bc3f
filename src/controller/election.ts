// Owns the election of one leader on a Lease: a pure state machine over what was read of it and our monotonic clock.
// Promises that of replicas with the same durations, whose clocks run equally fast, at most one believes that it leads.
// Does not send or wait: leader.ts does.
//
// The algorithm is client-go's. Another's Lease has expired when we have not seen it change for as long as it said it lasts: by
// our own monotonic clock from the moment when *we* saw it, so that nobody's wall clock matters. A leader counts its term from
// before it sent the renewal that succeeded, and gives up `renewDeadline` later, whether or not anything came to tell it so.
// Others saw that renewal after it was sent and wait `leaseDuration`, which is longer. A process that was stopped meanwhile finds
// its term over when it next asks, because every use of leadership asks `leads`.

import type { Failure } from '../kube/failure.ts'
import type { Lease, LeaseWrite } from '../kube/lease.ts'

export interface Terms {
  /** Different for every process, also on the same pod. */
  readonly identity: string
  readonly leaseDurationMs: number
  readonly renewDeadlineMs: number
}

export interface Election {
  readonly terms: Terms
  /** The last known state of the Lease, and when we saw it become that. */
  readonly observed?: { readonly lease: Lease; readonly changedMs: number }
  /** Whether `observed`, or that there is none, is believed to be the present state. */
  readonly fresh: boolean
  /** Since when the present term counts; absent while we do not lead. */
  readonly renewedMs?: number
  /** How often we became leader. */
  readonly acquired: number
}

export type Attempt =
  | { readonly kind: 'read' }
  | { readonly kind: 'create'; readonly write: Omit<LeaseWrite, 'renewTime'> }
  | {
      readonly kind: 'update'
      readonly from: Lease
      readonly write: Omit<LeaseWrite, 'renewTime'>
      /** A new holder sets the time of acquisition. */
      readonly acquires: boolean
    }
  /** Somebody else leads. */
  | { readonly kind: 'wait' }

export type Outcome =
  | { readonly kind: 'read'; readonly lease: Lease | undefined; readonly nowMs: number }
  /** `sentMs`: before the request was made. */
  | { readonly kind: 'written'; readonly lease: Lease; readonly sentMs: number; readonly nowMs: number }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly nowMs: number }

export const openElection = (terms: Terms): Election => ({ terms, fresh: false, acquired: 0 })

export const leads = ({ terms, renewedMs }: Election, nowMs: number): boolean =>
  renewedMs !== undefined && nowMs - renewedMs < terms.renewDeadlineMs

/** What to ask the API server for now. */
export function attempt(election: Election, nowMs: number): Attempt {
  const { observed, fresh, terms } = election
  if (!fresh) return { kind: 'read' }
  const write = { holder: terms.identity, durationMs: terms.leaseDurationMs }
  if (!observed) return { kind: 'create', write: { ...write, transitions: 0 } }
  const { lease } = observed
  const ours = lease.holder === terms.identity
  if (!ours && lease.holder !== '' && nowMs < expiryMs(election)) return { kind: 'wait' }
  const transitions = ours || lease.holder === '' ? lease.transitions : lease.transitions + 1
  return { kind: 'update', from: lease, write: { ...write, transitions }, acquires: !ours }
}

/** When the observed Lease will have expired, by our monotonic clock, if it does not change. */
export function expiryMs({ observed, terms }: Election): number {
  if (!observed) return Number.NEGATIVE_INFINITY
  return observed.changedMs + (observed.lease.durationMs ?? terms.leaseDurationMs)
}

export function learn(before: Election, outcome: Outcome): Election {
  const election = endTerm(before, outcome.nowMs)
  switch (outcome.kind) {
    case 'read':
      return onRead(election, outcome.lease, outcome.nowMs)
    case 'written':
      return onWritten(election, outcome)
    case 'failed':
      // Whether it was applied is unknown, or somebody else was faster: look before the next write.
      return { ...election, fresh: false }
  }
}

/** A term that has run out is over even if a renewal succeeds later: that begins a new one. */
export function endTerm(election: Election, nowMs: number): Election {
  if (election.renewedMs === undefined || leads(election, nowMs)) return election
  const { renewedMs: _, ...rest } = election
  return rest
}

function onRead(election: Election, lease: Lease | undefined, nowMs: number): Election {
  const { observed: last, renewedMs, ...rest } = election
  // Someone deleted it, or another took it: either way the term is over.
  const kept = lease?.holder === election.terms.identity && renewedMs !== undefined ? { renewedMs } : {}
  if (!lease) return { ...rest, fresh: true }
  const changedMs = last && last.lease.spec === lease.spec ? last.changedMs : nowMs
  return { ...rest, ...kept, fresh: true, observed: { lease, changedMs } }
}

function onWritten(
  election: Election,
  { lease, sentMs, nowMs }: Extract<Outcome, { kind: 'written' }>,
): Election {
  const observed = { lease, changedMs: nowMs }
  // An answer that took longer than the term is no term at all.
  if (nowMs - sentMs >= election.terms.renewDeadlineMs) return { ...election, observed, fresh: true }
  const acquired = election.renewedMs === undefined ? election.acquired + 1 : election.acquired
  return { ...election, observed, fresh: true, renewedMs: sentMs, acquired }
}

/** What to write so that the next leader need not wait; undefined where the Lease is not ours. */
export function release(
  election: Election,
  nowMs: number,
): { readonly from: Lease; readonly write: Omit<LeaseWrite, 'renewTime'> } | undefined {
  const lease = election.observed?.lease
  if (!lease || !leads(election, nowMs) || lease.holder !== election.terms.identity) return undefined
  return { from: lease, write: { holder: '', durationMs: 1000, transitions: lease.transitions } }
}
