// Owns `docs/metrics.md`: writes it from the table of src/metrics/definitions.ts, or with --verify compares it.
// Promises that every metric and every label is in it, and the number of series that follows from their limits.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEFINITIONS, type Definition, GROUPS, PLACE_LABELS } from '../src/metrics/definitions.ts'
import { LABELS, NODE_OPERATIONS, type LabelName, type LabelRule } from '../src/metrics/labels.ts'
import { NODES_MAX, WORKLOADS_MAX } from '../src/metrics/metrics.ts'
import { NEWCOMER_SECONDS } from '../src/metrics/newcomers.ts'

export const METRICS_DOC = join(import.meta.dirname, '..', 'docs', 'metrics.md')

/** Labels whose values never are `other`: a start that is not over is not counted, and resources of different units have no sum. */
const WITHOUT_OTHER: ReadonlySet<LabelName> = new Set([
  'outcome',
  'resource',
  'gc',
  'version',
  'statistic',
  'rollout_kind',
  'rollout_outcome',
  'hold',
  'evidence',
])

const valuesOf = (label: LabelName): number => LABELS[label].max + (WITHOUT_OTHER.has(label) ? 0 : 1)

/** The most series that one metric can have; of a workload or a node, where it is one's. */
function seriesOf({ labels, bounds, operations }: Definition, values: (label: LabelName) => number): number {
  const valuesHere = (label: LabelName): number =>
    label === 'operation' && operations ? operations.length : values(label)
  return labels.reduce((product, label) => product * valuesHere(label), bounds ? bounds.length + 3 : 1)
}

const sumOf = (per: Definition['per'], values = valuesOf): number =>
  Object.values<Definition>(DEFINITIONS)
    .filter((definition) => definition.per === per)
    .reduce((sum, definition) => sum + seriesOf(definition, values), 0)

/** Those of one node, whatever happened on it. */
export const seriesOfNode = (): number => sumOf('node')

/** The most series that there can be, whatever the cluster holds. */
export const seriesMax = (workloadsMax: number, nodesMax: number): number =>
  (workloadsMax + 1) * sumOf('workload') + (nodesMax + 1) * seriesOfNode() + sumOf(undefined)

/** Operations of a start that pulls its image. */
export const USUAL_OPERATIONS = 8

/** Series of one workload whose starts have the usual operations, each on the critical path now and then. */
export const seriesOfWorkload = (operations: number): number =>
  sumOf('workload', (label) => (label === 'operation' ? operations : valuesOf(label)))

const number = (value: number): string => value.toLocaleString('en-US')

const namesOf = ({ labels, per }: Definition): string[] => [...(per ? PLACE_LABELS[per] : []), ...labels]

const rowOf = (name: string, definition: Definition): string =>
  `| \`${name}\` | ${definition.type} | ${definition.unit ?? '–'} | ${
    namesOf(definition)
      .map((label) => `\`${label}\``)
      .join(', ') || '–'
  } | ${definition.help.replaceAll('|', '\\|')} | ${definition.stability} |`

const tableOf = ([title, group]: readonly [string, Readonly<Record<string, Definition>>]): string =>
  [
    `## ${title}`,
    '',
    '| metric | type | unit | labels | meaning | stability |',
    '|---|---|---|---|---|---|',
    ...Object.entries(group).map(([name, definition]) => rowOf(name, definition)),
  ].join('\n')

function labelRow([label, { meaning, values, max }]: readonly [string, LabelRule]): string {
  const listed = values.map((value) => `\`${value}\``).join(', ')
  const limit =
    values.length === max ? `${listed}` : `at most ${max}${listed ? `, among them ${listed}` : ''}`
  return `| \`${label}\` | ${meaning} | ${limit} |`
}

const boundRows = (): string[] =>
  Object.entries<Definition>(DEFINITIONS).flatMap(([name, { bounds }]) =>
    bounds ? [`| \`${name}\` | ${bounds.join(', ')} |`] : [],
  )

export function metricsDocument(): string {
  const workloads = WORKLOADS_MAX.default
  const nodes = NODES_MAX.default
  const usual = seriesOfWorkload(USUAL_OPERATIONS)
  return `# Metrics

Written by \`make golden\` from \`src/metrics/definitions.ts\`; \`make verify\` fails where it differs.

\`/metrics\` is OpenMetrics where the scraper asks for it, as Prometheus does, and the text format 0.0.4 otherwise. In OpenMetrics the buckets of
histograms carry exemplars with the \`trace_id\` of a start whose trace was exported: at most one new one per bucket every 10 s, shown for 10 min.
All pods that Podspan may see are counted, whichever sessions there are. Every replica counts what it sees. Shares and quantiles may sum
over all of them; of what is counted divide the sum by the number of replicas, which also holds over restarts:

\`\`\`promql
  sum by (job, namespace, workload) (increase(podspan_pod_starts_total[1d]))
/ on (job) group_left ()
  avg_over_time(count by (job) (podspan_leader)[1d:1m])
\`\`\`

In OpenMetrics a series of a \`podspan_\` counter or histogram is zero for ${NEWCOMER_SECONDS} s after it was first shown, and then has what was counted meanwhile: \`rate()\` and \`increase()\`
see nothing of a series before its first sample, and would miss the first starts of a workload, the first drop, the first failure. The text format shows at once what is so.

The \`namespace\` of a workload would give way to the \`namespace\` of the scraped pod: scrape with \`honorLabels: true\`, as the chart's monitors do.

${Object.entries(GROUPS).map(tableOf).join('\n\n')}

## Labels

| label | meaning | values |
|---|---|---|
| \`namespace\` | the pod's | see [Workloads](#workloads) |
| \`node\` | the pod's | see [Nodes](#nodes) |
| \`workload_kind\`, \`workload\` | the topmost owner that is known; of a pod without one \`Pod\` and an empty name, of static pods \`Node\` and an empty name | see [Workloads](#workloads) |
${Object.entries<LabelRule>(LABELS).map(labelRow).join('\n')}

A value beyond these becomes \`other\`, and \`podspan_metrics_folded_total\` counts it; resources beyond the limit are left out instead, since cores and
bytes have no sum. Values are cut at 253 characters, the longest name that Kubernetes allows.

## Buckets

| histogram | upper bounds in seconds |
|---|---|
${boundRows().join('\n')}

5 s is the bound of Kubernetes' own start-up SLO and 600 s the default start timeout; between them lie the usual objectives. The SLI's bounds are among those
of \`kubelet_pod_start_sli_duration_seconds\`.

Only starts with the outcome \`ready\` have a duration. To count starts that failed as infinitely slow, divide by starts:

\`\`\`promql
  sum by (namespace, workload) (rate(podspan_pod_start_duration_seconds_bucket{le="30.0"}[1h]))
/ sum by (namespace, workload) (rate(podspan_pod_starts_total{outcome=~"ready|unstable|failed|timeout"}[1h]))
\`\`\`

(\`le="30.0"\` since Prometheus 3, which writes all bounds as floats; before, \`le="30"\` where the text format is scraped.)

## Workloads

At most \`metrics.workloadsMax\` workloads (${workloads} by default, ${number(WORKLOADS_MAX.most)} at the most) have series of their own; all others are counted together as
\`workload="other"\`, with an empty namespace.

- The first to come are admitted, so that a small cluster sees all of its workloads at once.
- Then a workload takes the place of another only if its recent starts (halved every day) are more than twice the other's, and one more. The other would need four times as
  many to come back, so that series do not flap. Places are given every ten minutes, a tenth of them at the most.
- The counts of one that gave up its place go on in \`other\`: the sum over all workloads never falls. A counter that jumped by them would look to \`rate()\` like starts of
  now; so \`other\` then goes on as a new series, with \`workload_kind\` \`other-1\`, \`other-2\`, …, which begins with what it has. Select it by \`workload="other"\`.
- A workload that comes back begins with 0, which \`rate()\` takes for the reset that it is.
- A start in flight gives its workload a place where one is free, so that its series are there before anything is counted in them.

## Nodes

At most \`metrics.nodesMax\` nodes (${nodes} by default, ${number(NODES_MAX.most)} at the most, 0 for none) have series of their own; all others are counted together as
\`node="other"\`, and \`other-1\`, \`other-2\`, … by the same rules as workloads; recent starts are halved every hour, since nodes come and go.
\`operation\` is one of ${NODE_OPERATIONS.map((name) => `\`${name}\``).join(', ')}: what init containers and probes take is their workload's.

## How many series

One workload whose starts have the ${USUAL_OPERATIONS} usual operations has up to ${usual} series, so ${workloads} of them and \`other\` have ${number((workloads + 1) * usual)}. However many workloads and namespaces
the cluster has, and whatever they do, there are never more than ${number(seriesMax(workloads, nodes))} series with the defaults: ${number((workloads + 1) * sumOf('workload'))} of workloads
(${number(sumOf('workload'))} each), ${number((nodes + 1) * seriesOfNode())} of nodes (${seriesOfNode()} each) and ${number(sumOf(undefined))} of everything else. A test holds this for 2,000 workloads in each of three namespaces on 2,000 nodes.
`
}

function run(): void {
  if (process.argv.includes('--verify')) {
    if (readFileSync(METRICS_DOC, 'utf8') === metricsDocument()) return
    console.error('docs/metrics.md differs from src/metrics: run node scripts/generate-metrics-doc.ts')
    process.exitCode = 1
    return
  }
  writeFileSync(METRICS_DOC, metricsDocument())
}

if (import.meta.main) run()
