// Owns `top` on the command line: its options and help.
// Promises what program.ts does: the command's code is loaded only when it runs. Does not do the work.

import { type Command, Option } from 'commander'
import { seconds } from '../base/time.ts'
import type { Context } from './context.ts'
import { count, positiveDuration, selector } from './options.ts'
import type { Done, Parts } from './program-parts.ts'
import { SORTS } from './top-rank.ts'
import type { TopOptions } from './top.ts'

const TOP_FORMS = ['table', 'json'] as const
const HELP = `
Reads pods and events once, page by page, writes nothing and needs nothing installed. A cluster
keeps events for about an hour: of older starts the pod's status tells the rest, to the second, and
it is said how many those are. Pods that are gone are not seen.`

export function addTop(program: Command, context: Context, done: Done, parts: Parts): void {
  const command = program
    .command('top')
    .description('print the workloads with the slowest starts of late, and what those were waiting for')
    .addOption(
      new Option('--since <duration>', 'starts of pods created in this time before now')
        .argParser(positiveDuration)
        .default(seconds(3600), '1h'),
    )
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-l, --selector <labels>', 'only pods with these labels, as kubectl takes them', selector)
    .option('--field-selector <fields>', 'only such pods, as kubectl takes them: spec.nodeName=NODE')
    .addOption(new Option('--sort <key>', 'what is ranked by').choices(SORTS).default('p90'))
    .option('--limit <n>', 'so many workloads (default: 10; in JSON all)', count)
    .addHelpText('after', HELP)
  parts
    .withPlace(parts.withLook(command, context, TOP_FORMS, 'a table, or one top/v1 document'))
    .action(async (options: TopOptions) => {
      const [{ top }, { createPipeline }] = await Promise.all([
        import('./top.ts'),
        import('../trace/pipeline.ts'),
      ])
      done(await top(context, options, createPipeline))
    })
}
