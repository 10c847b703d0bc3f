// Owns how far a workload's rollout is, as its object says; sessions and rollouts ask the same question.
// Promises the judgement of `kubectl rollout status` for Deployments, DaemonSets and StatefulSets, and one in its sense for other kinds.
// Does not read the cluster, and does not say what held a rollout: holds.ts does.

import { type Fields, fieldsAt, isFields, numberAt, textAt, conditionOf } from './fields.ts'

/** One reading of the target. Absent (`undefined` in `SessionBook.rollout`) where the target does not exist. */
export interface RolloutState {
  /** Every pod of the current revision that is wanted is there and available, and the controller has seen the latest spec. */
  readonly complete: boolean
  /** Set where the target's own controller has given up, such as `ProgressDeadlineExceeded`. */
  readonly failed?: string
  /** In words: `12 of 20 updated pods are available`. Also what the reader may say where the target could not be read. */
  readonly progress: string
}

/** An object as JSON has it; only what is looked at, and nothing of it is trusted. */
interface Target {
  readonly kind: string
  readonly generation: number
  readonly spec: Fields
  readonly status: Fields
}

const done = (progress: string): RolloutState => ({ complete: true, progress })
const going = (progress: string): RolloutState => ({ complete: false, progress })
const failed = (why: string): RolloutState => ({ complete: false, failed: why, progress: why })

/** Reads any object that may be a target, as the API server has it in JSON. */
export function readRollout(object: unknown): RolloutState {
  if (!isFields(object)) return going('the target could not be read')
  const metadata = fieldsAt(object, 'metadata')
  const target = {
    kind: textAt(object, 'kind'),
    generation: numberAt(metadata, 'generation'),
    spec: fieldsAt(object, 'spec'),
    status: fieldsAt(object, 'status'),
  }
  if (isUnseen(target)) return going('its controller has not seen the latest change yet')
  const group = textAt(object, 'apiVersion').split('/')[0] ?? ''
  return (READERS[`${group}/${target.kind}`] ?? readOther)(target)
}

/** Argo writes it as a text. */
function isUnseen({ generation, status }: Target): boolean {
  const observed = status['observedGeneration']
  return observed !== undefined && Number(observed) < generation
}

const READERS: Readonly<Record<string, (target: Target) => RolloutState>> = {
  'apps/Deployment': readDeployment,
  'apps/DaemonSet': readDaemonSet,
  'apps/StatefulSet': readStatefulSet,
  'apps/ReplicaSet': ({ spec, status }) =>
    compare('pods are available', numberAt(status, 'availableReplicas'), numberAt(spec, 'replicas', 1)),
  'batch/Job': readJob,
  'v1/Pod': readPod,
}

const compare = (what: string, have: number, want: number): RolloutState =>
  have < want ? going(`${have} of ${want} ${what}`) : done(`${have} of ${want} ${what}`)

function readDeployment({ spec, status, generation }: Target): RolloutState {
  if (generation > 0 && status['observedGeneration'] === undefined)
    return going('its controller has not seen it yet')
  const progressing = conditionOf(status, 'Progressing')
  if (textAt(progressing, 'reason') === 'ProgressDeadlineExceeded')
    return failed('ProgressDeadlineExceeded: the Deployment made no progress within its deadline')
  const wanted = numberAt(spec, 'replicas', 1)
  const updated = numberAt(status, 'updatedReplicas')
  const old = numberAt(status, 'replicas') - updated
  if (updated < wanted) return going(`${updated} of ${wanted} pods are of the new revision`)
  if (old > 0) return going(`${old} pods of the old revision are still there`)
  return compare('updated pods are available', numberAt(status, 'availableReplicas'), updated)
}

function readDaemonSet({ status, generation }: Target): RolloutState {
  if (generation > 0 && status['observedGeneration'] === undefined)
    return going('its controller has not seen it yet')
  const wanted = numberAt(status, 'desiredNumberScheduled')
  const updated = numberAt(status, 'updatedNumberScheduled')
  if (updated < wanted) return going(`${updated} of ${wanted} pods are of the new revision`)
  return compare('updated pods are available', numberAt(status, 'numberAvailable'), wanted)
}

function readStatefulSet({ spec, status, generation }: Target): RolloutState {
  if (generation > 0 && status['observedGeneration'] === undefined)
    return going('its controller has not seen it yet')
  const wanted = numberAt(spec, 'replicas', 1)
  const ready = numberAt(status, 'readyReplicas')
  if (ready < wanted) return going(`${ready} of ${wanted} pods are ready`)
  const strategy = fieldsAt(spec, 'updateStrategy')
  if (textAt(strategy, 'type') === 'OnDelete') return done(`${ready} of ${wanted} pods are ready`)
  const updated = numberAt(status, 'updatedReplicas')
  const partition = numberAt(fieldsAt(strategy, 'rollingUpdate'), 'partition')
  if (partition > 0)
    return compare('pods beyond the partition are of the new revision', updated, wanted - partition)
  return textAt(status, 'updateRevision') === textAt(status, 'currentRevision')
    ? done(`${ready} of ${wanted} pods are ready`)
    : going(`${updated} of ${wanted} pods are of the new revision`)
}

/** A Job is rolled out once as many pods as may run at a time have started: are ready, or have succeeded. */
function readJob({ spec, status }: Target): RolloutState {
  const end = conditionOf(status, 'Failed')
  if (textAt(end, 'status') === 'True')
    return failed(`the Job failed: ${textAt(end, 'reason') || 'no reason given'}`)
  if (textAt(conditionOf(status, 'Complete'), 'status') === 'True') return done('the Job is complete')
  const parallel = numberAt(spec, 'parallelism', 1)
  const wanted = Math.min(parallel, numberAt(spec, 'completions', parallel))
  return compare('pods have started', numberAt(status, 'ready') + numberAt(status, 'succeeded'), wanted)
}

function readPod({ status }: Target): RolloutState {
  const phase = textAt(status, 'phase')
  if (phase === 'Failed') return failed(`the pod failed: ${textAt(status, 'reason') || 'no reason given'}`)
  if (phase === 'Succeeded') return done('the pod has succeeded')
  return textAt(conditionOf(status, 'Ready'), 'status') === 'True'
    ? done('the pod is ready')
    : going('the pod is not ready')
}

/** Words in which custom controllers say in `status.phase` that they are done or have given up (Argo's and others'). */
const HEALTHY: readonly string[] = ['Healthy', 'Ready', 'Running', 'Available']
const BROKEN: readonly string[] = ['Degraded', 'Failed', 'Error']

function readOther({ spec, status }: Target): RolloutState {
  const phase = textAt(status, 'phase')
  if (BROKEN.includes(phase))
    return failed(`its phase is ${phase}: ${textAt(status, 'message') || 'no reason given'}`)
  if (HEALTHY.includes(phase)) return replicasOf(spec, status) ?? done(`its phase is ${phase}`)
  if (phase !== '') return going(`its phase is ${phase}`)
  const condition = [conditionOf(status, 'Available'), conditionOf(status, 'Ready')].find(
    (one) => 'status' in one,
  )
  if (condition && textAt(condition, 'status') !== 'True')
    return going(
      `${textAt(condition, 'type')} is ${textAt(condition, 'status')}: ${textAt(condition, 'reason')}`,
    )
  return (
    replicasOf(spec, status) ??
    (condition
      ? done(`${textAt(condition, 'type')} is True`)
      : going('its status does not say how far it is'))
  )
}

/** By the fields that the scale subresource made customary. */
function replicasOf(spec: Fields, status: Fields): RolloutState | undefined {
  const wanted = spec['replicas']
  const counts = [status['updatedReplicas'], status['availableReplicas'] ?? status['readyReplicas']]
  const known = counts.filter((one) => typeof one === 'number')
  if (typeof wanted !== 'number' || known.length === 0) return undefined
  return compare('pods are updated and available', Math.min(...known), wanted)
}
