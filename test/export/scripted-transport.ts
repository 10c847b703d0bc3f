// Owns a transport for tests that never leaves the process: it records batches and answers as it is told.
// Promises that every request it took is known by identity, so that lost, doubled and cut traces show.
// Does not wait by itself: an answer may be a promise that the test resolves.

import type { Batch, SendResult, Transport } from '../../src/export/transport.ts'

export interface ScriptedTransport extends Transport {
  readonly batches: readonly Batch[]
  /** Requests of batches that were answered with ok, in order. */
  readonly taken: readonly Uint8Array[]
  readonly isClosed: boolean
}

export type Script = (batch: Batch, number: number) => SendResult | Promise<SendResult>

export function scriptedTransport(script: Script): ScriptedTransport {
  const batches: Batch[] = []
  const taken: Uint8Array[] = []
  let isClosed = false
  return {
    batches,
    taken,
    get isClosed() {
      return isClosed
    },
    send: async (batch) => {
      batches.push(batch)
      const result = await script(batch, batches.length)
      if (result.kind === 'ok') taken.push(...batch.requests)
      return result
    },
    close: async () => {
      isClosed = true
    },
  }
}

export const OK: SendResult = { kind: 'ok' }
export const AWAY: SendResult = { kind: 'retryable', reason: 'UNAVAILABLE: connection refused' }
