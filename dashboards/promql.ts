// Owns the forms of PromQL that panels are made of: what is counted by all replicas told once, shares, quantiles.
// Promises names of metrics that Podspan has, which the compiler checks; a test parses what comes out and checks the labels.
// Does not know panels.

import type { MetricName } from '../src/metrics/definitions.ts'

/** A metric's series; a histogram's have suffixes. */
export type Series = MetricName | `${MetricName}_bucket` | `${MetricName}_sum` | `${MetricName}_count`

/** Chosen above the dashboard, and never shorter than the step between two points: starts are rare, and a minute often has none. */
export const WINDOW = '$window'
/** For what happens all the time. */
export const RATE = '$__rate_interval'
export const RANGE = '$__range'

/** The legend of what each replica says of itself. */
export const REPLICA = '{{instance}}'

/** A label that is not there matches as well, so that one cluster alone needs none. */
const CLUSTER = 'cluster=~"$cluster"'

export const select = (series: Series, ...matchers: readonly string[]): string =>
  `${series}{${[CLUSTER, ...matchers].join(', ')}}`

export const rate = (series: Series, window: string, ...matchers: readonly string[]): string =>
  `rate(${select(series, ...matchers)}[${window}])`

export const increase = (series: Series, window: string, ...matchers: readonly string[]): string =>
  `increase(${select(series, ...matchers)}[${window}])`

/** Every process tells of its CPU and memory by these names; of them those that are Podspan. */
export const ours = (expression: string): string =>
  `(${expression} and on (cluster, job, instance) ${select('podspan_build_info')})`

const list = (labels: readonly string[]): string => labels.join(', ')

/** What a release's replicas count alike is the same under one job: the chart makes one job of a release. */
const RELEASE = ['cluster', 'job'] as const
const REPLICAS = `count by (${list(RELEASE)}) (${select('podspan_leader')})`

/** Each replica counts every start: the sum over all of them, divided by how many there are. */
export const once = (by: readonly string[], expression: string): string =>
  `sum by (${list(by)}) (sum by (${list([...RELEASE, ...by])}) (${expression}) / on (${list(RELEASE)}) group_left () ${REPLICAS})`

/** The same over the whole range, in which replicas may have come and gone. */
export const onceInRange = (by: readonly string[], expression: string): string =>
  `sum by (${list(by)}) (sum by (${list([...RELEASE, ...by])}) (${expression}) / on (${list(RELEASE)}) group_left () avg_over_time(${REPLICAS}[${RANGE}:1m]))`

/** What each replica sees now: one of them is enough. */
export const now = (by: readonly string[], gauges: string): string =>
  `sum by (${list(by)}) (max by (${list([...RELEASE, ...by])}) (sum by (${list([...RELEASE, 'instance', ...by])}) (${gauges})))`

/** A share needs no division by replicas: it cancels. Nothing counted is no share. */
export const share = (by: readonly string[], part: string, whole: string): string =>
  `sum by (${list(by)}) (${part}) / (sum by (${list(by)}) (${whole}) > 0)`

/** Of the sum over everything. */
export const shareOfAll = (by: readonly string[], expression: string): string =>
  `sum by (${list(by)}) (${expression}) / on () group_left () (sum(${expression}) > 0)`

export const quantile = (q: number, by: readonly string[], buckets: string): string =>
  `histogram_quantile(${q}, sum by (${list([...by, 'le'])}) (${buckets}))`

/** Of the namespaces that are chosen above. */
export const IN_NAMESPACE = 'namespace=~"$namespace"'

/** Starts that somebody waited for; a Job's pod that ran to its end and one that was deleted kept nobody waiting. */
export const AWAITED = 'outcome=~"ready|unstable|failed|timeout"'

/** Of the starts that somebody waited for, those that were not ready within `$slo`; what never became ready is among them. */
export const tooSlow = (by: readonly string[], window: string, ...matchers: readonly string[]): string =>
  `clamp_min(1 - ${share(
    by,
    rate('podspan_pod_start_duration_seconds_bucket', window, 'le=~"$slo(\\\\.0)?"', ...matchers),
    rate('podspan_pod_starts_total', window, AWAITED, ...matchers),
  )}, 0)`

export const notReady = (by: readonly string[], window: string, ...matchers: readonly string[]): string =>
  share(
    by,
    rate('podspan_pod_starts_total', window, 'outcome=~"unstable|failed|timeout"', ...matchers),
    rate('podspan_pod_starts_total', window, AWAITED, ...matchers),
  )
