// Owns Podspan's own JSON form of a rollout, `rollout/v1`, as docs/output.md describes it.
// Promises that fields are only added within v1, that times are RFC 3339 with nine digits, lengths milliseconds, and that what is
// unknown is absent. Does not know OTLP (export/otlp-json.ts).

import { type DurationNano, formatRfc3339, since, toMilliseconds } from '../base/time.ts'
import type { Stamp } from '../base/stamp.ts'
import { earlyOf, type Instant, lateOf } from '../timeline/instant.ts'
import { quantilesOf } from './quantiles.ts'
import type { Hold, Rollout, RolloutPod, Share } from './rollout.ts'

export function formatRollout(rollout: Rollout): string {
  const {
    key,
    start,
    end,
    length,
    pods,
    holds,
    shares,
    images,
    hash,
    number: _,
    labels: __,
    ...facts
  } = rollout
  return JSON.stringify({
    podspan: 'rollout/v1',
    ...facts,
    uid: key.uid,
    hash,
    start: { ...boundaryJson(start), evidence: start.stamps.map(stampJson) },
    end: { ...boundaryJson(end), evidence: end.stamps.map(stampJson) },
    lengthMs: toMilliseconds(length),
    images: Object.fromEntries(images),
    startup: startupJson(pods),
    pods: pods.map(podJson),
    shares: shares.map((share) => shareJson(share, length)),
    holds: holds.map(holdJson),
  })
}

function startupJson(pods: readonly RolloutPod[]) {
  const found = quantilesOf(
    pods.flatMap(({ trace }) =>
      trace && (trace.outcome === 'ready' || trace.outcome === 'completed') ? [trace.startup] : [],
    ),
  )
  if (!found) return undefined
  const { count, p50, p90, p99, max } = found
  const [p50Ms, p90Ms, p99Ms, maxMs] = [p50, p90, p99, max].map(toMilliseconds)
  return { count, p50Ms, p90Ms, p99Ms, maxMs }
}

const podJson = ({
  uid,
  name,
  node,
  created,
  ready,
  available,
  finished,
  outcome,
  failed,
  wave,
  trace,
}: RolloutPod) => ({
  uid,
  name,
  node,
  wave,
  outcome,
  failed,
  traceId: trace?.traceId,
  created: boundaryJson(created),
  ready: timeJson(ready),
  available: timeJson(available),
  finished: timeJson(finished),
  startupMs: trace && toMilliseconds(trace.startup),
  verdict: trace?.verdict,
})

const timeJson = (instant: Instant | undefined) => instant && boundaryJson(instant)

/** As in `start/v1`; of a pod the evidence is in its own start. */
const boundaryJson = (instant: Instant) => ({
  time: formatRfc3339(instant.best),
  earlyMs: toMilliseconds(earlyOf(instant)),
  lateMs: toMilliseconds(lateOf(instant)),
  source: instant.source,
  conflict: instant.conflict,
  clamped: instant.clamped,
  shiftedMs: instant.shifted && toMilliseconds(instant.shifted),
})

const stampJson = ({ source, at, clock, resolution, evidence }: Stamp) => ({
  source,
  time: formatRfc3339(at),
  clock,
  resolutionMs: toMilliseconds(resolution),
  ...evidence,
})

const shareJson = ({ kind, operation, words, length, pods }: Share, whole: DurationNano) => ({
  kind,
  operation,
  words,
  lengthMs: toMilliseconds(length),
  share: whole === 0n ? 0 : Number(length) / Number(whole),
  pods,
})

const holdJson = ({ kind, from, to, actor, pod, old, span, because, message }: Hold) => ({
  kind,
  from: formatRfc3339(from),
  to: formatRfc3339(to),
  lengthMs: toMilliseconds(since(to, from)),
  actor,
  pod: pod?.name ?? old?.name,
  podUid: pod?.uid ?? old?.uid,
  operation: span?.name,
  spanId: span?.spanId,
  because,
  message,
})
