// Owns the form of a TraceSession's spec, with its defaults and rules.
// Promises a description on every field, a limit on every text, list and map, and each rule once (rules.ts).
// Does not know what a session does with it.

import { z } from 'zod'
import type { OperationName } from '../operations/operation.ts'
import { DURATION_LENGTH_MAX } from './duration.ts'
import { type DurationBounds, durationRules, type Rule, ruled } from './rules.ts'
import { labelSelector, targetRef } from './schema-pods.ts'

const duration = (description: string, bounds: DurationBounds) =>
  ruled(z.string().max(DURATION_LENGTH_MAX), description, durationRules(bounds))

/** Operations that an objective may name: every span below the root. */
export const OPERATIONS = [
  'wait at scheduling gate',
  'schedule',
  'provision node',
  'launch node',
  'register node',
  'initialise node',
  'provision volume',
  'prepare pod and create sandbox',
  'attach volume',
  'mount volumes',
  'prepare pod',
  'create sandbox',
  'pull image',
  'wait for pull slot',
  'transfer and unpack',
  'create container',
  'start container',
  'run init container',
  'post-start hook',
  'startup probe',
  'readiness',
  'readiness gate',
  'report status',
  'back-off',
  'unaccounted',
] as const satisfies readonly OperationName[]

type Completion = z.output<typeof completionFields>

const completionFields = z.object({
  when: z
    .enum(['RolloutComplete', 'Duration', 'PodCount', 'Never'])
    .describe(
      "RolloutComplete: the target's current revision is rolled out, as kubectl rollout status says. Duration: after timeout. PodCount: after minPods pods have started or failed to. Never: a standing session, which judges the last window. Default: RolloutComplete with a targetRef, else Duration.",
    )
    .optional(),
  minPods: z
    .int()
    .min(1)
    .max(100_000)
    .describe(
      'Pods that must have finished starting before the session may complete; with fewer at the timeout it is Inconclusive. Default 1; required with PodCount.',
    )
    .optional(),
  timeout: duration(
    'The session takes no new pods after this time, whatever else it waits for; pods in flight then still run to their startTimeout. With Duration this is the length of the session. Default 30m; not allowed with Never.',
    { over: '0s', atMost: '168h' },
  ).optional(),
})

const completionRules: readonly Rule<Completion>[] = [
  {
    cel: "!has(self.when) || self.when != 'PodCount' || has(self.minPods)",
    message: 'when: PodCount needs minPods, the number of pods after which the session completes',
    holds: ({ when, minPods }) => when !== 'PodCount' || minPods !== undefined,
    field: 'minPods',
  },
  {
    cel: "!has(self.when) || self.when != 'Never' || !(has(self.timeout) || has(self.minPods))",
    message: 'a session with when: Never does not end; remove timeout and minPods',
    holds: ({ when, minPods, timeout }) =>
      when !== 'Never' || (minPods === undefined && timeout === undefined),
  },
]

const completion = ruled(
  completionFields,
  'When the session is over. From then on it takes no new pods, and completes as soon as those in flight have ended.',
  completionRules,
)

export const objective = z.object({
  name: ruled(z.string().max(63), 'Name of the objective, unique in the session.', [
    {
      cel: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
      message: 'write lower-case letters, digits and hyphens, such as ready or pull-image',
      holds: (name) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name),
    },
  ]),
  percentile: ruled(
    z.number(),
    'Which share of the pods must be within the threshold, in percent: 99 means 99 of 100; 100 means every pod. By nearest rank.',
    [
      {
        cel: 'self >= 1.0 && self <= 100.0',
        message: 'a percentile is from 1 to 100, such as 99 (not 0.99)',
        holds: (percentile) => percentile >= 1 && percentile <= 100,
      },
    ],
  ),
  threshold: duration(
    'How long it may take. Pods that fail, time out, or crash right after they were ready count as infinitely slow; pods that were deleted before they were ready do not count.',
    { over: '0s', atMost: '24h' },
  ),
  operation: z
    .enum(OPERATIONS)
    .describe(
      'Judges the time that pods spent in this operation, such as pull image, instead of their whole startup. A pod that did not need the operation spent 0s in it.',
    )
    .optional(),
})

const keep = z
  .object({
    slowerThan: duration('Traces of pods that took longer than this are always kept.', {
      over: '0s',
      atMost: '24h',
    }).optional(),
    failed: z
      .boolean()
      .describe(
        'Traces of pods that failed, timed out or crashed right after they were ready are always kept.',
      )
      .default(true),
  })
  .describe('Traces that are exported whatever percent says.')

const sampling = z
  .object({
    percent: ruled(
      z.number(),
      'Share of the traces that is exported, in percent. Decided by the trace id, so that sessions and replicas agree. Counts and objectives always cover every pod.',
      [
        {
          cel: 'self >= 0.0 && self <= 100.0',
          message: 'is a share in percent, from 0 to 100',
          holds: (percent) => percent >= 0 && percent <= 100,
        },
      ],
    ).default(100),
    keep: keep.prefault({}),
  })
  .describe('Which traces are exported.')

const limits = z
  .object({
    tracesPerMinute: z
      .int()
      .min(1)
      .max(100_000)
      .describe(
        'At most so many traces a minute are exported for this session; a fifth of them is kept back for slow and failed starts. Those over it count as dropped.',
      )
      .default(600),
  })
  .describe('Limits of what this session may export.')

const specFields = z.object({
  targetRef: targetRef.optional(),
  podSelector: labelSelector(
    'The pods whose labels match this selector, as Kubernetes evaluates it. An empty selector matches every pod: write allPods: true for that.',
  ).optional(),
  allPods: z
    .boolean()
    .describe('All pods of the namespace, or of the namespaces that namespaceSelector selects.')
    .optional(),
  namespaceSelector: labelSelector(
    "Also takes pods of the namespaces with these labels; {} means every namespace. Allowed only in Podspan's own namespace; elsewhere a session sees its own namespace.",
  ).optional(),
  completion: completion.prefault({}),
  backfill: duration(
    'Also takes pods that were created up to this long before the session, as far as they can still be read.',
    {
      atMost: '24h',
    },
  ).default('0s'),
  startTimeout: duration(
    "A pod that is not ready after this time counts as timed out. The administrator's own start timeout (10m unless changed) is the upper bound.",
    { over: '0s', atMost: '24h' },
  ).default('10m'),
  objectives: z
    .array(objective)
    .max(8)
    .meta({
      description:
        'What is demanded of the starts. The session passes if it completes and all of them are met. Cannot be changed while the session runs, unless it is a standing one.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    })
    .optional(),
  window: duration(
    'Standing sessions (when: Never) judge the pods that finished within this time. Default 1h.',
    {
      atLeast: '1m',
      atMost: '24h',
    },
  ).optional(),
  sampling: sampling.prefault({}),
  limits: limits.prefault({}),
  exporter: z
    .string()
    .min(1)
    .max(63)
    .describe(
      "Where traces go: the name of an exporter in the administrator's configuration. A session never holds endpoints or credentials.",
    )
    .default('default'),
  suspend: z
    .boolean()
    .describe(
      'While true the session takes no pods and exports nothing; pods that finish meanwhile are not counted later. Its timeout goes on.',
    )
    .default(false),
  ttlSecondsAfterFinished: z
    .int()
    .min(0)
    .max(31_536_000)
    .describe('The session is deleted this many seconds after it has completed. Unset: it stays.')
    .optional(),
})

type Spec = z.output<typeof specFields>

const STANDING = "has(self.completion.when) && self.completion.when == 'Never'"
const isStanding = ({ completion: { when } }: Spec): boolean => when === 'Never'
const unchanged = (field: string): string =>
  `(has(self.${field}) ? has(oldSelf.${field}) && self.${field} == oldSelf.${field} : !has(oldSelf.${field}))`

const specRules: readonly Rule<Spec>[] = [
  {
    cel: '[has(self.targetRef), has(self.podSelector), has(self.allPods) && self.allPods].filter(each, each).size() == 1',
    message: 'set exactly one of targetRef, podSelector and allPods: true',
    holds: ({ targetRef: target, podSelector, allPods }) =>
      [target !== undefined, podSelector !== undefined, allPods === true].filter(Boolean).length === 1,
  },
  {
    cel: '!has(self.targetRef) || !has(self.namespaceSelector)',
    message:
      "a targetRef is in the session's own namespace; use podSelector or allPods with namespaceSelector",
    holds: ({ targetRef: target, namespaceSelector }) =>
      target === undefined || namespaceSelector === undefined,
    field: 'namespaceSelector',
  },
  {
    cel: "!has(self.completion.when) || self.completion.when != 'RolloutComplete' || has(self.targetRef)",
    message: 'when: RolloutComplete needs a targetRef; use Duration, PodCount or Never with selectors',
    holds: ({ completion: { when }, targetRef: target }) =>
      when !== 'RolloutComplete' || target !== undefined,
    field: 'completion.when',
  },
  {
    cel: "!has(self.targetRef) || self.targetRef.kind != 'CronJob' || (has(self.completion.when) && self.completion.when != 'RolloutComplete')",
    message:
      'a CronJob has no rollout that could complete; set completion.when to PodCount, Duration or Never',
    holds: ({ completion: { when }, targetRef: target }) =>
      target?.kind !== 'CronJob' || (when !== undefined && when !== 'RolloutComplete'),
    field: 'completion.when',
  },
  {
    // The API server finds duplicates by itself: the list is a map by name.
    message: 'two objectives have the same name',
    holds: ({ objectives = [] }) => new Set(objectives.map(({ name }) => name)).size === objectives.length,
    field: 'objectives',
  },
  {
    cel: `!has(self.window) || (${STANDING})`,
    message: 'window is for standing sessions (completion.when: Never); the others judge all their pods',
    holds: (spec) => spec.window === undefined || isStanding(spec),
    field: 'window',
  },
  {
    cel: `${unchanged('targetRef')} && ${unchanged('podSelector')} && ${unchanged('allPods')}`,
    message: 'which pods a session takes cannot be changed; create another session',
  },
  {
    cel: unchanged('completion.when'),
    message: 'completion.when cannot be changed; create another session',
    field: 'completion.when',
  },
  {
    cel: `(${STANDING}) || ${unchanged('objectives')}`,
    message: 'objectives cannot be changed while they are judged; create another session',
    field: 'objectives',
  },
]

export const sessionSpec = ruled(
  specFields,
  'What is wanted: which pods, until when, with which objectives, and where their traces go.',
  specRules,
)
