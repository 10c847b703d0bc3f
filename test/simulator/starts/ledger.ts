// Owns the form of the ledger: one line for each start, with what truly happened and when, by the simulator's own doing.
// Promises that it holds nothing that came from Podspan. Does not judge: judge.ts does.

/** A boundary's truth lies between when it was to be and when it was stored. */
export interface TrueBoundary {
  readonly span: string
  readonly side: 'start' | 'end'
  readonly container?: string
  readonly place: number
  readonly fromNs: string
  readonly toNs: string
}

export interface LedgerLine {
  readonly number: number
  readonly uid: string
  readonly life: string
  /** `undone`: the store has forgotten it; `unseen`: no reader was shown any version of its pod until it went. Either may be told or not. */
  readonly outcome: 'ready' | 'deleted' | 'timeout' | 'undone' | 'unseen'
  readonly eventsLost: number
  readonly createdNs: string
  readonly startupMs: number
  /** Empty where this start's line does not say. */
  readonly truths: readonly TrueBoundary[]
}
