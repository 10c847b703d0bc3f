// Owns the step from numbers to the lines of an exposition: labels and a value each, and a histogram's buckets, sum and count.
// Promises cumulative buckets with bounds as the format writes them, and no two samples of a metric with the same labels.
// Does not write text: the registry does.

import { type Buckets, shownExemplar } from './buckets.ts'
import { OPERATIONS, OTHER } from './labels.ts'

export type LabelValues = Readonly<Record<string, string>>

/** OpenMetrics writes bounds as floats (`1.0`), the text format as it always did (`1`). */
export type Format = 'openmetrics' | 'text'

/** As the registry takes it. */
export interface Sample {
  readonly labels: LabelValues
  /** Labels that many samples have in common; written once. */
  readonly sharedLabels?: LabelValues
  readonly value: number
  readonly metricName?: string
  readonly exemplar?: {
    readonly labelSet: LabelValues
    readonly value: number
    readonly timestamp: number
  }
}

const NO_LABELS: LabelValues = {}

export const single = (value: number | undefined): Sample[] =>
  value === undefined ? [] : [{ labels: NO_LABELS, value }]

/** Rows whose labels are equal become one: only `other` can come twice. */
export function merged(rows: Iterable<readonly [LabelValues, number]>): Sample[] {
  const byLabels = new Map<string, { labels: LabelValues; value: number }>()
  for (const [labels, value] of rows) {
    const key = Object.values(labels).join('\n')
    const found = byLabels.get(key)
    if (found) found.value += value
    else byLabels.set(key, { labels, value })
  }
  return [...byLabels.values()]
}

export const operationAt = (index: number): string => OPERATIONS[index] ?? OTHER

/** One sample for each operation that has a number in `where`; the labels of the workload are shared. */
export function pushByOperation(
  into: Sample[],
  counts: Float64Array,
  shared: LabelValues = NO_LABELS,
  where = counts,
): void {
  for (let index = 0; index < counts.length; index++) {
    if (!((where[index] as number) > 0)) continue
    const labels = OPERATION_LABELS[index] as LabelValues
    into.push({ labels, sharedLabels: shared, value: counts[index] as number })
  }
}

const OPERATION_LABELS: readonly LabelValues[] = [...OPERATIONS, OTHER].map((operation) => ({ operation }))

export function pushHistogram(
  into: Sample[],
  name: string,
  buckets: Buckets,
  format: Format,
  now: number,
  shared: LabelValues = NO_LABELS,
): void {
  const { bounds, counts } = buckets
  let total = 0
  for (let index = 0; index < counts.length; index++) {
    total += counts[index] as number
    const exemplar = shownExemplar(buckets, index, now)
    into.push({
      metricName: `${name}_bucket`,
      labels: leOf(bounds[index], format),
      sharedLabels: shared,
      value: total,
      ...(exemplar
        ? {
            exemplar: {
              labelSet: { trace_id: exemplar.traceId },
              value: exemplar.value,
              timestamp: exemplar.at,
            },
          }
        : {}),
    })
  }
  into.push({ metricName: `${name}_sum`, labels: NO_LABELS, sharedLabels: shared, value: buckets.sum })
  into.push({ metricName: `${name}_count`, labels: NO_LABELS, sharedLabels: shared, value: total })
}

const leOf = (bound: number | undefined, format: Format): LabelValues => ({
  le:
    bound === undefined
      ? '+Inf'
      : format === 'openmetrics' && Number.isInteger(bound)
        ? `${bound}.0`
        : `${bound}`,
})

/** The samples of one metric of all workloads, or all nodes. */
export function ofEach<Counts extends { readonly labels: LabelValues }>(
  all: readonly Counts[],
  push: (into: Sample[], counts: Counts, shared: LabelValues) => void,
): Sample[] {
  const samples: Sample[] = []
  for (const counts of all) push(samples, counts, counts.labels)
  return samples
}
