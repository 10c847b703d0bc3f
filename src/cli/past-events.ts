// Owns the past events of a recording: what the API server still holds when the watch of events becomes live.
// Promises bounded reading, and that no event is written older than the watch has shown it since.
// Does not watch.

import type { Phase } from '../base/frame.ts'
import { knownResource } from '../decode/resources.ts'
import type { Connection } from '../kube/config.ts'
import type { RawEvent } from '../kube/reflector.ts'
import { isObject } from '../recording/format.ts'
import type { RecordingWriter } from '../recording/write.ts'
import type { Context } from './context.ts'
import { neutralise } from './text.ts'

export interface PastEvents {
  see(event: RawEvent): void
  read(): void
  ended(): Promise<void>
}

const PAST_EVENTS_MAX = 20_000

/** The watch of events shows no past ones: they are read once it is live, and again after each gap, without what it has shown since. */
export function createPastEvents(
  connection: Connection,
  writer: RecordingWriter,
  { clock, terminal }: Context,
  { namespace, signal }: { readonly namespace: string | undefined; readonly signal: AbortSignal },
): PastEvents {
  const resource = knownResource('events')
  let shown: Set<string> | undefined
  let reading: Promise<void> = Promise.resolve()
  let phase: Phase = 'initial'

  const readAll = async (): Promise<void> => {
    const [{ readPage }, { queryOf }] = await Promise.all([
      import('../kube/list-page.ts'),
      import('../kube/paths.ts'),
    ])
    shown = new Set()
    let token: string | undefined
    let count = 0
    do {
      const path = queryOf(resource, namespace === undefined ? {} : { namespace }, {
        limit: 500,
        ...(token !== undefined && { continue: token }),
      })
      const page = await readPage({ connection, resource, path, encoding: 'json', signal })
      if (page.kind === 'failed')
        return terminal.say(`podspan: past events are not recorded: ${neutralise(page.failure.message)}.`)
      for (const item of page.items) {
        if (!item.ok || !isObject(item.raw) || shown.has(item.record.uid)) continue
        count++
        writer.write({ t: clock.now(), resource: 'events', type: 'ADDED', object: item.raw, phase })
      }
      token = page.meta.continueToken
    } while (token !== undefined && count < PAST_EVENTS_MAX)
    if (token !== undefined)
      terminal.say(
        `podspan: only ${PAST_EVENTS_MAX} past events are recorded; -n limits them to a namespace.`,
      )
    phase = 'relist'
  }
  return {
    see: ({ resource: source, object }) => {
      if (shown === undefined || source !== 'events' || !isObject(object) || !isObject(object['metadata']))
        return
      shown.add(String(object['metadata']['uid']))
    },
    read: () => {
      reading = reading.then(readAll).finally(() => (shown = undefined))
    },
    ended: () => reading,
  }
}
