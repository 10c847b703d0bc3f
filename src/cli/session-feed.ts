// Owns the watch of one TraceSession by its name, begun before there is such a session.
// Promises the newest object that was seen, and to wake whoever waits for a change. Objects of another uid are another session.
// Does not judge what it sees.

import type { Json } from '../decode/json-fields.ts'
import { TRACE_SESSIONS, watchCustom } from '../kube/custom.ts'
import { parseTraceSession, type TraceSession } from '../session/schema.ts'
import type { SessionPlace } from './session-calls.ts'

export interface Seen {
  /** As the API server has it; newer fields included. */
  readonly raw: Json
  readonly session: TraceSession
}

export interface Feed {
  /** Resolves when what is there has been read. */
  readonly ready: Promise<void>
  readonly latest: Seen | undefined
  /** It was there, and is no more. */
  readonly gone: boolean
  /** Resolves at the next change, after the delay, or when the place's signal aborts. */
  changed(withinMs: number): Promise<void>
  close(): Promise<void>
}

export function openFeed(place: SessionPlace, name: string, random: () => number): Feed {
  const { connection, namespace, clock } = place
  const stop = new AbortController()
  const state: { latest: Seen | undefined; gone: boolean } = { latest: undefined, gone: false }
  let change = new AbortController()
  const wake = (): void => {
    change.abort()
    change = new AbortController()
  }
  place.signal.addEventListener('abort', wake, { once: true })
  const { ready, ended } = watchCustom({
    connection,
    resource: TRACE_SESSIONS,
    ...(namespace !== undefined && { namespace }),
    fieldSelector: `metadata.name=${name}`,
    clock,
    random,
    signal: AbortSignal.any([place.signal, stop.signal]),
    onChange: (each) => {
      const seen = each.kind === 'put' ? readSeen(each.object) : undefined
      if (seen) Object.assign(state, { latest: seen, gone: false })
      else if (each.kind === 'deleted' && each.uid === state.latest?.session.metadata.uid) state.gone = true
      wake()
    },
  })
  return {
    ready,
    get latest() {
      return state.latest
    },
    get gone() {
      return state.gone
    },
    changed: (withinMs) => clock.sleep(withinMs, change.signal),
    close: async () => {
      place.signal.removeEventListener('abort', wake)
      stop.abort()
      wake()
      await ended
    },
  }
}

/** Undefined for what no version of the CRD would hold. */
export function readSeen(raw: Json): Seen | undefined {
  const parsed = parseTraceSession(raw)
  return parsed.kind === 'ok' ? { raw, session: parsed.session } : undefined
}
