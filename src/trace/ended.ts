// Owns why a start failed or its pod was deleted, as the pod's status has it, with the probe for whose failure the kubelet ended it.
// Promises the reason of whoever ended it, else the exit that did; nothing where neither is told. An exit is no reason for a deletion.

import type { ContainerStatus, PodRecord } from '../base/record.ts'
import { NEVER_STARTED } from '../operations/occurrences.ts'
import { killedWords } from '../operations/probe-kills.ts'
import { runsInOrder } from '../operations/runs.ts'
import type { Startup } from '../operations/startup.ts'
import { brief, clip } from './brief.ts'
import type { AttributeValue, Outcome } from './trace.ts'

interface Ended {
  readonly reason?: string | undefined
  readonly message?: string | undefined
  readonly exit?: Exit | undefined
}

interface Exit {
  readonly container: string
  readonly isInit: boolean
  readonly code: number
  readonly reason: string | undefined
  readonly message: string | undefined
  readonly at: number
}

function endedBy(pod: PodRecord, outcome: Outcome): Ended | undefined {
  if (outcome !== 'failed' && outcome !== 'deleted') return undefined
  if (pod.reason || pod.message) return { reason: pod.reason, message: pod.message }
  const disrupted = pod.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  )
  if (disrupted) return disrupted
  const exit = outcome === 'failed' ? lastExit(pod) : undefined
  return exit && { exit }
}

/** The last that was not zero. A sidecar is ended by the kubelet when the others are through, and has no say in the phase. */
function lastExit({
  initContainers = [],
  initContainerStatuses = [],
  containerStatuses = [],
}: PodRecord): Exit | undefined {
  const sidecars = new Set(
    initContainers.filter((one) => one.restartPolicy === 'Always').map(({ name }) => name),
  )
  const inits = initContainerStatuses.filter(({ name }) => !sidecars.has(name))
  const exits = [
    ...inits.flatMap((one) => exitOf(one, true)),
    ...containerStatuses.flatMap((one) => exitOf(one, false)),
  ]
  return exits.reduce<Exit | undefined>((a, b) => (a && a.at > b.at ? a : b), undefined)
}

function exitOf({ name, state }: ContainerStatus, isInit: boolean): Exit[] {
  if (state?.kind !== 'terminated' || state.exitCode === 0) return []
  const { exitCode: code, finishedSeconds: at = 0, message, reason } = state
  return [{ container: name, isInit, code, reason, message, at }]
}

/** ` (Evicted: The node was low on resource: memory.)`, ` (app exited with code 3)`. */
export function endedWords(startup: Startup, outcome: Outcome): string {
  const ended = endedBy(startup.facts.pod, outcome)
  if (!ended) return ''
  const { exit, message, reason } = ended
  return ` (${exit ? exitWords(exit, startup) : [reason, clip(message)].filter(Boolean).join(': ')})`
}

function exitWords(
  { code, container, isInit, message, reason }: Exit,
  { facts, histories }: Startup,
): string {
  const who = `${isInit ? 'init container ' : ''}${container}`
  // The code is then the runtime's own: nothing ran that could have exited.
  if (NEVER_STARTED.has(reason ?? ''))
    return [`${who} could not be started`, brief(message)].filter(Boolean).join(': ')
  const why = reason === undefined || reason === 'Error' ? '' : ` (${reason})`
  const history = histories.find(({ spec }) => spec.name === container)
  const [, run] = history ? (runsInOrder(history.runs).at(-1) ?? []) : []
  return `${who} exited with code ${code}${why}${history && run ? killedWords(history, run, facts.clocks) : ''}`
}

/** Of the root. */
export function endedAttributes(pod: PodRecord, outcome: Outcome): Record<string, AttributeValue> {
  const { exit, reason } = endedBy(pod, outcome) ?? {}
  if (exit) return { 'podspan.end.container': exit.container, 'podspan.exit_code': exit.code }
  return reason === undefined || reason === '' ? {} : { 'podspan.end.reason': reason }
}
