// Owns the way from a recording, or frames that were altered, to the rollouts that it holds.
// Promises frames that are deep-frozen, and the same two folds that the command feeds. Does not compare.

import { createFeed, type NamedWorkload } from '../../src/cli/rollout-feed.ts'
import type { Frame } from '../../src/base/frame.ts'
import { readRecording } from '../../src/recording/read.ts'
import type { Rollout } from '../../src/rollout/rollout.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { deepFreeze, recordingBytes } from '../support/frames.ts'

export async function wholeFrames(bytes: Uint8Array): Promise<readonly Frame[]> {
  async function* stdin(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  const { frames } = await readRecording('-', { stdin: stdin(), whole: true })
  const all: Frame[] = []
  for await (const frame of frames) all.push(deepFreeze(frame))
  return all
}

const cache = new Map<string, Promise<readonly Frame[]>>()

export function framesOf(name: string): Promise<readonly Frame[]> {
  let frames = cache.get(name)
  if (!frames) cache.set(name, (frames = wholeFrames(recordingBytes(name))))
  return frames
}

/** Every rollout of every workload that has new pods. */
export function rolloutsOf(frames: Iterable<Frame>, named?: NamedWorkload): Rollout[] {
  const feed = createFeed(createPipeline, {}, named)
  for (const frame of frames) feed.pipeline.push(frame)
  return feed.rollouts
    .workloads()
    .flatMap((workload) => feed.tell(workload))
    .filter(({ pods }) => pods.length > 0)
}

export const replayed = async (name: string): Promise<Rollout[]> => rolloutsOf(await framesOf(name))
