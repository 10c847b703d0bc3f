// Owns the way from frames to the rollouts that somebody tells who follows a whole cluster: each when it is over.
// Promises a tick each second, as an operator has it, and that the pipeline gets what streams of metadata would show.
// Does not compare.

import type { Frame } from '../../src/base/frame.ts'
import { add, seconds, type UnixNano } from '../../src/base/time.ts'
import { metadataOf } from '../../src/decode/whole.ts'
import { type FollowOptions, type FollowedRollouts, followRollouts } from '../../src/rollout/follow.ts'
import type { Rollout } from '../../src/rollout/rollout.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'

export interface Followed {
  readonly told: readonly Rollout[]
  /** By trace id, when it was told. */
  readonly toldAt: ReadonlyMap<string, UnixNano>
  readonly follow: FollowedRollouts
}

export interface FollowingOptions extends Partial<FollowOptions> {
  /** Called after each second. */
  readonly each?: (follow: FollowedRollouts) => void
  /** So long after the last frame. */
  readonly until?: bigint
}

export function followed(
  frames: readonly Frame[],
  { each, until = 60n, ...options }: FollowingOptions = {},
): Followed {
  const pipeline = createPipeline()
  const follow = followRollouts({
    settle: seconds(5),
    traceOf: pipeline.traceOf,
    holds: pipeline.holds,
    startsMaxBytes: 1e9,
    ...options,
  })
  const told: Rollout[] = []
  const toldAt = new Map<string, UnixNano>()
  let listed = false
  const push = (frame: Frame): void => {
    follow.push(frame)
    for (const trace of pipeline.push(metadataOf(frame))) follow.take(trace, ['default'])
  }
  const pass = (now: UnixNano): void => {
    push({ kind: 'tick', t: now })
    for (const { rollout } of follow.pass(now)) {
      told.push(rollout)
      toldAt.set(rollout.traceId, now)
    }
    each?.(follow)
  }
  let tick = frames[0]?.t ?? (0n as UnixNano)
  const passUntil = (t: UnixNano): void => {
    for (; tick < t; tick = add(tick, seconds(1))) pass(tick)
  }
  for (const frame of frames) {
    if (!listed && 'phase' in frame && frame.phase === 'live') {
      listed = true
      follow.listed(frame.t)
    }
    if (listed) passUntil(frame.t)
    if (frame.kind !== 'tick') push(frame)
  }
  const end = frames.at(-1)?.t ?? (0n as UnixNano)
  if (!listed) follow.listed(end)
  passUntil(add(end, seconds(Number(until))))
  return { told, toldAt, follow }
}
