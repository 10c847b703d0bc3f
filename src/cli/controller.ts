// Owns `podspan controller` on the command line: the files and variables that its configuration comes from, and --check-config.
// Promises exit code 2 with every wrong setting named before anything is started, 3 without a cluster to talk to, 0 after a signal.
// Does not run the operator: controller/ does.

import { readFileSync } from 'node:fs'
import { proxyFor } from '../base/proxy.ts'
import type { ConfigSources, ControllerConfig } from '../controller/config.ts'
import type { Exporters } from '../controller/exporters.ts'
import { ConfigError } from '../export/config.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { jsonLine } from './json-line.ts'
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
    await context.terminal.print(jsonLine(JSON.stringify(config, printable, 2)))
    return EXIT.ok
  }
  await operate(context, options, config)
  return EXIT.ok
}

/** Runs the operator until the signal; an orderly end is what was asked for. */
async function operate(
  context: Context,
  options: ControllerOptions,
  config: ControllerConfig,
): Promise<void> {
  const { clock, env, random, signal, version } = context
  const [
    { createLog },
    { createExporters },
    { runController },
    { openConnection },
    { watchesOf },
    { pageFiles },
  ] = await Promise.all([
    import('../controller/log.ts'),
    import('../controller/exporters.ts'),
    import('../controller/controller.ts'),
    import('../kube/config.ts'),
    import('../controller/streams.ts'),
    import('../web/files.ts'),
  ])
  const log = createLog({ level: config.log.level, clock, out: context.stdout })
  const exporters = createExporters({ clock, random, log, readFile, env })
  configure(exporters, config)
  await checkFiles(config)
  const { kubeconfig, context: kubeContext } = options
  const connection = await openConnection({
    watches: watchesOf(config),
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(kubeContext !== undefined && { context: kubeContext }),
    env,
    proxyFor: (url) => proxyFor(url, env),
  }).catch((error: Error) => {
    throw new CliError(EXIT.cluster, `No cluster to talk to: ${error.message}.`)
  })
  try {
    await runController({
      ...(pageFiles && { pageFiles }),
      config,
      sources: sourcesOf(context, options),
      connection,
      exporters,
      readFile,
      clock,
      random,
      log,
      version,
      podName: env['POD_NAME'] || env['HOSTNAME'] || 'podspan',
      podNamespace: env['POD_NAMESPACE'] || connection.namespace || 'default',
      signal,
      ...(globalThis.gc && { collect: () => globalThis.gc?.(GIVE_BACK) }),
    })
  } catch (error) {
    throw asCliError(error, config)
  } finally {
    await connection.close()
  }
}

/** All that is garbage, and the pages that V8 keeps for the next burst. */
const GIVE_BACK = { type: 'major', execution: 'sync', flavor: 'last-resort' } as const

function configure(exporters: Exporters, config: ControllerConfig): void {
  try {
    exporters.configure(config)
  } catch (error) {
    // The message names the exporter's setting and the file.
    throw error instanceof ConfigError ? new CliError(EXIT.usage, error.message) : error
  }
}

/** The files of what API servers and other components reach. */
async function checkFiles({ receiver, webhook }: ControllerConfig): Promise<void> {
  try {
    if (receiver.enabled) (await import('../controller/receiving.ts')).readSecrets(receiver, readFile)
    if (webhook.enabled) (await import('../controller/injecting.ts')).readCertificate(webhook, readFile)
  } catch (error) {
    throw error instanceof ConfigError ? new CliError(EXIT.usage, error.message) : error
  }
}

const readFile = (path: string): string => readFileSync(path, 'utf8')

function asCliError(error: unknown, { server }: ControllerConfig): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  const isListening = code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL'
  if (!isListening) return error
  return new CliError(
    EXIT.usage,
    `server.address, server.port: ${server.address}:${server.port}: ${message}.`,
  )
}

async function configOf(context: Context, options: ControllerOptions): Promise<ControllerConfig> {
  const { loadConfig } = await import('../controller/config.ts')
  const loaded = loadConfig(sourcesOf(context, options))
  if (!loaded.ok) throw new CliError(EXIT.usage, 'the configuration is wrong:', loaded.problems)
  for (const warning of loaded.warnings) context.terminal.say(`podspan: ${neutralise(warning)}`)
  return loaded.config
}

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
