// Owns the dashboard of nodes: which of them start pods slower than others, and whether that is the pull, the runtime or the kubelet.
// Promises what was done on the node from the binding on. What containers take by themselves is not a node's, and is not here.

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { tell } from './dashboard.ts'
import { nodeOnPage, toNode, UIDS } from './links.ts'
import { lines, ranking, stat, table, total } from './panels.ts'
import { AWAITED, increase, now, once, onceInRange, RANGE, rate, select, share, WINDOW } from './promql.ts'
import { jaegerRow, tempoRow, tempoTable } from './traces.ts'
import { cluster, labelValues, slo, window } from './variables.ts'

const OURS = 'node=~"$node"'
const NODE = ['node'] as const
const FAILED = 'outcome=~"unstable|failed|timeout"'

/** Mean seconds of one run of these operations. */
const mean = (by: readonly string[], window: string, operation: string): string =>
  share(
    by,
    rate('podspan_node_operation_seconds_total', window, OURS, operation),
    rate('podspan_node_operations_total', window, OURS, operation),
  )

const meanReady = (by: readonly string[], window: string): string =>
  share(
    by,
    rate('podspan_node_start_seconds_total', window, OURS),
    rate('podspan_node_starts_total', window, OURS, 'outcome="ready"'),
  )

const failed = (by: readonly string[], window: string): string =>
  share(
    by,
    rate('podspan_node_starts_total', window, OURS, FAILED),
    rate('podspan_node_starts_total', window, OURS, AWAITED),
  )

/** Bytes per second of one pull, while it ran. */
const throughput = (by: readonly string[], window: string): string =>
  share(
    by,
    rate('podspan_node_pulled_bytes_total', window, OURS),
    rate('podspan_node_operation_seconds_total', window, OURS, 'operation="transfer and unpack"'),
  )

const PULL = 'operation="pull image"'
const SLOT = 'operation="wait for pull slot"'
const SANDBOX = 'operation="prepare pod and create sandbox"'
const RUNTIME = 'operation=~"create container|start container"'
const REPORT = 'operation="report status"'
const BACK_OFF = 'operation="back-off"'

const outliers = [
  total(
    {
      title: 'Nodes with starts',
      means:
        'Nodes on which a start ended in the range. At most `metrics.nodesMax` have figures of their own; the rest is together as `other`.',
      then: 'If `other` has many starts, raise that value.',
      unit: 'none',
    },
    `count(sum by (cluster, node) (${increase('podspan_node_starts_total', RANGE, OURS)}) > 0)`,
  ),
  total(
    {
      title: 'Starts',
      means: 'Starts on these nodes in the range that are over, however they ended.',
      then: 'Compare only nodes with many: means of a few starts say little.',
      unit: 'short',
      decimals: 0,
    },
    onceInRange([], increase('podspan_node_starts_total', RANGE, OURS)),
  ),
  total(
    {
      title: 'Bound to ready, mean',
      means:
        'From the binding to a node until Ready, on average of starts that became ready in the range: scheduling is not in it, probes and init containers are.',
      then: 'Compare nodes below; a mean that is high everywhere is the workloads.',
      unit: 's',
    },
    meanReady([], RANGE),
  ),
  total(
    {
      title: 'Did not become ready',
      means:
        'Of starts on these nodes that somebody waited for, those that ended unstable, failed or timed out.',
      then: 'If one node has them all, cordon it.',
      unit: 'percentunit',
      decimals: 1,
      limits: [0.01, 0.05],
    },
    failed([], RANGE),
  ),
  stat(
    {
      title: 'Starting now',
      means: 'Pods that are bound to these nodes and starting.',
      then: 'Many on one node wait for one another: pulls, sandboxes, CPU.',
      unit: 'none',
    },
    now([], select('podspan_node_starts_in_flight', OURS)),
  ),
  total(
    {
      title: 'Image bytes pulled',
      means:
        'Size of the images that were pulled in the range, as kubelets say it (Kubernetes 1.30 and later); layers that were there already are counted too.',
      then: 'It is what the registry and its link carried at most.',
      unit: 'bytes',
    },
    onceInRange([], increase('podspan_node_pulled_bytes_total', RANGE, OURS)),
  ),
  lines(
    {
      title: 'Bound to ready, mean, the ten slowest',
      means: 'By node, of starts that became ready in the window before each point.',
      then: 'One line above the others is a node in trouble: disk, network, CPU; see what it is below. All lines together are a registry, an API server or a rollout of something slow.',
      unit: 's',
    },
    { '{{node}}': `topk(10, ${meanReady(NODE, WINDOW)})` },
    { width: 12, height: 9 },
  ),
  lines(
    {
      title: 'Starting now, the ten fullest',
      means: 'Pods bound to the node that are not ready yet.',
      then: 'A node that stays high while others empty holds its pods.',
      unit: 'none',
    },
    { '{{node}}': `topk(10, ${now(NODE, select('podspan_node_starts_in_flight', OURS))} > 0)` },
    { width: 12, height: 9 },
  ),
  table(
    {
      title: 'Nodes',
      means: 'All nodes with starts in the range, each with what may be slow about it.',
      then: 'Sort by a column; a click on the name shows that node alone, or its starts on Podspan’s page, where the pull queue is to be seen.',
      rows: { node: 'node' },
      columns: [
        {
          name: 'starts',
          query: `${onceInRange(NODE, increase('podspan_node_starts_total', RANGE, OURS))} > 0`,
          unit: 'short',
          decimals: 0,
        },
        {
          name: 'never ready',
          query: failed(NODE, RANGE),
          unit: 'percentunit',
          decimals: 1,
          limits: [0.01, 0.05],
        },
        { name: 'bound to ready', query: meanReady(NODE, RANGE), unit: 's' },
        { name: 'a pull', query: mean(NODE, RANGE, PULL), unit: 's' },
        { name: 'pull throughput', query: throughput(NODE, RANGE), unit: 'binBps' },
        { name: 'a sandbox', query: mean(NODE, RANGE, SANDBOX), unit: 's' },
        { name: 'a container', query: mean(NODE, RANGE, RUNTIME), unit: 's' },
      ],
      sortedBy: 'bound to ready',
      linksOn: 'node',
      links: [toNode, nodeOnPage],
    },
    { width: 24, height: 10 },
  ),
]

const pulls = [
  lines(
    {
      title: 'One pull, mean, the ten slowest',
      means:
        'From the kubelet’s `Pulling` to `Pulled`, the time behind other pulls included. Images that were on the node have no pull.',
      then: 'Compare with the throughput beside it: low there is the link or the disk, high there is a large image or the queue.',
      unit: 's',
    },
    { '{{node}}': `topk(10, ${mean(NODE, WINDOW, PULL)})` },
    { width: 8, height: 9 },
  ),
  lines(
    {
      title: 'Throughput of a pull, the ten slowest',
      means:
        'Bytes of pulled images for each second of transferring and unpacking. Layers that were there already make it look higher.',
      then: 'One node low is its link or its disk; all low is the registry, or a limit of it.',
      unit: 'binBps',
    },
    { '{{node}}': `bottomk(10, ${throughput(NODE, WINDOW)} > 0)` },
    { width: 8, height: 9 },
  ),
  lines(
    {
      title: 'Behind other pulls, share of pulling',
      means:
        'Of the time that pulls took, the part spent waiting for other pulls of the same node: the kubelet pulls one at a time unless `serializeImagePulls: false`.',
      then: 'If it is high, `podspan advise` computes what parallel pulls would save.',
      unit: 'percentunit',
      decimals: 1,
    },
    {
      '{{node}}': `topk(10, ${share(
        NODE,
        rate('podspan_node_operation_seconds_total', WINDOW, OURS, SLOT),
        rate('podspan_node_operation_seconds_total', WINDOW, OURS, PULL),
      )})`,
    },
    { width: 8, height: 9, max: 1 },
  ),
]

const kubeletAndRuntime = [
  lines(
    {
      title: 'Preparing a pod and its sandbox, mean, the ten slowest',
      means: 'From the binding until the pod’s network is ready: admission, volumes, cgroup, sandbox, CNI.',
      then: '`FailedMount` and `FailedCreatePodSandBox` in the pod’s events say what; slow for all pods of a node without events is CPU or the CNI agent.',
      unit: 's',
    },
    { '{{node}}': `topk(10, ${mean(NODE, WINDOW, SANDBOX)})` },
    { width: 8, height: 9 },
  ),
  lines(
    {
      title: 'Creating and starting a container, mean, the ten slowest',
      means:
        'The runtime makes the container and starts its process: tens of milliseconds on a healthy node.',
      then: 'Seconds are a busy disk, or many containers at once.',
      unit: 's',
    },
    { '{{node}}': `topk(10, ${mean(NODE, WINDOW, RUNTIME)})` },
    { width: 8, height: 9 },
  ),
  lines(
    {
      title: 'Reporting the status, mean, the ten slowest',
      means: 'From ready on the node until the API server stored it: nothing routes to the pod before.',
      then: 'Seconds mean that the kubelet’s writes are throttled, or the API server is slow.',
      unit: 's',
    },
    { '{{node}}': `topk(10, ${mean(NODE, WINDOW, REPORT)})` },
    { width: 8, height: 9 },
  ),
  ranking(
    {
      title: 'Time by operation',
      means:
        'Hours in the range that the kubelet and the runtime of these nodes spent on each operation; parts are within their whole.',
      then: 'It is where a node’s time goes, not what starts waited for: that is on the dashboard of all pods.',
      unit: 's',
    },
    `topk(12, ${onceInRange(['operation'], increase('podspan_node_operation_seconds_total', RANGE, OURS))})`,
    '{{operation}}',
    { width: 12, height: 9 },
  ),
  lines(
    {
      title: 'Back-offs',
      means: 'Pauses per minute after something failed on the node: a pull, a sandbox, a container.',
      then: 'On one node, look at that node; on many at once, at the registry or at what was rolled out.',
      unit: 'suffix: /min',
      decimals: 2,
    },
    {
      '{{node}}': `topk(10, 60 * ${once(NODE, rate('podspan_node_operations_total', WINDOW, OURS, BACK_OFF))} > 0)`,
    },
    { width: 12, height: 9, stacked: true },
  ),
]

export const node = (): Dashboard =>
  tell({
    uid: UIDS.node,
    title: 'Podspan / Nodes',
    description:
      'What starts on which node, how long that takes from the binding on, and what is slow about a node that is: pulls, sandboxes, the runtime, the kubelet.',
    variables: [
      cluster,
      labelValues('node', 'Node', 'podspan_node_starts_total{cluster=~"$cluster"}', 'several'),
      slo,
      window,
    ],
    rows: {
      'Is one of them slower than the others?': outliers,
      'Is it the pulls?': pulls,
      'Is it the kubelet or the runtime?': kubeletAndRuntime,
    },
    closed: [
      tempoRow(
        tempoTable(
          {
            title: 'Long operations on these nodes, in Tempo',
            means:
              'Pulls, sandboxes, mounts and containers that took over 5 s. A click on the span’s id opens the trace.',
            then: 'The same image on several nodes is the image; everything on one node is the node.',
          },
          '{ resource.k8s.node.name =~ "$node" && name =~ "pull image|prepare pod and create sandbox|mount volumes|create container|start container|report status" && duration > 5s } | select(resource.k8s.node.name, resource.k8s.namespace.name, resource.k8s.pod.name, span.container.image.name, span.podspan.image.bytes)',
        ),
      ),
      jaegerRow('on this node', 'k8s.node.name="$node"'),
    ],
  })
