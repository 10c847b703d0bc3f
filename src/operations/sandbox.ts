// Owns what lies between binding and the first container: admission, volumes, cgroup, sandbox and network.
// Promises one span where no evidence draws a line between preparing and the sandbox; below it its parts where something does: a native
// span of the call for a sandbox, or attempts that failed.
// Volumes have operations of their own (volumes.ts), which stand below it too; their trouble is told here as events.

import { add, seconds } from '../base/time.ts'
import { combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import { type Failure, numberFailures } from './failures.ts'
import { callsNamed, type RuntimeCall } from './native-evidence.ts'
import { refined } from './native-runs.ts'
import { nodeTroubles } from './node-trouble.ts'
import type { OperationAttribute, OperationEvent } from './operation.ts'
import { type Facts, factsOf, type Milestones } from './milestones.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'
import { changesAfter } from './sandbox-changes.ts'
import { planPreparation, refusalOf, shortOf } from './devices.ts'
import { planAttachments } from './volume-attach.ts'
import { planMounts, type Preparation } from './volume-mount.ts'

/** Failed attempts shown one by one; the rest are counted. */
const ATTEMPTS_MAX = 20

/** Returns the boundary at which the sandbox was there, if it ever was. `firstImage` is the first sign of a container. */
export function planSandbox(
  plan: Plan,
  facts: Facts,
  milestones: Milestones,
  firstImage: Draft | undefined,
  anyContainer: Draft | undefined,
): Draft | undefined {
  const { bound, admitted, created, preset } = milestones
  const start = preset ? created : bound
  if (!start) return undefined
  const ready = sandboxReady(facts, milestones, firstImage, anyContainer)
  comesBefore(plan, start, ready)
  // The kubelet's startTime is the start of its first sync, which comes before the sandbox.
  comesBefore(plan, admitted, ready)
  const begun = ready && beginOfCall(facts, createdBy(facts, firstImage))
  comesBefore(plan, start, begun)
  comesBefore(plan, admitted, begun)
  comesBefore(plan, begun, ready)
  const volumes = planVolumes(plan, facts, { start, ready, begun })
  const devices = planPreparation(plan, facts, start, begun ?? ready)
  const refused = refusalOf(facts)
  plan.planned.push({
    name: 'prepare pod and create sandbox',
    path: 'prepare pod and create sandbox',
    actor: 'kubelet',
    start,
    end: ready,
    error: refused,
    attributes: refused === undefined ? NOTHING : refusedAttributes(refused, facts),
    events: [...troubles(facts), ...nodeTroubles(facts, start, ready)].sort((a, b) => (a.at < b.at ? -1 : 1)),
    children: withVolumes(planAttempts(plan, facts, start, begun, ready), [...volumes, ...devices], facts),
  })
  return ready
}

const NOTHING = {}

/** The kubelet ended it before anything was prepared. */
function refusedAttributes(error: string, { pod }: Facts): Record<string, OperationAttribute> {
  const short = shortOf([error, pod.reason ?? ''])
  return short.length > 0 ? { 'podspan.devices.insufficient': short } : NOTHING
}

function planVolumes(plan: Plan, facts: Facts, around: Omit<Preparation, 'attached'>): Planned[] {
  const { planned, reported } = planAttachments(plan, facts, around.start)
  return [...planned, ...planMounts(plan, facts, { ...around, attached: reported })]
}

/** Volumes are there before the runtime is asked for a sandbox: where that drew a line, they are part of what lies before it. */
function withVolumes(attempts: readonly Planned[], volumes: readonly Planned[], facts: Facts): Planned[] {
  const [first, ...rest] = attempts
  const asked = factsOf(facts, 'sandbox failed').every(({ detail }) => detail?.reason !== 'NetworkNotReady')
  if (volumes.length === 0 || first?.name !== 'prepare pod' || !asked) return [...volumes, ...attempts]
  return [{ ...first, children: volumes }, ...rest]
}

function sandboxReady(
  facts: Facts,
  milestones: Milestones,
  firstImage: Draft | undefined,
  anyContainer: Draft | undefined,
): Draft | undefined {
  const { networkReady } = milestones
  const sign = firstImage?.stamps.find(({ source }) => source === 'event-name')
  const created = createdBy(facts, firstImage)?.end
  const stamps = [...(networkReady?.stamps ?? []), ...(sign ? [sign] : []), ...(created ? [created] : [])]
  if (stamps.length > 0) return combine('network ready', stamps, facts.clocks)
  return anyContainer ? unseen() : undefined
}

/** What the kubelet complained of while it prepared the pod. */
function troubles(facts: Facts): OperationEvent[] {
  return factsOf(facts, 'noted')
    .filter(({ detail }) => PREPARING.has(detail?.reason ?? ''))
    .map((fact) => ({
      at: combine('noted', fact.stamps, facts.clocks).best ?? facts.clocks.around,
      name: fact.detail?.reason ?? 'event',
      attributes: { 'podspan.reason': fact.detail?.message ?? '', 'podspan.count': fact.index + 1 },
    }))
}

const PREPARING = new Set([
  'FailedMount',
  'FailedAttachVolume',
  'FailedPrepareDynamicResources',
  'FailedCreatePodContainer',
  'FailedSync',
  'VolumePermissionChangeInProgress',
])

/** What holds the pod back while it is being prepared, in the kubelet's words. */
export const lastTrouble = (facts: Facts): Fact | undefined =>
  [
    ...factsOf(facts, 'sandbox failed'),
    ...factsOf(facts, 'noted').filter(({ detail }) => PREPARING.has(detail?.reason ?? '')),
  ]
    .filter(({ detail }) => detail?.message !== undefined)
    .at(-1)

/** The kubelet's own calls for a sandbox, where their spans have come. */
const callsOf = ({ native }: Facts, outcome: 'failed' | 'succeeded'): readonly RuntimeCall[] =>
  native ? callsNamed(native.evidence, 'RunPodSandbox', outcome) : []

/** A sandbox that was made when containers had begun is one in place of the first, whose span was not kept, or not sent. */
function createdBy(facts: Facts, firstImage: Draft | undefined): RuntimeCall | undefined {
  const [first] = callsOf(facts, 'succeeded')
  const sign = firstImage?.stamps.find(({ source }) => source === 'event-name')
  return first && sign && first.end.at > sign.at ? undefined : first
}

const beginOfCall = ({ clocks }: Facts, call: RuntimeCall | undefined): Draft | undefined =>
  call && combine('sandbox began', [call.start], clocks)

/** An event of a failure is recorded when its call has returned; its repeats come as late as the kubelet sends them. */
const RECORDED_WITHIN = seconds(1)

/** The failure's end is then that of its call; returns where the call began. */
function refineFailure(facts: Facts, { draft }: Failure): Draft | undefined {
  const told = draft.stamps.find(({ source }) => source === 'event-name')?.at
  const call = callsOf(facts, 'failed').findLast(
    ({ end }) => told !== undefined && end.at <= told && told <= add(end.at, RECORDED_WITHIN),
  )
  if (call) refined(draft, 'sandbox failed', call.end, facts.clocks)
  return beginOfCall(facts, call)
}

/** Those before a sandbox that was there was lost. */
function failuresOfFirst(facts: Facts, ready: Draft | undefined): Failure[] {
  const failures = numberFailures(factsOf(facts, 'sandbox failed'), 'sandbox failed', facts.clocks)
  const lost = failures.length === 0 ? undefined : changesAfter(facts, ready)[0]?.draft.best
  return lost === undefined
    ? failures
    : failures.filter(({ draft: { best } }) => best !== undefined && best < lost)
}

/** By events alone a failed attempt is known by its end only: its begin lies anywhere after the one before it. */
function planAttempts(
  plan: Plan,
  facts: Facts,
  start: Draft,
  sandboxBegun: Draft | undefined,
  ready: Draft | undefined,
): Planned[] {
  const failures = failuresOfFirst(facts, ready)
  if (failures.length === 0) return sandboxBegun ? planParts(start, sandboxBegun, ready) : []
  const children: Planned[] = []
  let from = start
  let seen = 0
  for (const failure of failures.slice(0, ATTEMPTS_MAX)) {
    const failureBegun = refineFailure(facts, failure) ?? unseen()
    comesBefore(plan, from, failure.draft)
    const waitedFrom = failure.number > seen + 1 ? after(plan, from) : from
    children.push(...failedAttempt(plan, failure, waitedFrom, failureBegun))
    from = failure.draft
    seen = failure.number
  }
  comesBefore(plan, from, ready)
  const begun = sandboxBegun ?? unseen()
  comesBefore(plan, from, begun)
  comesBefore(plan, begun, ready)
  const number = (failures.at(-1)?.number ?? 0) + 1
  children.push(
    {
      name: 'back-off',
      path: `back-off/sandbox/${number}`,
      actor: 'kubelet',
      start: from,
      end: ready ? begun : undefined,
    },
    ...(ready ? [{ ...attempt(number), start: begun, end: ready }] : []),
  )
  return children
}

/** Attempts in between were not seen: the one before the next failed some time after the last that was. */
function after(plan: Plan, from: Draft): Draft {
  const failed = unseen()
  comesBefore(plan, from, failed)
  return failed
}

const attempt = (number: number) =>
  ({
    name: 'create sandbox',
    path: `create sandbox/${number}`,
    actor: 'container runtime',
    attempt: number,
  }) as const

/** What one span names both where nothing draws a line between them. */
const planParts = (start: Draft, begun: Draft, ready: Draft | undefined): Planned[] => [
  { name: 'prepare pod', path: 'prepare pod', actor: 'kubelet', start, end: begun },
  {
    name: 'create sandbox',
    path: 'create sandbox/1',
    actor: 'container runtime',
    start: begun,
    end: ready,
  },
]

function failedAttempt(
  plan: Plan,
  { fact, draft: failed, number }: Failure,
  from: Draft,
  begun: Draft,
): Planned[] {
  comesBefore(plan, from, begun)
  comesBefore(plan, begun, failed)
  const wait: Planned =
    number === 1
      ? { name: 'prepare pod', path: 'prepare pod', actor: 'kubelet', start: from, end: begun }
      : { name: 'back-off', path: `back-off/sandbox/${number}`, actor: 'kubelet', start: from, end: begun }
  const error = fact.detail?.message ?? fact.detail?.reason ?? 'sandbox failed'
  // The kubelet refuses by itself while the node has no network; the runtime is not asked.
  const actor = fact.detail?.reason === 'NetworkNotReady' ? 'kubelet' : 'container runtime'
  return [wait, { ...attempt(number), actor, start: begun, end: failed, error }]
}
