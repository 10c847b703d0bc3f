// Owns the estimate of how many starts and spans a cluster makes in a month.
// Promises a range with the reason for both ends, and that what was cut off makes it a lower bound.
// Does not read anything: pods and events are given to it.

import type { EventRecord, PodRecord } from '../base/record.ts'

export interface Estimate {
  readonly startsPerMonth: readonly [low: number, high: number]
  readonly spansPerStart: number
  readonly spansPerMonth: readonly [low: number, high: number]
  readonly how: readonly string[]
}

export interface EstimateInput {
  readonly nowSeconds: number
  readonly pods: readonly PodRecord[]
  /** Undefined where events may not be read. */
  readonly events: readonly EventRecord[] | undefined
  /** Not all events were read. */
  readonly truncated: boolean
}

const HOUR = 3600
const DAY = 24 * HOUR
const HOURS_PER_MONTH = 30 * 24

export function estimate({ nowSeconds, pods, events, truncated }: EstimateInput): Estimate {
  const lastDay = pods.filter((pod) => isYounger(pod.createdSeconds, nowSeconds, DAY)).length
  const scheduled = events === undefined ? undefined : scheduledPods(events, nowSeconds)
  const perHour = [lastDay / 24, ...(scheduled === undefined ? [] : [scheduled])]
  const spansPerStart = spansOf(pods)
  const low = Math.round(Math.min(...perHour) * HOURS_PER_MONTH)
  const high = Math.round(Math.max(...perHour) * HOURS_PER_MONTH)
  const atLeast = truncated ? ' or more (not all events were read)' : ''
  return {
    startsPerMonth: [low, high],
    spansPerStart,
    spansPerMonth: [Math.round(low * spansPerStart), Math.round(high * spansPerStart)],
    how: [
      `${lastDay} of the pods that exist now were created in the last 24 hours; those deleted since are not among them.`,
      scheduled === undefined
        ? 'Events may not be read, so pods that are gone already, such as those of finished jobs, are not counted.'
        : `${scheduled} pods were scheduled in the last hour, by the events${atLeast}; they include pods that are gone.`,
      `${spansPerStart} spans a start, by the containers, probes and gates of these pods; back-offs and retries add to it.`,
    ],
  }
}

const isYounger = (seconds: number | undefined, now: number, age: number): boolean =>
  seconds !== undefined && seconds > now - age && seconds <= now + age

/** Events live for an hour by default, so older ones say nothing about the rate. */
function scheduledPods(events: readonly EventRecord[], now: number): number {
  const uids = new Set<string>()
  for (const { reason, involved, eventTime, lastSeconds, createdSeconds } of events) {
    const at = eventTime !== undefined ? Number(eventTime / 1_000_000_000n) : (lastSeconds ?? createdSeconds)
    if (reason === 'Scheduled' && isYounger(at, now, HOUR))
      uids.add(involved.uid ?? `${involved.namespace}/${involved.name}`)
  }
  return uids.size
}

/** Root, schedule, sandbox and status; then create and start of each container, its probe or its run, and a pull now and then. */
function spansOf(pods: readonly PodRecord[]): number {
  if (pods.length === 0) return 8
  const sum = pods.reduce(
    (total, { containers, initContainers = [], schedulingGates = [], readinessGates = [] }) => {
      const probes = containers.filter((each) => each.readinessProbe ?? each.startupProbe).length
      return (
        total +
        4 +
        2.5 * containers.length +
        probes +
        3.5 * initContainers.length +
        schedulingGates.length +
        readinessGates.length
      )
    },
    0,
  )
  return Math.round((sum / pods.length) * 10) / 10
}
