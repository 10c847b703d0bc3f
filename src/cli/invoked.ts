// Owns the name under which the program was called: by itself, as a plugin of kubectl, or to complete that plugin's command line.
// Promises that sentences which name a command name the one that the reader has. Reads no process: main.ts hands the names in.

export type ProgramName = 'podspan' | 'kubectl podspan'

export interface Invoked {
  readonly program: ProgramName
  readonly args: readonly string[]
}

/** kubectl runs `kubectl-podspan ARGS…`, and `kubectl_complete-podspan ARGS…` to complete them; both are links to the one program. */
export function invokedAs(names: readonly (string | undefined)[], args: readonly string[]): Invoked {
  const own = names.map((name = '') => name.replace(/^.*[/\\]/, '').replace(/\.(exe|mjs|cmd)$/i, ''))
  if (own.includes('kubectl_complete-podspan'))
    return { program: 'kubectl podspan', args: ['__complete', ...args] }
  return { program: own.includes('kubectl-podspan') ? 'kubectl podspan' : 'podspan', args }
}

/** In a sentence or help text, commands to type are quoted or begin a line of examples. */
export const calledAs = (program: ProgramName, text: string): string =>
  program === 'podspan' ? text : text.replace(/(?<=(?:^|['`]|Try: | {2}))podspan(?= [a-z-])/gm, program)
