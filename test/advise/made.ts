// Owns starts made by hand, one line a step, in milliseconds after the pod was created.
// Promises values that keep the contract of start.ts. Does not resemble a cluster more than a rule needs.

import { add, durationNano, milliseconds, type UnixNano, unixNano } from '../../src/base/time.ts'
import type { Moment, Start, Step } from '../../src/advise/start.ts'

/** A whole second, as the kubelet counts delays from one. */
export const CREATED = unixNano(1_700_000_000_000_000_000n)

export const at = (ms: number): UnixNano => add(CREATED, milliseconds(ms))

export const moment = (ms: number): Moment => ({ best: at(ms), earliest: at(ms), latest: at(ms) })

export interface MadeStep extends Partial<Omit<Step, 'start' | 'end' | 'parts'>> {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly parts?: readonly MadeStep[]
}

let count = 0

export function step({ from, to, parts = [], ...rest }: MadeStep): Step {
  return {
    spanId: (++count).toString(16).padStart(16, '0'),
    failed: false,
    open: false,
    attempt: 1,
    attributes: {},
    events: 0,
    start: moment(from),
    end: moment(to),
    parts: parts.map(step),
    ...rest,
  }
}

export interface MadeStart extends Partial<Omit<Start, 'steps' | 'total' | 'end'>> {
  readonly steps: readonly MadeStep[]
  readonly to: number
}

export function start({ steps, to, ...rest }: MadeStart): Start {
  const uid = `pod-${++count}`
  return {
    traceId: uid,
    uid,
    namespace: 'shop',
    name: uid,
    workload: 'Deployment/web',
    node: 'node-1',
    outcome: 'ready',
    end: at(to),
    total: durationNano(at(to) - CREATED),
    ...rest,
    steps: steps.map(step).sort((a, b) => (a.start.best < b.start.best ? -1 : 1)),
  }
}

/** `pull image` of a container, with its wait if it had one. */
export function pull(container: string, image: string, from: number, to: number, transfer = from): MadeStep {
  const wait = { name: 'wait for pull slot', container, from, to: transfer }
  const work = { name: 'transfer and unpack', container, from: transfer, to }
  return {
    name: 'pull image',
    container,
    subject: image,
    from,
    to,
    attributes: { 'container.image.name': image },
    parts: transfer > from ? [wait, work] : [work],
  }
}

export interface ProbeSettings {
  readonly period: number
  readonly delay?: number
  readonly successThreshold?: number
}

export function probe(
  name: 'readiness' | 'startup probe',
  container: string,
  from: number,
  to: number,
  { period, delay, successThreshold }: ProbeSettings,
): MadeStep {
  return {
    name,
    container,
    from,
    to,
    attributes: {
      'podspan.probe.period_seconds': period,
      ...(delay === undefined ? {} : { 'podspan.probe.initial_delay_seconds': delay }),
      ...(successThreshold === undefined ? {} : { 'podspan.probe.success_threshold': successThreshold }),
    },
  }
}

export const made = (name: string, container: string, from: number, to: number): MadeStep => ({
  name,
  container,
  from,
  to,
})

export const named = (of: Start, name: string, container?: string): Step => {
  const found = of.steps.find(
    (each) => each.name === name && (container ?? each.container) === each.container,
  )
  if (!found) throw new Error(`no ${name} in ${of.name}`)
  return found
}
