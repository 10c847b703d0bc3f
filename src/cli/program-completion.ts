// Owns `completion SHELL`, which prints a script, and `__complete`, which that script and kubectl ask.
// Promises the form that kubectl expects of plugins: a candidate a line, with what it says behind a tab, and `:DIRECTIVE` at the end.
// Does not decide what is completed: completion.ts does.

import { Argument, type Command } from 'commander'
import { type Candidate, complete, type Completion } from './completion.ts'
import { SHELLS, scriptOf, type Shell } from './completion-scripts.ts'
import type { Context } from './context.ts'
import { EXIT } from './exit.ts'
import type { Done } from './program-parts.ts'
import { neutralise } from './text.ts'

/** As cobra numbers them, which kubectl reads. */
const DIRECTIVE = { files: 0, noSpace: 2, noFiles: 4 } as const

export function addCompletion(program: Command, context: Context, done: Done): void {
  program
    .command('completion')
    .description('print a script that completes commands, options and names in a shell')
    .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
    .action(async (shell: Shell) => {
      await context.terminal.print(scriptOf(shell))
      done(EXIT.ok)
    })
}

/** What shells and kubectl ask with; its words are somebody's line so far, and none of them is for us to obey. */
export const COMPLETE = '__complete'

export async function answerCompletion(
  program: Command,
  context: Context,
  words: readonly string[],
): Promise<void> {
  const found = complete(program, words)
  const { ask, lead } = found
  const candidates = (await valuesOf(context, found)).filter(({ value }) => value.startsWith(found.prefix))
  const noSpace = candidates.length > 0 && candidates.every(({ value }) => value.endsWith('/'))
  const directive = ask === 'files' ? DIRECTIVE.files : DIRECTIVE.noFiles + (noSpace ? DIRECTIVE.noSpace : 0)
  const lines = candidates.map((one) => `${lineOf(lead, one)}\n`)
  await context.terminal.print(`${lines.join('')}:${directive}\n`)
}

async function valuesOf(context: Context, found: Completion): Promise<readonly Candidate[]> {
  const { ask, candidates } = found
  if (ask === 'files' || ask === 'nothing') return candidates
  const { valuesFor } = await import('./completion-values.ts')
  const values = await valuesFor(context, { ...found, ask })
  return [...candidates, ...values.filter(isHarmless).map((value) => ({ value }))]
}

/** What a shell would read as more than one word, or as something to do, is no name of Kubernetes either. */
const isHarmless = (value: string): boolean => /^[\w./:@-]+$/.test(value)

const lineOf = (lead: string, { value, says }: Candidate): string =>
  `${lead}${value}${says === undefined ? '' : `\t${neutralise(says, 100)}`}`
