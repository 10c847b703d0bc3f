// Owns what every operation of a container is planned with: its pod's part.
// Promises no plan. Does not read facts.

import type { Clocks, Draft } from '../timeline/combine.ts'
import type { NodeTimeline } from '../timeline/node-timeline.ts'
import type { SandboxChange } from './sandbox-changes.ts'

export interface ContainerContext {
  readonly uid: string
  readonly clocks: Clocks
  readonly node: NodeTimeline | undefined
  readonly restartPolicy: string | undefined
  /** The kubelet ended the pod with all that ran: what ended last may have been stopped. */
  readonly isEndedWhole: boolean
  readonly readyOnNode: Draft | undefined
  /** It may have been ready before: only a container's first run surely began before that. */
  readonly isListed: boolean
  readonly sandboxChanges: readonly SandboxChange[]
  /** When our watch showed Ready: containers whose own readiness came in that frame made it so. */
  readonly readyReceipt: bigint | undefined
}

/** Whether what this run began with came before the pod's Ready: where only a list showed it, the pod may have been ready in a run before. */
export const mayBoundReady = ({ isListed }: ContainerContext, run: number): boolean => !isListed || run === 0
