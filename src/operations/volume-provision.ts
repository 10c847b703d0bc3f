// Owns `provision volume`: what a pod that could not be scheduled yet waited for until its claim was bound.
// Promises one only where something says that the claim was not bound when its scheduling began: the claim's own versions, its
// events, or the scheduler. Does not tell what was provisioned before the pod asked.

import type { DurationNano } from '../base/time.ts'
import { add, minus, SECOND, type UnixNano } from '../base/time.ts'
import { combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import { anyTimeAfter, numberFailures, planTries } from './failures.ts'
import { type Facts, factsOf } from './milestones.ts'
import type { OperationAttribute } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'
import { type ClaimVolume, claimVolumes, factsBeside, isLive, saidBeside } from './volumes.ts'

/** The part of `schedule` that was spent on claims. `start` is where scheduling began, `bound` where the pod was. */
export function planProvisioning(
  plan: Plan,
  facts: Facts,
  start: Draft,
  bound: Draft | undefined,
): Planned[] {
  const volumes = claimVolumes(facts)
  if (volumes.length === 0) return []
  const refused = refusals(facts)
  const planned: Planned[] = []
  for (const volume of volumes) {
    const own = volumes.length === 1 ? refused : []
    const wait = waitFor(plan, facts, volume, { start, bound, refused: own })
    if (!wait) continue
    planned.push(planOne(plan, facts, volume, wait))
    comesBefore(plan, wait.ended, bound)
  }
  if (planned.length === 0 && volumes.length > 1 && !volumes.some(isKnown))
    planned.push(...someClaim(plan, volumes, { start, bound, refused }))
  return planned
}

interface Scheduling {
  readonly start: Draft
  readonly bound: Draft | undefined
  /** The scheduler's refusals for want of a volume, as far as they can mean this claim. */
  readonly refused: readonly Refusal[]
}

interface Refusal {
  readonly draft: Draft
  readonly message: string
}

interface Wait {
  readonly begun: Draft
  /** Absent while the claim is not bound. */
  readonly ended: Draft | undefined
  /** What the scheduler said of it last. */
  readonly refusal: string | undefined
}

/** Whether a version of the claim was seen; without one, only its events speak, or the scheduler. */
const isKnown = ({ record }: ClaimVolume): boolean => record !== undefined

/** Messages of the scheduler's volume binding plugin (pkg/scheduler/framework/plugins/volumebinding). */
const UNBOUND = /unbound immediate PersistentVolumeClaims|didn't find available persistent volumes to bind/
const NO_CLAIM =
  /persistentvolumeclaim "[^"]+" (?:not found|bound to non-existent)|to create the persistentvolumeclaim/
const isForVolume = (message: string): boolean => UNBOUND.test(message) || NO_CLAIM.test(message)

const refusals = (facts: Facts): Refusal[] =>
  factsOf(facts, 'scheduling failed')
    .filter(({ detail }) => isForVolume(detail?.message ?? ''))
    .map(({ stamps, detail }) => ({
      draft: combine('scheduling failed', stamps, facts.clocks),
      message: detail?.message ?? '',
    }))
    .sort((a, b) => ((a.draft.best ?? 0n) < (b.draft.best ?? 0n) ? -1 : 1))

const ASKED = new Set(['Provisioning', 'ExternalProvisioning', 'ProvisioningFailed'])
const MADE = new Set(['ProvisioningSucceeded'])

function waitFor(
  plan: Plan,
  facts: Facts,
  volume: ClaimVolume,
  { start, bound, refused }: Scheduling,
): Wait | undefined {
  const { clocks } = facts
  const { related } = volume
  const claimBound = boundOf(facts, volume)
  const waits = claimBound ? claimBound.live && isAfter(claimBound.draft, start) : isOpen(volume, bound)
  const [selected] = factsBeside(related, 'node selected')
    .map(({ stamps }) => ({ draft: combine('node selected', stamps, clocks), stamps }))
    .filter(({ draft }) => isAfter(draft, start))
  // Of a pod that only a list told of, the start is known to the second; what was asked in it was asked for this pod if for any.
  const from = selected || start.source !== 'creation-second' ? start : nextSecond(start)
  const dated = (found: readonly Fact[]): Draft[] =>
    found.map(({ stamps }) => combine('noted', stamps, clocks)).filter((draft) => isAfter(draft, from))
  const asked = dated(saidBeside(related, ASKED))
  const made = dated(saidBeside(related, MADE))
  const said = asked.length > 0 || made.length > 0 || (!claimBound?.live && refused.length > 0)
  if (!waits && !said) return undefined
  const created = lateClaim(facts, volume, start)
  const begun = isKnown(volume)
    ? begunAt(plan, { start, selected, asked, created, refused })
    : begunUnseen(plan, { start, asked, refused })
  const ended = claimBound?.draft ?? (bound ? unseen() : undefined)
  if (ended && !claimBound?.live) ended.earliest = lastRefusal(refused) ?? ended.earliest
  for (const draft of made) comesBefore(plan, draft, ended)
  return { begun, ended, refusal: refused.at(-1)?.message }
}

const nextSecond = ({ best, ...rest }: Draft): Draft => ({
  ...rest,
  best: best === undefined ? undefined : add(best, SECOND),
})

const isAfter = ({ best }: Draft, start: Draft): boolean =>
  best !== undefined && (start.best === undefined || best > start.best)

/** A claim that is not bound holds a pod that nobody could bind; one that is bound elsewhere does not. */
const isOpen = (volume: ClaimVolume, bound: Draft | undefined): boolean => isKnown(volume) && !bound

/** When the claim was bound. The annotation is what the scheduler looks for; the phase follows it. */
function boundOf(
  { clocks }: Facts,
  { related }: ClaimVolume,
): { readonly draft: Draft; readonly live: boolean } | undefined {
  const told = factsBeside(related, 'claim bound')
  const fact = told.find(({ key }) => key === 'claim bound/annotation') ?? told[0]
  if (!fact) return undefined
  return { draft: combine('claim bound', fact.stamps, clocks), live: isLive(fact) }
}

/** A claim that was made after the pod, such as one of a generic ephemeral volume; where that is not known, it may have been. */
function lateClaim({ clocks }: Facts, { related }: ClaimVolume, start: Draft): Draft | undefined {
  const [fact] = factsBeside(related, 'created')
  const created = fact && combine('created', fact.stamps, clocks)
  if (!created || start.latest === undefined) return undefined
  const after = (isLive(fact) ? created.best : created.earliest) ?? start.latest
  if (after > start.latest) return created
  const isKnown = isLive(fact) && isLive(start)
  const before =
    start.earliest !== undefined && created.latest !== undefined && created.latest <= start.earliest
  return isKnown || before ? undefined : anyTimeAfter(start)
}

interface Begin extends Refusals {
  readonly start: Draft
  readonly selected: { readonly draft: Draft; readonly stamps: Fact['stamps'] } | undefined
  readonly asked: readonly Draft[]
  readonly created: Draft | undefined
}

/**
 * With `WaitForFirstConsumer` the scheduler asks, by naming the node on the claim. Otherwise the pod's wait began with its scheduling,
 * whenever its volume was asked for.
 */
function begunAt(plan: Plan, { start, selected, asked, created, refused }: Begin): Draft {
  const begun = selected ? selectedAt(selected, start) : created
  if (!begun) return start
  comesBefore(plan, start, begun)
  for (const draft of asked) comesBefore(plan, begun, draft)
  // Of a claim that was not there the scheduler says so, whichever of the pod's it is.
  if (!selected) for (const draft of unboundIn(refused)) comesBefore(plan, begun, draft)
  return begun
}

/** Without the claim itself it is not known whether the pod was its first consumer, and asked for it, or found it unbound. */
function begunUnseen(
  plan: Plan,
  { start, asked, refused }: Pick<Begin, 'start' | 'asked'> & Refusals,
): Draft {
  const unbound = unboundIn(refused)
  const begun = unbound.length > 0 ? anyTimeAfter(start) : unseen()
  comesBefore(plan, start, begun)
  for (const draft of [...asked, ...unbound]) comesBefore(plan, begun, draft)
  return begun
}

type Refusals = Pick<Scheduling, 'refused'>

const unboundIn = (refused: readonly Refusal[]): Draft[] =>
  refused.flatMap(({ draft, message }) => (UNBOUND.test(message) ? [draft] : []))

/** Where it was not seen, or may have been for a pod before this one, any time will do that the rest allows. */
function selectedAt({ draft, stamps }: NonNullable<Begin['selected']>, start: Draft): Draft {
  const isOurs =
    isLive(start) || (start.latest !== undefined && isAfter(draft, { ...start, best: start.latest }))
  return isLive({ stamps }) && isOurs ? draft : unseen()
}

/** How far the scheduler's view of claims may be behind what is stored. */
const STALE: DurationNano = SECOND

/** When the scheduler refused for the last time, the claim was unbound or had been bound just before. */
function lastRefusal(refused: readonly Refusal[]): UnixNano | undefined {
  const moment = refused.at(-1)?.draft.earliest
  return moment === undefined ? undefined : add(moment, minus(STALE))
}

function planOne(plan: Plan, facts: Facts, volume: ClaimVolume, wait: Wait): Planned {
  const { begun, ended } = wait
  const whole = { ...describe(volume, wait), start: begun }
  const failed = numberFailures(saidBeside(volume.related, FAILED), 'noted', facts.clocks)
  const tries = failed
    .filter(({ draft }) => isAfter(draft, begun))
    .map(({ fact, draft, number }) => ({
      path: `${whole.path}/failed/${fact.group}/${fact.index + 1}`,
      error: fact.detail?.message ?? 'provisioning failed',
      attempt: number,
      draft,
    }))
  return { ...whole, end: ended, children: planTries(plan, whole, tries, ended) }
}

const FAILED = new Set(['ProvisioningFailed'])

function describe(volume: ClaimVolume, { refusal }: Wait) {
  const { name, claim, record, persistentVolume } = volume
  const actor = provisionerOf(volume)
  const held = saidBeside(volume.related, HELD).at(-1)?.detail?.message
  const why = held ?? (actor === BINDER ? refusal : undefined)
  const attributes: Record<string, OperationAttribute> = {
    'podspan.volume': name,
    'podspan.volume.claim': claim,
    ...(record?.storageClass === undefined ? {} : { 'podspan.volume.storage_class': record.storageClass }),
    ...(persistentVolume === undefined ? {} : { 'podspan.volume.persistent_volume': persistentVolume }),
    ...(why === undefined ? {} : { 'podspan.reason': why }),
  }
  const path = `provision volume/${name}`
  return { name: 'provision volume', path, actor, subject: name, attributes } as const
}

/** Why a claim waits that nobody provisions. */
const HELD = new Set(['FailedBinding', 'VolumeMismatch'])
/** Who binds claims to volumes, and all that is known where nobody else was named. */
const BINDER = 'persistentvolume-controller'

/** As the claim names it, else as it names itself: `DRIVER_IDENTITY`. */
function provisionerOf({ record, related }: ClaimVolume): string {
  const named = record?.annotations?.['volume.kubernetes.io/storage-provisioner']
  if (named !== undefined) return named
  for (const { detail } of saidBeside(related, new Set([...ASKED, ...MADE]))) {
    const by = detail?.component
    if (by !== undefined && by !== BINDER) return by.includes('_') ? by.slice(0, by.indexOf('_')) : by
  }
  return BINDER
}

/** Several claims of which none was seen: the scheduler says that one of them was not bound, not which. */
function someClaim(
  plan: Plan,
  volumes: readonly ClaimVolume[],
  { start, bound, refused }: Scheduling,
): Planned[] {
  if (refused.length === 0) return []
  const ended = bound && { ...unseen(), earliest: lastRefusal(refused) }
  comesBefore(plan, start, ended)
  comesBefore(plan, ended, bound)
  const names = volumes.map(({ name }) => name)
  const attributes = { 'podspan.volume': names.join(', '), 'podspan.reason': refused.at(-1)?.message ?? '' }
  const whole = { name: 'provision volume', path: 'provision volume', actor: BINDER, attributes } as const
  return [{ ...whole, subject: names.join(', '), start, end: ended }]
}
