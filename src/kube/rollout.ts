// Owns reading the object that a session's target names, of whatever kind.
// Promises the object as JSON, undefined where there is none, or the failure; the plural of a kind is asked for once per group and version.
// Does not judge a rollout: rollout/state.ts does.

import type { Json } from '../decode/json-fields.ts'
import type { Result } from './api.ts'
import { type Caller, callJson } from './json-call.ts'

export interface TargetName {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

export interface TargetReader {
  read(namespace: string, target: TargetName): Promise<Result<Json | undefined>>
}

/** For what is built in nobody has to be asked. */
const PLURALS: Readonly<Record<string, string>> = {
  'apps/v1/Deployment': 'deployments',
  'apps/v1/StatefulSet': 'statefulsets',
  'apps/v1/DaemonSet': 'daemonsets',
  'apps/v1/ReplicaSet': 'replicasets',
  'batch/v1/Job': 'jobs',
  'batch/v1/CronJob': 'cronjobs',
  'v1/Pod': 'pods',
  'v1/ReplicationController': 'replicationcontrollers',
}

/** Groups and versions that sessions may name; past that, the oldest is asked for again. */
const DISCOVERED_MAX = 100

export function createTargetReader(caller: Caller): TargetReader {
  const discovered = new Map<string, string>()
  const pluralOf = async (apiVersion: string, kind: string): Promise<Result<string | undefined>> => {
    const key = `${apiVersion}/${kind}`
    const known = PLURALS[key] ?? discovered.get(key)
    if (known !== undefined) return { ok: true, value: known }
    const list = await callJson(caller, { path: rootOf(apiVersion) })
    if (!list.ok) return list.failure.kind === 'not-found' ? { ok: true, value: undefined } : list
    const plural = pluralIn(list.value, kind)
    if (plural !== undefined) remember(discovered, key, plural)
    return { ok: true, value: plural }
  }
  return {
    read: async (namespace, { apiVersion, kind, name }) => {
      const plural = await pluralOf(apiVersion, kind)
      if (!plural.ok || plural.value === undefined) return plural as Result<undefined>
      const where = `${rootOf(apiVersion)}/namespaces/${encodeURIComponent(namespace)}`
      const read = await callJson(caller, { path: `${where}/${plural.value}/${encodeURIComponent(name)}` })
      return !read.ok && read.failure.kind === 'not-found' ? { ok: true, value: undefined } : read
    },
  }
}

function remember(discovered: Map<string, string>, key: string, plural: string): void {
  if (discovered.size >= DISCOVERED_MAX) {
    const [oldest] = discovered.keys()
    if (oldest !== undefined) discovered.delete(oldest)
  }
  discovered.set(key, plural)
}

/** `v1` is the core group, which has a path of its own. */
function rootOf(apiVersion: string): string {
  const path = apiVersion.split('/').map(encodeURIComponent).join('/')
  return apiVersion.includes('/') ? `/apis/${path}` : `/api/${path}`
}

function pluralIn(list: Json, kind: string): string | undefined {
  const resources: readonly unknown[] = Array.isArray(list['resources']) ? list['resources'] : []
  for (const one of resources as readonly Json[]) {
    const name = one['name']
    // `deployments/status` is a part of one.
    if (one['kind'] === kind && one['namespaced'] === true && typeof name === 'string' && !name.includes('/'))
      return name
  }
  return undefined
}
