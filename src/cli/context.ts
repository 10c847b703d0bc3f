// Owns what a command gets from the outside world, as one value.
// Promises that commands touch the machine by nothing else: main.ts fills it from the process, a test by hand.
// Does nothing by itself.

import type { Writable } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { ProgramName } from './invoked.ts'
import type { Environment, Terminal } from './terminal.ts'

export interface Context {
  readonly terminal: Terminal
  readonly env: Environment
  readonly stdin: AsyncIterable<Uint8Array>
  /** For bytes that are no text of ours: a recording written to `-`. */
  readonly stdout: Writable
  readonly clock: Clock
  /** In [0, 1); for back-off only. */
  readonly random: () => number
  /** Aborts on SIGINT, SIGTERM, and when nobody reads the results any more. */
  readonly signal: AbortSignal
  readonly version: string
  /** As which it was called: what sentences name. */
  readonly program: ProgramName
}
