// Owns what is told of a start that is not over: who it is, what it waits for now and since when.
// Promises the words of a verdict, as they stand. Does not find the starts: pipeline.ts does.

import type { UnixNano } from '../base/time.ts'
import type { Operation, OperationName } from '../operations/operation.ts'
import type { Startup } from '../operations/startup.ts'
import type { World } from '../timeline/world.ts'
import type { PodIdentity } from './trace.ts'
import { deepestOpen, describe, reasonOf } from './verdict.ts'
import { findWorkload, identityOf } from './workload.ts'

/** A start that is not over yet, for `watch`, status and metrics. */
export interface InFlight extends PodIdentity {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly workload?: string
  readonly node?: string
  /** The operation it waits for now, and since when. */
  readonly operation: string
  readonly since: UnixNano
  /** Since when it gets no further, where it has failed at the same before: its first back-off, of however many. */
  readonly failingSince?: UnixNano
  /** What it waits for in plain words, such as `pulling localhost:5000/big:2`. */
  readonly waitsFor: string
  /** What a component said of why it is not over, where one said anything. */
  readonly reason?: string
}

export function inFlightOf(world: World, startup: Startup): InFlight {
  const { root, facts } = startup
  const { pod } = facts
  const waiting = deepestOpen(root) ?? root.children.at(-1) ?? root
  const workload = findWorkload(world, pod, root.start.best)
  const reason = reasonOf(waiting, startup)
  const failing = failingSince(root, waiting)
  return {
    uid: pod.uid,
    namespace: pod.namespace,
    name: pod.name,
    ...(workload.name ? { workload: workload.name } : {}),
    ...(pod.nodeName ? { node: pod.nodeName } : {}),
    ...identityOf(pod, workload, root.start.best),
    operation: waiting.name,
    since: waiting.start.best,
    ...(failing !== undefined && { failingSince: failing }),
    waitsFor: describe(waiting, startup),
    ...(reason ? { reason } : {}),
  }
}

/** Since when it gets no further. */
export const stuckSince = ({ since, failingSince }: InFlight): UnixNano => failingSince ?? since

const PULLS: ReadonlySet<OperationName> = new Set(['pull image', 'wait for pull slot', 'transfer and unpack'])
const RUNS: ReadonlySet<OperationName> = new Set([
  'create container',
  'start container',
  'post-start hook',
  'startup probe',
  'readiness',
  'run init container',
])

/** A container whose image cannot be pulled, or that cannot be made or run, waits, tries and waits again: no single wait is as long as that. */
function failingSince(root: Operation, waiting: Operation): UnixNano | undefined {
  const what = kindOf(waiting)
  // A part of a pull names no container, and its pull does.
  const { container } = root.children.find(({ children }) => children.includes(waiting)) ?? waiting
  return root.children.find(
    (each) => each.name === 'back-off' && each.container === container && kindOf(each) === what,
  )?.start.best
}

function kindOf({ name, attributes }: Operation): 'pull' | 'run' | undefined {
  if (name === 'back-off') return attributes['podspan.backoff.after'] === 'pull image' ? 'pull' : 'run'
  if (PULLS.has(name)) return 'pull'
  return RUNS.has(name) ? 'run' : undefined
}

/** The oldest first. */
export const byCreation = (a: InFlight, b: InFlight): number =>
  a.created < b.created ? -1 : a.created > b.created ? 1 : a.uid < b.uid ? -1 : 1
