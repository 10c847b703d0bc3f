// Owns `attach volume`: from the VolumeAttachment's creation until it says that the volume is attached, with each failed try.
// Promises one only for a volume whose attachment to this pod's node was still to come when the pod was bound, and for a volume that
// another node holds the wait for it, linked to the pod that uses it there. Does not see what the driver does: its controller does.

import { durationNano, SECOND } from '../base/time.ts'
import { combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Related } from '../timeline/related.ts'
import type { AttachmentRecord } from '../base/record.ts'
import { anyTimeAfter, type FailedTry, numberFailures, planTries } from './failures.ts'
import type { Facts } from './milestones.ts'
import type { OperationAttribute } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'
import {
  type ClaimVolume,
  claimVolumes,
  factsBeside,
  isLive,
  saidOfPod,
  volumeInMessage,
  volumeNameOf,
} from './volumes.ts'

export interface Attachments {
  readonly planned: readonly Planned[]
  /** When each volume was there for the kubelet; undefined for one that is not yet. */
  readonly reported: readonly (Draft | undefined)[]
}

const CONTROLLER = 'attachdetach-controller'

/** What is known of one volume's way to this node. */
interface Told {
  readonly persistentVolume: string
  readonly name: string
  readonly claim: string | undefined
  readonly related: Related | undefined
  readonly record: AttachmentRecord | undefined
  /** `SuccessfulAttachVolume` of the pod. */
  readonly succeeded: Fact | undefined
  readonly failed: readonly Fact[]
}

/** The part of the preparation that was spent on attaching; `start` is where the pod was bound. */
export function planAttachments(plan: Plan, facts: Facts, start: Draft): Attachments {
  const told = tellAll(facts, start).filter((one) => isOwn(facts, one, start))
  const planned: Planned[] = []
  const reported: (Draft | undefined)[] = []
  for (const one of told) {
    const { whole, attached } = planOne(plan, facts, one, start)
    planned.push(whole)
    reported.push(attached && reportedAt(plan, facts, one, attached))
  }
  return { planned, reported }
}

function tellAll(facts: Facts, start: Draft): Told[] {
  const volumes = claimVolumes(facts)
  const succeeded = saidOfPod(facts, 'SuccessfulAttachVolume')
  const failed = saidOfPod(facts, 'FailedAttachVolume')
  const names = new Set(volumes.map(({ persistentVolume }) => persistentVolume))
  for (const { detail } of [...failed, ...succeeded]) names.add(volumeInMessage(detail?.message))
  if (names.size === 0) return []
  const about = (name: string) => (fact: Fact) => volumeInMessage(fact.detail?.message) === name
  return [...names]
    .filter((name) => name !== undefined)
    .map((name) => ({
      persistentVolume: name,
      ...ownerOf(facts, name, volumes),
      ...attachmentOf(facts, name, start),
      succeeded: succeeded.find(about(name)),
      failed: failed.filter(about(name)),
    }))
}

function ownerOf(facts: Facts, persistentVolume: string, volumes: readonly ClaimVolume[]) {
  const name = volumeNameOf(facts, persistentVolume, volumes)
  return { name, claim: volumes.find((one) => one.name === name)?.claim }
}

function attachmentOf({ pod, surroundings, clocks }: Facts, volume: string, start: Draft) {
  for (const related of surroundings.linked(`volume/${volume}`).toReversed()) {
    const { record } = related
    if (record?.resource !== 'volumeattachments' || record.node !== pod.nodeName) continue
    // One that is gone was this pod's only if it was made for it.
    if (!related.gone || isAfter(attachedAt(related, clocks)?.draft, start)) return { related, record }
  }
  return { related: undefined, record: undefined }
}

const isAfter = (draft: Draft | undefined, start: Draft): boolean =>
  draft?.best !== undefined && start.best !== undefined && draft.best > start.best

/** One that was attached to the node before the pod was bound there is not of this start. */
function isOwn({ clocks }: Facts, { related, record, succeeded, failed }: Told, start: Draft): boolean {
  if (succeeded || failed.length > 0) return true
  if (!related || !record || start.best === undefined) return false
  if (!record.attached) return true
  const attached = attachedAt(related, clocks)
  if (attached?.live) return isAfter(attached.draft, start)
  // Only a list told of it: not of an earlier pod if it was made no earlier than this one was bound.
  const { createdSeconds } = record
  return createdSeconds !== undefined && BigInt(createdSeconds) * SECOND >= start.best - SECOND
}

function attachedAt(related: Related | undefined, clocks: Facts['clocks']) {
  const [fact] = factsBeside(related, 'attached')
  if (!fact) return undefined
  return { fact, draft: combine('attached', fact.stamps, clocks), live: isLive(fact) }
}

interface One {
  readonly whole: Planned
  readonly attached: Draft | undefined
}

function planOne(plan: Plan, facts: Facts, told: Told, start: Draft): One {
  const held = told.failed.find(isHeld)
  // Where no attachment was seen, it was made soon after the binding, or once the volume was free.
  const created = held && !told.related ? unseen() : createdAt(facts, told, start)
  const attached = attachedDraft(facts, told)
  const waited = held !== undefined || wasHeld(facts, told, start, created)
  comesBefore(plan, start, created)
  const whole = { ...describe(facts, told), start: waited ? start : created }
  const children = [
    ...(held ? [planHeld(plan, facts, held, { ...whole, end: isStarted(told) ? created : undefined })] : []),
    ...planTries(plan, { ...whole, start: created }, triesOf(facts, told, whole.path), attached),
  ]
  comesBefore(plan, created, attached)
  return { whole: { ...whole, end: attached, children }, attached }
}

/** Whether something was done beyond finding that another node holds the volume. */
const isStarted = ({ related, succeeded, failed }: Told): boolean =>
  related !== undefined || succeeded !== undefined || failed.some((fact) => !isHeld(fact))

/** The attachment may have been made for another pod of this node, before this one was bound: then its wait began with the binding. */
function createdAt({ clocks }: Facts, { related }: Told, start: Draft): Draft {
  const [fact] = factsBeside(related, 'created')
  const created = fact && combine('created', fact.stamps, clocks)
  if (!created || start.best === undefined || created.best === undefined) return anyTimeAfter(start)
  if (created.best > start.best) return created
  return isLive(fact) ? start : anyTimeAfter(start)
}

/** The controller looks ten times a second: an attachment that it made later than this had to wait, whatever for. */
const AT_ONCE = durationNano(SECOND * 2n)

/** Another node's attachment that went away after this pod was bound, and before this node's was made, stood in its way. */
function wasHeld(facts: Facts, told: Told, start: Draft, created: Draft): boolean {
  if (start.best !== undefined && created.best !== undefined && created.best - start.best > AT_ONCE)
    return true
  return elsewhere(facts, told).some((related) => {
    const [fact] = factsBeside(related, 'deleted')
    const gone = fact && combine('deleted', fact.stamps, facts.clocks)
    return gone && isAfter(gone, start) && (told.related === undefined || isAfter(created, gone))
  })
}

/** Attachments of the volume to other nodes. */
const elsewhere = ({ pod, surroundings }: Facts, { persistentVolume }: Told): Related[] =>
  surroundings
    .linked(`volume/${persistentVolume}`)
    .filter(({ record }) => record?.resource === 'volumeattachments' && record.node !== pod.nodeName)

/** By the attachment itself; the event tells when the controller had noticed. */
function attachedDraft({ clocks }: Facts, { related, succeeded }: Told): Draft | undefined {
  const stamps = [...(attachedAt(related, clocks)?.fact.stamps ?? []), ...(succeeded?.stamps ?? [])]
  return stamps.length > 0 ? combine('attached', stamps, clocks) : undefined
}

/** The kubelet goes on once the controller says so. */
function reportedAt(plan: Plan, { clocks }: Facts, { succeeded }: Told, attached: Draft): Draft {
  const reported = succeeded ? combine('noted', succeeded.stamps, clocks) : anyTimeAfter(attached)
  comesBefore(plan, attached, reported)
  return reported
}

/** As the controller tells of them, and as the attachment shows those that nobody told. */
function triesOf({ clocks }: Facts, { related, failed }: Told, path: string): FailedTry[] {
  const said = failed.filter((fact) => !isHeld(fact))
  const own = factsBeside(related, 'attach failed').filter((fact) => !said.some((one) => repeats(one, fact)))
  return [own, said]
    .flatMap((facts) => numberFailures(facts, 'attach failed', clocks))
    .sort((a, b) => ((a.draft.best ?? 0n) < (b.draft.best ?? 0n) ? -1 : 1))
    .map(({ fact, draft }, index) => ({
      path: `${path}/failed/${fact.group === '' ? fact.index : `${fact.group}/${fact.index + 1}`}`,
      error: fact.detail?.message ?? 'the volume could not be attached',
      attempt: index + 1,
      draft,
    }))
}

/** The controller puts words of its own before those of the attachment. */
const repeats = (told: Fact, own: Fact): boolean =>
  told.detail?.message?.includes(own.detail?.message ?? '\0') ?? false

const MULTI_ATTACH = /^Multi-Attach error for volume /
const isHeld = ({ detail }: Fact): boolean => MULTI_ATTACH.test(detail?.message ?? '')

const USED_BY = /already used by pod\(s\) (.+?)(?: and \d+ pod\(s\) in different namespaces)?\s*$/

/** Refused until the volume is free: the controller says so once, and looks again ten times a second. */
function planHeld(plan: Plan, facts: Facts, held: Fact, whole: Planned): Planned {
  const { pod, surroundings } = facts
  const message = held.detail?.message ?? ''
  const users = (USED_BY.exec(message)?.[1] ?? '').split(', ').filter((name) => name !== '')
  const uids = users.map((name) => surroundings.claimant(pod.namespace, name))
  const waitedFor = uids.flatMap((uid) =>
    uid === undefined || uid === pod.uid ? [] : [{ uid, why: 'used the volume' }],
  )
  const refused = combine('noted', held.stamps, facts.clocks)
  comesBefore(plan, whole.start, refused)
  comesBefore(plan, refused, whole.end)
  const attributes: Record<string, OperationAttribute> = {
    ...whole.attributes,
    ...(users.length > 0 ? { 'podspan.volume.used_by': users } : {}),
  }
  return {
    ...whole,
    actor: CONTROLLER,
    path: `${whole.path}/held`,
    error: message.trim(),
    attributes,
    waitedFor,
  }
}

function describe(facts: Facts, told: Told) {
  const { name, claim, persistentVolume, record } = told
  const nodes = new Set(
    elsewhere(facts, told).flatMap(({ record: other }) =>
      other?.resource === 'volumeattachments' ? [other.node] : [],
    ),
  )
  const attributes: Record<string, OperationAttribute> = {
    'podspan.volume': name,
    ...(claim === undefined ? {} : { 'podspan.volume.claim': claim }),
    'podspan.volume.persistent_volume': persistentVolume,
    ...(nodes.size > 0 ? { 'podspan.volume.attached_to': [...nodes] } : {}),
  }
  const actor = record?.attacher || CONTROLLER
  return { name: 'attach volume', path: `attach volume/${name}`, actor, subject: name, attributes } as const
}
