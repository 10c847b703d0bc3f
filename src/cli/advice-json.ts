// Owns Podspan's JSON form of advice, `advice/v1`, as docs/output.md describes it.
// Promises that fields are only added within v1, that lengths are milliseconds, and that what is unknown is absent.

import type { Advice, AtPercentile, WorkloadAdvice } from '../advise/advise.ts'
import type { Range } from '../advise/advice.ts'
import { toMilliseconds } from '../base/time.ts'

export const adviceJson = ({ percentiles, waiting, advice, ...facts }: WorkloadAdvice): string =>
  JSON.stringify({
    podspan: 'advice/v1',
    ...facts,
    startup: percentiles.map(({ percentile, of }) => ({ percentile, ms: toMilliseconds(of) })),
    waitingHours: waiting,
    advice: advice.map(oneJson),
  })

const oneJson = ({ percentiles, telling, hours, ...facts }: Advice) => ({
  ...facts,
  savedHours: hours,
  savings: percentiles.map(savingJson),
  telling: telling.percentile,
})

const savingJson = ({ percentile, of, saving }: AtPercentile) => ({
  percentile,
  ofMs: toMilliseconds(of),
  ...rangeJson(saving),
})

const rangeJson = ({ low, likely, high }: Range) => ({
  lowMs: toMilliseconds(low),
  likelyMs: likely === undefined ? undefined : toMilliseconds(likely),
  highMs: toMilliseconds(high),
})
