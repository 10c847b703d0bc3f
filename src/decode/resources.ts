// Owns the table of resources that Podspan can read: where the API serves them and which record they become.
// Promises one row per stream name, for both encodings, for recordings and for the watch.
// Does not know how a row is fetched or decoded.

import type { Source } from '../base/frame.ts'

export interface Resource {
  readonly source: Source
  /** `/api/v1` or `/apis/GROUP/VERSION`. */
  readonly root: string
  readonly apiVersion: string
  readonly kind: string
  readonly namespaced: boolean
  /** `custom` is JSON only, and kept as it came; `related` is JSON only too. */
  readonly record: 'pods' | 'events' | 'nodes' | 'leases' | 'owners' | 'related' | 'custom'
  /** Of an API group that a cluster need not serve: its versions that can be read, the best first. */
  readonly optional?: { readonly group: string; readonly versions: readonly string[] }
}

const core = { root: '/api/v1', apiVersion: 'v1' }
const apps = { root: '/apis/apps/v1', apiVersion: 'apps/v1', namespaced: true, record: 'owners' } as const
const batch = { root: '/apis/batch/v1', apiVersion: 'batch/v1', namespaced: true, record: 'owners' } as const
const coordination = { root: '/apis/coordination.k8s.io/v1', apiVersion: 'coordination.k8s.io/v1' }

const related = { namespaced: true, record: 'related' } as const

/** A resource of a group that need not be there; its root is that of the best version until somebody asks the server. */
function optional(group: string, source: Source, kind: string, versions: readonly string[]): Resource {
  const apiVersion = `${group}/${versions[0]}`
  const root = `/apis/${apiVersion}`
  return { source, root, apiVersion, kind, ...related, optional: { group, versions } }
}

const ALL: readonly Resource[] = [
  { source: 'pods', ...core, kind: 'Pod', namespaced: true, record: 'pods' },
  { source: 'events', ...core, kind: 'Event', namespaced: true, record: 'events' },
  { source: 'nodes', ...core, kind: 'Node', namespaced: false, record: 'nodes' },
  { source: 'leases', ...coordination, kind: 'Lease', namespaced: true, record: 'leases' },
  { source: 'replicasets', ...apps, kind: 'ReplicaSet' },
  { source: 'deployments', ...apps, kind: 'Deployment' },
  { source: 'statefulsets', ...apps, kind: 'StatefulSet' },
  { source: 'daemonsets', ...apps, kind: 'DaemonSet' },
  { source: 'jobs', ...batch, kind: 'Job' },
  { source: 'cronjobs', ...batch, kind: 'CronJob' },
  { source: 'persistentvolumeclaims', ...core, kind: 'PersistentVolumeClaim', ...related },
  {
    ...optional('storage.k8s.io', 'volumeattachments', 'VolumeAttachment', ['v1']),
    namespaced: false,
  },
  { ...optional('karpenter.sh', 'nodeclaims', 'NodeClaim', ['v1', 'v1beta1']), namespaced: false },
  optional('kueue.x-k8s.io', 'workloads', 'Workload', ['v1beta2', 'v1beta1']),
  optional('resource.k8s.io', 'resourceclaims', 'ResourceClaim', ['v1', 'v1beta2', 'v1beta1']),
]

const BY_SOURCE: ReadonlyMap<Source, Resource> = new Map(ALL.map((resource) => [resource.source, resource]))

export const OWNER_SOURCES: readonly Source[] = ALL.filter((r) => r.record === 'owners').map((r) => r.source)

/** What a start may wait for besides its node and its images; each optional, by right and by what the cluster serves. */
export const RELATED_SOURCES: readonly Source[] = ALL.filter((r) => r.record === 'related').map(
  (r) => r.source,
)

/** The same resource in another version of its group. */
export function inVersion(resource: Resource, version: string): Resource {
  const apiVersion = `${resource.optional?.group}/${version}`
  return { ...resource, apiVersion, root: `/apis/${apiVersion}` }
}

/** Undefined for a stream that Podspan does not read; a recording may hold such, and they are ignored. */
export const resourceOf = (source: Source): Resource | undefined => BY_SOURCE.get(source)

/** For the streams this program names itself, where a missing row is a bug. */
export function knownResource(source: Source): Resource {
  const resource = BY_SOURCE.get(source)
  if (!resource) throw new Error(`no resource is named ${source}`)
  return resource
}
