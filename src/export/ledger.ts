// Owns the count of every trace that was given to the exporter: in = sent + dropped + waiting, at every moment.
// Promises that a drop has a reason, and that the line shown at exit is the whole account.
// Does not decide what is dropped: that is the batcher's and the queue's.

/** `queue-full`: the byte bound; `too-large`: the server refused the trace alone; `refused`: it said that sending again would not help; `left`: to the next leader. */
export type DropReason = 'queue-full' | 'too-large' | 'refused' | 'too-old' | 'shutdown' | 'left'

export interface Accounting {
  /** Traces: `in = sent + dropped + waiting`. */
  readonly in: number
  readonly sent: number
  readonly dropped: number
  readonly waiting: number
  readonly droppedBy: Readonly<Record<DropReason, number>>
  /** Spans of sent traces, including the rejected ones. */
  readonly spansSent: number
  /** Spans that the server took the request of but not them (partial success). */
  readonly spansRejected: number
  /** Attempts that failed and were or will be made again. */
  readonly retries: number
  readonly waitingBytes: number
}

export interface Ledger {
  took(): void
  sent(traces: number, spans: number, rejected: number): void
  dropped(reason: DropReason, traces: number): void
  retried(): void
  /** What waits is counted where it waits, so that the equation can fail if the code is wrong. */
  account(waiting: { readonly traces: number; readonly bytes: number }): Accounting
}

export function createLedger(): Ledger {
  const droppedBy = { 'queue-full': 0, 'too-large': 0, refused: 0, 'too-old': 0, shutdown: 0, left: 0 }
  const counts = { in: 0, sent: 0, dropped: 0, spansSent: 0, spansRejected: 0, retries: 0 }
  return {
    took: () => void counts.in++,
    sent: (traces, spans, rejected) => {
      counts.sent += traces
      counts.spansSent += spans
      // A server cannot reject more than it was sent, whatever it says.
      counts.spansRejected += Math.min(Math.max(rejected, 0), spans)
    },
    dropped: (reason, traces) => {
      counts.dropped += traces
      droppedBy[reason] += traces
    },
    retried: () => void counts.retries++,
    account: ({ traces, bytes }) => ({
      ...counts,
      waiting: traces,
      waitingBytes: bytes,
      droppedBy: { ...droppedBy },
    }),
  }
}

/** The one line at exit. */
export function describeAccounting(accounting: Accounting): string {
  const { dropped, droppedBy, retries, sent, spansRejected, spansSent, waiting } = accounting
  const reasons = Object.entries(droppedBy).flatMap(([reason, count]) =>
    count > 0 ? [`${reason} ${count}`] : [],
  )
  const why = reasons.length > 0 ? ` (${reasons.join(', ')})` : ''
  const counts = `in ${accounting.in} = sent ${sent} + dropped ${dropped}${why} + waiting ${waiting}`
  return `traces: ${counts}; spans: sent ${spansSent}, rejected ${spansRejected}; retries ${retries}`
}
