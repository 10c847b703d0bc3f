// Owns the command line: the commands, their options and help, and the way from an error to a sentence and an exit code.
// Promises that each command's code is loaded only when that command runs, and that nothing is printed as a stack trace but a bug.
// Does not do the work: one file per command does.

import { Command, CommanderError, Option } from 'commander'
import type { AdviseCommandOptions } from './advise.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { dressHelp } from './help.ts'
import { calledAs } from './invoked.ts'
import type { CheckOptions } from './check.ts'
import type { ControllerOptions } from './controller.ts'
import {
  collect,
  CONFIG_PATH,
  count,
  duration,
  FEATURES,
  features,
  positiveDuration,
  selector,
  width,
} from './options.ts'
import { OUTPUT_FORMS } from './output.ts'
import { addPage, withPage } from './program-page.ts'
import type { Done } from './program-parts.ts'
import { addRollouts } from './program-rollout.ts'
import { addCompletion, answerCompletion, COMPLETE } from './program-completion.ts'
import { addTop } from './program-top.ts'
import type { RecordOptions } from './record.ts'
import type { ReplayOptions } from './replay-options.ts'
import type { SessionListOptions } from './session-list.ts'
import type { SessionRunOptions } from './session.ts'
import { neutralise } from './text.ts'
import type { TraceOptions } from './trace.ts'
import type { WatchOptions } from './watch.ts'

/** Runs one command line; the result is the process's exit code. */
export async function run(argv: readonly string[], context: Context): Promise<ExitCode> {
  const outcome: { exitCode: ExitCode } = { exitCode: EXIT.ok }
  const program = createProgram(context, (exitCode) => {
    outcome.exitCode = exitCode
  })
  try {
    if (argv[0] === COMPLETE) await answerCompletion(program, context, argv.slice(1))
    else await program.parseAsync(asked(program, argv), { from: 'user' })
    return context.terminal.failed ? EXIT.input : outcome.exitCode
  } catch (error) {
    return explain(error, context)
  }
}

/** Help on a command that there is not is answered as that command would be: commander would print all help without a word. */
function asked(program: Command, argv: readonly string[]): readonly string[] {
  const [first, name] = argv
  const isUnknown =
    first === 'help' && name !== undefined && !program.commands.some((one) => one.name() === name)
  return isUnknown ? argv.slice(1) : argv
}

function explain(error: unknown, { program, terminal }: Context): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof CliError) {
    const lines = [`podspan: ${neutralise(error.message)}`, ...error.details.map(indented)]
    terminal.say(calledAs(program, lines.join('\n')))
    return error.exitCode
  }
  terminal.say(
    `podspan: this is a bug in podspan; please report it with these lines.\n${linesOf((error as Error)?.stack ?? String(error))}`,
  )
  return EXIT.bug
}

/** The message may quote an object. */
const linesOf = (stack: string): string => stack.split('\n').map(indented).join('\n')

const indented = (line: string): string => `  ${neutralise(line)}`

function createProgram(context: Context, done: Done): Command {
  const program = new Command(context.program)
    .description(
      'Why did this pod take so long to start? One trace per pod start, from what the API server already tells.',
    )
    .version(context.version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.terminal.print(text),
      writeErr: (text) => context.terminal.say(text.trimEnd()),
      getOutHelpWidth: () => Math.min(100, context.terminal.look().width),
      getErrHelpWidth: () => Math.min(100, context.terminal.look().width),
      outputError: (text, write) => write(text.replace(/^error: /, 'podspan: ')),
    })
  const parts = { withLook, withPlace, settle }
  addTrace(program, context, done)
  addWatch(program, context, done)
  addTop(program, context, done, parts)
  addRecord(program, context, done)
  addReplay(program, context, done)
  addAdvise(program, context, done)
  addRollouts(program, context, done, parts)
  addCheck(program, context, done)
  addSession(program, context, done)
  addPage(program, context, done, { withConfig })
  addController(program, context, done)
  addCompletion(program, context, done)
  dressHelp(program, context.program)
  return program
}

function withLook(
  command: Command,
  context: Context,
  forms: readonly string[] = OUTPUT_FORMS,
  what = 'how starts are printed',
): Command {
  return command
    .addOption(new Option('-o, --output <form>', what).choices(forms).default(forms[0]))
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
    .addOption(new Option('--slowest <n>', 'print only the slowest ones').argParser(count).conflicts('ui'))
    .option('--pod <pod>', 'print only this pod: NAME, NAMESPACE/NAME or UID')
    .option('--slower-than <duration>', 'print only starts longer than this, such as 5s', duration)
    .addOption(new Option('--summary', 'print only the table').conflicts(['ui', 'slowest']))
    .addOption(
      new Option(
        '--otlp-endpoint <url>',
        'send starts there too, as fast as they are taken, but for those that --pod and --slower-than leave out; can be given several times',
      )
        .argParser(collect)
        .conflicts('ui'),
    )
  withTimes(withPage(withLook(command, context), ['output'])).action(
    async (files: string[], options: ReplayOptions) => {
      const [{ replay }, { createPipeline }] = await Promise.all([
        import('./replay.ts'),
        import('../trace/pipeline.ts'),
      ])
      done(await replay(context, files, options, createPipeline))
    },
  )
}

function addTrace(program: Command, context: Context, done: Done): void {
  const command = program
    .command('trace')
    .description(
      'print the start of a pod, also one that is long over; one that is under way is followed to its end',
    )
    .argument('<target>', 'POD, or pod/, deploy/, rs/, sts/, ds/ or job/ before a NAME')
    .option('--slowest [n]', 'of several pods print only the slowest one, or n', count)
    .option('--no-follow', 'print what is known now')
    .option('--timeout <duration>', 'how long to follow (default: 10m)', positiveDuration)
    .option('--exit-code', 'exit with 1 unless every start ended ready or completed')
    .addOption(settle())
  const printed = ['output', 'slowest', 'follow', 'timeout', 'exitCode']
  withPlace(withPage(withLook(command, context), printed)).action(
    async (target: string, options: TraceOptions) => {
      const [{ trace }, { createPipeline }] = await Promise.all([
        import('./trace.ts'),
        import('../trace/pipeline.ts'),
      ])
      done(await trace(context, target, options, createPipeline))
    },
  )
}

function addWatch(program: Command, context: Context, done: Done): void {
  const command = program
    .command('watch')
    .description('print starts as they happen, and what those in flight wait for')
    .option('-l, --selector <labels>', 'only pods with these labels, as kubectl takes them', selector)
    .option('--slower-than <duration>', 'print only starts longer than this; all are exported', duration)
    .option(
      '--otlp-endpoint <url>',
      'send every start there too; can be given several times. Otherwise OTEL_EXPORTER_OTLP_ENDPOINT',
      collect,
    )
  withTimes(withPage(withCluster(withLook(command, context, ['lines', ...OUTPUT_FORMS])))).action(
    async (options: WatchOptions) => {
      const [{ watch }, { createPipeline }] = await Promise.all([
        import('./watch.ts'),
        import('../trace/pipeline.ts'),
      ])
      done(await watch(context, options, createPipeline))
    },
  )
}

function addRecord(program: Command, context: Context, done: Done): void {
  const command = program
    .command('record')
    .description('write what the watches receive into a file that replays to the same traces')
    .argument('[file]', "where to; .gz compresses, '-' is standard output (default: podspan-TIME.jsonl.gz)")
    .option('-l, --selector <labels>', 'only pods with these labels, as kubectl takes them', selector)
    .option('--for <duration>', 'end after this time; otherwise Ctrl-C does', positiveDuration)
    .option('--no-redact', 'keep environment values, arguments, annotations and the names of Secrets')
  withCluster(command).action(async (file: string | undefined, options: RecordOptions) => {
    const { record } = await import('./record.ts')
    done(await record(context, { ...options, ...(file !== undefined && { file }) }))
  })
}

const ADVICE_FORM = 'advice to read, or one advice/v1 document a workload and line'

function addAdvise(program: Command, context: Context, done: Done): void {
  const command = program
    .command('advise')
    .description('say what would have made starts shorter, by how much, and on which spans that rests')
    .argument(
      '[targets...]',
      'POD, or deploy/, rs/, sts/, ds/ or job/ before a NAME; by default all pods of the namespace',
    )
    .option(
      '--from <recording>',
      'learn from this instead of the cluster; can be given several times',
      collect,
    )
    .option('--min-starts <n>', 'say nothing of a workload with fewer starts (default: 5)', count)
    .option('--min-saving <duration>', 'say nothing that saves less (default: 500ms)', duration)
  withPlace(withLook(command, context, ADVICE_FORMS, ADVICE_FORM)).action(
    async (targets: string[], options: AdviseCommandOptions) => {
      const [{ advise }, { createPipeline }] = await Promise.all([
        import('./advise.ts'),
        import('../trace/pipeline.ts'),
      ])
      done(await advise(context, targets, options, createPipeline))
    },
  )
}

function addCheck(program: Command, context: Context, done: Done): void {
  const command = program
    .command('check')
    .description(
      'say what may be seen, whose clocks are off, what this version tells, and how many spans a month that makes',
    )
    .option('--for <duration>', "how long to watch the nodes' clocks (default: 12s)", positiveDuration)
    .option('--without <features>', `what is left out on purpose: some of ${FEATURES.join(',')}`, features)
  const look = withLook(command, context, ['text', 'json'], 'a report, or one check/v1 document')
  withCluster(look).action(async (options: CheckOptions) => {
    const [{ check }, { createPipeline }] = await Promise.all([
      import('./check.ts'),
      import('../trace/pipeline.ts'),
    ])
    done(await check(context, options, createPipeline))
  })
}

const ADVICE_FORMS = ['text', 'json'] as const
const SESSION_FORMS = ['text', 'json'] as const
const SESSION_FORM = 'a report, or the TraceSession as kubectl has it, on one line'

function addSession(program: Command, context: Context, done: Done): void {
  const session = program
    .command('session')
    .description('judge a rollout by its pod starts, by Podspan in the cluster')
  addSessionRun(session, context, done)
  const list = session.command('list').description('list TraceSessions, the newest first')
  list.option('-A, --all-namespaces', 'of all namespaces')
  withPlace(withLook(list, context, SESSION_FORMS, SESSION_FORM)).action(
    async (options: SessionListOptions) => {
      const { sessionList } = await import('./session-list.ts')
      done(await sessionList(context, options))
    },
  )
  const get = session.command('get').description('print the report of one').argument('<name>')
  withPlace(withLook(get, context, SESSION_FORMS, SESSION_FORM)).action(
    async (name: string, options: SessionListOptions) => {
      const { sessionGet } = await import('./session-list.ts')
      done(await sessionGet(context, name, options))
    },
  )
}

const SESSION_RUN_HELP = `
Exit codes: 0, all objectives were met; 1, one was missed, or the command failed, whose own code is then said;
3, no verdict: too few pods, a timeout, nobody there to judge.

The command begins when Podspan has accepted the session. If it fails, its rollout is not waited for. One that changes
nothing starts no pods, and the session is inconclusive at its --timeout.

Where TRACEPARENT holds a W3C trace context, such as that of a CI job, the session carries it, and the root of each start and of the
rollout links to it.

Needs create, get, list and watch on tracesessions.podspan.dev in the namespace; delete for --delete.`

function addSessionRun(session: Command, context: Context, done: Done): void {
  const command = session
    .command('run')
    .description(
      'create a TraceSession, run a command if one is given, wait for the verdict: 0 passed, 1 failed, 3 inconclusive',
    )
    .argument(
      '[command...]',
      "run when Podspan has accepted the session, such as '-- kubectl apply -f web.yaml'",
    )
    .option(
      '--target <target>',
      'deploy/, sts/, ds/, rs/, job/, cronjob/, pod/, rollout/ or lws/ before a NAME, or GROUP/VERSION/KIND/NAME',
    )
    .option('-l, --selector <labels>', 'pods with these labels instead')
    .option('--all', 'all pods of the namespace instead')
    .option(
      '--objective <objective>',
      'p99=30s, or "p95(pull image)=10s" for one operation; can be given several times',
      collect,
    )
    .option('--timeout <duration>', 'take no new pods after this time (default: 30m)')
    .option('--start-timeout <duration>', 'a pod that is not ready after this time has failed (default: 10m)')
    .option('--min-pods <n>', 'be over only when so many pods have started or failed to', count)
    .option(
      '--backfill <duration>',
      'take pods too that were created this long ago (default: 1m; with a command 0s)',
    )
    .option('--exporter <name>', "where traces go, by the name in Podspan's configuration")
    .option('--name <name>', "the session's name; by default a new one made from the target's")
    .option('--delete', 'delete the session at the end; otherwise it stays for a day')
    .addHelpText('after', SESSION_RUN_HELP)
  withPlace(withLook(command, context, SESSION_FORMS, SESSION_FORM)).action(
    async (argv: string[], options: SessionRunOptions) => {
      const { sessionRun } = await import('./session.ts')
      done(await sessionRun(context, options, argv))
    },
  )
}

function addController(program: Command, context: Context, done: Done): void {
  program
    .command('controller')
    .description('run the operator: traces for TraceSessions, metrics, verdicts')
    .option('--config <file>', `YAML; by default PODSPAN_CONFIG, else ${CONFIG_PATH} where it exists`)
    .option('--check-config', 'say what is wrong with the configuration, or print what would be used')
    .option('--kubeconfig <file>', 'by default KUBECONFIG, ~/.kube/config, or the service account of a pod')
    .option('--context <name>', 'a context of the kubeconfig; by default its current one')
    .addHelpText(
      'after',
      '\nEvery setting of docs/configuration.md is an option too, such as --log-level debug.',
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (options: Omit<ControllerOptions, 'settings'>, command: Command) => {
      const [{ controller }, { settingsOf }] = await Promise.all([
        import('./controller.ts'),
        import('./controller-settings.ts'),
      ])
      done(await controller(context, { ...options, settings: settingsOf(command.args) }))
    })
}

function withPlace(command: Command): Command {
  return withConfig(command.option('-n, --namespace <name>', "by default the context's own, else default"))
}

function withCluster(command: Command): Command {
  return withConfig(command.option('-n, --namespace <name>', 'only this namespace'))
}

function withConfig(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'by default KUBECONFIG, ~/.kube/config, or the service account of a pod')
    .option('--context <name>', 'a context of the kubeconfig; by default its current one')
}

const settle = (): Option =>
  new Option(
    '--settle <duration>',
    'how long evidence may settle after a start is over (default: 5s)',
  ).argParser(positiveDuration)

function withTimes(command: Command): Command {
  return command
    .addOption(settle())
    .option(
      '--start-timeout <duration>',
      'a start that takes longer is a timeout (default: 10m)',
      positiveDuration,
    )
}
