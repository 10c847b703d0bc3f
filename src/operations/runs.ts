// Owns the runs of one container, each by its restart count, and the tries that gave none.
// Promises them in order. Does not say what belongs to which: tell-history.ts does, and renumber.ts.

import type { Stamp } from '../base/stamp.ts'
import type { Draft } from '../timeline/combine.ts'

export interface Run {
  /** When its image was first asked for. */
  asked: Draft | undefined
  /** When its image was there. */
  image: Draft | undefined
  cached: boolean
  created: Draft | undefined
  started: Draft | undefined
  finished: Draft | undefined
  exitCode: number | undefined
  exitReason: string | undefined
  exitMessage: string | undefined
  /** The runtime or kubelet could not start it. */
  failed: { readonly at: Draft; readonly message: string } | undefined
  startupPassed: Draft | undefined
  /** When it was first. */
  ready: Draft | undefined
  /** Each time that it became ready, and that it was no more. */
  readyStamps: readonly Stamp[]
  unreadyStamps: readonly Stamp[]
}

/** A try to create the container that never gave a run, such as a missing ConfigMap. */
export interface FailedCreate {
  /** When its image was first asked for, if it was pulled for it. */
  asked: Draft | undefined
  readonly image: Draft | undefined
  readonly at: Draft
  message: string
  /** From 1, as the events count; those that were not seen are left out. */
  readonly number: number
  /** Restart count of the run that came next, if one did. */
  beforeRun: number
  /** Only the status tells of it, and not of others that followed. */
  readonly isFromStatus?: boolean
}

const NONE: readonly Stamp[] = []

export function runAt(runs: Map<number, Run>, index: number): Run {
  let run = runs.get(index)
  if (!run) runs.set(index, (run = newRun()))
  return run
}

export const newRun = (): Run => ({
  asked: undefined,
  image: undefined,
  cached: false,
  created: undefined,
  started: undefined,
  finished: undefined,
  exitCode: undefined,
  exitReason: undefined,
  exitMessage: undefined,
  failed: undefined,
  startupPassed: undefined,
  ready: undefined,
  readyStamps: NONE,
  unreadyStamps: NONE,
})

/** By restart count. */
export function runsInOrder(runs: ReadonlyMap<number, Run>): [number, Run][] {
  const all = [...runs]
  return all.length < 2 ? all : all.sort(([a], [b]) => a - b)
}

/** Reasons that say no more than the code. */
export const OF_ANY_EXIT: ReadonlySet<string> = new Set(['Error', 'Completed'])

export function exitMessage({ exitCode, exitReason }: Run): string {
  if (exitCode === undefined) return 'ended'
  const reason = exitReason && !OF_ANY_EXIT.has(exitReason) ? ` (${exitReason})` : ''
  return `exit code ${exitCode}${reason}`
}
