// Owns the contract between the batcher and what carries a batch to a Collector: one attempt, and what came of it.
// Promises that every outcome of every protocol is one of four kinds; a transport never retries and never throws.
// Does not wait between attempts: that is the batcher's.

/** Encoded traces, joined end to end when they are sent. */
export interface Batch {
  readonly requests: readonly Uint8Array[]
  readonly spans: number
}

export type SendResult =
  /** Taken. `rejected` spans were not, for the reason in `message`; sending them again would not help. */
  | { readonly kind: 'ok'; readonly rejected?: number; readonly message?: string }
  /** May succeed later; not before `retryAfterMs` where the server said so. */
  | { readonly kind: 'retryable'; readonly reason: string; readonly retryAfterMs?: number }
  /** A smaller batch may be taken. */
  | { readonly kind: 'too-large'; readonly reason: string }
  /** Would fail again. */
  | { readonly kind: 'failed'; readonly reason: string }

export interface Transport {
  send(batch: Batch): Promise<SendResult>
  /** Gives up what is in flight, as far as the protocol's library lets it, and closes connections. */
  close(): Promise<void>
}
