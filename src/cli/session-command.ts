// Owns the one command that `session run` runs: its process, with the terminal passed through.
// Promises an end for every beginning: how it exited, or why it could not start; an interrupt reaches it too.
// Does not read what it prints.

import { spawn } from 'node:child_process'
import type { Context } from './context.ts'

export type CommandEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'not started'; readonly message: string }

/** A terminal sends Ctrl-C to the command as well; one that is still there after this time is told again. */
const INTERRUPT_MS = 5000

export function runCommand(
  { env, signal, clock }: Pick<Context, 'env' | 'signal' | 'clock'>,
  [file = '', ...args]: readonly string[],
  stdout: 'inherit' | 'to stderr',
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      env,
      stdio: ['inherit', stdout === 'inherit' ? 'inherit' : 2, 'inherit'],
    })
    const over = new AbortController()
    const stop = (): void => void interrupt()
    const interrupt = async (): Promise<void> => {
      if (signal.reason !== 'SIGTERM') await clock.sleep(INTERRUPT_MS, over.signal)
      if (!over.signal.aborted) child.kill('SIGTERM')
    }
    const end = (how: CommandEnd): void => {
      over.abort()
      signal.removeEventListener('abort', stop)
      resolve(how)
    }
    child.on('error', ({ message }) => {
      if (child.pid === undefined) end({ kind: 'not started', message })
    })
    child.on('exit', (code, killedBy) =>
      end(code === null ? { kind: 'killed', signal: killedBy ?? 'a signal' } : { kind: 'exited', code }),
    )
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}

export const hasSucceeded = (end: CommandEnd): boolean => end.kind === 'exited' && end.code === 0

export function commandText(end: CommandEnd): string {
  switch (end.kind) {
    case 'exited':
      return `ended with exit code ${end.code}`
    case 'killed':
      return `was ended by ${end.signal}`
    case 'not started':
      return `could not be started: ${end.message}`
  }
}
