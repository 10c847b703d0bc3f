// Owns how help looks: examples below each command's options, where to read on after a mistake, and the name the program was called by.
// Promises the same for every command, those of later too. Does not declare commands: program.ts does.

import { type Command, Help } from 'commander'
import { EXIT_CODES_HELP } from './exit.ts'
import { calledAs, type ProgramName } from './invoked.ts'

type Example = readonly [command: string, says: string]

const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  trace: [
    ['trace web-6f5d8c9b7c-x2x4p -n shop', 'one pod'],
    ['trace deploy/web -n shop --slowest', "the slowest pod of a Deployment's current revision"],
    ['trace job/import -o json | jq .verdict', 'the sentence alone'],
    ['trace deploy/web -n shop --ui', 'side by side on a page, those under way as they go on'],
  ],
  watch: [
    ['watch', 'all namespaces; on a terminal with a table of what is in flight'],
    ['watch -n shop -l app=web --slower-than 10s', 'slow starts of one application'],
    ['watch --ui', 'on a page of this machine'],
    ['watch --otlp-endpoint http://localhost:4318', 'and send each to an OpenTelemetry Collector'],
  ],
  top: [
    ['top -A', 'of the whole cluster, by the 90th percentile of the last hour'],
    ['top -n shop --since 10m --sort max', 'the worst single starts of the last ten minutes'],
    ['top -A --field-selector spec.nodeName=node-7', 'of one node'],
  ],
  record: [
    ['record incident.jsonl.gz -n shop --for 10m', 'ten minutes of one namespace, redacted'],
    ['record - | podspan replay -', 'through a pipe, as a check'],
  ],
  replay: [
    ['replay incident.jsonl.gz --slowest 3', 'the three slowest starts, and where the time went'],
    ['replay incident.jsonl.gz --pod shop/web-x2x4p -o json', 'one pod, with its evidence'],
    ['replay incident.jsonl.gz --ui', 'all of it on a page'],
    ['replay incident.jsonl.gz --otlp-endpoint http://localhost:4318', 'and send its starts to a backend'],
  ],
  advise: [
    ['advise deploy/web -n shop', 'from the pods that are there now'],
    ['advise --from incident.jsonl.gz -o json', 'from a recording, as JSON'],
  ],
  rollout: [
    ['rollout deploy/web -n shop', 'the latest, followed to its end'],
    ['rollout sts/db -n shop --revision 3 --no-follow', 'an earlier one, as it is known now'],
  ],
  diff: [
    ['diff deploy/web -n shop', 'the current revision and the one before it'],
    ['diff deploy/web --from before.jsonl.gz --from after.jsonl.gz', 'of two recordings'],
  ],
  check: [
    ['check', 'before the first trace, and where one looks coarse'],
    ['check -n shop -o json', 'for a script; exit code 1 where something is missing'],
  ],
  'session run': [
    [
      'session run --target deploy/web --objective p99=30s -n shop -- kubectl apply -n shop -f web.yaml',
      'a gate in CI',
    ],
    ['session run --target deploy/web --objective "p95(pull image)=10s"', 'of one operation'],
  ],
  'session list': [['session list -A', 'of all namespaces']],
  'session get': [['session get web-7kx2p -n shop', 'the report that session run ended with']],
  ui: [
    ['ui', 'wherever Podspan runs'],
    ['ui -n observability --port 0 --no-open', 'of one installation, at any free port, without a browser'],
  ],
  controller: [['controller --check-config --config podspan.yaml', 'what a configuration comes to']],
  completion: [
    ['completion bash > /etc/bash_completion.d/podspan', 'for everybody on a machine'],
    ['source <(podspan completion zsh)', 'in ~/.zshrc'],
    ['completion fish > ~/.config/fish/completions/podspan.fish', 'for oneself'],
  ],
}

/** To be called when all commands are there. */
export function dressHelp(program: Command, name: ProgramName): void {
  program.addHelpText('after', `\nExamples:\n${overview(name)}\n\n${calledAs(name, EXIT_CODES_HELP)}`)
  visit(program, [])

  function visit(command: Command, path: readonly string[]): void {
    const called = [name, ...path].join(' ')
    command.configureHelp({ optionDescription })
    command.showHelpAfterError(usageOf(command, called))
    const examples = EXAMPLES[path.join(' ')]
    if (examples) command.addHelpText('after', `\nExamples:\n${linesOf(examples, name)}`)
    for (const each of command.commands) visit(each, [...path, each.name()])
  }
}

const usageOf = (command: Command, called: string): string =>
  command.commands.length > 0
    ? `Try '${called} --help'.`
    : `Usage: ${called} ${command.usage()}\nTry '${called} --help'.`

/** The first of those that a newcomer needs. */
const overview = (name: ProgramName): string =>
  linesOf(
    ['check', 'top', 'trace', 'watch', 'rollout'].flatMap((each) => EXAMPLES[each]?.slice(0, 1) ?? []),
    name,
  )

const linesOf = (examples: readonly Example[], name: ProgramName): string =>
  examples.map(([command, says]) => `  # ${says}\n  ${lineOf(command, name)}`).join('\n')

const lineOf = (command: string, name: ProgramName): string =>
  command.startsWith('source ') ? command : `${name} ${command.replace('| podspan', `| ${name}`)}`

/** What an option without a value comes to is said in its own words. */
const optionDescription: Help['optionDescription'] = (option) =>
  new Help().optionDescription(option).replace(/ ?\(preset: [^)]*\)/, '')
