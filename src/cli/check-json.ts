// Owns Podspan's JSON form of a check, `check/v1`, as docs/output.md describes it.
// Promises that fields are only added within v1, that lengths are milliseconds, and that what is unknown is absent.

import { toMilliseconds } from '../base/time.ts'
import type { ClockReport } from '../trace/pipeline.ts'
import type { Right } from './check-rights.ts'
import type { Estimate } from './estimate.ts'
import { differencesOf, isTested, minorOf } from './evidence.ts'

export interface Checked {
  readonly contextName: string
  readonly origin: string
  readonly version: string
  readonly namespace: string | undefined
  readonly complete: boolean
  readonly rights: readonly Right[]
  readonly clocks: readonly ClockReport[] | undefined
  readonly spans: Estimate | undefined
}

export function checkJson({ contextName, origin, version, namespace, complete, ...found }: Checked): string {
  const minor = minorOf(version)
  const { rights, clocks, spans } = found
  return JSON.stringify({
    podspan: 'check/v1',
    context: contextName,
    server: origin,
    kubernetes: version,
    tested: minor !== undefined && isTested(minor),
    namespace,
    complete,
    rights,
    clocks: clocks?.map(clockJson),
    evidence: minor === undefined ? [] : differencesOf(minor),
    spans: spans && {
      perMonth: rangeJson(spans.spansPerMonth),
      startsPerMonth: rangeJson(spans.startsPerMonth),
      perStart: spans.spansPerStart,
      how: spans.how,
    },
  })
}

/** What has to be added to the clock's time to get this machine's. */
const clockJson = ({ clock, samples, offsetFrom, offsetTo }: ClockReport) => ({
  clock,
  samples,
  offsetFromMs: offsetFrom === undefined ? undefined : toMilliseconds(offsetFrom),
  offsetToMs: offsetTo === undefined ? undefined : toMilliseconds(offsetTo),
})

const rangeJson = ([low, high]: readonly [number, number]) => ({ low, high })
