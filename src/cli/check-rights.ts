// Owns the question which streams may be read: what the API server serves, and what it allows us.
// Promises the API server's own answers (SelfSubjectAccessReviews), with what each absence costs. Writes nothing.

import type { Resource } from '../decode/resources.ts'
import type { AccessQuestion } from '../kube/api.ts'
import { type Target, valueOf } from './connect.ts'
import type { Feature } from './options.ts'

export interface Right {
  readonly resource: string
  /** Whether this cluster has such objects at all. */
  readonly served: boolean
  readonly allowed: boolean
  readonly missing: readonly string[]
  readonly cost: string
  /** Owners name workloads, and what starts wait for besides is not on every cluster: no time of a plain start rests on them. */
  readonly optional: boolean
}

/** The streams behind a feature that is not called as its records are. */
const FEATURE_SOURCES: Partial<Record<Feature, readonly string[]>> = {
  volumes: ['persistentvolumeclaims', 'volumeattachments'],
  nodeClaims: ['nodeclaims'],
  workloads: ['workloads'],
  deviceClaims: ['resourceclaims'],
  rollouts: ['controllerrevisions'],
}

const OPTIONAL: ReadonlySet<Resource['record']> = new Set(['owners', 'related', 'custom'])

export async function readRights(
  { api, connection }: Target,
  { namespace, without = [] }: { readonly namespace?: string; readonly without?: readonly Feature[] },
  signal: AbortSignal,
): Promise<Right[]> {
  const { planStreams } = await import('../kube/sources.ts')
  const { findServed } = await import('../kube/discovery.ts')
  const isWanted = ({ record, source }: Resource): boolean =>
    !without.some((feature) => feature === record || FEATURE_SOURCES[feature]?.includes(source))
  const whole = ['controllerrevisions']
  const plans = planStreams(namespace === undefined ? { whole } : { namespace, whole }).filter(
    ({ resource }) => isWanted(resource),
  )
  const ask = async ({ resource, scope, cost }: (typeof plans)[number]): Promise<Right> => {
    const group = resource.root.split('/')[2] ?? ''
    const place = scope.namespace
    const found = valueOf(await findServed(connection, resource, signal), connection)
    if (!found)
      return { resource: resource.source, served: false, allowed: false, missing: [], cost, optional: true }
    const questions = ['get', 'list', 'watch'].map(
      (verb): AccessQuestion => ({
        verb,
        group: group === 'v1' ? '' : group,
        resource: resource.source,
        ...(place !== undefined && { namespace: place }),
      }),
    )
    const answers = await Promise.all(
      questions.map(async (question) => ({
        verb: question.verb,
        may: valueOf(await api.may(question), connection),
      })),
    )
    const missing = answers.filter(({ may }) => !may).map(({ verb }) => verb)
    return {
      resource: resource.source,
      served: true,
      allowed: missing.length === 0,
      missing,
      cost,
      optional: OPTIONAL.has(resource.record),
    }
  }
  return Promise.all(plans.map(ask))
}
