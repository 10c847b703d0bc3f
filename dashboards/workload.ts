// Owns the dashboard of one workload: whether its starts are as promised, how long they take, what they wait for, and how that compares.
// Promises the same figures as the fleet's, of one workload. Does not tell single pods apart: traces do.

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { tell } from './dashboard.ts'
import { operationsPage, UIDS } from './links.ts'
import { heatmap, lines, ranking, stat, table, total } from './panels.ts'
import {
  increase,
  notReady,
  now,
  once,
  onceInRange,
  quantile,
  RANGE,
  rate,
  select,
  shareOfAll,
  tooSlow,
  WINDOW,
} from './promql.ts'
import { jaegerRow, slowStarts, tempoRow, tempoTable } from './traces.ts'
import { cluster, labelValues, slo, window } from './variables.ts'

const OURS = ['namespace="$namespace"', 'workload_kind="$workload_kind"', 'workload="$workload"'] as const
const CRITICAL = 'podspan_workload_critical_path_seconds_total'
const BUCKETS = 'podspan_pod_start_duration_seconds_bucket'

const asPromised = [
  total(
    {
      title: 'Starts',
      means: 'Starts in the range that are over, however they ended.',
      then: 'With a few, look at each in the traces; shares and quantiles of few say little.',
      unit: 'short',
      decimals: 0,
    },
    onceInRange([], increase('podspan_pod_starts_total', RANGE, ...OURS)),
  ),
  total(
    {
      title: 'Too slow or never ready',
      means:
        'Of the starts in the range that somebody waited for, the share that took longer than the objective above, or ended unstable, failed or timed out.',
      then: 'See below since when, and what they waited for.',
      unit: 'percentunit',
      decimals: 1,
      limits: [0.01, 0.05],
    },
    tooSlow([], RANGE, ...OURS),
  ),
  total(
    {
      title: 'Did not become ready',
      means: 'Of the same starts those that ended unstable, failed or timed out.',
      then: '`kubectl describe pod` and the log of the previous container; `podspan trace` tells the attempts in order.',
      unit: 'percentunit',
      decimals: 1,
      limits: [0.01, 0.05],
    },
    notReady([], RANGE, ...OURS),
  ),
  total(
    {
      title: 'p95',
      means: 'Of 100 starts in the range that became ready, 95 were faster.',
      then: 'A sensible `progressDeadlineSeconds`, `--timeout` or objective lies above it.',
      unit: 's',
    },
    quantile(0.95, [], increase(BUCKETS, RANGE, ...OURS)),
  ),
  stat(
    {
      title: 'Starting now',
      means: 'Pods of it that are starting.',
      then: '`podspan rollout` says what holds a rollout that is under way.',
      unit: 'none',
    },
    now([], select('podspan_workload_starts_in_flight', ...OURS)),
  ),
  stat(
    {
      title: 'Stuck now',
      means: 'Pods of it that have been waiting for the same operation for over a minute.',
      then: '`podspan trace KIND/NAME` says in what, and why, in the component’s words.',
      unit: 'none',
      limits: [1, 10],
    },
    now([], select('podspan_workload_starts_stuck', ...OURS)),
  ),
]

const howLong = [
  lines(
    {
      title: 'Time to ready',
      means:
        'From creation to Ready, of starts that became ready in the window before each point. Points are exemplars: a click opens the trace. No line where nothing started.',
      then: 'A step up at a rollout is the new revision: `podspan diff` compares the two.',
      unit: 's',
    },
    {
      p50: quantile(0.5, [], rate(BUCKETS, WINDOW, ...OURS)),
      p95: quantile(0.95, [], rate(BUCKETS, WINDOW, ...OURS)),
      p99: quantile(0.99, [], rate(BUCKETS, WINDOW, ...OURS)),
      'all workloads, p95': quantile(0.95, [], rate(BUCKETS, WINDOW)),
    },
    { width: 16, height: 9 },
  ),
  heatmap(
    {
      title: 'Starts by how long they took',
      means: 'Each column is a window of time, each cell a range of durations, the darker the more starts.',
      then: 'Of two bands the slow one is worth a trace: often it is the nodes that had to pull.',
      unit: 's',
    },
    `sum by (le) (${increase(BUCKETS, WINDOW, ...OURS)})`,
    { width: 8, height: 9 },
  ),
  lines(
    {
      title: 'How starts end',
      means: 'Starts per minute that are over, by outcome.',
      then: '`unstable` exits right after Ready: its readiness probe says yes too early. `timeout` is not ready within the start timeout. `deleted` was replaced before it was ready.',
      unit: 'suffix: /min',
      decimals: 2,
    },
    { '{{outcome}}': `60 * ${once(['outcome'], rate('podspan_pod_starts_total', WINDOW, ...OURS))}` },
    { width: 12, height: 8, stacked: true },
  ),
  lines(
    {
      title: 'Starting and stuck',
      means:
        'Pods of it in flight, and of them those that have been waiting for the same operation for over a minute.',
      then: 'Stuck that stays is no rollout any more: `kubectl rollout undo` first, then find out why.',
      unit: 'none',
    },
    {
      starting: now([], select('podspan_workload_starts_in_flight', ...OURS)),
      stuck: now([], select('podspan_workload_starts_stuck', ...OURS)),
    },
    { width: 12, height: 8 },
  ),
]

const STARTS = rate('podspan_pod_starts_total', WINDOW, ...OURS)

const whatFor = [
  lines(
    {
      title: 'Where the time of a start goes',
      means:
        'Seconds of the critical path that one start spends waiting for each operation, on average of all that ended in the window; the stack is the mean length of a start.',
      then: 'The thickest band is where to begin; the link says what each operation is and what makes it shorter, `podspan advise` by how much.',
      unit: 's',
      links: [operationsPage],
    },
    {
      '{{operation}}': `sum by (operation) (${rate(CRITICAL, WINDOW, ...OURS)}) / on () group_left () (sum(${STARTS}) > 0)`,
    },
    { width: 16, height: 10, stacked: true },
  ),
  ranking(
    {
      title: 'Share of its waiting',
      means:
        'Over the whole range: the share of the time that its starts took in which they waited for this operation.',
      then: 'Begin with the first.',
      unit: 'percentunit',
      decimals: 1,
    },
    `topk(10, ${shareOfAll(['operation'], increase(CRITICAL, RANGE, ...OURS))})`,
    '{{operation}}',
    { width: 8, height: 10 },
  ),
  table(
    {
      title: 'Operations',
      means:
        'Its operations in the range: how many there were, how long one took on average, and how much of its waiting that was. Operations run side by side and within one another.',
      then: 'A long operation with a small share ran beside a longer one; to shorten it wins nothing.',
      rows: { operation: 'operation' },
      columns: [
        {
          name: 'count',
          query: onceInRange(['operation'], increase('podspan_workload_operations_total', RANGE, ...OURS)),
          unit: 'short',
          decimals: 0,
        },
        {
          name: 'mean',
          query: `sum by (operation) (${increase('podspan_workload_operation_seconds_total', RANGE, ...OURS)}) / (sum by (operation) (${increase('podspan_workload_operations_total', RANGE, ...OURS)}) > 0)`,
          unit: 's',
        },
        {
          name: 'share of waiting',
          query: shareOfAll(['operation'], increase(CRITICAL, RANGE, ...OURS)),
          unit: 'percentunit',
          decimals: 1,
        },
      ],
      sortedBy: 'share of waiting',
      linksOn: 'operation',
      links: [operationsPage],
    },
    { width: 24, height: 9 },
  ),
]

const within = (variable: string): string =>
  `podspan_pod_starts_total{cluster=~"$cluster", namespace="$namespace"${variable}}`

export const workload = (): Dashboard =>
  tell({
    uid: UIDS.workload,
    title: 'Podspan / Starts of a workload',
    description:
      'One Deployment, StatefulSet, DaemonSet, Job: whether its pods start as promised, how long that takes and what they wait for.',
    variables: [
      cluster,
      labelValues('namespace', 'Namespace', 'podspan_pod_starts_total{cluster=~"$cluster"}', 'one'),
      labelValues('workload_kind', 'Kind', within(''), 'one'),
      labelValues('workload', 'Workload', within(', workload_kind="$workload_kind"'), 'one'),
      slo,
      window,
    ],
    rows: {
      'Are its starts as promised?': asPromised,
      'How long do they take?': howLong,
      'What do they wait for?': whatFor,
    },
    closed: [
      tempoRow(
        tempoTable(
          {
            title: 'Slow starts of this workload, in Tempo',
            means:
              'Its starts that took longer than the objective above, or did not become ready, with their verdict. A click on the span’s id opens the trace, one on the verdict Podspan’s own page.',
            then: 'Read the verdicts: if most say the same, that is it; open one for the evidence.',
          },
          slowStarts(
            ' && resource.k8s.namespace.name = "$namespace" && span.podspan.workload = "$workload_kind/$workload"',
          ),
        ),
        tempoTable(
          {
            title: 'Its longest pulls, in Tempo',
            means: 'Image pulls of this workload over 5 s, with image, bytes and node.',
            then: 'The same image slow on one node is the node; slow everywhere is its size or the registry.',
          },
          '{ name = "pod startup" && resource.k8s.namespace.name = "$namespace" && span.podspan.workload = "$workload_kind/$workload" } >> { name = "pull image" && duration > 5s } | select(span.container.image.name, span.podspan.image.bytes, resource.k8s.node.name, resource.k8s.pod.name)',
        ),
      ),
      jaegerRow(
        'of this workload',
        'k8s.namespace.name="$namespace" podspan.workload="$workload_kind/$workload"',
      ),
    ],
  })
