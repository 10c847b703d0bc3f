// Owns the values that labels may take: closed lists where the code knows them, and a bounded vocabulary where it does not.
// Promises that no label takes more values than LABELS says, and that a value once admitted stays; everything else is `other`, and counted.
// Does not bound workloads: those come and go, see workloads.ts.

import type { OperationName } from '../operations/operation.ts'
import { CAUSES } from '../trace/cause.ts'
import type { HoldKind, RolloutOutcome } from '../rollout/rollout.ts'
import { WORKLOAD_KINDS } from '../rollout/workload.ts'
import type { Outcome } from '../trace/trace.ts'

/** What stands in place of every value that did not get a series of its own. */
export const OTHER = 'other'

/** Everything that takes part in a start; the root is the start itself. A record, so that the compiler names the one that is missing. */
const EVERY_OPERATION: Readonly<Record<Exclude<OperationName, 'pod startup'>, true>> = {
  'wait at scheduling gate': true,
  schedule: true,
  'provision node': true,
  'launch node': true,
  'register node': true,
  'initialise node': true,
  'provision volume': true,
  preempt: true,
  'wait in queue': true,
  'wait for quota': true,
  'admission checks': true,
  'creation refused': true,
  'wait for claim': true,
  'allocate devices': true,
  'prepare devices': true,
  'prepare pod and create sandbox': true,
  'attach volume': true,
  'mount volumes': true,
  'prepare pod': true,
  'create sandbox': true,
  'pull image': true,
  'wait for pull slot': true,
  'transfer and unpack': true,
  'create container': true,
  'start container': true,
  'run init container': true,
  'post-start hook': true,
  'startup probe': true,
  readiness: true,
  'readiness gate': true,
  'report status': true,
  'back-off': true,
  unaccounted: true,
}
export const OPERATIONS: readonly string[] = Object.keys(EVERY_OPERATION)

/** Those that the kubelet and the runtime perform on the pod's node. */
export const NODE_OPERATIONS = [
  'prepare pod and create sandbox',
  'attach volume',
  'mount volumes',
  'prepare devices',
  'prepare pod',
  'create sandbox',
  'pull image',
  'wait for pull slot',
  'transfer and unpack',
  'create container',
  'start container',
  'report status',
  'back-off',
] as const satisfies readonly OperationName[]

/** How a start may end; `starting` is none of them. */
export const OUTCOMES = [
  'ready',
  'unstable',
  'completed',
  'failed',
  'deleted',
  'timeout',
] as const satisfies readonly Exclude<Outcome, 'starting'>[]

/** How a rollout may end; `rolling` is none of them. */
export const ROLLOUT_OUTCOMES = [
  'complete',
  'failed',
  'superseded',
  'deleted',
] as const satisfies readonly Exclude<RolloutOutcome, 'rolling'>[]

const EVERY_HOLD: Readonly<Record<HoldKind, true>> = {
  'start pod': true,
  'wait for minReadySeconds': true,
  'run pod': true,
  'stop old pod': true,
  'creation refused': true,
  'back-off': true,
  paused: true,
  suspended: true,
  'wait for deletion': true,
  reconcile: true,
  unaccounted: true,
}
export const HOLDS: readonly string[] = Object.keys(EVERY_HOLD)

const PHASES = ['Pending', 'Running', 'Passed', 'Failed', 'Inconclusive', 'Error'] as const
/** Whether all boundaries of a start were seen. */
export const EVIDENCE = ['complete', 'incomplete'] as const

const FRAMES = ['added', 'modified', 'deleted', 'gap', 'synced', 'tick', 'otlp'] as const
const FIRST_RESOURCES = ['cpu', 'memory'] as const

export interface LabelRule {
  /** What it says, for the table in docs/metrics.md. */
  readonly meaning: string
  /** Known from the start; a closed list where `max` is its length. */
  readonly values: readonly string[]
  /** Values besides `other`. */
  readonly max: number
}

const closed = (values: readonly string[], meaning: string): LabelRule => ({
  meaning,
  values,
  max: values.length,
})
const open = (max: number, meaning: string, values: readonly string[] = []): LabelRule => ({
  meaning,
  values,
  max,
})

/** Every label but those of a workload and a node. */
export const LABELS = {
  operation: closed(OPERATIONS, 'a span name of [spans.md](spans.md)'),
  outcome: closed(OUTCOMES, 'how the start ended'),
  rollout_kind: closed(WORKLOAD_KINDS, 'the kind of the workload'),
  rollout_outcome: closed(ROLLOUT_OUTCOMES, 'how the rollout ended, as [rollouts.md](rollouts.md) says'),
  hold: closed(HOLDS, 'what a rollout waited for, as [rollouts.md](rollouts.md) says'),
  cause: closed(CAUSES, 'why the pod was created'),
  evidence: closed(
    EVIDENCE,
    'whether every container told of its start, and nothing of the watch was missed',
  ),
  resource: open(8, 'a requested resource, by its name in `resources.requests`', FIRST_RESOURCES),
  kind: closed(FRAMES, 'the kind of a frame'),
  what: open(16, 'what a record held that cannot be'),
  limit: open(32, 'the limit, in words'),
  source: open(16, 'the stream, by the plural name of its resource'),
  reason: open(16, 'in one or two words'),
  exporter: open(8, 'the name in the configuration'),
  statistic: closed(['mean', 'p99', 'max'], 'since the scrape before'),
  phase: closed(PHASES, 'the phase of a TraceSession'),
  result: open(8, 'how the write went'),
  answer: closed(
    ['taken', 'garbage', 'throttled', 'unavailable', 'too large', 'unauthorized'],
    'what became of the request',
  ),
  review: closed(
    ['patched', 'unchanged', 'garbage', 'too large', 'broken off'],
    'what came of the request: all but the last two are answered, and none is refused',
  ),
  fate: closed(
    ['taken', 'skipped', 'invalid', 'joined', 'late', 'repeated', 'of no start'],
    'what became of the spans',
  ),
  label: open(24, 'the label whose values did not all get a series of their own', ['workload', 'node']),
  gc: closed(['major', 'minor', 'incremental', 'weakcb'], 'the kind of garbage collection'),
  version: open(1, "Podspan's version"),
} as const satisfies Readonly<Record<string, LabelRule>>

export type LabelName = keyof typeof LABELS

/** Kubernetes' longest name (RFC 1123 subdomain), so that no valid name is ever cut. */
const VALUE_MAX = 253

/** A label value of bounded length that is valid UTF-8; escaping is the exposition's. */
export function boundText(value: string): string {
  const text = value.isWellFormed() ? value : value.toWellFormed()
  if (text.length <= VALUE_MAX) return text
  return `${text.slice(0, VALUE_MAX - 1).toWellFormed()}…`
}

export interface Vocabulary {
  /** The value as the label may carry it: itself, or `other`. */
  admit(label: LabelName, value: string): string
}

/** The first values to come are admitted; `folded` hears of every time that one was not. */
export function createVocabulary(folded: (label: LabelName) => void): Vocabulary {
  const known = new Map<string, Set<string>>()
  for (const [label, { values }] of Object.entries(LABELS)) known.set(label, new Set(values))
  return {
    admit(label, value) {
      const values = known.get(label) as Set<string>
      if (values.has(value)) return value
      const bounded = boundText(value)
      if (values.has(bounded)) return bounded
      if (values.size < LABELS[label].max) {
        values.add(bounded)
        return bounded
      }
      if (value !== OTHER) folded(label)
      return OTHER
    },
  }
}
