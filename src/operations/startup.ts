// Owns the whole of one start: from a pod's timeline to its tree of operations.
// Promises the same tree for the same facts. Pure: it is computed from a snapshot, whenever somebody asks.
// Ids, verdict and critical path are the next room's (trace/).

import type { ContainerSpec } from '../base/record.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import type { ClockModel } from '../timeline/clocks.ts'
import type { Clocks, Draft } from '../timeline/combine.ts'
import type { Instant } from '../timeline/instant.ts'
import type { LagModel } from '../timeline/lag.ts'
import type { Surroundings } from '../timeline/related.ts'
import type { RevisionModel } from '../timeline/revisions.ts'
import type { NodeTimeline } from '../timeline/node-timeline.ts'
import { finishDraft } from '../timeline/order.ts'
import type { PodTimeline } from '../timeline/pod-timeline.ts'
import type { ContainerHistory } from './container-history.ts'
import { tellHistory } from './tell-history.ts'
import type { ContainerContext } from './container-context.ts'
import { planContainer, type Role } from './containers.ts'
import {
  firstOfImages,
  type ImageVolumes,
  ownPulls,
  planImageVolumes,
  tellImageVolumes,
} from './image-volumes.ts'
import {
  type Ending,
  type Facts,
  findEnd,
  factsOf,
  findMilestones,
  type Milestones,
  sortFacts,
} from './milestones.ts'
import type { NativeOfPod } from './native-evidence.ts'
import { refineHistories } from './native-runs.ts'
import { placeListedReady } from './listed-ready.ts'
import { findMissing } from './missing.ts'
import { isOnNewNode } from './node-awaited.ts'
import { nodeTroubles } from './node-trouble.ts'
import { allStarted, endsByItself, isProbed, isVague, planEnd } from './last-container.ts'
import { nest, type Operation, operation } from './operation.ts'
import { comesBefore, emptyPlan, finishPlan, isObserved, type Plan, type Planned } from './plan.ts'
import { firstSign } from './pulls.ts'
import { planQueueBefore } from './queues.ts'
import { planReadiness } from './readiness.ts'
import { planRefused } from './refused.ts'
import { planSandbox } from './sandbox.ts'
import { planSandboxChanges } from './sandbox-changes.ts'
import { addShownFailures } from './shown-failures.ts'
import { planScheduling } from './scheduling.ts'
import { explainedRatio, findUnaccounted } from './unaccounted.ts'

export interface Snapshot {
  readonly timeline: PodTimeline
  readonly node: NodeTimeline | undefined
  readonly clocks: ClockModel
  readonly lag: LagModel
  readonly revisions: RevisionModel
  readonly surroundings: Surroundings
  readonly native?: NativeOfPod | undefined
}

export interface Startup {
  readonly ending: Ending
  readonly root: Operation
  readonly facts: Facts
  readonly histories: readonly ContainerHistory[]
  /** What its pod owes its being to, before it was there; each of a trace of its own. */
  readonly before: readonly Before[]
  readonly explainedRatio: number
  /** Whether the pod's node could not be used yet when the pod was created; undefined where that is not known. */
  readonly isOnNewNode: boolean | undefined
  /** Only a list shows Ready, which has turned since the first time: the end is the earliest that there is reason for. */
  readonly isReadyAgain: boolean
  /** What of the evidence is missing, in words; empty where it is complete. */
  readonly missing: readonly string[]
}

/** An operation of nobody's start. */
export interface Before {
  readonly operation: Operation
  /** Whose it is: a Workload, where several pods wait for one thing, else the pod. */
  readonly uid: string
  readonly isShared: boolean
}

/** Tells the start as far as it is known. `now` is the moment by our clock at which it is told. */
export function tellStartup(
  snapshot: Snapshot,
  ending: Ending,
  now: UnixNano,
  startTimeout: DurationNano,
): Startup | undefined {
  const { timeline } = snapshot
  const { clocks: model, lag, revisions } = snapshot
  const clocks: Clocks = { clocks: model, lag, revisions, around: timeline.firstSeen }
  const facts = sortFacts(timeline, clocks, snapshot.surroundings, snapshot.native)
  const milestones = findMilestones(facts)
  const plan = emptyPlan()
  const { histories, isAgain } = planAll(plan, facts, milestones, snapshot)
  const endDraft = findEnd(facts, milestones, ending, now, startTimeout)
  comesBefore(plan, milestones.created, endDraft)
  if (endsByItself(facts, ending))
    planEnd(plan, histories, milestones, endDraft, ending === 'failed' ? 'Failed' : 'Succeeded')
  const operations = finishPlanned(plan, milestones, endDraft)
  if (!operations) return undefined
  const { bounds, children } = operations
  const gaps = findUnaccounted(bounds, children).map((gap) => ({
    ...gap,
    events: nodeTroubles(facts, gap.start, gap.end),
  }))
  const root = operation({
    name: 'pod startup',
    path: 'pod startup',
    actor: 'podspan',
    subject: `${timeline.pod.namespace}/${timeline.pod.name}`,
    start: bounds.start,
    end: bounds.end,
    children: [...children, ...gaps].sort(byStart),
  })
  return {
    ending,
    root,
    facts,
    histories,
    before: tellBefore(facts, milestones, bounds.start),
    explainedRatio: explainedRatio(bounds, children),
    isOnNewNode: isOnNewNode(facts, milestones),
    isReadyAgain: isAgain,
    missing: findMissing({
      timeline,
      facts,
      histories,
      isReady: ending === 'ready',
      isAgain,
      end: bounds.end.latest,
    }),
  }
}

/** In a plan of its own: what is known of the start must not depend on it. */
function tellBefore(facts: Facts, milestones: Milestones, start: Instant): Before[] {
  const told: Before[] = []
  const add = (uid: string, isShared: boolean, plan: Plan, planned: Planned): void => {
    const [operation] = finishPlan({ ...plan, planned: [planned] }, start)
    const children = operation?.children.map((one) => nest(one, operation)).filter((one) => one !== undefined)
    if (operation && children) told.push({ uid, isShared, operation: { ...operation, children } })
  }
  const plan = emptyPlan()
  const queued = planQueueBefore(plan, facts, milestones)
  if (queued) add(queued.workload.uid, true, plan, queued.planned)
  const refusals = emptyPlan()
  const refused = planRefused(refusals, facts, milestones)
  if (refused) add(facts.pod.uid, false, refusals, refused)
  return told
}

interface PlannedAll {
  readonly histories: ContainerHistory[]
  /** The Ready that is known of is a later one. */
  readonly isAgain: boolean
}

function planAll(plan: Plan, facts: Facts, milestones: Milestones, snapshot: Snapshot): PlannedAll {
  const { pod } = facts
  const images = tellImageVolumes(facts)
  const inits = tellAll(pod.initContainers ?? [], facts, images)
  const apps = tellAll(pod.containers, facts, images)
  const serial = [...inits, ...apps]
  if (facts.native) {
    const pulls = images.flatMap((one) => one.pulls)
    refineHistories(serial, pulls, facts.native.evidence, facts.clocks)
  }
  const isAgain = placeListedReady(milestones, serial)
  planScheduling(plan, facts, milestones, snapshot.node)
  const signs = [firstOfImages(images), ...serial.map(firstSign)].filter(isObserved)
  const [fine] = images.length > 0 ? signs : [serial[0] && firstSign(serial[0])]
  const sandbox = planSandbox(plan, facts, milestones, fine && ifFine(fine), signs[0])
  const context: ContainerContext = {
    uid: snapshot.timeline.uid,
    clocks: facts.clocks,
    sandboxChanges: planSandboxChanges(plan, facts, serial, sandbox),
    node: snapshot.node,
    restartPolicy: pod.restartPolicy,
    isEndedWhole: pod.phase === 'Failed' && Boolean(pod.reason),
    readyOnNode: milestones.readyOnNode,
    isListed: milestones.isListed,
    readyReceipt: milestones.readyReceipt?.at,
  }
  let prev = planImageVolumes(plan, context, images, serial, sandbox)
  serial.forEach((history, index) => {
    const role = index >= inits.length ? 'app' : roleOf(history.spec)
    prev =
      planContainer(plan, context, history, role, prev, serial[index + 1]) ??
      (index < inits.length ? undefined : sandbox)
  })
  const started = allStarted(plan, serial, milestones)
  planReadiness(plan, facts, milestones, {
    started,
    isVague: started !== undefined && isVague(started, serial),
    isProbed: isProbed(serial),
  })
  return { histories: serial, isAgain }
}

const tellAll = (
  specs: readonly ContainerSpec[],
  facts: Facts,
  images: readonly ImageVolumes[],
): ContainerHistory[] => {
  const isOver = hasFailedByItself(facts)
  return specs.map((spec) => {
    const own = ownPulls(facts.byContainer.get(spec.name) ?? [], images)
    // A sidecar is stopped when the others are through.
    const history = tellHistory(spec, own, facts.clocks, isOver && spec.restartPolicy !== 'Always')
    addShownFailures(history, images, facts.clocks)
    return history
  })
}

/** Nobody deleted or evicted it, its time was not over, and it restarts nothing. */
const hasFailedByItself = (facts: Facts): boolean =>
  facts.pod.restartPolicy === 'Never' &&
  facts.pod.phase === 'Failed' &&
  !facts.pod.reason &&
  factsOf(facts, 'deleting').length === 0

const roleOf = (spec: ContainerSpec): Role => (spec.restartPolicy === 'Always' ? 'sidecar' : 'init')

/** Where it is dated finely enough to say something of the sandbox. */
const ifFine = (sign: Draft): Draft | undefined =>
  sign.stamps.some(({ source }) => source === 'event-name') ? sign : undefined

interface Finished {
  readonly bounds: { readonly start: Instant; readonly end: Instant }
  readonly children: Operation[]
}

function finishPlanned(plan: Plan, milestones: Milestones, endDraft: Draft): Finished | undefined {
  // The root's own end takes part in the order, so it is finished with the rest.
  const [probe] = finishPlan(
    {
      planned: [{ name: 'pod startup', path: '', actor: '', start: milestones.created, end: endDraft }],
      edges: plan.edges,
    },
    ZERO_INSTANT,
  )
  if (!probe) return undefined
  const bounds = { start: probe.start, end: probe.end }
  boundWithin(plan.planned, milestones.created.earliest, bounds.end.latest)
  const operations = finishPlan({ planned: plan.planned, edges: [] }, bounds.end)
  const children = operations.map((one) => nest(one, bounds)).filter((one) => one !== undefined)
  return { bounds, children }
}

/** Nothing of a start came before its pod, nor after its end: what is known only not to be later, or not to be earlier, lies between. */
function boundWithin(planned: readonly Planned[], earliest: UnixNano | undefined, latest: UnixNano): void {
  for (const { children, end, start } of planned) {
    for (const draft of [start, end]) {
      if (!draft) continue
      if ((draft.best ?? draft.latest) !== undefined) draft.earliest ??= earliest
      if (draft.best !== undefined && draft.best <= latest) draft.latest ??= latest
    }
    if (children) boundWithin(children, earliest, latest)
  }
}

const ZERO_INSTANT = finishDraft({
  earliest: 0n as UnixNano,
  latest: 0n as UnixNano,
  likely: undefined,
  best: 0n as UnixNano,
  rank: 0,
  source: 'order',
  stamps: [],
  conflict: false,
  clamped: false,
  shifted: 0n as DurationNano,
}) as Instant

const byStart = (a: Operation, b: Operation): number =>
  a.start.best !== b.start.best
    ? a.start.best < b.start.best
      ? -1
      : 1
    : a.end.best < b.end.best
      ? -1
      : a.end.best > b.end.best
        ? 1
        : 0
