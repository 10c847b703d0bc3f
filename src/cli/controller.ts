// Owns `podspan controller` on the command line: the files and variables that its configuration comes from, and --check-config.
// Promises exit code 2 with every wrong setting named before anything is started.
// Does not run the operator: controller/ does.

import { readFileSync } from 'node:fs'
import type { ConfigSources, ControllerConfig } from '../controller/config.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { CONFIG_PATH } from './options.ts'
import { neutralise } from './text.ts'

export interface ControllerOptions {
  readonly config?: string
  readonly checkConfig?: boolean
  readonly kubeconfig?: string
  readonly context?: string
  /** Given settings by the flag's name. */
  readonly settings: Readonly<Record<string, string | undefined>>
}

export async function controller(context: Context, options: ControllerOptions): Promise<ExitCode> {
  const config = await configOf(context, options)
  if (options.checkConfig) {
    await context.terminal.print(`${JSON.stringify(config, printable, 2)}\n`)
    return EXIT.ok
  }
  throw new CliError(EXIT.usage, 'This build has only --check-config.')
}

async function configOf(context: Context, options: ControllerOptions): Promise<ControllerConfig> {
  const { loadConfig } = await import('../controller/config.ts')
  const loaded = loadConfig(sourcesOf(context, options))
  if (!loaded.ok)
    throw new CliError(EXIT.usage, `the configuration is wrong:\n${loaded.problems.map(line).join('\n')}`)
  for (const warning of loaded.warnings) context.terminal.say(`podspan: ${neutralise(warning)}`)
  return loaded.config
}

const line = (problem: string): string => `  ${neutralise(problem)}`

function sourcesOf({ env }: Context, { config, settings }: ControllerOptions): ConfigSources {
  const named = config ?? env['PODSPAN_CONFIG']
  const path = named ?? CONFIG_PATH
  const text = readText(path, named === undefined ? 'optional' : 'needed')
  return { env, flags: settings, ...(text === undefined ? {} : { file: { path, text } }) }
}

function readText(path: string, need: 'optional' | 'needed'): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (need === 'optional' && code === 'ENOENT') return undefined
    throw new CliError(EXIT.usage, `The configuration ${neutralise(path)} cannot be read: ${message}.`)
  }
}

/** As the file would say it; values of headers may be secrets. */
function printable(key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${Number(value / 1_000_000n) / 1000}s`
  if (key !== 'headers') return value
  return Object.fromEntries(Object.keys(value as object).map((name) => [name, '(hidden)']))
}
