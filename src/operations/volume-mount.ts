// Owns `mount volumes`: from where the kubelet could begin until the pod's volumes were there, with each failed try.
// A try that failed while another volume was still being attached stands beside it: what the pod waited for was the attachment.
// Promises one only where something draws a line between the volumes and the rest of the preparation: an attachment, a failed mount, a
// slow change of ownership, a block device that was mapped. Of file systems nothing reports a success, so their end is bounded and not dated.

import { add, milliseconds, minus } from '../base/time.ts'
import { combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import { anyTimeAfter, type FailedTry, type Failure, numberFailures, planTries } from './failures.ts'
import { type Facts, factsOf } from './milestones.ts'
import type { OperationAttribute, OperationEvent } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'
import { claimVolumes, saidOfPod, volumeInMessage } from './volumes.ts'

/** What a sandbox takes on a node at rest, and the kubelet between the volumes and it (measured, docs/accuracy.md). */
const SANDBOX = milliseconds(250)

export interface Preparation {
  /** Where the pod was bound. */
  readonly start: Draft
  /** When each attached volume was there for the kubelet; undefined for one that is not yet. */
  readonly attached: readonly (Draft | undefined)[]
  /** Where the sandbox was, if it ever was. */
  readonly ready: Draft | undefined
  /** Where the runtime was asked for it, if a native span tells. */
  readonly begun?: Draft | undefined
}

export function planMounts(
  plan: Plan,
  facts: Facts,
  { start, attached, ready, begun: asked }: Preparation,
): Planned[] {
  if (attached.length === 0 && factsOf(facts, 'noted').length === 0) return []
  const sandbox = firstSandbox(facts)
  // Volumes of the kinds that are kept up to date are mounted again while the pod runs.
  const isOfStart = ({ draft }: { draft: Draft }): boolean =>
    !isAfter(draft, sandbox) && !isAfter(draft, ready)
  const failures = failuresOf(facts).filter(isOfStart)
  const progress = slowOwnership(facts).filter(isOfStart)
  const devices = mapped(facts).filter(isOfStart)
  const isWaiting = attached.includes(undefined)
  const isTold = failures.length > 0 || progress.length > 0 || devices.length > 0
  // Nobody mounts anything before the kubelet has taken the pod.
  const isTaken = ready !== undefined || sandbox !== undefined || factsOf(facts, 'admitted').length > 0
  if (!isTold && (attached.length === 0 || isWaiting || !isTaken)) return []
  const ended = ready || sandbox ? endOf(facts, devices) : undefined
  const begun = beginning(plan, facts, start, attached)
  const whole = { ...MOUNT, start: begun, ...slowness(progress) }
  for (const { draft } of progress) comesBefore(plan, begun, draft)
  comesBefore(plan, begun, ended)
  for (const one of attached) comesBefore(plan, one, ended)
  for (const { draft } of progress) comesBefore(plan, draft, ended)
  const early = failures.filter(({ draft }) => isAfter(begun, draft))
  const children = planTries(plan, { ...MOUNT, start: begun }, failures.slice(early.length).map(tryOf), ended)
  comesBefore(plan, ended, sandbox)
  comesBefore(plan, ended, asked ?? ready)
  // Where the runtime was asked is where the volumes were there at the latest, and so estimated.
  if (ended && ended.best === undefined && (!asked || sandbox)) placeBeforeSandbox(ended, sandbox ?? ready)
  return [
    ...planTries(plan, { ...MOUNT, start }, early.map(tryOf), ended),
    { ...whole, end: ended, children },
  ]
}

const MOUNT = { name: 'mount volumes', path: 'mount volumes', actor: 'kubelet' } as const

const tryOf = ({ fact, draft, number }: Failure): FailedTry => ({
  path: `mount volumes/failed/${fact.group}/${fact.index + 1}`,
  error: fact.detail?.message ?? 'a volume could not be mounted',
  attempt: number,
  draft,
})

const isAfter = ({ best }: Draft, other: Draft | undefined): boolean =>
  best !== undefined && other?.best !== undefined && best > other.best

function failuresOf(facts: Facts): Failure[] {
  const told = [...saidOfPod(facts, 'FailedMount'), ...saidOfPod(facts, 'FailedMapVolume')]
  const tries = told.filter(({ detail }) => !SUMMARY.test(detail?.message ?? ''))
  return numberFailures(tries, 'noted', facts.clocks)
}

/** Said by kubelets before 1.28 whenever the pod's sync had waited for two minutes: no try of its own. */
const SUMMARY = /^Unable to attach or mount volumes: .*timed out waiting for the condition/s

/** The kubelet mounts the others beside it, but the pod waits for the volume that is attached last. */
function beginning(plan: Plan, facts: Facts, start: Draft, attached: readonly (Draft | undefined)[]): Draft {
  // A claim's volume may have been attached first, unseen.
  if (attached.length === 0 && claimVolumes(facts).length > 0) {
    const begun = anyTimeAfter(start)
    comesBefore(plan, start, begun)
    return begun
  }
  let last: Draft | undefined
  for (const one of attached) {
    if (!one) return start
    if (last?.best === undefined || (one.best !== undefined && one.best > last.best)) last = one
  }
  return last ?? start
}

/** The runtime is asked for a sandbox only when the volumes are there. A node without a network says so earlier. */
function firstSandbox(facts: Facts): Draft | undefined {
  const refused = factsOf(facts, 'sandbox failed').filter(
    ({ detail }) => detail?.reason === 'FailedCreatePodSandBox',
  )
  return refused
    .map(({ stamps }) => combine('sandbox failed', stamps, facts.clocks))
    .reduce<Draft | undefined>(
      (a, b) => (a?.best !== undefined && (b.best ?? 0n) >= a.best ? a : b),
      undefined,
    )
}

function placeBeforeSandbox(ended: Draft, ready: Draft | undefined): void {
  if (ready?.best !== undefined) ended.best = add(ready.best, minus(SANDBOX))
}

interface Dated {
  readonly fact: Fact
  readonly draft: Draft
}

const dated = (facts: Facts, found: readonly Fact[]): Dated[] =>
  found.map((fact) => ({ fact, draft: combine('noted', fact.stamps, facts.clocks) }))

/** Said while it goes on: for the first time after 30 s, then once a minute (pkg/volume/volume_linux.go). */
const slowOwnership = (facts: Facts): Dated[] =>
  dated(facts, saidOfPod(facts, 'VolumePermissionChangeInProgress'))

/** Block volumes have an event of their success: two of each. */
const mapped = (facts: Facts): Dated[] => dated(facts, saidOfPod(facts, 'SuccessfulMountVolume'))

/**
 * With all claims of the pod mapped as devices, the last of them was the end, unless a volume of another kind took longer; else nothing
 * dates it, but that it was not before them.
 */
function endOf(facts: Facts, devices: readonly Dated[]): Draft {
  const names = new Set(devices.map(({ fact }) => volumeInMessage(fact.detail?.message)))
  const last = devices
    .map(({ draft }) => draft)
    .reduce<Draft | undefined>(
      (a, b) => (a?.best !== undefined && (b.best ?? 0n) < a.best ? a : b),
      undefined,
    )
  if (!last) return unseen()
  const { earliest } = last
  return names.size < claimVolumes(facts).length ? { ...unseen(), earliest } : { ...last, latest: undefined }
}

function slowness(progress: readonly Dated[]) {
  const last = progress.at(-1)
  if (!last) return {}
  const attributes: Record<string, OperationAttribute> = {
    'podspan.volume.ownership_change': true,
    'podspan.reason': last.fact.detail?.message ?? '',
  }
  return { attributes, events: progress.flatMap(progressEvent) }
}

function progressEvent({ fact, draft: { best } }: Dated): OperationEvent[] {
  if (best === undefined) return []
  const attributes = { 'podspan.reason': fact.detail?.message ?? '', 'podspan.count': fact.index + 1 }
  return [{ at: best, name: 'VolumePermissionChangeInProgress', attributes }]
}
