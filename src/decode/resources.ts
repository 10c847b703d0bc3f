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
  /** `custom` is JSON only, and kept as it came. */
  readonly record: 'pods' | 'events' | 'nodes' | 'leases' | 'owners' | 'custom'
}

const core = { root: '/api/v1', apiVersion: 'v1' }
const apps = { root: '/apis/apps/v1', apiVersion: 'apps/v1', namespaced: true, record: 'owners' } as const
const batch = { root: '/apis/batch/v1', apiVersion: 'batch/v1', namespaced: true, record: 'owners' } as const
const coordination = { root: '/apis/coordination.k8s.io/v1', apiVersion: 'coordination.k8s.io/v1' }

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
]

const BY_SOURCE: ReadonlyMap<Source, Resource> = new Map(ALL.map((resource) => [resource.source, resource]))

export const OWNER_SOURCES: readonly Source[] = ALL.filter((r) => r.record === 'owners').map((r) => r.source)

/** Undefined for a stream that Podspan does not read; a recording may hold such, and they are ignored. */
export const resourceOf = (source: Source): Resource | undefined => BY_SOURCE.get(source)

/** For the streams this program names itself, where a missing row is a bug. */
export function knownResource(source: Source): Resource {
  const resource = BY_SOURCE.get(source)
  if (!resource) throw new Error(`no resource is named ${source}`)
  return resource
}
