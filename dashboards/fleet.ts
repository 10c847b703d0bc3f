// Owns the dashboard of the whole fleet: is something wrong now, how long do starts take, what do they wait for, whose are they, what did it cost.
// Promises that one reads it from the top down at night. Does not go into a workload or a node: links lead there.

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { tell } from './dashboard.ts'
import { whatFor, whose } from './fleet-waiting.ts'
import { UIDS } from './links.ts'
import { heatmap, lines, ranking, stat } from './panels.ts'
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
  tooSlow,
  WINDOW,
} from './promql.ts'
import { jaegerRow, slowStarts, tempoRow, tempoTable } from './traces.ts'
import { cluster, labelValues, slo, window } from './variables.ts'

const isItWrong = [
  stat(
    {
      title: 'Too slow or never ready',
      means:
        'Of the starts in the window before each point, the share that took longer than the objective above, or ended unstable, failed or timed out.',
      then: 'If it is up, see below what starts wait for; if one workload makes it, the table “Workloads” has it on top.',
      unit: 'percentunit',
      decimals: 1,
      limits: [0.01, 0.05],
    },
    tooSlow([], WINDOW, IN_NAMESPACE),
  ),
  stat(
    {
      title: 'Did not become ready',
      means:
        'Of the same starts, those that ended unstable (a container exited right after Ready), failed, or timed out. Jobs’ pods that completed and deleted pods are not counted.',
      then: '“How starts end” below says which; the table has the workloads.',
      unit: 'percentunit',
      decimals: 1,
      limits: [0.01, 0.05],
    },
    notReady([], WINDOW, IN_NAMESPACE),
  ),
  stat(
    {
      title: 'Stuck now',
      means: 'Pods that are starting and have been waiting for the same operation for over a minute.',
      then: '“Stuck, by what they wait for” says in what; `kubectl get tsn -A -o yaml` (status.stuck) and Podspan’s page say why, in the component’s words.',
      unit: 'none',
      limits: [1, 10],
    },
    now([], select('podspan_workload_starts_stuck', IN_NAMESPACE)),
  ),
  stat(
    {
      title: 'Starting now',
      means: 'Pods that are starting. Many are normal while something rolls out.',
      then: 'If they do not get fewer, look at what they wait for, and at “Stuck now”.',
      unit: 'none',
    },
    now([], select('podspan_workload_starts_in_flight', IN_NAMESPACE)),
  ),
  stat(
    {
      title: 'Oldest start under way',
      means:
        'Age of the oldest pod that is starting, over all namespaces. At the start timeout (10 min unless configured) it is told as a timeout.',
      then: 'Find it on Podspan’s page, at the top, or with `podspan watch`.',
      unit: 's',
      limits: [60, 300],
    },
    `max(${select('podspan_pod_start_oldest_age_seconds')})`,
  ),
  stat(
    {
      title: 'Kubernetes’ own SLI, p99',
      means:
        'The official pod start-up SLI: without image pulls and init containers, of stateless pods that could be scheduled at once. Its objective is 5 s. Above it the platform is slow, not the workloads: scheduler, API server, kubelets, runtime, network. Over all namespaces.',
      then: 'Look on the dashboard “Nodes” whether it is a few of them or all.',
      unit: 's',
      decimals: 1,
      limits: [5, 10],
    },
    quantile(0.99, [], rate('podspan_pod_start_sli_duration_seconds_bucket', WINDOW)),
  ),
]

const READY_BUCKETS = rate('podspan_pod_start_duration_seconds_bucket', WINDOW, IN_NAMESPACE)

const howLong = [
  lines(
    {
      title: 'Time to ready',
      means:
        'From the creation of a pod to its first Ready, of starts that became ready; p95 means that 95 of 100 were faster. Points are exemplars: single starts, whose traces a click opens.',
      then: 'Where it rises, look at the same time below at what starts waited for.',
      unit: 's',
    },
    {
      p50: quantile(0.5, [], READY_BUCKETS),
      p95: quantile(0.95, [], READY_BUCKETS),
      p99: quantile(0.99, [], READY_BUCKETS),
    },
    { width: 16, height: 9 },
  ),
  heatmap(
    {
      title: 'Starts by how long they took',
      means:
        'Each column is a window of time, each cell a range of durations, the darker the more starts. Points are exemplars.',
      then: 'Two bands are two kinds of starts (cached and pulled images, say), which one quantile hides: open an exemplar of the slow one.',
      unit: 's',
    },
    `sum by (le) (${increase('podspan_pod_start_duration_seconds_bucket', WINDOW, IN_NAMESPACE)})`,
    { width: 8, height: 9 },
  ),
  lines(
    {
      title: 'How starts end',
      means:
        'Starts per minute that are over, by outcome. `unstable`: a container exited right after Ready; `timeout`: not ready within the start timeout; `deleted`: gone before it was ready, as in rollouts that are replaced.',
      then: 'For `failed` and `unstable` read the container’s log and exit code; for `timeout` see what it waited for.',
      unit: 'suffix: /min',
      decimals: 2,
    },
    { '{{outcome}}': `60 * ${once(['outcome'], rate('podspan_pod_starts_total', WINDOW, IN_NAMESPACE))}` },
    { width: 12, height: 8, stacked: true },
  ),
  lines(
    {
      title: 'Kubernetes’ own start-up SLI',
      means:
        'As the kubelets’ kubelet_pod_start_sli_duration_seconds, but from the pod’s creation as stored to Ready as stored, and of the starts that the SLI counts. The objective of the project is 5 s for 99 of 100.',
      then: 'Above 5 s it is the platform; whether all nodes or some, the dashboard “Nodes” shows.',
      unit: 's',
      limits: [5, 10],
    },
    {
      p50: quantile(0.5, [], rate('podspan_pod_start_sli_duration_seconds_bucket', WINDOW)),
      p99: quantile(0.99, [], rate('podspan_pod_start_sli_duration_seconds_bucket', WINDOW)),
    },
    { width: 12, height: 8 },
  ),
]

const perHour = (resource: string, divisor: string): string =>
  `${onceInRange(
    ['operation'],
    increase('podspan_resource_wait_seconds_total', RANGE, `resource="${resource}"`),
  )} / ${divisor} > 0`

const whyAndWhatItCost = [
  lines(
    {
      title: 'Why pods were created',
      means: 'Starts per minute by cause, over all namespaces.',
      then: 'Many `eviction`, `drain` or `preemption` at an hour when nobody deploys say that nodes come and go, or are full; many `replacement` that pods fail.',
      unit: 'suffix: /min',
      decimals: 2,
    },
    { '{{cause}}': `60 * ${once(['cause'], rate('podspan_pod_start_causes_total', WINDOW))}` },
    { width: 12, height: 9, stacked: true },
  ),
  ranking(
    {
      title: 'Cores that waited',
      means:
        'Core-hours in the range that pods had requested and did not use yet, because their start was waiting, from their binding on.',
      then: 'Work on the longest bar: it is what a shorter wait for this operation would free.',
      unit: 'suffix: core h',
      decimals: 2,
    },
    `topk(8, ${perHour('cpu', '3600')})`,
    '{{operation}}',
    { width: 6, height: 9 },
  ),
  ranking(
    {
      title: 'Memory that waited',
      means: 'The same of memory, in GiB-hours.',
      then: 'As for cores: it is what a shorter wait for this operation would free.',
      unit: 'suffix: GiB h',
      decimals: 2,
    },
    `topk(8, ${perHour('memory', '(3600 * 1024 ^ 3)')})`,
    '{{operation}}',
    { width: 6, height: 9 },
  ),
]

export const fleet = (): Dashboard =>
  tell({
    uid: UIDS.fleet,
    title: 'Podspan / Starts of all pods',
    description:
      'How long pods take to become ready, what they wait for, and whose they are. Read it from the top: is it bad now, since when, waiting for what, whose.',
    variables: [
      cluster,
      labelValues('namespace', 'Namespace', 'podspan_pod_starts_total{cluster=~"$cluster"}', 'several'),
      slo,
      window,
    ],
    rows: {
      'Is something wrong now?': isItWrong,
      'How long do starts take?': howLong,
      'What do they wait for?': whatFor,
      'Whose are they?': whose,
      'Why were they created, and what did the waiting cost?': whyAndWhatItCost,
    },
    closed: [
      tempoRow(
        tempoTable(
          {
            title: 'Slow starts, in Tempo',
            means:
              'Starts that took longer than the objective above, or did not become ready, with their verdict. A click on the span’s id opens the trace, one on the verdict Podspan’s own page. Empty though there are slow starts: nothing is exported to this Tempo, or its search reaches back less far.',
            then: 'Read the verdicts: if most say the same, that is it; open one for the evidence.',
          },
          slowStarts(' && resource.k8s.namespace.name =~ "$namespace"'),
        ),
      ),
      jaegerRow('of all pods', ''),
    ],
  })
