// Owns rollouts as one fold beside the pipeline of starts: the same frames in, and its finished traces; rollouts out, as they stand.
// Promises that equal frames and traces give equal rollouts, that time enters only by a frame's `t`, and bounded memory.
// Does no IO, and does not decide when a rollout is worth telling: the caller asks.

import type { Frame } from '../base/frame.ts'
import type { UnixNano } from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import { emptyBook } from './book.ts'
import { foldFrame, foldTrace } from './fold.ts'
import type { TraceOf } from './members.ts'
import type { Rollout } from './rollout.ts'
import { isAsked, podsOf } from './runs.ts'
import { tellRollouts } from './tell.ts'
import type { WorkloadKind } from './workload.ts'

export interface RolloutWorkload {
  readonly kind: WorkloadKind
  readonly uid: string
  readonly namespace: string
  readonly name: string
}

export interface Rollouts {
  push(frame: Frame): void
  /** A finished start. */
  take(trace: Trace): void
  workloads(): RolloutWorkload[]
  /** All rollouts of a workload, the earliest first; `traceOf` tells starts that are not finished. */
  tell(uid: string, traceOf?: TraceOf): Rollout[]
  /** Whether the workload was changed, and no rollout shows it yet. */
  isAsked(uid: string): boolean
  /** All finished starts of its pods, of whichever revision. */
  startsOf(uid: string): readonly RevisionStart[]
  /** When the first frame came. */
  from(): UnixNano | undefined
  counters(): Readonly<Record<string, number>>
}

export interface RevisionStart {
  /** pod-template-hash or controller-revision-hash. */
  readonly hash: string | undefined
  readonly trace: Trace
}

export function createRollouts(): Rollouts {
  const book = emptyBook()
  return {
    push: (frame) => foldFrame(book, frame),
    take: (trace) => foldTrace(book, trace),
    workloads: () =>
      [...book.histories.values()].map(({ kind, uid, namespace, name }) => ({ kind, uid, namespace, name })),
    tell: (uid, traceOf = () => undefined) => {
      const history = book.histories.get(uid)
      return history ? tellRollouts(book, history, traceOf) : []
    },
    isAsked: (uid) => {
      const history = book.histories.get(uid)
      return history !== undefined && isAsked(book, history)
    },
    startsOf: (uid) => {
      const history = book.histories.get(uid)
      const pods = history ? [...podsOf(book, history)] : [...book.pods.of(uid)]
      return pods.flatMap(({ uid: pod, hash }) => {
        const trace = book.traces.get(pod)
        return trace ? [{ hash, trace }] : []
      })
    },
    from: () => book.from,
    counters: () => ({ ...book.counters, pods: book.pods.size, workloads: book.histories.size }),
  }
}
