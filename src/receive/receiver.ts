// Owns the OTLP receiver as a whole: on which addresses it listens, by which protocol, and how it ends.
// Promises that it begins whole or not at all, and that every connection is gone when `close` or `disconnect` says so.
// Does not know what becomes of spans.

import type { Clock } from '../base/clock.ts'
import type { Endpoint, Listening, TlsFiles } from './endpoint.ts'
import { createIntake, type IntakeCounters, type IntakeOptions } from './intake.ts'

export interface ReceiverOptions extends IntakeOptions {
  readonly endpoints: readonly Endpoint[]
  readonly tls?: TlsFiles
}

export interface Receiver {
  /** In the order of the endpoints. */
  readonly ports: readonly number[]
  counters(): IntakeCounters
  disconnect(): void
  close(): Promise<void>
}

/** Rejects where an address is taken or not ours, or a certificate cannot be used. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const intake = createIntake(options)
  const listening: Listening[] = []
  const close = async (): Promise<void> => {
    await Promise.all(listening.map((one) => one.close()))
  }
  try {
    for (const endpoint of options.endpoints)
      listening.push(await serve(endpoint, intake, options.clock, options.tls))
  } catch (error) {
    await close()
    throw error
  }
  return {
    ports: listening.map(({ port }) => port),
    counters: () => intake.counters(),
    disconnect: () => listening.forEach((one) => one.disconnect()),
    close,
  }
}

/** Each is loaded where it serves: gRPC's library takes megabytes. */
async function serve(
  endpoint: Endpoint,
  intake: ReturnType<typeof createIntake>,
  clock: Clock,
  tls: TlsFiles | undefined,
): Promise<Listening> {
  return endpoint.protocol === 'grpc'
    ? (await import('./grpc.ts')).serveGrpc(intake, clock, endpoint, tls)
    : (await import('./http.ts')).serveHttp(intake, endpoint, tls)
}
