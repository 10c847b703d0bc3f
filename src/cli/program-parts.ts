// Owns what the files of the command line's tree share: how a command ends, and the options that several have.
// Promises types only. Adds no command.

import type { Command, Option } from 'commander'
import type { Context } from './context.ts'
import type { ExitCode } from './exit.ts'

export type Done = (exitCode: ExitCode) => void

/** What all commands share. */
export interface Parts {
  withLook(command: Command, context: Context, forms?: readonly string[], what?: string): Command
  withPlace(command: Command): Command
  settle(): Option
}
