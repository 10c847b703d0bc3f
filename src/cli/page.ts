// Owns `--ui`: the page of starts on this machine's loopback, for as long as the command goes on.
// Promises that its address is said, that a browser is started where there is somebody to look, and that a taken port or a source
// without the page is a clear error. Does not draw.

import { pageFiles } from '../web/files.ts'
import type { PageServer } from '../web/server.ts'
import type { PageSource } from '../web/source.ts'
import { openBrowser } from './browser.ts'
import type { Context } from './context.ts'
import { CliError, EXIT } from './exit.ts'

export interface PageOptions {
  /** The port. */
  readonly ui: number
  /** `--no-open` leaves the browser to the reader. */
  readonly open: boolean
}

/** `path`: what the browser shows first, such as `#/start/ID`. */
export async function openPage(
  context: Context,
  source: PageSource,
  { ui, open }: PageOptions,
  path = '',
): Promise<PageServer> {
  const { clock, terminal } = context
  const files = pageFiles
  if (!files)
    throw new CliError(
      EXIT.usage,
      "The page is in the built program only: run 'make build', then dist/podspan.mjs.",
    )
  const { startPageServer } = await import('../web/server.ts')
  try {
    const onError = (error: Error): void =>
      terminal.say(`podspan: the page could not be answered, which is a bug: ${error.stack ?? error.message}`)
    const server = await startPageServer({ source, files, clock, port: ui, onError })
    terminal.say(`podspan: the page is at ${server.url}${path}; Ctrl-C ends it.`)
    if (open) openBrowser(context, `${server.url}${path}`)
    return server
  } catch (error) {
    throw new CliError(EXIT.usage, `The page cannot be served: ${whyNot(error, ui)}.`)
  }
}

function whyNot(error: unknown, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'EADDRINUSE' ? `port ${port} is taken; give another one, or 0 for any` : message
}
