// Owns `podspan diff`: two revisions of a workload, from a live cluster or from recordings.
// Promises that what one revision has no starts for is said. Does not compare (src/rollout/compare.ts) and does not draw (diff-view.ts).

import type { DurationNano } from '../base/time.ts'
import { type Comparison, compareRevisions, type Side } from '../rollout/compare.ts'
import type { Rollout } from '../rollout/rollout.ts'
import type { ClusterOptions } from './connect.ts'
import type { Context } from './context.ts'
import { drawComparison, verdictOf } from './diff-view.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { jsonLine } from './json-line.ts'
import type { CreatePipeline } from './replay-options.ts'
import type { RolloutFeed } from './rollout-feed.ts'
import { openRollouts } from './rollout-live.ts'
import { readRollouts, rolloutsIn } from './rollout-recordings.ts'
import { chooseRollout, parseWorkload, titleOf, type WorkloadTarget } from './rollout-target.ts'
import { list, neutralise } from './text.ts'

export interface DiffOptions extends ClusterOptions {
  readonly output: 'text' | 'json'
  readonly from?: readonly string[]
  readonly settle?: DurationNano
  readonly exitCode?: boolean
}

/** The revisions as the command line names them. */
export interface Revisions {
  readonly before?: string
  readonly after?: string
}

export async function diff(
  context: Context,
  text: string,
  revisions: Revisions,
  options: DiffOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const workload = parseWorkload(text)
  const [before, after] = await (options.from
    ? sidesOfRecordings(context, workload, revisions, options.from, options, createPipeline)
    : sidesOfCluster(context, workload, revisions, options, createPipeline))
  if (context.signal.aborted) return EXIT.interrupted
  const comparison = compareRevisions(before, after)
  await context.terminal.print(format(comparison, options, context))
  return options.exitCode && comparison.startup.change === 'slower' ? EXIT.finding : EXIT.ok
}

const format = (comparison: Comparison, { output }: DiffOptions, { terminal }: Context): string =>
  output === 'json'
    ? jsonLine(comparisonJson(comparison))
    : `${drawComparison(comparison, terminal.look())}\n`

type Sides = readonly [before: Side, after: Side]

/** All in one recording, or one in each of two. */
async function sidesOfRecordings(
  context: Context,
  workload: WorkloadTarget,
  revisions: Revisions,
  files: readonly string[],
  options: DiffOptions,
  createPipeline: CreatePipeline,
): Promise<Sides> {
  const [first, second, ...more] = files
  if (first === undefined || more.length > 0)
    throw new CliError(EXIT.usage, 'A comparison is of one recording, or of two: --from BEFORE --from AFTER.')
  const named = { ...workload, namespace: options.namespace }
  const read = async (file: string): Promise<[RolloutFeed, Rollout[]]> => {
    const recorded = await readRollouts(context, file, createPipeline, { named })
    return [recorded.feed, onlyOne(rolloutsIn(recorded, named), file, workload)]
  }
  const [feed, rollouts] = await read(first)
  if (second === undefined) return sidesOf(feed, rollouts, revisions, workload)
  const [other, later] = await read(second)
  const [a, b] = [
    chooseRollout(rollouts, revisions.before, workload),
    chooseRollout(later, revisions.after, workload),
  ]
  return [sideOf(feed, a), sideOf(other, b)]
}

/** A name may be in several namespaces of a recording. */
function onlyOne(rollouts: Rollout[], file: string, workload: WorkloadTarget): Rollout[] {
  const namespaces = [...new Set(rollouts.map(({ namespace }) => namespace))]
  if (namespaces.length > 1)
    throw new CliError(
      EXIT.usage,
      `${titleOf(workload)} is in several namespaces of ${neutralise(file)}: ${list(namespaces)}; -n chooses one.`,
    )
  return rollouts
}

async function sidesOfCluster(
  context: Context,
  workload: WorkloadTarget,
  revisions: Revisions,
  options: DiffOptions,
  createPipeline: CreatePipeline,
): Promise<Sides> {
  const live = await openRollouts(context, workload, { ...options, onTrace: () => {} }, createPipeline)
  try {
    // Starts that are over are told once their evidence has settled.
    const { clock, signal } = context
    while (
      !signal.aborted &&
      live.tell().some((one) => one.pods.some(({ uid, ready }) => ready && live.feed.pipeline.holds(uid)))
    )
      await clock.sleep(SETTLE_LOOK_MS, signal)
    return sidesOf(live.feed, live.tell(), revisions, workload)
  } finally {
    await live.close()
  }
}

const SETTLE_LOOK_MS = 200

/** Where none is named, the last revision and the one before it. */
function sidesOf(
  feed: RolloutFeed,
  rollouts: readonly Rollout[],
  { before, after }: Revisions,
  workload: WorkloadTarget,
): Sides {
  const second = chooseRollout(rollouts, after, workload)
  const earlier = rollouts.slice(0, rollouts.indexOf(second))
  if (before === undefined && earlier.length === 0)
    throw new CliError(
      EXIT.notFound,
      `${titleOf(workload)} has no revision before ${neutralise(second.revision ?? '')} that is seen.`,
    )
  const first =
    before === undefined
      ? chooseRollout(earlier, undefined, workload)
      : chooseRollout(rollouts, before, workload)
  return [sideOf(feed, first), sideOf(feed, second)]
}

/** All starts of the revision: those of its rollout, and of pods that came later. */
function sideOf({ rollouts }: RolloutFeed, rollout: Rollout): Side {
  const finished = rollouts.startsOf(rollout.key.uid).filter(({ hash }) => hash === rollout.hash)
  return { rollout, traces: finished.map(({ trace }) => trace) }
}

function comparisonJson(comparison: Comparison): string {
  const { before, after, ...rest } = comparison
  const revisionOf = ({ revision, hash, traceId, images }: Rollout) => ({
    revision,
    hash,
    traceId,
    images: Object.fromEntries(images),
  })
  return JSON.stringify({
    podspan: 'diff/v1',
    namespace: after.namespace,
    kind: after.kind,
    name: after.name,
    verdict: verdictOf(comparison),
    before: revisionOf(before),
    after: revisionOf(after),
    ...rest,
  })
}
