// Owns the table of TraceSessions that nobody may create, with what is said about each.
// Promises that the same table is held against zod (invalid.test.ts) and a real API server (test/e2e/session-crd.e2e.test.ts).
// Does not know either.

export interface Invalid {
  readonly name: string
  readonly spec: Readonly<Record<string, unknown>>
  /** The field that the message names. */
  readonly field: string
  /** Words of the message. */
  readonly says: string
  /** Where the API server finds it by its schema, and zod in words of its own. */
  readonly zodSays?: string
}

/** Refused as a change of a session that was valid. */
export interface InvalidChange {
  readonly name: string
  readonly from: Readonly<Record<string, unknown>>
  readonly to: Readonly<Record<string, unknown>>
  readonly says: string
}

const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' }
const all = { allPods: true }
const objective = { name: 'ready', percentile: 99, threshold: '30s' }
const judged = (more: Record<string, unknown>) => ({ ...all, objectives: [{ ...objective, ...more }] })
const until = (completion: Record<string, unknown>, more: Record<string, unknown> = all) => ({
  ...more,
  completion,
})

const ONE_OF = 'set exactly one of targetRef, podSelector and allPods: true'
const HOURS = 'write hours, minutes and seconds, such as 24h, 1h30m or 30s'

export const INVALID: readonly Invalid[] = [
  { name: 'no pods are chosen', spec: {}, field: 'spec', says: ONE_OF },
  { name: 'two ways to choose pods', spec: { targetRef: target, ...all }, field: 'spec', says: ONE_OF },
  {
    name: 'a target and a selector',
    spec: { targetRef: target, podSelector: { matchLabels: { app: 'web' } } },
    field: 'spec',
    says: ONE_OF,
  },
  { name: 'allPods: false alone', spec: { allPods: false }, field: 'spec', says: ONE_OF },
  {
    name: 'a target in other namespaces',
    spec: { targetRef: target, namespaceSelector: {} },
    field: 'spec.namespaceSelector',
    says: "a targetRef is in the session's own namespace",
  },
  {
    name: 'a target without a name',
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment' } },
    field: 'spec.targetRef.name',
    says: 'Required value',
    zodSays: 'expected string',
  },
  {
    name: 'a start timeout in days',
    spec: { ...all, startTimeout: '1d' },
    field: 'spec.startTimeout',
    says: HOURS,
  },
  {
    name: 'a start timeout of nothing',
    spec: { ...all, startTimeout: '0s' },
    field: 'spec.startTimeout',
    says: 'must be longer than 0s',
  },
  {
    name: 'a start timeout of two days',
    spec: { ...all, startTimeout: '48h' },
    field: 'spec.startTimeout',
    says: 'must be at most 24h',
  },
  {
    name: 'a start timeout in words',
    spec: { ...all, startTimeout: 'ten minutes' },
    field: 'spec.startTimeout',
    says: HOURS,
  },
  {
    name: 'a start timeout without a unit',
    spec: { ...all, startTimeout: '600' },
    field: 'spec.startTimeout',
    says: HOURS,
  },
  {
    name: 'a start timeout as a number',
    spec: { ...all, startTimeout: 600 },
    field: 'spec.startTimeout',
    says: 'must be of type string',
    zodSays: 'expected string',
  },
  { name: 'a negative backfill', spec: { ...all, backfill: '-10m' }, field: 'spec.backfill', says: HOURS },
  {
    name: 'a backfill of a week',
    spec: { ...all, backfill: '168h' },
    field: 'spec.backfill',
    says: 'must be at most 24h',
  },
  {
    name: 'a timeout in days',
    spec: until({ timeout: '2d' }),
    field: 'spec.completion.timeout',
    says: HOURS,
  },
  {
    name: 'a timeout of nothing',
    spec: until({ timeout: '0m' }),
    field: 'spec.completion.timeout',
    says: 'must be longer than 0s',
  },
  {
    name: 'a timeout of a month',
    spec: until({ timeout: '720h' }),
    field: 'spec.completion.timeout',
    says: 'must be at most 168h',
  },
  {
    name: 'a rollout without a target',
    spec: until({ when: 'RolloutComplete' }),
    field: 'spec.completion.when',
    says: 'when: RolloutComplete needs a targetRef',
  },
  {
    name: "a CronJob's rollout",
    spec: { targetRef: { ...target, apiVersion: 'batch/v1', kind: 'CronJob' } },
    field: 'spec.completion.when',
    says: 'a CronJob has no rollout that could complete; set completion.when to PodCount',
  },
  {
    name: 'a count of pods without the count',
    spec: until({ when: 'PodCount' }),
    field: 'spec.completion.minPods',
    says: 'when: PodCount needs minPods',
  },
  {
    name: 'a count of no pods',
    spec: until({ when: 'PodCount', minPods: 0 }),
    field: 'spec.completion.minPods',
    says: 'should be greater than or equal to 1',
    zodSays: '>=1',
  },
  {
    name: 'a standing session with a timeout',
    spec: until({ when: 'Never', timeout: '1h' }),
    field: 'spec.completion',
    says: 'does not end; remove timeout and minPods',
  },
  {
    name: 'another word for completion',
    spec: until({ when: 'rolloutComplete' }),
    field: 'spec.completion.when',
    says: 'supported values: "RolloutComplete", "Duration", "PodCount", "Never"',
    zodSays: '"RolloutComplete"|"Duration"|"PodCount"|"Never"',
  },
  {
    name: 'a window of a session that ends',
    spec: { ...all, window: '1h' },
    field: 'spec.window',
    says: 'window is for standing sessions (completion.when: Never)',
  },
  {
    name: 'a window of a second',
    spec: until({ when: 'Never' }, { ...all, window: '1s' }),
    field: 'spec.window',
    says: 'must be at least 1m',
  },
  {
    name: 'a percentile over 100',
    spec: judged({ percentile: 101 }),
    field: 'spec.objectives[0].percentile',
    says: 'a percentile is from 1 to 100, such as 99 (not 0.99)',
  },
  {
    name: 'a percentile as a share',
    spec: judged({ percentile: 0.99 }),
    field: 'spec.objectives[0].percentile',
    says: 'such as 99 (not 0.99)',
  },
  {
    name: 'a threshold of nothing',
    spec: judged({ threshold: '0s' }),
    field: 'spec.objectives[0].threshold',
    says: 'must be longer than 0s',
  },
  {
    name: 'a threshold in days',
    spec: judged({ threshold: '1d' }),
    field: 'spec.objectives[0].threshold',
    says: HOURS,
  },
  {
    name: 'an operation that there is not',
    spec: judged({ operation: 'pull' }),
    field: 'spec.objectives[0].operation',
    says: '"pull image"',
  },
  {
    name: 'an objective named in capitals',
    spec: judged({ name: 'Ready P99' }),
    field: 'spec.objectives[0].name',
    says: 'write lower-case letters, digits and hyphens',
  },
  {
    name: 'two objectives of one name',
    spec: { ...all, objectives: [objective, { ...objective, percentile: 50 }] },
    field: 'spec.objectives',
    says: 'Duplicate value',
    zodSays: 'two objectives have the same name',
  },
  {
    name: 'nine objectives',
    spec: {
      ...all,
      objectives: Array.from({ length: 9 }, (_, index) => ({ ...objective, name: `o-${index}` })),
    },
    field: 'spec.objectives',
    says: 'must have at most 8 items',
    zodSays: '<=8',
  },
  {
    name: 'a sample over 100 %',
    spec: { ...all, sampling: { percent: 150 } },
    field: 'spec.sampling.percent',
    says: 'a share in percent, from 0 to 100',
  },
  {
    name: 'keeping what is slower than days',
    spec: { ...all, sampling: { keep: { slowerThan: '1d' } } },
    field: 'spec.sampling.keep.slowerThan',
    says: HOURS,
  },
  {
    name: 'a limit of no traces',
    spec: { ...all, limits: { tracesPerMinute: 0 } },
    field: 'spec.limits.tracesPerMinute',
    says: 'should be greater than or equal to 1',
    zodSays: '>=1',
  },
  {
    name: 'an exporter without a name',
    spec: { ...all, exporter: '' },
    field: 'spec.exporter',
    says: 'should be at least 1 chars long',
    zodSays: '>=1',
  },
  {
    name: 'a negative time to live',
    spec: { ...all, ttlSecondsAfterFinished: -1 },
    field: 'spec.ttlSecondsAfterFinished',
    says: 'should be greater than or equal to 0',
    zodSays: '>=0',
  },
  {
    name: 'a selector that compares with nothing',
    spec: { podSelector: { matchExpressions: [{ key: 'app', operator: 'In' }] } },
    field: 'spec.podSelector.matchExpressions[0]',
    says: 'In and NotIn need at least one value',
  },
  {
    name: 'a selector that compares existence',
    spec: { podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists', values: ['web'] }] } },
    field: 'spec.podSelector.matchExpressions[0]',
    says: 'Exists and DoesNotExist take none',
  },
]

export const INVALID_CHANGES: readonly InvalidChange[] = [
  {
    name: 'another target',
    from: { targetRef: target },
    to: { targetRef: { ...target, name: 'cart' } },
    says: 'which pods a session takes cannot be changed; create another session',
  },
  {
    name: 'all pods instead of a target',
    from: { targetRef: target },
    to: all,
    says: 'which pods a session takes cannot be changed; create another session',
  },
  {
    name: 'another completion',
    from: until({ when: 'Never' }),
    to: until({ when: 'Duration' }),
    says: 'completion.when cannot be changed; create another session',
  },
  {
    name: 'an easier objective',
    from: judged({}),
    to: judged({ threshold: '60s' }),
    says: 'objectives cannot be changed while they are judged; create another session',
  },
  {
    name: 'no objective any more',
    from: judged({}),
    to: all,
    says: 'objectives cannot be changed while they are judged; create another session',
  },
]

/** Sessions that must be taken as they are, so that no rule is too narrow. */
export const VALID: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'the least': { targetRef: target },
  'the example of the design': {
    targetRef: target,
    completion: { when: 'RolloutComplete', minPods: 1, timeout: '30m' },
    backfill: '10m',
    startTimeout: '10m',
    objectives: [
      { name: 'ready', percentile: 99, threshold: '30s' },
      { name: 'pulls', percentile: 50, threshold: '1m30s', operation: 'pull image' },
    ],
    sampling: { percent: 12.5, keep: { slowerThan: '30s', failed: true } },
    limits: { tracesPerMinute: 600 },
    exporter: 'default',
    suspend: false,
    ttlSecondsAfterFinished: 3600,
  },
  'the standing session of a cluster': {
    ...all,
    namespaceSelector: {},
    completion: { when: 'Never' },
    window: '1h',
    objectives: [objective],
  },
  'a custom owner': { targetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'checkout' } },
  'a CronJob by count': {
    targetRef: { apiVersion: 'batch/v1', kind: 'CronJob', name: 'nightly' },
    completion: { when: 'PodCount', minPods: 3, timeout: '168h' },
  },
  'a selector': {
    podSelector: {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'track', operator: 'NotIn', values: ['canary'] },
        { key: 'team', operator: 'Exists' },
      ],
    },
    completion: { when: 'Duration', timeout: '15m' },
  },
}

export const sessionObject = (
  name: string,
  namespace: string,
  spec: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => ({
  apiVersion: 'podspan.dev/v1alpha1',
  kind: 'TraceSession',
  metadata: { name, namespace },
  spec,
})
