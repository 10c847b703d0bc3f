// Owns the running of short commands and the words said to the person at the terminal.
// Promises that a failed command is quoted: what was run, its exit code, the end of what it wrote.
// Does not run anything that outlives the caller: see processes.ts.

import { spawn } from 'node:child_process'
import { systemClock } from '../../src/base/clock.ts'

export const clock = systemClock()

/** An expected failure, in a sentence for the person at the terminal; shown without a stack. */
export class ClusterError extends Error {}

export interface CommandOptions {
  readonly input?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Lines of stderr pass through to ours as they come, for work that takes minutes. */
  readonly showProgress?: boolean
}

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Results go to stdout, talk to stderr. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Runs a command and returns what it printed, or throws with the end of its stderr. */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await attempt(command, args, options)
  if (result.code === 0) return result.stdout
  const output = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-20).join('\n')
  throw new ClusterError(`${command} ${args.join(' ')} failed with ${result.code}:\n${output}`)
}

/** Runs a command whose failure is an answer; a command that cannot be started answers 127. */
export function attempt(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      stderr.push(chunk)
      if (options.showProgress) process.stderr.write(chunk)
    })
    const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString()
    child.on('error', (error) => resolve({ code: 127, stdout: '', stderr: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 128, stdout: text(stdout), stderr: text(stderr) }))
    // A command that does not read its input closes the pipe early; its exit code tells whether that was wrong.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}

/** Runs the main function of a script; an expected failure is one sentence and exit code 1. */
export function runScript(main: () => Promise<void>): void {
  main().then(
    // Its own exit code where it has set one.
    () => process.exit(),
    (error: unknown) => {
      say(error instanceof ClusterError ? error.message : String((error as Error).stack ?? error))
      process.exit(1)
    },
  )
}
