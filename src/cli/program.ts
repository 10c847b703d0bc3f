// Owns the command line: the commands, their options and help, and the way from an error to a sentence and an exit code.
// Promises that each command's code is loaded only when that command runs, and that nothing is printed as a stack trace but a bug.
// Does not do the work: one file per command does.

import { Command, CommanderError, Option } from 'commander'
import type { Context } from './context.ts'
import { CliError, EXIT, EXIT_CODES_HELP, type ExitCode } from './exit.ts'
import { count, duration, positiveDuration, width } from './options.ts'
import { OUTPUT_FORMS } from './output.ts'
import type { ReplayOptions } from './replay.ts'
import { neutralise } from './text.ts'

/** Runs one command line; the result is the process's exit code. */
export async function run(argv: readonly string[], context: Context): Promise<ExitCode> {
  const outcome: { exitCode: ExitCode } = { exitCode: EXIT.ok }
  const program = createProgram(context, (exitCode) => {
    outcome.exitCode = exitCode
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return outcome.exitCode
  } catch (error) {
    return explain(error, context)
  }
}

function explain(error: unknown, { terminal }: Context): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof CliError) {
    terminal.say(`podspan: ${neutralise(error.message)}`)
    return error.exitCode
  }
  terminal.say(
    `podspan: this is a bug in podspan; please report it with these lines.\n${(error as Error)?.stack ?? String(error)}`,
  )
  return EXIT.bug
}

type Done = (exitCode: ExitCode) => void

function createProgram(context: Context, done: Done): Command {
  const program = new Command('podspan')
    .description(
      'Why did this pod take so long to start? One trace per pod start, from what the API server already tells.',
    )
    .version(context.version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.terminal.print(text),
      writeErr: (text) => context.terminal.say(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'podspan: ')),
    })
    .showHelpAfterError("Try 'podspan --help'.")
    .addHelpText('after', `\n${EXIT_CODES_HELP}`)
  addReplay(program, context, done)
  return program
}

function withLook(command: Command, context: Context): Command {
  return command
    .addOption(
      new Option('-o, --output <form>', 'how starts are printed').choices(OUTPUT_FORMS).default('waterfall'),
    )
    .option('--ascii', 'draw with ASCII characters only')
    .option('--width <columns>', 'width of the picture; by default that of the terminal, or 100', width)
    .hook('preAction', (_, action) => {
      const { ascii, width: columns } = action.opts<{ ascii?: boolean; width?: number }>()
      context.terminal.prefer({
        ...(ascii !== undefined && { ascii }),
        ...(columns !== undefined && { width: columns }),
      })
    })
}

function addReplay(program: Command, context: Context, done: Done): void {
  const command = program
    .command('replay')
    .description('print the starts that recordings hold, and where their time went')
    .argument('<files...>', "recordings, .jsonl or .jsonl.gz; '-' is standard input")
    .option('--slowest <n>', 'print only the slowest ones', count)
    .option('--pod <pod>', 'print only this pod: NAME, NAMESPACE/NAME or UID')
    .option('--slower-than <duration>', 'print only starts longer than this, such as 5s', duration)
    .option('--summary', 'print only the table')
  withTimes(withLook(command, context)).action(async (files: string[], options: ReplayOptions) => {
    const [{ replay }, { createPipeline }] = await Promise.all([
      import('./replay.ts'),
      import('../trace/pipeline.ts'),
    ])
    done(await replay(context, files, options, createPipeline))
  })
}

function withTimes(command: Command): Command {
  return command
    .option(
      '--settle <duration>',
      'how long evidence may settle after a start is over (default: 5s)',
      positiveDuration,
    )
    .option(
      '--start-timeout <duration>',
      'a start that takes longer is a timeout (default: 10m)',
      positiveDuration,
    )
}
