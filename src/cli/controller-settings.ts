// Owns how `--SETTING VALUE` after `podspan controller` becomes the text of a setting.
// Promises that an unknown option is refused with the nearest one that exists. Kept apart from program.ts because the list of
// settings comes with the schema, which no other command need load.

import { nearest, SETTINGS } from '../controller/config-settings.ts'
import { CliError, EXIT } from './exit.ts'
import { neutralise } from './text.ts'

export function settingsOf(args: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {}
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, flag = '', , inline] = /^--([a-z-]+)(=(.*))?$/s.exec(arg) ?? []
    if (!SETTINGS.some((setting) => setting.flag === flag)) throw unknown(arg, flag)
    const value = inline ?? rest.shift()
    if (value === undefined)
      throw new CliError(EXIT.usage, `--${flag} needs a value; docs/configuration.md says which.`)
    settings[flag] = value
  }
  return settings
}

function unknown(arg: string, flag: string): CliError {
  const near = nearest(
    flag,
    SETTINGS.map((setting) => setting.flag),
  )
  if (!arg.startsWith('-'))
    return new CliError(
      EXIT.usage,
      `'${neutralise(arg)}' is no option, and the controller takes nothing else.`,
    )
  const hint = near === undefined ? "Try 'podspan controller --help'." : `Did you mean --${near}?`
  return new CliError(EXIT.usage, `unknown option '${neutralise(arg)}'. ${hint}`)
}
