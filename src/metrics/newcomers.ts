// Owns the first minute of each counter and histogram series: it is shown as zero, and only then with what it has.
// Promises that rate() and increase(), which see nothing of a series before its first sample, see every start, drop and failure, for every
// scraper that comes at least once within that time. Does not touch gauges, nor a series after its first minute; there is no clock.

import type { LabelValues, Sample } from './samples.ts'

export interface Newcomers {
  /** The samples of one metric, all of them, as they may be shown now. */
  hold(metric: string, samples: readonly Sample[], now: number): readonly Sample[]
}

/** Longer than the usual intervals between scrapes. */
export const NEWCOMER_SECONDS = 60

/** When each series was first shown: by the labels that it shares with others, then by its own. */
type Births = Map<string, Map<string, number>>

export function createNewcomers(heldSeconds: number): Newcomers {
  const births = new Map<string, Births>()
  return {
    hold(metric, samples, now) {
      if (heldSeconds <= 0) return samples
      const before = births.get(metric)
      // Made anew each time, so that a series that has ended is forgotten, and is new again when it comes back.
      const after: Births = new Map()
      births.set(metric, after)
      return samples.map((sample) => {
        const shared = sharedKeyOf(sample.sharedLabels)
        const key = keyOf(sample.metricName, sample.labels)
        const born = before?.get(shared)?.get(key) ?? now
        const siblings = after.get(shared)
        if (siblings) siblings.set(key, born)
        else after.set(shared, new Map([[key, born]]))
        return now - born < heldSeconds ? asZero(sample) : sample
      })
    },
  }
}

/** The labels of a workload are one object for as long as it has a place; they need not be read for each of its samples. */
const sharedKeys = new WeakMap<LabelValues, string>()

function sharedKeyOf(labels: LabelValues | undefined): string {
  if (labels === undefined) return ''
  const known = sharedKeys.get(labels)
  if (known !== undefined) return known
  const key = keyOf('', labels)
  sharedKeys.set(labels, key)
  return key
}

function keyOf(start: string | undefined, labels: LabelValues): string {
  let key = start ?? ''
  for (const name in labels) key += `\n${labels[name]}`
  return key
}

function asZero(sample: Sample): Sample {
  const { exemplar: _, ...rest } = sample
  return { ...rest, value: 0 }
}
