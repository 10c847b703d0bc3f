// Owns rollouts from recordings: frames of a file in, what they hold of rollouts out.
// Promises that equal files give equal rollouts. Does not print.

import { readRecording, RecordingError } from '../recording/read.ts'
import type { Rollout } from '../rollout/rollout.ts'
import type { RolloutCluster } from '../rollout/trace-of.ts'
import type { PipelineOptions } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import type { Context } from './context.ts'
import { CliError, EXIT } from './exit.ts'
import type { CreatePipeline } from './replay-options.ts'
import { createFeed, isWorkload, type NamedWorkload, type RolloutFeed } from './rollout-feed.ts'
import { neutralise } from './text.ts'

export interface RecordedRollouts {
  readonly file: string
  readonly feed: RolloutFeed
  readonly cluster: RolloutCluster
  /** Starts in the order in which they became final. */
  readonly traces: readonly Trace[]
}

export interface ReadingOptions extends Pick<PipelineOptions, 'settle' | 'startTimeout'> {
  readonly named?: NamedWorkload | undefined
  /** Each start as soon as it is final. */
  readonly onTrace?: (trace: Trace) => void
}

export async function readRollouts(
  { terminal, stdin, signal }: Context,
  file: string,
  createPipeline: CreatePipeline,
  { named, settle, startTimeout, onTrace }: ReadingOptions = {},
): Promise<RecordedRollouts> {
  const onProblem = (sentence: string): void => terminal.say(`podspan: ${neutralise(sentence)}`)
  const { header, frames } = await readRecording(file, { stdin, onProblem, whole: true }).catch(
    (error: unknown) => {
      if (error instanceof RecordingError) throw new CliError(EXIT.input, error.message)
      throw error
    },
  )
  const cluster = { name: header.cluster, uid: header.clusterUid }
  const options = {
    ...(header.cluster !== undefined && { clusterName: header.cluster }),
    ...(header.clusterUid !== undefined && { clusterUid: header.clusterUid }),
    ...(settle !== undefined && { settle }),
    ...(startTimeout !== undefined && { startTimeout }),
  }
  const feed = createFeed(createPipeline, options, named)
  const traces: Trace[] = []
  for await (const frame of frames) {
    if (signal.aborted) break
    for (const trace of feed.pipeline.push(frame)) {
      traces.push(trace)
      onTrace?.(trace)
    }
  }
  return { file, feed, cluster, traces }
}

/** The rollouts of one workload, or of all those that were going on while the recording was made. */
export function rolloutsIn({ feed }: Pick<RecordedRollouts, 'feed'>, named?: NamedWorkload): Rollout[] {
  if (!named) return rolloutsSeen(feed)
  const workloads = feed.rollouts.workloads().filter((each) => isWorkload(named, each))
  return workloads.flatMap((each) => feed.tell(each))
}

/** All that went on while somebody watched, the earliest first. */
export function rolloutsSeen(feed: RolloutFeed): Rollout[] {
  const from = feed.rollouts.from() ?? 0n
  const told = feed.rollouts.workloads().flatMap((each) => feed.tell(each))
  const seen = told.filter(({ end, pods }) => end.best >= from && pods.length > 0)
  return seen.sort((a, b) => (a.start.best < b.start.best ? -1 : a.start.best > b.start.best ? 1 : 0))
}
