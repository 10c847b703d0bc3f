// Owns `--ui`: the page of starts on this machine's loopback, for as long as the command goes on.
// Promises that its address is said, and that a taken port or a source without the page is a clear error. Does not draw.

import type { Trace } from '../trace/trace.ts'
import { pageFiles } from '../web/files.ts'
import type { PageServer } from '../web/server.ts'
import type { CollectedStarts } from '../web/starts.ts'
import type { Context } from './context.ts'
import { CliError, EXIT } from './exit.ts'

export async function openPage(
  { clock, signal, terminal }: Context,
  starts: CollectedStarts,
  port: number,
): Promise<PageServer> {
  const files = pageFiles()
  if (!files)
    throw new CliError(
      EXIT.usage,
      "The page is in the built program only: run 'make build', then dist/podspan.mjs.",
    )
  const { startPageServer } = await import('../web/server.ts')
  try {
    const server = await startPageServer({ starts, files, clock, port, signal })
    terminal.say(`podspan: the page is at ${server.url}; Ctrl-C ends it.`)
    return server
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? `port ${port} is taken; give another one, or 0 for any` : message
    throw new CliError(EXIT.usage, `The page cannot be served: ${why}.`)
  }
}

/** The starts of recordings: all are over. */
export const NONE_IN_FLIGHT = { inFlight: () => [], traceOf: (): Trace | undefined => undefined }
