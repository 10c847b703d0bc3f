// Owns waiting for devices: claims that are made, allocated and reserved while the scheduler waits (`wait for claim`, `allocate devices`),
// and devices that are made ready (`prepare devices`), as far as that failed or was waited for.
// Promises no span for a claim of which nothing is known. A device plugin has no signals of its own: refusals name its resource.

import { add, SECOND } from '../base/time.ts'
import { combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Related } from '../timeline/related.ts'
import { anyTimeAfter, numberFailures, planTries } from './failures.ts'
import { type Facts, factsOf, type Milestones } from './milestones.ts'
import type { OperationAttribute, OperationEvent } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'

/** One claim of the pod, and its ResourceClaim as far as it is known. */
interface PodDevices {
  /** What the pod calls it; claims for extended resources have no name there. */
  readonly name: string
  /** Undefined while nobody has made one from its template. */
  readonly claim: string | undefined
  readonly related: Related | undefined
}

const EXTENDED = 'extended resources'

function devicesOf({ pod, surroundings }: Facts): PodDevices[] {
  const { namespace, uid, deviceClaims = [], madeClaims = [] } = pod
  const named = deviceClaims.map(({ name, claim }): PodDevices => {
    const made = claim ?? madeClaims.find((one) => one.name === name)?.claim
    const related = made === undefined ? undefined : surroundings.related('resourceclaims', namespace, made)
    return { name, claim: made, related }
  })
  const others = surroundings
    .linked(`pod/${uid}`)
    .filter(
      (one) => one.record?.resource === 'resourceclaims' && !named.some(({ related }) => related === one),
    )
    .map((related): PodDevices => ({ name: EXTENDED, claim: related.record?.name, related }))
  return [...named, ...others.slice(0, 1)]
}

/** The part of `schedule` that was spent on claims. `start` is where scheduling began. */
export function planDevices(
  plan: Plan,
  facts: Facts,
  { bound }: Milestones,
  start: Draft,
  actor: string,
): Planned[] {
  const devices = devicesOf(facts)
  if (devices.length === 0) return planBinding(plan, facts, devices, bound)
  const scheduling = { start, bound, actor, ...refusals(facts) }
  const known = devices.filter(({ related }) => related?.record !== undefined)
  const unknown = known.length > 0 && bound ? [] : devices.filter((one) => !known.includes(one))
  return [
    ...known.flatMap((one) => planClaim(plan, facts, one, scheduling)),
    ...planUnknown(plan, facts, unknown, scheduling),
    ...planBinding(plan, facts, devices, bound),
  ]
}

interface Scheduling {
  readonly start: Draft
  readonly bound: Draft | undefined
  readonly actor: string
  /** The scheduler's refusals for want of devices. */
  readonly refused: readonly Fact[]
  /** It refused, and always for want of something else. */
  readonly isElsewhere: boolean
}

/** pkg/scheduler/framework/plugins/dynamicresources. */
const NO_DEVICES = /cannot allocate all claims|resource ?claim/i

function refusals(facts: Facts): Pick<Scheduling, 'refused' | 'isElsewhere'> {
  const all = factsOf(facts, 'scheduling failed')
  const refused = all.filter(({ detail }) => NO_DEVICES.test(detail?.message ?? ''))
  return { refused, isElsewhere: all.length > 0 && refused.length === 0 }
}

function planClaim(
  plan: Plan,
  facts: Facts,
  devices: PodDevices,
  { start, bound, actor, isElsewhere }: Scheduling,
): Planned[] {
  const created = createdAfter(devices, start, facts)
  const begun = created?.draft ?? start
  const reserved = reservedAt(devices, facts) ?? (bound ? unseen() : undefined)
  comesBefore(plan, start, begun)
  comesBefore(plan, begun, reserved)
  comesBefore(plan, reserved, bound)
  const { name } = devices
  const common = { subject: devices.claim ?? name, attributes: attributesOf(devices) }
  const wait: Planned = {
    ...{ name: 'wait for claim', path: `wait for claim/${name}`, actor: makerOf(devices) },
    ...common,
    ...{ start, end: begun },
  }
  const allocation: Planned = {
    ...{ name: 'allocate devices', path: `allocate devices/${name}`, actor, ...common },
    ...{ start: begun, end: reserved, events: allocations(devices, facts) },
  }
  return [...(created?.isLive ? [wait] : []), ...(isElsewhere ? [] : [allocation])]
}

const factOf = ({ related }: PodDevices, matches: (fact: Fact) => boolean): Fact | undefined =>
  related && [...related.facts.values()].find(matches)

const isLive = ({ stamps }: Fact): boolean => stamps.some(({ source }) => source === 'watch-receipt')

/** Where the claim was made after scheduling began; a list tells only the second, which draws no line. */
function createdAfter(
  devices: PodDevices,
  start: Draft,
  { clocks }: Facts,
): { readonly draft: Draft; readonly isLive: boolean } | undefined {
  const fact = factOf(devices, ({ what }) => what === 'created')
  const draft = fact && combine('created', fact.stamps, clocks)
  if (!fact || draft?.best === undefined || start.best === undefined) return undefined
  if (isLive(fact)) return draft.best > start.best ? { draft, isLive: true } : undefined
  return add(draft.best, SECOND) > start.best ? { draft: anyTimeAfter(start), isLive: false } : undefined
}

function reservedAt(devices: PodDevices, { pod, clocks }: Facts): Draft | undefined {
  const fact = factOf(devices, ({ what, detail }) => what === 'reserved' && detail?.value === pod.uid)
  return fact && combine('reserved', fact.stamps, clocks)
}

function allocations(devices: PodDevices, { clocks }: Facts): OperationEvent[] {
  const fact = factOf(devices, ({ what }) => what === 'allocated')
  const at = fact && combine('allocated', fact.stamps, clocks).best
  return at === undefined ? [] : [{ at, name: 'allocated', attributes: {} }]
}

const recordOf = ({ related }: PodDevices) =>
  related?.record?.resource === 'resourceclaims' ? related.record : undefined

/** A claim that the pod owns was made from a template. */
function makerOf(devices: PodDevices): string {
  const isOwned = recordOf(devices)?.owners?.some(({ kind }) => kind === 'Pod') ?? false
  return isOwned ? 'resource-claim-controller' : "the claim's creator"
}

function attributesOf(devices: PodDevices): Record<string, OperationAttribute> {
  const { claim } = devices
  const drivers = recordOf(devices)?.drivers
  return {
    ...(claim === undefined ? {} : { 'podspan.devices.claim': claim }),
    ...(drivers ? { 'podspan.devices.drivers': drivers } : {}),
  }
}

/** Claims that nobody showed us: they may not be read, or have not been made, of which the scheduler says nothing. */
function planUnknown(
  plan: Plan,
  facts: Facts,
  devices: readonly PodDevices[],
  { start, bound, actor, refused, isElsewhere }: Scheduling,
): Planned[] {
  if (devices.length === 0 || isElsewhere || (refused.length === 0 && bound)) return []
  const end = bound && unseen()
  const names = devices.map(({ name, claim }) => claim ?? name).join(', ')
  for (const { stamps } of refused.slice(-1))
    comesBefore(plan, combine('scheduling failed', stamps, facts.clocks), end)
  comesBefore(plan, start, end)
  comesBefore(plan, end, bound)
  return [
    {
      ...{ name: 'allocate devices', path: 'allocate devices', actor, subject: names },
      ...{ start, end, attributes: { 'podspan.devices.claim': names } },
    },
  ]
}

/** The scheduler holds the binding until drivers say on the claim that the devices are there (from 1.34). */
function planBinding(
  plan: Plan,
  facts: Facts,
  devices: readonly PodDevices[],
  bound: Draft | undefined,
): Planned[] {
  const pending = saidOf(facts, 'BindingConditionsPending')[0]
  if (!pending) return []
  const begun = combine('noted', pending.stamps, facts.clocks)
  const drivers = [...new Set(devices.flatMap((one) => recordOf(one)?.drivers ?? []))]
  comesBefore(plan, begun, bound)
  return [
    {
      ...{ name: 'prepare devices', path: 'prepare devices/binding' },
      ...{ actor: drivers.join(', ') || 'device driver', start: begun, end: bound },
      attributes: { 'podspan.reason': pending.detail?.message ?? '' },
    },
  ]
}

const saidOf = (facts: Facts, reason: string): readonly Fact[] =>
  factsOf(facts, 'noted').filter(({ detail }) => detail?.reason === reason)

/** The part of the kubelet's preparation that was spent on devices: known only where it failed, since nothing tells of its success. */
export function planPreparation(plan: Plan, facts: Facts, start: Draft, ready: Draft | undefined): Planned[] {
  const failures = numberFailures(saidOf(facts, 'FailedPrepareDynamicResources'), 'noted', facts.clocks)
  if (failures.length === 0) return []
  const end = ready && unseen()
  const devices = devicesOf(facts)
  const names = devices.map(({ name, claim }) => claim ?? name).join(', ')
  const whole: Omit<Planned, 'end'> = {
    ...{ name: 'prepare devices', path: 'prepare devices', actor: 'kubelet', start },
    ...(names === '' ? {} : { subject: names }),
    attributes: { 'podspan.reason': failures.at(-1)?.fact.detail?.message ?? '' },
  }
  const tries = failures.map(({ fact, draft, number }) => ({
    ...{ path: `prepare devices/${number}`, attempt: number, draft },
    error: fact.detail?.message ?? 'preparing devices failed',
  }))
  const children = planTries(plan, whole, tries, end)
  comesBefore(plan, end, ready)
  return [{ ...whole, end, children }]
}

/** What was too little, in the words of the scheduler (`Insufficient nvidia.com/gpu`) and of the kubelet. */
const SHORT = [
  /Insufficient ([a-z0-9][\w./-]*\w)/gi,
  /unavailable for ([a-z0-9][\w./-]*\w)/gi,
  /^OutOf([a-z0-9][\w./-]*\w)/gi,
] as const

export function shortOf(said: readonly string[]): readonly string[] {
  const found = said.flatMap((text) =>
    SHORT.flatMap((pattern) => [...text.matchAll(pattern)].map(([, resource = '']) => resource)),
  )
  return [...new Set(found)]
}

/** What the kubelet said of a pod that it would not take: by itself, without a container. */
export function refusalOf({ pod }: Facts): string | undefined {
  const { phase, message = '', containerStatuses = [] } = pod
  const isRefused =
    phase === 'Failed' && containerStatuses.length === 0 && message.startsWith('Pod was rejected')
  return isRefused ? message : undefined
}
