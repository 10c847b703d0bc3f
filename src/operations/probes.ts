// Owns `startup probe` and `readiness` of one run of a container.
// Promises that a run which ended before it was ready shows as a failed attempt, and that the container whose readiness came with the
// pod's ends with the pod's own Ready on the node.

import type { ProbeSpec } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import { combine, type Draft } from '../timeline/combine.ts'
import type { ContainerHistory } from './container-history.ts'
import type { Run } from './runs.ts'
import { type ContainerContext, mayBoundReady } from './container-context.ts'
import type { OperationAttribute, OperationEvent } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'
import { endMessage, killsOf } from './probe-kills.ts'

export function planProbes(
  plan: Plan,
  context: ContainerContext,
  history: ContainerHistory,
  number: number,
  run: Run,
  from: Draft,
  attempt: number | undefined,
): void {
  const { startupProbe, readinessProbe } = history.spec
  let begun = from
  if (startupProbe) {
    const passed = run.startupPassed ?? (run.ready ? run.ready : undefined)
    const end = passed ?? beforeItsEnd(plan, begun, run)
    plan.planned.push(probe('startup probe', context, history, number, run, begun, passed, end, attempt))
    beginsBefore(plan, context, number, begun, passed)
    if (!passed) return
    begun = passed
  }
  if (!readinessProbe) return
  const ready = readyOf(context, run)
  beginsBefore(plan, context, number, begun, ready)
  const end = ready ?? beforeItsEnd(plan, begun, run)
  plan.planned.push(probe('readiness', context, history, number, run, begun, ready, end, attempt))
}

/** That of the pod's Ready which is listed only, a later run need not have begun before. */
function beginsBefore(
  plan: Plan,
  context: ContainerContext,
  number: number,
  begun: Draft,
  passed: Draft | undefined,
): void {
  if (passed !== context.readyOnNode || mayBoundReady(context, number)) comesBefore(plan, begun, passed)
}

/** A run that ended took its probes with it; whether one had passed just before, nobody may have seen. */
function beforeItsEnd(plan: Plan, begun: Draft, { finished }: Run): Draft | undefined {
  if (!finished) return undefined
  const end = { ...finished, earliest: undefined }
  comesBefore(plan, begun, end)
  comesBefore(plan, end, finished)
  return end
}

/** When it last became ready, before the pod was: what comes and goes is over with its last success. */
function readyOf(context: ContainerContext, run: Run): Draft | undefined {
  const { clocks, readyOnNode, readyReceipt } = context
  const { readyStamps, unreadyStamps } = run
  const isWithPod = readyOnNode !== undefined && readyStamps.some(({ at }) => at === readyReceipt)
  if (isWithPod) return readyOnNode
  const lost = unreadyStamps.length > 0 ? lastOf(unreadyStamps, readyReceipt) : undefined
  if (!lost) return run.ready
  const last = lastOf(readyStamps, readyReceipt)
  if (last && last.at > lost.at) return combine('container ready', [last], clocks)
  return run.finished ? undefined : readyOnNode
}

function lastOf(stamps: readonly Stamp[], limit: bigint | undefined): Stamp | undefined {
  let last: Stamp | undefined
  for (const stamp of stamps)
    if ((limit === undefined || stamp.at <= limit) && (!last || stamp.at > last.at)) last = stamp
  return last
}

function probe(
  name: 'startup probe' | 'readiness',
  context: ContainerContext,
  history: ContainerHistory,
  number: number,
  run: Run,
  start: Draft,
  passed: Draft | undefined,
  end: Draft | undefined,
  attempt: number | undefined,
): Planned {
  const { spec } = history
  const settings = name === 'readiness' ? spec.readinessProbe : spec.startupProbe
  const died = !passed && run.finished !== undefined
  return {
    name,
    path: `${spec.name}/${name}/${number}`,
    actor: 'container',
    subject: spec.name,
    container: spec.name,
    start,
    end,
    attempt,
    error: died ? endMessage(history, run, context.clocks) : undefined,
    events: failures(name, context, history, run, passed),
    attributes:
      name === 'readiness' ? withLosses(attributesOf(settings), context, run) : attributesOf(settings),
  }
}

function withLosses(
  attributes: Record<string, OperationAttribute>,
  { readyReceipt }: ContainerContext,
  { unreadyStamps }: Run,
): Record<string, OperationAttribute> {
  if (unreadyStamps.length === 0) return attributes
  const lost = unreadyStamps.filter(({ at }) => readyReceipt === undefined || at <= readyReceipt).length
  if (lost > 0) attributes['podspan.probe.times_lost'] = lost
  return attributes
}

function attributesOf(settings: ProbeSpec = {}): Record<string, OperationAttribute> {
  const { periodSeconds, initialDelaySeconds, successThreshold = 1 } = settings
  const attributes: Record<string, OperationAttribute> = {}
  if (periodSeconds !== undefined) attributes['podspan.probe.period_seconds'] = periodSeconds
  if (initialDelaySeconds !== undefined)
    attributes['podspan.probe.initial_delay_seconds'] = initialDelaySeconds
  if (successThreshold > 1) attributes['podspan.probe.success_threshold'] = successThreshold
  return attributes
}

/** A liveness probe has no span of its own: it looks while readiness is waited for, and may end the run. */
const SAID_BY = { 'startup probe': /^Startup probe/, readiness: /^(Readiness|Liveness) probe/ } as const

/** What the probe said while it failed. Only the first and the last of equal answers are dated. */
function failures(
  name: 'startup probe' | 'readiness',
  { clocks }: ContainerContext,
  history: ContainerHistory,
  run: Run,
  passed: Draft | undefined,
): OperationEvent[] {
  const { best: from } = run.started ?? {}
  const until = (passed ?? run.finished)?.latest
  const told: OperationEvent[] = []
  for (const { detail, index, stamps } of history.unhealthy) {
    const message = detail?.message ?? ''
    if (!SAID_BY[name].test(message)) continue
    const at = combine('unhealthy', stamps, clocks).best
    if (at === undefined || (from !== undefined && at < from) || (until !== undefined && at > until)) continue
    told.push({
      at,
      name: 'Unhealthy',
      attributes: { 'podspan.reason': message, 'podspan.count': index + 1 },
    })
  }
  if (!passed) told.push(...killsOf(history, run, clocks))
  return told.length > 1 ? told.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)) : told
}
