// Owns what a pod owes its being to, as traces of their own that its root is linked to: a wait in a queue, a creation that was refused.
// Promises ids that anyone can compute, and the same trace for all pods of one Workload. Does not find waits: operations/ does.

import type { DurationNano } from '../base/time.ts'
import { SECOND, toMilliseconds } from '../base/time.ts'
import { durationOf, type Operation } from '../operations/operation.ts'
import type { Before, Startup } from '../operations/startup.ts'
import { findCriticalPath } from './critical-path.ts'
import { brief } from './brief.ts'
import { durationText } from './duration-text.ts'
import { spanIdOf, traceIdBefore } from './identity.ts'
import { spanTree } from './span-tree.ts'
import type { Attributes, Prelude, SpanLink } from './trace.ts'

export const tellPreludes = ({ before }: Startup, resource: Attributes, workload?: string): Prelude[] =>
  before.map((one) => ({
    traceId: traceIdBefore(one.uid, one.isShared),
    ...(workload === undefined ? {} : { workload }),
    resource: resourceOf(one, resource),
    spans: spanTree(one.uid, rootIdOf(one), one.operation, findCriticalPath(one.operation)),
  }))

const rootIdOf = ({ uid, operation }: Before): string => spanIdOf(uid, operation.path)

/** What is shared belongs to no pod; nobody had chosen a node yet. */
function resourceOf({ isShared }: Before, resource: Attributes): Attributes {
  const kept = Object.entries(resource).filter(
    ([key]) => key !== 'k8s.node.name' && !(isShared && key.startsWith('k8s.pod.')),
  )
  return Object.fromEntries(kept)
}

export const preludeLinks = ({ before }: Startup): SpanLink[] =>
  before.map((one) => ({
    traceId: traceIdBefore(one.uid, one.isShared),
    spanId: rootIdOf(one),
    attributes: { 'podspan.link': one.operation.name },
  }))

const QUEUE = ['podspan.queue.name', 'podspan.queue.cluster_queue', 'podspan.queue.workload'] as const
const REFUSED = ['podspan.refused.count', 'podspan.refused.quota'] as const

/** On the root too, so that starts can be told by them without their links. */
export function preludeAttributes({ before }: Startup): Attributes {
  return Object.assign({}, ...before.map(({ operation }) => rootAttributes(operation))) as Attributes
}

function rootAttributes(operation: Operation): Attributes {
  const isQueue = operation.name === 'wait in queue'
  const kept = (isQueue ? QUEUE : REFUSED).flatMap((key) => {
    const value = operation.attributes[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  const waited = toMilliseconds(durationOf(operation))
  return {
    ...Object.fromEntries(kept),
    [isQueue ? 'podspan.queue.wait_ms' : 'podspan.refused.wait_ms']: waited,
  }
}

/** A wait that is shorter is no news. */
const TOLD_FROM: DurationNano = SECOND

/** As the end of the verdict. */
export const preludeWords = ({ before }: Startup): string =>
  before
    .filter(({ operation }) => durationOf(operation) >= TOLD_FROM)
    .map(({ operation }) => `; ${wordsOf(operation)}`)
    .join('')

function wordsOf(operation: Operation): string {
  const { attributes, subject = '' } = operation
  const time = durationText(durationOf(operation))
  if (operation.name === 'wait in queue') return `its Workload waited ${time} in queue ${subject} before`
  const quota = attributes['podspan.refused.quota']
  if (Array.isArray(quota)) return `its creation was refused by quota ${quota.join(', ')} for ${time} before`
  return `its creation was refused for ${time} before${because(operation)}`
}

/** What stands before what the API server said: the controller's own words, and the name of a pod that never was. */
const OF_REFUSAL =
  /^(?:\(combined from similar events\): )?(?:Error creating: |[Cc]reate Pod \S+ in StatefulSet \S+ failed error: )?(?:pods? "[^"]*" is forbidden: )?/

/** Of a quota its name is enough. */
function because({ attributes }: Operation): string {
  const said = brief(String(attributes['podspan.reason'] ?? '').replace(OF_REFUSAL, ''))
  return said === '' ? '' : ` (${said})`
}
