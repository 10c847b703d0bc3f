// Owns why the kubelet backs off: the attempt that failed before, and what was said of it.
// Promises the words of a component, or nothing. Does not say whose fault it was: responsible.ts does.

import type { PodRecord } from '../base/record.ts'
import type { Operation, OperationName } from '../operations/operation.ts'
import { lastTrouble } from '../operations/sandbox.ts'
import type { Startup } from '../operations/startup.ts'

/** What a run of a container is made of. */
const OF_RUN: ReadonlySet<OperationName> = new Set([
  'start container',
  'run init container',
  'post-start hook',
  'startup probe',
  'readiness',
])

/** `siblings` in order of their start. */
export function failedBefore(backOff: Operation, siblings: readonly Operation[]): Operation | undefined {
  const { attributes, container, start, subject } = backOff
  const after = attributes['podspan.backoff.after']
  const before = siblings.filter(
    (one) =>
      one.container === container &&
      one.start.best <= start.best &&
      (container !== undefined || one.subject === subject) &&
      (after === 'exit' ? OF_RUN.has(one.name) : one.name === after),
  )
  const isOfLast = ({ attempt }: Operation): boolean => attempt === before.at(-1)?.attempt
  return before.findLast((one) => one.error !== undefined && isOfLast(one))
}

/** The kubelet's short words for a failure of which it has said more elsewhere. */
const SHORT = /^Error: (ErrImagePull|ImagePullBackOff)$/

/** What the component said of the failure that a back-off follows; of what goes on, the status says it too. */
export function saidBefore(
  backOff: Operation,
  { facts, root }: Pick<Startup, 'facts' | 'root'>,
): string | undefined {
  if (backOff.attributes['podspan.backoff.after'] === undefined) return lastTrouble(facts)?.detail?.message
  const { error } = failedBefore(backOff, root.children) ?? {}
  const isKnown = error !== undefined && !SHORT.test(error)
  return isKnown || !backOff.open ? error : (waitingMessage(facts.pod, backOff.container) ?? error)
}

/** Of a crash loop it says how long the back-off is, not why. */
function waitingMessage(pod: PodRecord, container: string | undefined): string | undefined {
  const statuses = [...(pod.initContainerStatuses ?? []), ...(pod.containerStatuses ?? [])]
  const state = statuses.find(({ name }) => name === container)?.state
  return state?.kind === 'waiting' && state.reason !== 'CrashLoopBackOff' ? state.message : undefined
}
