// Owns what a list says of when a pod was first ready: its stamp is of Ready's last turn, and of the first it only says "not later".
// Promises that a pod which was surely ready before is told as ready near the last thing that is known of its start, and that runs of
// its containers which came later take no part in it. Does not narrow any interval.

import type { Draft } from '../timeline/combine.ts'
import { seconds, type UnixNano } from '../base/time.ts'
import type { ContainerHistory } from './container-history.ts'
import type { Milestones } from './milestones.ts'
import { type Run, runsInOrder } from './runs.ts'

/**
 * A container that has run for longer was ready meanwhile, or is of a pod whose start was given up: the default timeout of a start is 10 min,
 * of a Deployment's progress as much, and for slow loads of models and databases there is room.
 */
const LONGER_THAN_A_START = seconds(3600)

/**
 * Cuts the histories of a pod that lost readiness since it started, and moves the estimates; the others stay as the list says. True where
 * it did.
 */
export function placeListedReady(milestones: Milestones, histories: readonly ContainerHistory[]): boolean {
  const { readyOnNode, readyStored, containersReady, isListed } = milestones
  const turned = readyOnNode?.best
  if (!isListed || turned === undefined || !readyOnNode) return false
  const lasting = histories.map((history) => lastingRun(history, turned))
  const begun = lasting.reduce<UnixNano | undefined>(
    (last, run) => laterOf(last, run?.started?.best),
    undefined,
  )
  if (begun === undefined || !isLong(begun, turned)) return false
  for (const draft of [readyOnNode, readyStored, containersReady]) if (draft) draft.best = begun
  for (const [index, history] of histories.entries()) cut(history, lasting[index], begun, readyOnNode)
  return true
}

/** The first run that went on for so long, or else the last one. */
function lastingRun({ runs }: ContainerHistory, turned: UnixNano): Run | undefined {
  const known = runsInOrder(runs).map(([, run]) => run)
  const lasting = known.find(({ started, finished }, place) => {
    const until = finished?.best ?? known[place + 1]?.started?.best ?? turned
    return started?.best !== undefined && isLong(started.best, until)
  })
  return lasting ?? known.at(-1)
}

const isLong = (from: UnixNano, until: UnixNano): boolean => until - from > LONGER_THAN_A_START

const laterOf = (a: UnixNano | undefined, b: UnixNano | undefined): UnixNano | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a

/** Leaves what came before Ready; of the run that went on, how it ended says nothing of the start. */
function cut({ runs }: ContainerHistory, lasting: Run | undefined, until: UnixNano, ready: Draft): void {
  for (const [number, run] of runs)
    if (run.started?.best !== undefined && run.started.best > until) runs.delete(number)
  if (!lasting || (lasting.finished?.best ?? until) < until) return
  lasting.finished = undefined
  lasting.exitCode = undefined
  lasting.ready = ready
}
