// Owns what the kubelet says of a run that it ended because a probe of it failed.
// Promises that only what was said while the run went on is told of it. Does not plan operations.

import { type Clocks, combine } from '../timeline/combine.ts'
import type { UnixNano } from '../base/time.ts'
import type { Fact } from '../timeline/facts.ts'
import { exitMessage } from './container-context.ts'
import type { ContainerHistory } from './container-history.ts'
import type { OperationEvent } from './operation.ts'
import type { Run } from './runs.ts'

/**
 * `Container app failed liveness probe, will be restarted`; without the second half, where the pod's policy restarts nothing, and of a sidecar: `Init container proxy
 * failed startup probe` (kuberuntime_manager.go, computePodActions; kuberuntime_container.go, computeInitContainerActions).
 */
const KILLED = /^(?:Init c|C)ontainer \S+ failed (liveness|startup) probe(?:, will be restarted)?$/

export const isProbeKill = ({ detail }: Fact): boolean =>
  detail?.reason === 'Killing' && KILLED.test(detail.message ?? '')

/** The kills that fell into a run, as events of its probe. */
export function killsOf({ kills }: ContainerHistory, run: Run, clocks: Clocks): OperationEvent[] {
  if (kills.length === 0) return []
  return kills.flatMap((fact) => {
    const at = combine('unhealthy', fact.stamps, clocks).best
    if (at === undefined || !isWithin(at, run)) return []
    return [{ at, name: 'Killing', attributes: { 'podspan.reason': fact.detail?.message ?? '' } }]
  })
}

/** How a run ended, with the probe that ended it: `exit code 137 after its liveness probe failed`. */
export const endMessage = (history: ContainerHistory, run: Run, clocks: Clocks): string =>
  `${exitMessage(run)}${killedWords(history, run, clocks)}`

/** ` after its liveness probe failed`; empty, where none ended it. */
export function killedWords(history: ContainerHistory, run: Run, clocks: Clocks): string {
  const probe = probeOf(killsOf(history, run, clocks).at(-1))
  return probe === undefined ? '' : ` after its ${probe} probe failed`
}

const probeOf = (kill: OperationEvent | undefined): string | undefined =>
  KILLED.exec(String(kill?.attributes['podspan.reason'] ?? ''))?.[1]

/** Begun before the end of a run and not before its start, as far as both are known. */
function isWithin(at: UnixNano, { started, finished }: Run): boolean {
  const [from, until] = [started?.best, finished?.latest]
  return (from === undefined || at >= from) && (until === undefined || at <= until)
}
