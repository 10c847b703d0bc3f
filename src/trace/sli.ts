// Owns the official pod startup SLI of Kubernetes' scalability group for one start: whether it counts, and its value.
// Promises the definition of community/sig-scalability/slos/pod_startup_latency.md: schedulable stateless pods, without the time of
// image pulls and init containers, until all containers are reported started.

import type { UnixNano } from '../base/time.ts'
import { earliest, latest, since, toMilliseconds } from '../base/time.ts'
import type { Operation } from '../operations/operation.ts'
import type { Startup } from '../operations/startup.ts'
import type { AttributeValue } from './trace.ts'

const STATELESS = new Set(['configMap', 'secret', 'downwardAPI', 'emptyDir', 'projected'])

export function sliAttributes(startup: Startup): Record<string, AttributeValue> {
  const reason = whyNot(startup)
  if (reason !== undefined) return { 'podspan.sli.eligible': false, 'podspan.sli.reason': reason }
  return {
    'podspan.sli.eligible': true,
    'podspan.sli.duration_ms': toMilliseconds(since(startedSeen(startup), slow(startup))),
  }
}

function whyNot({ facts, ending, root }: Startup): string | undefined {
  const { pod } = facts
  if (ending !== 'ready') return 'the pod never became ready'
  const volume = pod.volumes?.find(({ kind }) => !STATELESS.has(kind))
  if (volume) return `stateful: volume ${volume.name} is a ${volume.kind}`
  const schedule = root.children.find(({ name }) => name === 'schedule')
  if (!schedule) return 'not scheduled by a scheduler'
  if (root.children.some(({ name }) => name === 'wait at scheduling gate'))
    return 'not schedulable at once: scheduling gate'
  if (schedule.events.length > 0 || schedule.attributes['podspan.schedule.failed_attempts'] !== undefined) {
    return 'not schedulable at once'
  }
  if (schedule.children.some(({ name }) => name === 'provision node'))
    return 'not schedulable at once: no node yet'
  return undefined
}

/** When a watch showed the last container started: the SLI ends at what a watcher sees. A list of ours may come long after; Ready did not. */
function startedSeen({ facts, root }: Startup): UnixNano {
  let seen = root.start.best
  for (const fact of facts.byWhat.get('started container') ?? []) {
    const receipt = fact.group === '' ? fact.stamps.find(({ clock }) => clock === 'observer') : undefined
    if (!receipt || fact.index !== 0) continue
    const { at, source } = receipt
    seen = latest(seen, source === 'list-receipt' ? earliest(at, root.end.best) : at)
  }
  return seen
}

/** The start, moved later by what the SLI does not count: the union of pulls, and init containers while they run. */
function slow({ root }: Startup): UnixNano {
  const excluded = root.children.filter(({ name }) => name === 'pull image' || name === 'run init container')
  let total = 0n
  let reached: UnixNano = root.start.best
  for (const { start, end } of excluded.sort(byStart)) {
    const from = latest(reached, start.best)
    if (end.best > from) total += end.best - from
    reached = latest(reached, end.best)
  }
  return (root.start.best + total) as UnixNano
}

const byStart = (a: Operation, b: Operation): number =>
  a.start.best < b.start.best ? -1 : a.start.best > b.start.best ? 1 : 0
