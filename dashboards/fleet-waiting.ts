// Owns the rows of the fleet's dashboard on what starts wait for and whose they are. Does not make a dashboard: see fleet.ts.

import { operationsPage, toWorkload, workloadOnPage } from './links.ts'
import { lines, ranking, table } from './panels.ts'
import {
  IN_NAMESPACE,
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

const WORKLOAD = ['namespace', 'workload_kind', 'workload'] as const
const CRITICAL = 'podspan_workload_critical_path_seconds_total'

export const whatFor = [
  lines(
    {
      title: 'Waiting, by operation',
      means:
        'How many starts were, on average, waiting for this operation: the seconds of the critical path per second. Each moment of a start counts for one operation alone, so that the stack is all waiting there was. It is counted when a start is over.',
      then: 'The thickest band is where time can be won; `podspan advise` says how much.',
      unit: 'none',
      decimals: 2,
      links: [operationsPage],
    },
    { '{{operation}}': once(['operation'], rate(CRITICAL, WINDOW, IN_NAMESPACE)) },
    { width: 16, height: 10, stacked: true },
  ),
  ranking(
    {
      title: 'Share of all waiting',
      means:
        'Over the whole range: the share of the time that starts took in which they waited for this operation.',
      then: 'Begin with the first: docs/operations.md says what makes it shorter, `podspan advise` by how much.',
      unit: 'percentunit',
      decimals: 1,
    },
    `topk(10, ${shareOfAll(['operation'], increase(CRITICAL, RANGE, IN_NAMESPACE))})`,
    '{{operation}}',
    { width: 8, height: 10 },
  ),
  lines(
    {
      title: 'In flight, by what they wait for',
      means: 'Pods that are starting now, by the operation that each waits for, over all namespaces.',
      then: 'What does not go away is stuck; see beside it.',
      unit: 'none',
      links: [operationsPage],
    },
    { '{{operation}}': `${now(['operation'], select('podspan_pod_starts_in_flight'))} > 0` },
    { width: 12, height: 8, stacked: true },
  ),
  lines(
    {
      title: 'Stuck, by what they wait for',
      means:
        'Of them those that have been waiting for the same operation for over a minute, over all namespaces.',
      then: '`schedule` is room, taints or volumes; `pull image` and `back-off` are images; `readiness` and `startup probe` are the containers themselves. The link says what each operation is.',
      unit: 'none',
      links: [operationsPage],
    },
    { '{{operation}}': `${now(['operation'], select('podspan_pod_starts_stuck'))} > 0` },
    { width: 12, height: 8, stacked: true },
  ),
  table(
    {
      title: 'Operations',
      means:
        'All operations of starts in the range, over all namespaces: how many there were, how long one takes, and how long at its slowest. Operations run side by side and within one another, so durations do not add up; the share of waiting does.',
      then: 'A p99 far above the p50 is a few bad cases, to be found in the traces; a high p50 is the rule, to be changed in the configuration.',
      rows: { operation: 'operation' },
      columns: [
        {
          name: 'count',
          query: onceInRange(['operation'], increase('podspan_operation_duration_seconds_count', RANGE)),
          unit: 'short',
          decimals: 0,
        },
        {
          name: 'share of waiting',
          query: shareOfAll(['operation'], increase(CRITICAL, RANGE)),
          unit: 'percentunit',
          decimals: 1,
        },
        ...[0.5, 0.95, 0.99].map((q) => ({
          name: `p${q * 100}`,
          query: quantile(q, ['operation'], increase('podspan_operation_duration_seconds_bucket', RANGE)),
          unit: 's',
        })),
      ],
      sortedBy: 'share of waiting',
      linksOn: 'operation',
      links: [operationsPage],
    },
    { width: 24, height: 10 },
  ),
]

export const whose = [
  table(
    {
      title: 'Workloads',
      means:
        'All workloads with starts in the range; those without series of their own are together as `other`. Too slow: longer than the objective above, or never ready.',
      then: 'Click on a name to open the workload’s dashboard, or its starts on Podspan’s page.',
      rows: { namespace: 'namespace', workload_kind: 'kind', workload: 'workload' },
      columns: [
        {
          name: 'starts',
          query: `${onceInRange(WORKLOAD, increase('podspan_pod_starts_total', RANGE, IN_NAMESPACE))} > 0`,
          unit: 'short',
          decimals: 0,
        },
        {
          name: 'too slow',
          query: tooSlow(WORKLOAD, RANGE, IN_NAMESPACE),
          unit: 'percentunit',
          decimals: 1,
          limits: [0.01, 0.05],
        },
        {
          name: 'never ready',
          query: notReady(WORKLOAD, RANGE, IN_NAMESPACE),
          unit: 'percentunit',
          decimals: 1,
          limits: [0.01, 0.05],
        },
        {
          name: 'p95',
          query: quantile(
            0.95,
            WORKLOAD,
            increase('podspan_pod_start_duration_seconds_bucket', RANGE, IN_NAMESPACE),
          ),
          unit: 's',
        },
        {
          name: 'waited in all',
          query: `${onceInRange(WORKLOAD, increase(CRITICAL, RANGE, IN_NAMESPACE))} > 0`,
          unit: 's',
          decimals: 0,
        },
        {
          name: 'stuck',
          query: now(WORKLOAD, select('podspan_workload_starts_stuck', IN_NAMESPACE)),
          unit: 'short',
          limits: [1, 10],
        },
      ],
      sortedBy: 'waited in all',
      linksOn: 'workload',
      links: [toWorkload, workloadOnPage],
    },
    { width: 24, height: 12 },
  ),
]
