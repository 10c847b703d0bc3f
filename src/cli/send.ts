// Owns sending the starts of recordings: as fast as the other side takes them, since a file gives them faster than any.
// Promises that each is sent or counted as dropped, and that a server which is away ends it after a while. Does not choose which are sent.

import type { Exporter } from '../export/exporter.ts'
import type { Trace } from '../trace/trace.ts'
import type { Context } from './context.ts'
import { exportersOf } from './exporters.ts'
import { aborted } from './live.ts'

export interface Sender {
  send(trace: Trace): Promise<void>
  /** Whether all of them arrived; says the account of each endpoint. */
  finish(): Promise<boolean>
}

/** Far below what an exporter keeps. */
const WAITING_MAX = 200
export const PATIENCE_MS = 30_000

/** Only to endpoints that were named: who replays a file with OTEL_EXPORTER_OTLP_ENDPOINT set wants to look at it. */
export async function openSender(context: Context, endpoints: readonly string[]): Promise<Sender> {
  const exporters = endpoints.length === 0 ? [] : await exportersOf(context, endpoints)
  /** Nobody waits for these any more; they have until the end. */
  const away = new Set<Exporter>()
  return {
    async send(trace) {
      for (const exporter of exporters) {
        exporter.export(trace)
        if (away.has(exporter) || exporter.accounting().waiting <= WAITING_MAX) continue
        if (!(await flushed(context, exporter))) away.add(exporter)
      }
    },
    async finish() {
      const accounts = await Promise.all(exporters.map((exporter) => exporter.shutdown(PATIENCE_MS)))
      for (const exporter of exporters) context.terminal.say(`podspan: ${exporter.describe()}`)
      return accounts.every(({ in: given, sent }) => sent === given)
    },
  }
}

/** Whether everything got away in time. */
async function flushed({ clock, signal }: Context, exporter: Exporter): Promise<boolean> {
  const over = new AbortController()
  const late = clock.sleep(PATIENCE_MS, over.signal).then(() => false)
  const gone = await Promise.race([
    exporter.flush().then(() => true),
    late,
    aborted(signal).then(() => false),
  ])
  over.abort()
  return gone
}
