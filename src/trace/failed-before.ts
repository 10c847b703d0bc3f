// Owns why the kubelet backs off: the attempt that failed before, and what was said of it.
// Promises the words of a component, or nothing. Does not say whose fault it was: responsible.ts does.

import type { ContainerState, ContainerStatus, PodRecord } from '../base/record.ts'
import { OF_ANY_EXIT } from '../operations/runs.ts'
import type { Operation, OperationName } from '../operations/operation.ts'
import { lastTrouble } from '../operations/sandbox.ts'
import { NOT_PULLED } from '../operations/shown-failures.ts'
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
  const after = backOff.attributes['podspan.backoff.after']
  if (after === undefined) return lastTrouble(facts)?.detail?.message
  const { error } = failedBefore(backOff, root.children) ?? {}
  if (error !== undefined && !SHORT.test(error)) return error
  const status = backOff.open ? statusOf(facts.pod, backOff.container) : undefined
  if (after === 'exit') return exitOf(backOff, status)
  return messageOf(status?.state) ?? error
}

/** What the status says of a pull that goes on: an earlier one of the same image had failed, whether or not its events were seen. */
export function pullFailedBefore({ container, open }: Operation, pod: PodRecord): string | undefined {
  const state = open ? statusOf(pod, container)?.state : undefined
  return state?.kind === 'waiting' && NOT_PULLED.test(state.reason ?? '')
    ? (messageOf(state) ?? state.reason)
    : undefined
}

/** Of a crash loop the status says how long the back-off is, not why. */
const messageOf = (state: ContainerState | undefined): string | undefined =>
  state?.kind === 'waiting' && state.reason !== 'CrashLoopBackOff' ? state.message : undefined

const statusOf = (pod: PodRecord, container: string | undefined): ContainerStatus | undefined =>
  [...(pod.initContainerStatuses ?? []), ...(pod.containerStatuses ?? [])].find(
    ({ name }) => name === container,
  )

/** A container without probes has no operation that its exit fails. */
function exitOf({ attributes }: Operation, status: ContainerStatus | undefined): string | undefined {
  const code = attributes['podspan.exit_code']
  if (code === undefined) return undefined
  const last = [status?.state, status?.lastState].find((state) => state?.kind === 'terminated')
  const reason = last?.kind === 'terminated' && last.exitCode === code ? last.reason : undefined
  return `exit code ${String(code)}${reason === undefined || OF_ANY_EXIT.has(reason) ? '' : ` (${reason})`}`
}
