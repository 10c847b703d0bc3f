// Owns the page on the command line: `--ui` of the commands that can show it, and `podspan ui` for the operator's.
// Promises what program.ts does: each command's code is loaded only when it runs. Does not do the work.

import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { PAGE_PORT, port } from './options.ts'
import type { Done } from './program-parts.ts'
import type { UiOptions } from './ui.ts'

/** `instead`: the options that say how something is printed, where the page takes the place of what is printed. */
export function withPage(command: Command, instead: readonly string[] = []): Command {
  const ui = new Option(
    '--ui [port]',
    'show starts on a page of this machine, in a browser (default port: 7676)',
  )
  return command
    .addOption(
      ui
        .preset(PAGE_PORT)
        .argParser(port)
        .conflicts([...instead]),
    )
    .option('--no-open', 'with --ui: say where the page is, and start no browser')
}

const HELP = `
Each replica of the operator serves the page on the loopback of its own pod, so that a port-forward is the only way to it: get and create
on pods/portforward, and get and list on pods, in the namespace of Podspan. Of several replicas the one that has run longest is
taken, since it has seen the most; when it goes, another one is.`

export function addPage(
  program: Command,
  context: Context,
  done: Done,
  { withConfig }: { readonly withConfig: (command: Command) => Command },
): void {
  const command = program
    .command('ui')
    .description('open the page of the operator in a browser, through a port-forward to its pod')
    .option('-n, --namespace <name>', 'where Podspan runs; by default it is looked for')
    .addOption(new Option('--port <port>', 'of this machine').default(PAGE_PORT).argParser(port))
    .option('--no-open', 'say where the page is, and start no browser')
    .addHelpText('after', HELP)
  withConfig(command).action(async (options: UiOptions) => {
    const { ui } = await import('./ui.ts')
    done(await ui(context, options))
  })
}
