// Owns what one version of a workload says of its rollouts: what is wanted, within which limits, whether somebody halted it, how far it is.
// Promises the API server's own arithmetic for percentages, and that what the object does not say is absent.
// Does not compare versions: history.ts does.

import type { CustomRecord } from '../base/record.ts'
import { parseRfc3339, type UnixNano } from '../base/time.ts'
import { conditionOf, type Fields, fieldsAt, listAt, numberAt, textAt } from './fields.ts'
import { readRollout } from './state.ts'
import { imagesIn, type SealedTemplate, sealTemplate } from './template.ts'

export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'] as const
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number]

export const isWorkloadKind = (kind: string): kind is WorkloadKind =>
  (WORKLOAD_KINDS as readonly string[]).includes(kind)

/** What keeps a workload's controller from doing everything at once. */
export interface Limits {
  /** `RollingUpdate`, `Recreate`, `OnDelete`; absent for a Job. */
  readonly strategy?: string
  readonly maxSurge?: number
  readonly maxUnavailable?: number
  /** One pod after the other, by ordinal. */
  readonly ordered?: boolean
  readonly parallelism?: number
  readonly minReadySeconds?: number
  readonly progressDeadlineSeconds?: number
}

export interface WorkloadVersion {
  readonly kind: WorkloadKind
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly resourceVersion: string
  readonly generation: number
  /** Pods that it asks for: `replicas`, what a DaemonSet's controller counted, a Job's `completions`. */
  readonly wanted: number | undefined
  readonly limits: Limits
  readonly halted: 'paused' | 'suspended' | undefined
  readonly complete: boolean
  readonly failed: string | undefined
  readonly progress: string
  /** A Deployment's revision number, the name of a StatefulSet's update revision. */
  readonly revision: string | undefined
  readonly template: SealedTemplate
  /** By container. */
  readonly images: ReadonlyMap<string, string>
  /** Of its pods. */
  readonly labels: Readonly<Record<string, string>>
  /** `kubernetes.io/change-cause`; recordings do not hold it. */
  readonly changeCause: string | undefined
  /** Who last wrote the spec, and when by the API server's clock. */
  readonly writer: { readonly name: string; readonly at: UnixNano | undefined } | undefined
  /** When its controller says that it was done. */
  readonly completedAt: UnixNano | undefined
  /** When it says that it gave up. */
  readonly failedAt: UnixNano | undefined
}

/**
 * Undefined for an object without a spec: metadata only, or no workload. Most versions differ from the one before in their status alone: of
 * the same generation the template is the same.
 */
export function readWorkload(
  { object, ...meta }: CustomRecord,
  kind: WorkloadKind,
  before?: WorkloadVersion,
): WorkloadVersion | undefined {
  if (!('spec' in object)) return undefined
  const spec = fieldsAt(object, 'spec')
  const status = fieldsAt(object, 'status')
  const metadata = fieldsAt(object, 'metadata')
  const annotations = fieldsAt(metadata, 'annotations')
  const state = readRollout({ ...object, kind, apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1' })
  const wanted = wantedOf(kind, spec, status)
  const generation = numberAt(metadata, 'generation')
  return {
    kind,
    uid: meta.uid,
    name: meta.name,
    namespace: meta.namespace,
    resourceVersion: meta.resourceVersion,
    generation,
    wanted,
    limits: limitsOf(kind, spec, wanted ?? 0),
    halted: spec['paused'] === true ? 'paused' : spec['suspend'] === true ? 'suspended' : undefined,
    complete: kind === 'Job' ? isTrue(conditionOf(status, 'Complete')) : state.complete,
    failed: state.failed,
    progress: state.progress,
    revision:
      textAt(annotations, 'deployment.kubernetes.io/revision') ||
      textAt(status, 'updateRevision') ||
      undefined,
    ...(before && generation > 0 && before.generation === generation
      ? { template: before.template, images: before.images, labels: before.labels }
      : templateOf(fieldsAt(spec, 'template'))),
    changeCause: changeCauseOf(annotations),
    writer: writerOf(metadata),
    completedAt: completedAtOf(kind, status),
    failedAt: failedAtOf(kind, status),
  }
}

const templateOf = (template: Fields): Pick<WorkloadVersion, 'template' | 'images' | 'labels'> => ({
  template: sealTemplate(template),
  images: imagesIn(template),
  labels: labelsOf(fieldsAt(fieldsAt(template, 'metadata'), 'labels')),
})

const labelsOf = (labels: Fields): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )

const isTrue = (condition: Fields): boolean => textAt(condition, 'status') === 'True'

function wantedOf(kind: WorkloadKind, spec: Fields, status: Fields): number | undefined {
  if (kind === 'DaemonSet') return numberOf(status, 'desiredNumberScheduled')
  if (kind === 'Job') return numberOf(spec, 'completions')
  return numberAt(spec, 'replicas', 1)
}

const numberOf = (value: Fields, key: string): number | undefined => {
  const found = value[key]
  return typeof found === 'number' ? found : undefined
}

function limitsOf(kind: WorkloadKind, spec: Fields, wanted: number): Limits {
  const strategy = fieldsAt(spec, kind === 'Deployment' ? 'strategy' : 'updateStrategy')
  const rolling = fieldsAt(strategy, 'rollingUpdate')
  const type = textAt(strategy, 'type')
  const deadline = numberAt(spec, 'progressDeadlineSeconds', NO_DEADLINE)
  const minReady = numberAt(spec, 'minReadySeconds')
  return {
    ...(type === '' ? {} : { strategy: type }),
    ...(type === 'RollingUpdate' ? budgetOf(kind, rolling, wanted) : {}),
    ...(kind === 'StatefulSet' ? { ordered: textAt(spec, 'podManagementPolicy') !== 'Parallel' } : {}),
    ...(kind === 'Job' ? { parallelism: numberAt(spec, 'parallelism', 1) } : {}),
    ...(minReady > 0 ? { minReadySeconds: minReady } : {}),
    ...(deadline === NO_DEADLINE ? {} : { progressDeadlineSeconds: deadline }),
  }
}

/** What the API server puts where there is to be none. */
const NO_DEADLINE = 2 ** 31 - 1

/**
 * Kubernetes' own rounding: a Deployment's surge up and its unavailable pods down, of which at least one of both is 1
 * (deployment/util ResolveFenceposts); a DaemonSet's both up; a StatefulSet's unavailable pods down, but at least 1.
 */
function budgetOf(
  kind: WorkloadKind,
  rolling: Fields,
  wanted: number,
): Pick<Limits, 'maxSurge' | 'maxUnavailable'> {
  const { ceil, floor } = Math
  if (kind === 'StatefulSet')
    return { maxUnavailable: Math.max(1, scaled(rolling['maxUnavailable'], wanted, floor) ?? 1) }
  const maxSurge = scaled(rolling['maxSurge'], wanted, ceil) ?? 0
  const down = kind === 'Deployment' ? floor : ceil
  const maxUnavailable = scaled(rolling['maxUnavailable'], wanted, down) ?? 0
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable }
}

function scaled(value: unknown, of: number, round: (value: number) => number): number | undefined {
  if (typeof value === 'number') return value
  const [, percent] = typeof value === 'string' ? (/^(\d+)%$/.exec(value) ?? []) : []
  return percent === undefined ? undefined : round((Number(percent) * of) / 100)
}

/** Redacted in recordings. */
function changeCauseOf(annotations: Fields): string | undefined {
  const cause = textAt(annotations, 'kubernetes.io/change-cause')
  return cause === '' || cause === 'redacted' ? undefined : cause
}

/** Of all writers but the controllers that only keep the object's books, the latest. */
function writerOf(metadata: Fields): WorkloadVersion['writer'] {
  let latest: WorkloadVersion['writer']
  for (const entry of listAt(metadata, 'managedFields')) {
    if (textAt(entry, 'subresource') !== '' || textAt(entry, 'manager') === 'kube-controller-manager')
      continue
    const at = parseRfc3339(entry['time'])
    if (latest?.at === undefined || (at !== undefined && at >= latest.at))
      latest = { name: textAt(entry, 'manager'), at }
  }
  return latest
}

/** A Deployment's condition changes its time whenever its reason does; a Job's has none but its own. */
function completedAtOf(kind: WorkloadKind, status: Fields): UnixNano | undefined {
  if (kind === 'Job') return parseRfc3339(conditionOf(status, 'Complete')['lastTransitionTime'])
  const progressing = conditionOf(status, 'Progressing')
  if (textAt(progressing, 'reason') !== 'NewReplicaSetAvailable') return undefined
  return parseRfc3339(progressing['lastUpdateTime'])
}

/** The same conditions say it, with another status. */
const failedAtOf = (kind: WorkloadKind, status: Fields): UnixNano | undefined =>
  parseRfc3339(conditionOf(status, kind === 'Job' ? 'Failed' : 'Progressing')['lastTransitionTime'])
