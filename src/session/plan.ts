// Owns what a spec means once its texts are read and its defaults, which depend on each other, are filled in.
// Promises that what was valid can be planned. Whether Podspan accepts it here is part of the plan.

import { type DurationNano, seconds } from '../base/time.ts'
import { parseDuration } from './duration.ts'
import type { LabelSelector, TargetRef, TraceSession, TraceSessionSpec } from './schema.ts'

export type When = NonNullable<TraceSessionSpec['completion']['when']>

export interface Goal {
  readonly name: string
  readonly percentile: number
  readonly thresholdMs: number
  /** As it was written. */
  readonly threshold: string
  readonly operation: string | undefined
  /** Two goals with the same key count the same pods. */
  readonly key: string
}

export interface Sampling {
  readonly percent: number
  readonly slowerThanMs: number | undefined
  readonly failed: boolean
}

export interface Plan {
  readonly pods: Choice
  readonly when: When
  readonly minPods: number
  /** Undefined for a standing session. */
  readonly timeout: DurationNano | undefined
  readonly backfill: DurationNano
  /** The spec's, cut to the administrator's. */
  readonly startTimeout: DurationNano
  readonly goals: readonly Goal[]
  /** Only of a standing session. */
  readonly window: DurationNano | undefined
  readonly sampling: Sampling
  readonly tracesPerMinute: number
  readonly exporter: string
  readonly suspend: boolean
  readonly ttl: DurationNano | undefined
  /** Why the session is not accepted. */
  readonly refused: { readonly reason: string; readonly message: string } | undefined
}

export interface Choice {
  readonly target: TargetRef | undefined
  readonly selector: LabelSelector | undefined
  readonly namespaces: LabelSelector | undefined
}

export interface PlanOptions {
  readonly namespace: string
  readonly startTimeout: DurationNano
}

const TIMEOUT = seconds(1800)
const WINDOW = seconds(3600)

export function planSession({ spec, metadata }: TraceSession, options: PlanOptions): Plan {
  const when = spec.completion.when ?? (spec.targetRef ? 'RolloutComplete' : 'Duration')
  const own = lengthOf(spec.startTimeout, options.startTimeout)
  const timeout = spec.completion.timeout
  return {
    pods: { target: spec.targetRef, selector: spec.podSelector, namespaces: spec.namespaceSelector },
    when,
    minPods: spec.completion.minPods ?? 1,
    timeout: when === 'Never' ? undefined : lengthOf(timeout, TIMEOUT),
    backfill: lengthOf(spec.backfill, seconds(0)),
    startTimeout: own < options.startTimeout ? own : options.startTimeout,
    goals: (spec.objectives ?? []).map(goalOf),
    window: when === 'Never' ? lengthOf(spec.window, WINDOW) : undefined,
    sampling: samplingOf(spec.sampling),
    tracesPerMinute: spec.limits.tracesPerMinute,
    exporter: spec.exporter,
    suspend: spec.suspend,
    ttl: spec.ttlSecondsAfterFinished === undefined ? undefined : seconds(spec.ttlSecondsAfterFinished),
    refused: refusalOf(spec, metadata.namespace, options.namespace),
  }
}

function goalOf({
  name,
  percentile,
  threshold,
  operation,
}: NonNullable<TraceSessionSpec['objectives']>[number]): Goal {
  const thresholdMs = millisecondsOf(threshold) ?? 0
  return {
    name,
    percentile,
    threshold,
    thresholdMs,
    operation,
    key: `${operation ?? ''}/${thresholdMs}`,
  }
}

const samplingOf = ({ percent, keep }: TraceSessionSpec['sampling']): Sampling => ({
  percent,
  slowerThanMs: keep.slowerThan === undefined ? undefined : millisecondsOf(keep.slowerThan),
  failed: keep.failed,
})

function refusalOf(spec: TraceSessionSpec, namespace: string, ours: string): Plan['refused'] {
  if (spec.namespaceSelector === undefined || namespace === ours) return undefined
  return {
    reason: 'NamespaceSelectorNotAllowed',
    message: `A session sees pods of its own namespace; namespaceSelector is allowed only in ${ours}. Remove it.`,
  }
}

const lengthOf = (text: string | undefined, otherwise: DurationNano): DurationNano =>
  (text === undefined ? undefined : parseDuration(text)) ?? otherwise

function millisecondsOf(text: string): number | undefined {
  const length = parseDuration(text)
  return length === undefined ? undefined : Number(length) / 1e6
}
