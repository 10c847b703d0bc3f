// Owns what the kubelet says of a run that it ended, because a probe of it failed or for another reason.
// Promises that only what was said while the run went on is told of it. Does not plan operations.

import { type Clocks, combine } from '../timeline/combine.ts'
import type { UnixNano } from '../base/time.ts'
import type { Fact } from '../timeline/facts.ts'
import type { ContainerHistory } from './container-history.ts'
import type { OperationEvent } from './operation.ts'
import { exitMessage, type Run } from './runs.ts'

/**
 * `Container app failed liveness probe, will be restarted`; without the second half, where the pod's policy restarts nothing, and of a sidecar: `Init container proxy
 * failed startup probe` (kuberuntime_manager.go, computePodActions; kuberuntime_container.go, computeInitContainerActions).
 */
const KILLED = /^(?:Init c|C)ontainer \S+ failed (liveness|startup) probe(?:, will be restarted)?$/

/** What a kubelet says that stops a container with its pod; and where a probe of the pod's only one failed and nothing is restarted (computePodActions, KillPod). */
const STOPPED = 'Stopping container '

/** Any word of the kubelet that it ends a run. */
export const isKill = ({ detail, what }: Fact): boolean => what === 'noted' && detail?.reason === 'Killing'

/** The kills for a probe that fell into a run, as events of it. */
export function killsOf(history: ContainerHistory, run: Run, clocks: Clocks): OperationEvent[] {
  return killsIn(history, run, clocks).filter(({ attributes }) => probeOf(attributes, history, run, clocks))
}

const isStop = (attributes: Said): boolean => String(attributes['podspan.reason']).startsWith(STOPPED)

type Said = OperationEvent['attributes']

function killsIn({ kills }: ContainerHistory, run: Run, clocks: Clocks): OperationEvent[] {
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
  const [kill] = killsOf(history, run, clocks).slice(-1)
  const probe = kill && probeOf(kill.attributes, history, run, clocks)
  return probe === undefined ? '' : ` after its ${probe} probe failed`
}

/** The probe whose failure a kill tells of; a stop says nothing of it, and comes at once after the last failure. */
function probeOf(said: Said, history: ContainerHistory, run: Run, clocks: Clocks): string | undefined {
  const [, probe] = KILLED.exec(String(said['podspan.reason'])) ?? []
  if (probe !== undefined || !history.isStoppedForProbes || !isStop(said)) return probe
  const failures = history.unhealthy.filter(({ stamps }) => {
    const at = combine('unhealthy', stamps, clocks).best
    return at !== undefined && isWithin(at, run)
  })
  const types = failures.map(({ detail }) => FAILED.exec(detail?.message ?? '')?.[1]?.toLowerCase())
  return types.findLast((type) => type !== undefined)
}

/** Readiness ends nothing. */
const FAILED = /^(Startup|Liveness) probe /

/** Begun before the end of a run and not before its start, as far as both are known. */
function isWithin(at: UnixNano, { started, finished }: Run): boolean {
  const [from, until] = [started?.best, finished?.latest]
  return (from === undefined || at >= from) && (until === undefined || at <= until)
}
