// Owns what may stand next on a command line: commands, options, their choices, and what must be asked for elsewhere.
// Promises to follow the declared commands, so that a new option is completed without a word here. Does no IO: values.ts does.

import type { Argument, Command, Option } from 'commander'

/** What only somebody else knows: names on a cluster, contexts of a kubeconfig, files. */
export type Asked =
  | 'namespaces'
  | 'contexts'
  | 'files'
  | 'pods'
  | 'targets'
  | 'workloads'
  | 'sessions'
  | 'nothing'

export interface Candidate {
  readonly value: string
  readonly says?: string
}

export interface Completion {
  readonly candidates: readonly Candidate[]
  readonly ask: Asked
  /** The word so far, without the option's name where it is `--option=VALUE`. */
  readonly prefix: string
  /** `--option=`, which candidates have to begin with. */
  readonly lead: string
  /** Given before: options by their long name. */
  readonly given: Readonly<Record<string, string>>
}

/** Values of options, by their long name; those with choices say them. */
const OPTION_VALUES: Readonly<Record<string, Asked>> = {
  '--namespace': 'namespaces',
  '--context': 'contexts',
  '--kubeconfig': 'files',
  '--from': 'files',
  '--config': 'files',
  '--target': 'workloads',
  '--pod': 'nothing',
}

/** By command and argument. */
const ARGUMENT_VALUES: Readonly<Record<string, Asked>> = {
  'trace target': 'targets',
  'advise targets': 'targets',
  'rollout workload': 'workloads',
  'diff workload': 'workloads',
  'record file': 'files',
  'replay files': 'files',
  'get name': 'sessions',
}

interface Place {
  command: Command
  readonly given: Record<string, string>
  positionals: number
  /** The option whose value comes next. */
  awaited?: Option
  /** After `--` stands somebody else's command line. */
  foreign: boolean
}

/** `words` without the program's name; the last one is being typed. */
export function complete(program: Command, words: readonly string[]): Completion {
  const place: Place = { command: program, given: {}, positionals: 0, foreign: false }
  for (const word of words.slice(0, -1)) step(place, word)
  const typed = words.at(-1) ?? ''
  const { given, awaited, command } = place
  const base = { candidates: [], prefix: typed, lead: '', given } as const
  if (place.foreign) return { ...base, ask: 'files' }
  if (awaited) return valuesOf(awaited, { ...base, ask: 'nothing' })
  if (/^--[^=]+=/.test(typed)) {
    const lead = typed.slice(0, typed.indexOf('=') + 1)
    const option = optionOf(command, lead.slice(0, -1))
    const rest = { ...base, ask: 'nothing', lead, prefix: typed.slice(lead.length) } as const
    return option ? valuesOf(option, rest) : rest
  }
  if (typed.startsWith('-')) return { ...base, ask: 'nothing', candidates: optionsOf(command) }
  const below = place.positionals === 0 ? commandsOf(command) : []
  const argument = argumentAt(command, place.positionals)
  return argument ? argumentValues(command, argument, base) : { ...base, ask: 'nothing', candidates: below }
}

function step(place: Place, word: string): void {
  if (place.foreign) return
  if (place.awaited) {
    place.given[place.awaited.long ?? ''] = word
    delete place.awaited
  } else if (word === '--') place.foreign = true
  else if (word.startsWith('-')) stepOption(place, word)
  else {
    const below = place.command.commands.find((each) => each.name() === word || each.aliases().includes(word))
    if (below && place.positionals === 0) place.command = below
    else place.positionals++
  }
}

function stepOption(place: Place, word: string): void {
  const [name = word, value] = word.startsWith('--') ? word.split(/=(.*)/s) : [word]
  const option = optionOf(place.command, name)
  if (!option) return
  if (value !== undefined) place.given[option.long ?? ''] = value
  else if (option.required) place.awaited = option
}

const optionOf = (command: Command, flag: string): Option | undefined =>
  command.options.find(({ long, short }) => long === flag || short === flag)

type Base = Omit<Completion, 'ask'> & { readonly ask: Asked }

function valuesOf(option: Option, base: Base): Completion {
  const choices = option.argChoices?.map((value) => ({ value })) ?? []
  return { ...base, candidates: choices, ask: OPTION_VALUES[option.long ?? ''] ?? 'nothing' }
}

const optionsOf = (command: Command): Candidate[] => [
  ...command.options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ long, description }) => said(long, description)),
  { value: '--help', says: 'display help for command' },
]

const said = (value: string | null | undefined, says: string): Candidate[] => (value ? [{ value, says }] : [])

const commandsOf = (command: Command): Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ value: each.name(), says: each.description() }))

function argumentAt(command: Command, position: number): Argument | undefined {
  const all = command.registeredArguments
  return all[position] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined)
}

function argumentValues(command: Command, argument: Argument, base: Omit<Completion, 'ask'>): Completion {
  const choices = argument.argChoices?.map((value) => ({ value })) ?? []
  const ask = ARGUMENT_VALUES[`${command.name()} ${argument.name()}`] ?? 'nothing'
  return { ...base, candidates: choices, ask }
}
