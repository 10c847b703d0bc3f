// Owns the commands about rollouts on the command line: `rollout` and `diff`, their options and help.
// Promises what program.ts does: each command's code is loaded only when it runs. Does not do the work.

import type { Command } from 'commander'
import type { Context } from './context.ts'
import type { DiffOptions } from './diff.ts'
import { collect, positiveDuration } from './options.ts'
import { OUTPUT_FORMS } from './output.ts'
import type { Done, Parts } from './program-parts.ts'
import type { RolloutOptions } from './rollout.ts'

export function addRollouts(program: Command, context: Context, done: Done, parts: Parts): void {
  addRollout(program, context, done, parts)
  addDiff(program, context, done, parts)
}

const FROM = 'read this recording instead of a cluster; can be given several times'

function addRollout(program: Command, context: Context, done: Done, parts: Parts): void {
  const command = program
    .command('rollout')
    .description('print what held a rollout, also one that is over; one that goes on is followed to its end')
    .argument(
      '[workload]',
      'deploy/, sts/, ds/ or job/ before a NAME; with --from by default all that are there',
    )
    .option(
      '--revision <revision>',
      "by 'kubectl rollout history', or the hash that its pods carry (default: the latest)",
    )
    .option('--from <recording>', FROM, collect)
    .option('--no-follow', 'print what is known now')
    .option('--timeout <duration>', 'how long to follow (default: 10m)', positiveDuration)
    .option('--exit-code', 'exit with 1 unless the rollout is complete')
    .option(
      '--otlp-endpoint <url>',
      'send its trace there, and those of its pods; can be given several times',
      collect,
    )
    .addOption(parts.settle())
  parts
    .withPlace(parts.withLook(command, context, OUTPUT_FORMS, 'how rollouts are printed'))
    .action(async (workload: string | undefined, options: RolloutOptions) => {
      const [{ rollout }, { createPipeline }] = await Promise.all([
        import('./rollout.ts'),
        import('../trace/pipeline.ts'),
      ])
      done(await rollout(context, workload, options, createPipeline))
    })
}

const DIFF_FORMS = ['text', 'json'] as const
const DIFF_HELP = `
Of two recordings the last rollout of each is compared, of one recording or a cluster the last two revisions.
A cluster still holds the starts of pods that are there; of a revision without pods only its images can be compared.`

function addDiff(program: Command, context: Context, done: Done, parts: Parts): void {
  const command = program
    .command('diff')
    .description('compare two revisions of a workload: what changed, and which of their starts got slower')
    .argument('<workload>', 'deploy/, sts/, ds/ or job/ before a NAME')
    .argument('[before]', "a revision, by 'kubectl rollout history' or its hash")
    .argument('[after]', 'the other one')
    .option('--from <recording>', FROM, collect)
    .option('--exit-code', 'exit with 1 if starts got slower')
    .addOption(parts.settle())
    .addHelpText('after', DIFF_HELP)
  parts
    .withPlace(parts.withLook(command, context, DIFF_FORMS, 'a table, or one diff/v1 document'))
    .action(
      async (
        workload: string,
        before: string | undefined,
        after: string | undefined,
        options: DiffOptions,
      ) => {
        const [{ diff }, { createPipeline }] = await Promise.all([
          import('./diff.ts'),
          import('../trace/pipeline.ts'),
        ])
        const revisions = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
        done(await diff(context, workload, revisions, options, createPipeline))
      },
    )
}
