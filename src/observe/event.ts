// Owns what an Event says about a pod: one observation per occurrence that can be told apart.
// Promises that the first occurrence is dated by the event's name, and a repeat (a patch of the same object) by its receipt and
// `lastTimestamp` only. Containers come from fieldPath, never from messages. Does not decide which occurrence belongs to which run.

import type { ObjectFrame } from '../base/frame.ts'
import type { EventRecord } from '../base/record.ts'
import type { ClockName } from '../base/stamp.ts'
import { eventNameTime } from './event-name.ts'
import {
  containerInFieldPath,
  imageInMessage,
  isAlreadyPresent,
  isPullError,
  isPullFailure,
  parsePulled,
} from './messages.ts'
import { type Detail, MESSAGE_MAX, type Observation, type What } from './observation.ts'
import { fineStamp, type ReadStamp, receiptStamp, secondStamp } from './stamps.ts'

/** The occurrences of this event that the frame shows: the first, and where it was repeated, the last. */
export function observeEvent(frame: ObjectFrame, event: EventRecord): Observation[] {
  const kind = classify(event)
  if (!kind || frame.kind === 'deleted') return []
  return occurrences(frame, event, kind)
}

/** The same of an event that is kept as it was said: by its reason, message and component. */
export function observeNoted(frame: ObjectFrame, event: EventRecord): Observation[] {
  return occurrences(frame, event, { what: 'noted', detail: saidBy(event) })
}

function occurrences(frame: ObjectFrame, event: EventRecord, kind: Classified): Observation[] {
  const container = containerInFieldPath(event.involved.fieldPath)
  const count = Math.max(event.count ?? 1, event.seriesCount ?? 1)
  const { name } = event
  const occurrence = (index: number, stamps: readonly ReadStamp[]): Observation => ({
    key: name,
    what: kind.what,
    container,
    index,
    group: name,
    detail: kind.detail,
    stamps,
  })
  const first = occurrence(0, firstStamps(frame, event, count))
  return count <= 1 ? [first] : [first, occurrence(count - 1, repeatStamps(frame, event))]
}

/** EKS Auto Mode runs Karpenter under a name of its own. */
export const isKarpenter = (component: string | undefined): boolean =>
  component === 'karpenter' || component === 'eks-auto-mode/compute'

/** Whose clock the reporter used. The kubelet's `source.host` is its node's name. */
export function clockOf(event: EventRecord): ClockName {
  const { component } = event
  if (component === 'kubelet') return `node/${event.host ?? 'unknown'}`
  // These run where the control plane need not.
  if (isKarpenter(component)) return 'controller/karpenter'
  if (component === 'cluster-autoscaler') return 'controller/cluster-autoscaler'
  if (component?.includes('kueue')) return 'controller/kueue'
  // An external provisioner calls itself DRIVER_IDENTITY, and runs where it likes.
  const provisioner = event.involved.kind === 'PersistentVolumeClaim' ? component?.indexOf('_') : undefined
  if (component && provisioner !== undefined && provisioner > 0)
    return `controller/${component.slice(0, provisioner)}`
  if (event.eventTime !== undefined) return 'scheduler'
  return 'controller'
}

function firstStamps(frame: ObjectFrame, event: EventRecord, count: number): ReadStamp[] {
  const clock = clockOf(event)
  const stamps: ReadStamp[] = []
  const named = eventNameTime(event)
  const live = count <= 1 ? frame : { ...frame, phase: 'relist' as const }
  if (named !== undefined) {
    stamps.push(fineStamp(live, 'event-name', clock, named, 'metadata.name'))
  } else if (event.eventTime !== undefined) {
    stamps.push(fineStamp(live, 'event-time', clock, event.eventTime, 'eventTime'))
  } else {
    stamps.push(...secondStamp(frame, 'event-second', clock, 'firstTimestamp', event.firstSeconds))
  }
  // A fine stamp carries its receipt; beside it the receipt says nothing more.
  if (count <= 1 && stamps[0]?.receivedAt === undefined) {
    stamps.push(receiptStamp(frame, 'event-receipt', 'metadata.uid'))
  }
  return stamps
}

function repeatStamps(frame: ObjectFrame, event: EventRecord): ReadStamp[] {
  const clock = clockOf(event)
  const stamps =
    event.seriesLast !== undefined
      ? [fineStamp(frame, 'event-time', clock, event.seriesLast, 'series.lastObservedTime')]
      : secondStamp(frame, 'event-second', clock, 'lastTimestamp', event.lastSeconds)
  return [...stamps, receiptStamp(frame, 'event-receipt', 'count')]
}

interface Classified {
  readonly what: What
  readonly detail: Detail
}

function classify(event: EventRecord): Classified | undefined {
  const message = event.message ?? ''
  const what = whatHappened(event, message)
  if (!what) return undefined
  const image = what === 'pulling' || what === 'pull failed' ? imageInMessage(message) : undefined
  if (SAID_BY_REASON.has(what)) return { what, detail: detailOf(event.reason, image) }
  const pulled = what === 'pulled' ? parsePulled(message) : undefined
  const detail = saidBy(event)
  if (image !== undefined) detail.image = image
  return { what, detail: pulled ? { ...detail, ...pulled } : detail }
}

function saidBy({ reason, message = '', component }: EventRecord): {
  -readonly [Name in keyof Detail]: Detail[Name]
} {
  const detail: ReturnType<typeof saidBy> = { reason }
  if (message) detail.message = message.slice(0, MESSAGE_MAX)
  if (component !== undefined) detail.component = component
  return detail
}

/** One object for all that say the same: by reason, then by image. */
const details = new Map<string, Map<string, Detail>>()
const IMAGES_MAX = 4096

function detailOf(reason: string, image = ''): Detail {
  let byImage = details.get(reason)
  if (!byImage) details.set(reason, (byImage = new Map()))
  let detail = byImage.get(image)
  if (detail) return detail
  detail = image === '' ? { reason } : { reason, image }
  if (byImage.size >= IMAGES_MAX) byImage.clear()
  byImage.set(image, detail)
  return detail
}

/** What these say is in the reason, and the image, already: thousands of them are held for pods in flight. */
const SAID_BY_REASON: ReadonlySet<What> = new Set([
  'bound',
  'pulling',
  'image present',
  'created container',
  'started container',
])

const BY_REASON: ReadonlyMap<string, What> = new Map<string, What>(
  Object.entries({
    Scheduled: 'bound',
    Pulling: 'pulling',
    Created: 'created container',
    Started: 'started container',
    FailedCreatePodSandBox: 'sandbox failed',
    SandboxChanged: 'sandbox changed',
    NetworkNotReady: 'sandbox failed',
    FailedPostStartHook: 'hook failed',
    Unhealthy: 'unhealthy',
    FailedScheduling: 'scheduling failed',
    FailedMount: 'noted',
    FailedAttachVolume: 'noted',
    SuccessfulAttachVolume: 'noted',
    SuccessfulMountVolume: 'noted',
    FailedMapVolume: 'noted',
    FailedPrepareDynamicResources: 'noted',
    FailedCreatePodContainer: 'noted',
    FailedKillPod: 'noted',
    FailedSync: 'noted',
    InspectFailed: 'container failed',
    ErrImageNeverPull: 'pull failed',
    Killing: 'noted',
    Preempted: 'noted',
    Preempting: 'noted',
    Evicted: 'noted',
    TaintManagerEviction: 'noted',
    Nominated: 'noted',
    TriggeredScaleUp: 'noted',
    NotTriggerScaleUp: 'noted',
    FailedScaleUp: 'noted',
    VolumePermissionChangeInProgress: 'noted',
    BindingConditionsPending: 'noted',
  } satisfies Record<string, What>),
)

function whatHappened(event: EventRecord, message: string): What | undefined {
  const { reason } = event
  if (reason === 'Pulled') return isAlreadyPresent(message) ? 'image present' : 'pulled'
  if (reason === 'BackOff') return 'backing off'
  if (reason === 'Failed') {
    if (isPullFailure(message) || isPullError(message)) return 'pull failed'
    if (message === 'Error: ImagePullBackOff') return undefined
    return 'container failed'
  }
  // The kubelet says both of these for a pod's containers only; with another reporter they mean something else.
  if ((reason === 'Created' || reason === 'Started') && event.involved.fieldPath === undefined)
    return undefined
  return BY_REASON.get(reason)
}
