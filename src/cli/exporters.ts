// Owns which OTLP exporters a command line and the environment ask for.
// Promises none unless somebody named an endpoint, and a usage error with the setting's name for anything wrong.
// Does not export: see export/.

import type { Exporter } from '../export/exporter.ts'
import type { Context } from './context.ts'
import { CliError, EXIT } from './exit.ts'
import { neutralise } from './text.ts'

export async function exportersOf(
  { env, clock, random, terminal }: Context,
  endpoints: readonly string[],
): Promise<Exporter[]> {
  const { ConfigError, isExportConfigured, parseConfig } = await import('../export/config.ts')
  const asked =
    endpoints.length > 0 ? endpoints.map((endpoint) => ({ endpoint })) : isExportConfigured(env) ? [{}] : []
  if (asked.length === 0) return []
  const { createExporter } = await import('../export/exporter.ts')
  const log = (level: string, message: string, fields: Readonly<Record<string, unknown>>): void =>
    terminal.say(
      `podspan: ${level === 'warn' ? 'warning: ' : ''}${message} ${neutralise(JSON.stringify(fields), 300)}`,
    )
  try {
    return asked.map((options) => createExporter({ otlp: parseConfig(env, options) }, { clock, random, log }))
  } catch (error) {
    if (error instanceof ConfigError)
      throw new CliError(EXIT.usage, error.message.replace(/^endpoint: /gm, '--otlp-endpoint '))
    throw error
  }
}
