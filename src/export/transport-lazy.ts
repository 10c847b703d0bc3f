// Owns the moment at which a transport's client is loaded: with the first batch.
// Promises that a transport which never sent costs nothing, and that one which was closed while it was loading is closed then.
// Does not choose the transport.

import type { SendResult, Transport } from './transport.ts'

export function loadedAtFirstSend(load: () => Promise<Transport>): Transport {
  let loading: Promise<Transport> | undefined
  return {
    send: async (batch): Promise<SendResult> => {
      loading ??= load()
      return (await loading).send(batch)
    },
    close: async () => {
      await (await loading)?.close()
    },
  }
}
