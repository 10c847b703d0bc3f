// Owns the process: the only reader of argv and the environment, the only one that listens to signals and sets the exit code.
// Promises that everything below gets these as values, and that output is flushed before the process ends.
// Does not know any command: see cli/program.ts.

import { systemClock } from './base/clock.ts'
import { invokedAs } from './cli/invoked.ts'
import { run } from './cli/program.ts'
import { openTerminal } from './cli/terminal.ts'

/** Replaced by scripts/build.ts with the version in package.json. */
declare const PODSPAN_VERSION: string

const abort = new AbortController()

// The first signal asks for an orderly end, the second one does not ask.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (abort.signal.aborted ? process.exit(130) : abort.abort(signal)))
}

// A single executable has its own path where a script's would be; what it was called is in argv0 then.
const { args, program } = invokedAs([process.argv0, process.argv[1]], process.argv.slice(2))

process.exitCode = await run(args, {
  terminal: openTerminal(process.stdout, process.stderr, process.env, () => abort.abort('closed')),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  clock: systemClock(),
  random: Math.random,
  signal: abort.signal,
  version: typeof PODSPAN_VERSION === 'string' ? PODSPAN_VERSION : '0.0.0-source',
  program,
})
// A credential helper that hangs must not hold up a shell that completes.
if (args[0] === '__complete') process.exit()
