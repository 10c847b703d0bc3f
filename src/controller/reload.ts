// Owns looking whether the configuration or a file of an exporter has changed, and taking over what may change without a restart.
// Promises that a wrong file changes nothing and is said, and that what needs a restart is named once per change.
// Does not read files by itself: that is a parameter.

import { ConfigError } from '../export/config.ts'
import { type ConfigSources, type ControllerConfig, loadConfig } from './config.ts'
import type { Exporters } from './exporters.ts'
import type { Log } from './log.ts'

export interface ReloadOptions {
  readonly sources: ConfigSources
  readonly config: ControllerConfig
  readonly exporters: Exporters
  readonly readFile: (path: string) => string
  readonly log: Log
  /** Exporters have changed. */
  readonly onExporters: (config: ControllerConfig) => void
}

export interface Reload {
  /** Every 10 seconds: a ConfigMap takes about a minute to arrive anyway. */
  look(): void
  counters(): { readonly reloaded: number; readonly refused: number }
}

export const RELOAD_MS = 10_000

export function createReload(options: ReloadOptions): Reload {
  const { exporters, log, onExporters, sources } = options
  const started = options.config
  let config = options.config
  let text = sources.file?.text
  let reloaded = 0
  let refused = 0
  const refuse = (problems: readonly string[]): void => {
    refused += 1
    log.error('the changed configuration is wrong; the one before goes on', { problems })
  }
  const parse = (): ControllerConfig | undefined => {
    const now = readText(options)
    if (now === undefined || now === text) return config
    text = now
    const loaded = loadConfig({ ...sources, file: { path: sources.file?.path ?? '', text: now } })
    if (loaded.ok) return loaded.config
    refuse(loaded.problems)
    return undefined
  }
  return {
    counters: () => ({ reloaded, refused }),
    look: () => {
      const wanted = parse()
      if (!wanted) return
      try {
        const changes = exporters.configure(wanted)
        const isNew = wanted !== config
        config = wanted
        const differs = Object.values(changes).some((names) => names.length > 0)
        if (differs) log.info('exporters changed', { ...changes })
        if (differs || isNew) {
          reloaded += 1
          onExporters(wanted)
        }
        if (isNew) sayRestart(started, wanted, log)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        refuse(error.message.split('\n'))
      }
    },
  }
}

function readText({ readFile, sources }: ReloadOptions): string | undefined {
  if (!sources.file) return undefined
  try {
    return readFile(sources.file.path)
  } catch {
    // A ConfigMap is swapped in two steps; what is gone for longer is no reason to change anything.
    return undefined
  }
}

/** Settings that take effect at once. */
const LIVE: readonly (keyof ControllerConfig)[] = ['exporters', 'serviceName', 'links']

function sayRestart(started: ControllerConfig, wanted: ControllerConfig, log: Log): void {
  const differs = (key: keyof ControllerConfig): boolean => textOf(started[key]) !== textOf(wanted[key])
  const settings = (Object.keys(wanted) as (keyof ControllerConfig)[]).filter(
    (key) => !LIVE.includes(key) && differs(key),
  )
  if (settings.length > 0) log.warn('changed settings take effect after a restart', { settings })
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? ''
