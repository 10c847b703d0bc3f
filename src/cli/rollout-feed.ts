// Owns the two folds that a rollout is told from, fed as one: the pipeline of starts, and the rollouts beside it.
// Promises the same from a live cluster and from a recording: an object that is read whole also counts as its metadata.
// Does not watch and does not print.

import type { Frame } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import { metadataOf } from '../decode/whole.ts'
import type { Rollout } from '../rollout/rollout.ts'
import { createRollouts, type Rollouts, type RolloutWorkload } from '../rollout/rollouts.ts'
import type { Pipeline, PipelineOptions } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import type { CreatePipeline } from './replay-options.ts'

export interface NamedWorkload {
  /** `Deployment`. */
  readonly kind: string
  readonly name: string
  readonly namespace?: string | undefined
}

export interface RolloutFeed {
  /** Takes frames for both; what it returns has become final. */
  readonly pipeline: Pipeline
  readonly rollouts: Rollouts
  /** As they stand, starts under way included. */
  tell(workload: RolloutWorkload): Rollout[]
}

export function createFeed(
  createPipeline: CreatePipeline,
  options: PipelineOptions,
  named?: NamedWorkload,
): RolloutFeed {
  const rollouts = createRollouts()
  const pipeline = createPipeline({
    ...options,
    // Who names a workload wants its starts too that were over before anybody watched.
    ...(named && { backfill: (pod) => isPodOf(named, pod) }),
  })
  const push = (frame: Frame): Trace[] => {
    rollouts.push(frame)
    const told = pipeline.push(metadataOf(frame))
    for (const trace of told) rollouts.take(trace)
    return told
  }
  return {
    pipeline: { ...pipeline, push },
    rollouts,
    tell: ({ uid }) => rollouts.tell(uid, pipeline.traceOf),
  }
}

/** By names alone, before any owner is seen: a Deployment's ReplicaSets carry its name and their pods' hash. */
export function isPodOf(
  { kind, name, namespace }: NamedWorkload,
  pod: Pick<PodRecord, 'namespace' | 'owners' | 'labels'>,
): boolean {
  const owner = pod.owners?.find(({ controller }) => controller)
  if (!owner || (namespace !== undefined && pod.namespace !== namespace)) return false
  if (kind !== 'Deployment') return owner.kind === kind && owner.name === name
  return owner.kind === 'ReplicaSet' && owner.name === `${name}-${pod.labels?.['pod-template-hash'] ?? ''}`
}

export const isWorkload = (named: NamedWorkload, { kind, name, namespace }: RolloutWorkload): boolean =>
  kind === named.kind &&
  name === named.name &&
  (named.namespace === undefined || namespace === named.namespace)
