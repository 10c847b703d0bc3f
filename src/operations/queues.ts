// Owns `wait in queue`: how long a Workload of Kueue waited on behalf of its pods, until there was quota and it was admitted.
// Promises the admission that a pod owes its being to: of a Workload that was evicted and admitted again, the last one before the pod.
// A Job's pods come after it, so it lies before their roots; a pod that waits at Kueue's gate itself has it below that wait.

import type { WorkloadRecord } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import { add, fromSeconds, SECOND } from '../base/time.ts'
import { combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Related } from '../timeline/related.ts'
import { type Facts, type Milestones } from './milestones.ts'
import type { OperationAttribute, OperationEvent } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'

const ACTOR = 'kueue'
/** Of more messages of why there is no quota the last ones. */
const MESSAGES_MAX = 20

/** A Workload and one of the times that it was admitted. */
export interface QueueWait {
  readonly workload: WorkloadRecord
  readonly planned: Planned
}

/** What a Job's pods waited for before they were made; undefined where no Workload is known, or none was admitted before the pod. */
export function planQueueBefore(plan: Plan, facts: Facts, { created }: Milestones): QueueWait | undefined {
  const owners = facts.surroundings.ownersOf(facts.pod)
  for (const { uid } of owners) {
    for (const related of workloadsOf(facts, uid)) {
      const admitted = turnsOf(related, 'Admitted').findLast((turn) => isBefore(turn, created, facts))
      const wait = admitted && waitOf(plan, related, admitted, facts)
      if (!wait) continue
      comesBefore(plan, wait.planned.end, { ...created })
      return wait
    }
  }
  return undefined
}

/** What a pod at Kueue's own gate waits for, as a part of that wait. */
export function planQueueAtGate(plan: Plan, facts: Facts, ungated: Draft | undefined): Planned[] {
  const [related] = workloadsOf(facts, facts.pod.uid)
  if (!related) return []
  const admitted = turnsOf(related, 'Admitted').findLast(
    (turn) => ungated === undefined || isBefore(turn, ungated, facts),
  )
  const wait = waitOf(plan, related, admitted, facts)
  if (!wait || (ungated && !admitted)) return []
  comesBefore(plan, wait.planned.end, ungated)
  return [wait.planned]
}

/** The youngest first: an elastic Job has one for each of its sizes. */
const workloadsOf = ({ surroundings }: Facts, uid: string): readonly Related[] =>
  surroundings
    .linked(`owner/${uid}`)
    .filter(({ record }) => record?.resource === 'workloads')
    .reverse()

const recordOf = ({ record }: Related): WorkloadRecord | undefined =>
  record?.resource === 'workloads' ? record : undefined

/** A condition that turned, by the second that it carries. */
const turnsOf = (related: Related, type: string, value = 'True'): readonly Fact[] =>
  [...related.facts.values()]
    .filter(({ what, detail }) => what === 'condition' && detail?.type === type && detail.value === value)
    .sort((a, b) => a.index - b.index)

function isBefore({ stamps }: Fact, later: Draft, { clocks }: Facts): boolean {
  const { earliest, best } = combine('condition', stamps, clocks)
  const from = earliest ?? best
  return from !== undefined && later.best !== undefined && from <= later.best
}

function waitOf(
  plan: Plan,
  related: Related,
  admission: Fact | undefined,
  facts: Facts,
): QueueWait | undefined {
  const workload = recordOf(related)
  if (!workload) return undefined
  const { clocks } = facts
  const until = admission?.index ?? Number.POSITIVE_INFINITY
  const requeued = requeuedBefore(related, until)
  const queued = requeued
    ? combine('condition', requeued.stamps, clocks)
    : createdAt(related, workload, facts)
  const since = requeued?.index ?? 0
  const reservation = turnsOf(related, 'QuotaReserved').findLast(
    ({ index }) => index <= until && index >= since,
  )
  const reserved = reservation && combine('condition', reservation.stamps, clocks)
  const admitted = admission && combine('condition', admission.stamps, clocks)
  comesBefore(plan, queued, reserved)
  comesBefore(plan, reserved ?? queued, admitted)
  const planned: Planned = {
    ...{ name: 'wait in queue', path: pathOf(admission), actor: ACTOR, subject: workload.queue },
    ...{ start: queued, end: admitted, attributes: attributesOf(workload) },
    events: eventsOf(related, requeued, queued, admitted, facts),
    children: stepsOf(queued, reserved, admitted, admission),
  }
  return { workload, planned }
}

/** Anyone can make a span's id of it: from the Workload's UID, and the second in which it was admitted. */
const pathOf = (admission: Fact | undefined): string =>
  admission ? `wait in queue/${admission.index}` : 'wait in queue'

/** The last time that it lost its quota before it was admitted; a list of today shows that as `Requeued` only. */
function requeuedBefore(related: Related, until: number): Fact | undefined {
  const [first] = turnsOf(related, 'QuotaReserved')
  const lost = turnsOf(related, 'QuotaReserved', 'False').filter(({ index }) => first && index > first.index)
  return [...turnsOf(related, 'Requeued'), ...lost]
    .filter(({ index }) => index < until)
    .sort((a, b) => a.index - b.index)
    .at(-1)
}

function createdAt(related: Related, { createdSeconds }: WorkloadRecord, { clocks }: Facts): Draft {
  const fact = related.facts.get('created#0')
  if (fact) return combine('created', fact.stamps, clocks)
  if (createdSeconds === undefined) return unseen()
  const earliest = fromSeconds(createdSeconds)
  return { ...unseen(), earliest, best: earliest, latest: add(earliest, SECOND) }
}

function attributesOf({ name, queue, clusterQueue }: WorkloadRecord): Record<string, OperationAttribute> {
  return {
    'podspan.queue.workload': name,
    ...(queue === undefined ? {} : { 'podspan.queue.name': queue }),
    ...(clusterQueue === undefined ? {} : { 'podspan.queue.cluster_queue': clusterQueue }),
  }
}

/** Why it went on waiting, in Kueue's words, and why it had to wait again. */
function eventsOf(
  related: Related,
  requeued: Fact | undefined,
  queued: Draft,
  admitted: Draft | undefined,
  { clocks }: Facts,
): OperationEvent[] {
  const pending = [...related.facts.values()]
    .filter(({ what, detail }) => what === 'noted' && detail?.reason === 'Pending')
    .map((fact) => ({ fact, at: combine('noted', fact.stamps, clocks).best }))
  const told: OperationEvent[] = []
  if (requeued && queued.best !== undefined)
    told.push({ at: queued.best, name: 'Requeued', attributes: reasonIn(requeued) })
  for (const { fact, at } of pending) {
    if (at === undefined || (queued.best !== undefined && at < queued.best)) continue
    if (admitted?.best !== undefined && at > admitted.best) continue
    told.push({ at, name: 'Pending', attributes: { ...reasonIn(fact), 'podspan.count': fact.index + 1 } })
  }
  return told.sort((a, b) => (a.at < b.at ? -1 : 1)).slice(-MESSAGES_MAX)
}

const reasonIn = ({ detail }: Fact) => ({ 'podspan.reason': detail?.message ?? detail?.reason ?? '' })

/** Quota first, then the checks that an administrator may ask for; without any, both come in one write. */
function stepsOf(
  queued: Draft,
  reserved: Draft | undefined,
  admitted: Draft | undefined,
  admission: Fact | undefined,
): Planned[] {
  if (!reserved || (admitted && sameWrite(reserved, admitted))) return []
  const path = pathOf(admission)
  const quota = { name: 'wait for quota', path: `${path}/wait for quota` } as const
  const checks = { name: 'admission checks', path: `${path}/admission checks` } as const
  return [
    { ...quota, actor: ACTOR, start: queued, end: reserved },
    { ...checks, actor: ACTOR, start: reserved, end: admitted },
  ]
}

/** By the version that shows both; where there are no versions, by when it was shown. */
const sameWrite = (a: Draft, b: Draft): boolean => {
  const versions = new Set(b.stamps.map(versionShown))
  return a.stamps.some((stamp) => versions.has(versionShown(stamp)))
}

const versionShown = ({ at, evidence }: Stamp): string => evidence.resourceVersion || at.toString()
