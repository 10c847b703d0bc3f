// Owns the dashboard of Podspan's own health: does it lead and see, does it give, is its evidence whole, does it fit its limits.
// Promises that each alert of the chart has a panel here. Does not show pods' starts.

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { tell } from './dashboard.ts'
import { doesItGive, isItWhole } from './itself-exports.ts'
import { doesItSee } from './itself-streams.ts'
import { runbook, UIDS } from './links.ts'
import { lines, stat, table } from './panels.ts'
import {
  increase,
  onceInRange,
  ours,
  quantile,
  RANGE,
  RATE,
  rate,
  select,
  share,
  WINDOW,
  REPLICA,
} from './promql.ts'
import { cluster, window } from './variables.ts'

const doesItWork = [
  stat(
    {
      title: 'Leaders',
      means:
        'Replicas that export and write status: one in each installation. None: nothing is exported. Two for longer than a scrape: traces may be sent twice, with the same ids.',
      then: 'See the runbooks of PodspanWithoutLeader and PodspanTwoLeaders.',
      unit: 'none',
    },
    `sum(${select('podspan_leader')})`,
    3,
  ),
  stat(
    {
      title: 'Replicas',
      means: 'Replicas that are scraped.',
      then: 'Compare with the Deployment: if it has more, one does not run or is not scraped.',
      unit: 'none',
    },
    `count(${select('podspan_leader')})`,
    3,
  ),
  stat(
    {
      title: 'Watches down',
      means:
        'Streams that are not live: listing, waiting or forbidden. Without pods nothing is seen; without the others starts are coarser.',
      then: 'Find it in the table of streams below; `/readyz` of the pod says why.',
      unit: 'none',
      limits: [1, 1],
    },
    `count(min by (cluster, job, source) (${select('podspan_watch_live')}) == 0) or vector(0)`,
    3,
  ),
  stat(
    {
      title: 'Watch lag',
      means:
        'How late the watch shows things, typically, in the last 15 s; the worst replica. Boundaries that rest on receipts are as uncertain as this.',
      then: 'Over a second, see the event loop and the CPU below, then the API server.',
      unit: 's',
      limits: [1, 5],
    },
    `max(${select('podspan_watch_lag_seconds')})`,
    3,
  ),
  stat(
    {
      title: 'Traces dropped',
      means: 'In the window before each point, whatever the reason but handing over to the next leader.',
      then: 'Find the reason below: the backend refuses or does not keep up, or the budget is too small.',
      unit: 'short',
      decimals: 0,
      limits: [1, 100],
    },
    `sum(${increase('podspan_export_traces_dropped_total', WINDOW, 'reason!="left"')}) or vector(0)`,
    3,
  ),
  stat(
    {
      title: 'Incomplete evidence',
      means:
        'Share of starts in the window for which something was not seen: an event that was dropped, a gap of the watch. They are told, but coarser.',
      then: 'See “Is what it tells whole?” below, and the runbook of PodspanEvidenceIncomplete.',
      unit: 'percentunit',
      decimals: 1,
      limits: [0.05, 0.2],
    },
    share(
      [],
      rate('podspan_pod_start_evidence_total', WINDOW, 'evidence="incomplete"'),
      rate('podspan_pod_start_evidence_total', WINDOW),
    ),
    3,
  ),
  stat(
    {
      title: 'Memory of its limit',
      means:
        'Resident memory by the limit of its control group, the fullest replica. Above it the container is killed.',
      then: 'Raise `resources.limits.memory`, or lower `ring.maxBytes`, which is a part of it.',
      unit: 'percentunit',
      decimals: 0,
      limits: [0.8, 0.9],
    },
    `max(${select('process_resident_memory_bytes')} / ${select('podspan_memory_limit_bytes')})`,
    3,
  ),
  stat(
    {
      title: 'Event loop, p99',
      means:
        'Delay of the event loop, the worst replica. Everything waits for it: receipts are stamped later, probes are answered later.',
      then: 'Over 0.2 s give it more CPU; look at garbage collection.',
      unit: 's',
      limits: [0.2, 1],
    },
    `max(${select('podspan_event_loop_delay_seconds', 'statistic="p99"')})`,
    3,
  ),
  table(
    {
      title: 'Alerts that fire',
      means: 'Alerts of the chart’s PrometheusRule that fire now; empty is good.',
      then: 'Click on the name of one to open its runbook.',
      rows: { alertname: 'alert', severity: 'severity' },
      columns: [
        {
          name: 'firing',
          query: 'sum by (alertname, severity) (ALERTS{alertname=~"Podspan.+", alertstate="firing"})',
          unit: 'none',
        },
      ],
      sortedBy: 'firing',
      linksOn: 'alert',
      links: [runbook],
    },
    { width: 12, height: 7 },
  ),
  table(
    {
      title: 'Each replica',
      means: 'Each replica that is scraped, with its version and whether it leads.',
      then: 'Two versions for long are a rollout of Podspan that is stuck.',
      rows: { instance: 'replica', version: 'version' },
      columns: [
        { name: 'up', query: `max by (instance, version) (${select('podspan_build_info')})`, unit: 'none' },
        {
          name: 'leads',
          query: `max by (instance, version) (${select('podspan_build_info')} * on (cluster, job, instance) group_left () ${select('podspan_leader')})`,
          unit: 'none',
        },
        {
          name: 'running for',
          query: `max by (instance, version) (${select('podspan_build_info')} * on (cluster, job, instance) group_left () (time() - ${select('process_start_time_seconds')}))`,
          unit: 's',
          decimals: 0,
        },
      ],
      sortedBy: 'leads',
      linksOn: 'replica',
      links: [],
    },
    { width: 12, height: 7 },
  ),
]

const doesItFit = [
  lines(
    {
      title: 'Memory',
      means: 'Resident memory and its limit, V8’s heap, and the ring’s part of it, by replica.',
      then: 'A saw-tooth is garbage collection and fine; a line that only rises towards the limit is not: see the runbook of PodspanMemoryNearLimit.',
      unit: 'bytes',
    },
    {
      [`${REPLICA}: resident`]: `max by (instance) (${ours(select('process_resident_memory_bytes'))})`,
      [`${REPLICA}: limit`]: `max by (instance) (${select('podspan_memory_limit_bytes')})`,
      [`${REPLICA}: heap`]: `max by (instance) (${ours(select('nodejs_heap_used_bytes'))})`,
      [`${REPLICA}: ring`]: `max by (instance) (${select('podspan_ring_bytes')})`,
    },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'CPU',
      means: 'Cores that each replica uses. The event loop has one.',
      then: 'Near one core, events are stamped late: fewer streams (`watch`), or fewer namespaces.',
      unit: 'suffix: cores',
      decimals: 2,
    },
    { [REPLICA]: `sum by (instance) (${ours(rate('process_cpu_seconds_total', RATE))})` },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Event loop delay',
      means:
        'Since the scrape before, by replica: mean, p99 and maximum. A maximum now and then is a large list.',
      then: 'A p99 over 0.2 s for minutes makes receipts late; see the runbook of PodspanEventLoopBlocked.',
      unit: 's',
      limits: [0.2, 1],
    },
    {
      [`${REPLICA}: {{statistic}}`]: `max by (instance, statistic) (${select('podspan_event_loop_delay_seconds')})`,
    },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Garbage collection',
      means: 'Share of the time that went into it, by replica and kind.',
      then: '`major` over 5 % means that the heap is nearly full.',
      unit: 'percentunit',
      decimals: 2,
    },
    {
      [`${REPLICA}: {{gc}}`]: `sum by (instance, gc) (${ours(rate('nodejs_gc_duration_seconds_sum', RATE))})`,
    },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Longest collections, p99',
      means: 'By kind. Everything waits while one runs.',
      then: 'Over 0.1 s the heap is large for its CPU.',
      unit: 's',
    },
    { '{{gc}}': quantile(0.99, ['gc'], ours(rate('nodejs_gc_duration_seconds_bucket', WINDOW))) },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Workloads with series of their own',
      means:
        'At most `metrics.workloadsMax`; the others are together as `other`. Evictions gave their place to a workload with more recent starts.',
      then: 'At the limit, raise it if your Prometheus has room: docs/metrics.md says what one costs.',
      unit: 'short',
    },
    {
      workloads: `max(${select('podspan_metrics_workloads')})`,
      'evicted in the range': onceInRange([], increase('podspan_metrics_workloads_evicted_total', RANGE)),
      'leaderships in the range': `sum(${increase('podspan_leader_acquired_total', RANGE)})`,
    },
    { width: 8, height: 8 },
  ),
]

export const itself = (): Dashboard =>
  tell({
    uid: UIDS.itself,
    title: 'Podspan / Itself',
    description:
      'Whether Podspan leads, sees, gives and fits: look here when its figures look odd, or one of its alerts fires.',
    variables: [cluster, window],
    rows: {
      'Does it work?': doesItWork,
      'Does it see everything, and in time?': doesItSee,
      'Does it give what it has?': doesItGive,
      'Is what it tells whole?': isItWhole,
      'Does it fit its limits?': doesItFit,
    },
    closed: [],
  })
