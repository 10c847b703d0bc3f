// Owns `podspan replay --ui`: the starts and rollouts of recordings on the page.
// Promises that the page is there while long recordings are still being read. Does not read files (recording/) and does not draw.

import type { Rollout } from '../rollout/rollout.ts'
import { collectStarts, type PageSource } from '../web/source.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { aborted } from './live.ts'
import { openPage, type PageOptions } from './page.ts'
import { type CreatePipeline, isWanted, type ReplayOptions } from './replay-options.ts'
import { readRollouts, rolloutsIn } from './rollout-recordings.ts'
import { plural } from './text.ts'

/** Until Ctrl-C. */
export async function replayPage(
  context: Context,
  files: readonly string[],
  options: ReplayOptions & PageOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const starts = collectStarts()
  const rollouts: Rollout[] = []
  const server = await openPage(context, sourceOf(context, files, starts, rollouts), options)
  try {
    for (const file of files) {
      const recorded = await readRollouts(context, file, createPipeline, {
        ...options,
        onTrace: (trace) => {
          if (isWanted(trace, options)) starts.add(trace)
        },
      })
      rollouts.push(...rolloutsIn(recorded))
    }
    await aborted(context.signal)
  } finally {
    await server.close()
  }
  return EXIT.ok
}

function sourceOf(
  { version }: Context,
  files: readonly string[],
  starts: ReturnType<typeof collectStarts>,
  rollouts: readonly Rollout[],
): PageSource {
  const [first = '-'] = files
  const title = files.length === 1 ? (first.split('/').at(-1) ?? first) : plural(files.length, 'recording')
  return {
    ...starts,
    about: () => ({ kind: 'recordings', title, version, has: ['rollouts'] }),
    inFlight: () => [],
    get: starts.kept,
    rollouts: () => rollouts,
  }
}
