// Owns `podspan trace --ui`: the starts of the named pods on the page, those under way as they go on.
// Promises that the browser shows the one start that was asked for, or all of them side by side. Does not watch: trace.ts does.

import { traceIdOf, uidOf } from '../trace/identity.ts'
import { collectStarts, type PageSource } from '../web/source.ts'
import type { Target } from './connect.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { aborted } from './live.ts'
import { openPage, type PageOptions } from './page.ts'
import type { Followed } from './followed.ts'

/** Until Ctrl-C. */
export async function tracePage(
  context: Context,
  { connection }: Target,
  followed: Followed,
  options: PageOptions,
): Promise<ExitCode> {
  const { pipeline, pods } = followed
  const starts = collectStarts()
  const source: PageSource = {
    ...starts,
    about: () => ({ kind: 'cluster', title: connection.contextName, version: context.version, has: [] }),
    inFlight: () => pipeline.inFlight().filter(({ uid }) => pods.has(uid)),
    get: (traceId) => starts.kept(traceId) ?? pipeline.traceOf(uidOf(traceId)),
  }
  for (const trace of followed.told()) if (trace.outcome !== 'starting') starts.add(trace)
  followed.onTrace = starts.add
  const [first] = pods.keys()
  const path = pods.size === 1 && first !== undefined ? `#/start/${traceIdOf(first)}` : ''
  const server = await openPage(context, source, options, path)
  try {
    await aborted(context.signal)
  } finally {
    await server.close()
  }
  return EXIT.ok
}
