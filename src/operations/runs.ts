// Owns the runs of one container, each by its restart count.
// Promises them in order. Does not say what belongs to which: container-history.ts does, and renumber.ts.

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
