// Owns the table of what the simulator serves: groups, versions, kinds; and the documents by which clients discover them.
// Promises the built-in kinds that Podspan asks for, and custom ones that come and go with their definition.
// Does not hold objects: store.ts does.

import type { Obj } from './encode.ts'

export interface ServedResource {
  /** Empty: the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** JSON only; its items repeat their kind. */
  readonly isCustom?: true
  readonly hasStatus?: true
}

const CORE: readonly (readonly [plural: string, kind: string, scope?: 'cluster'])[] = [
  ['pods', 'Pod'],
  ['events', 'Event'],
  ['nodes', 'Node', 'cluster'],
  ['namespaces', 'Namespace', 'cluster'],
  ['persistentvolumeclaims', 'PersistentVolumeClaim'],
  ['serviceaccounts', 'ServiceAccount'],
]

const GROUPS: Readonly<
  Record<string, readonly (readonly [plural: string, kind: string, scope?: 'cluster'])[]>
> = {
  'apps/v1': [
    ['deployments', 'Deployment'],
    ['replicasets', 'ReplicaSet'],
    ['statefulsets', 'StatefulSet'],
    ['daemonsets', 'DaemonSet'],
    ['controllerrevisions', 'ControllerRevision'],
  ],
  'batch/v1': [
    ['jobs', 'Job'],
    ['cronjobs', 'CronJob'],
  ],
  'coordination.k8s.io/v1': [['leases', 'Lease']],
  'events.k8s.io/v1': [['events', 'Event']],
  'apiextensions.k8s.io/v1': [['customresourcedefinitions', 'CustomResourceDefinition', 'cluster']],
}

const WITHOUT_STATUS = new Set(['events', 'leases', 'serviceaccounts', 'controllerrevisions'])

export const TRACE_SESSIONS: ServedResource = {
  group: 'podspan.dev',
  version: 'v1alpha1',
  plural: 'tracesessions',
  kind: 'TraceSession',
  namespaced: true,
  isCustom: true,
  hasStatus: true,
}

export class ServedResources {
  private readonly all = new Map<string, ServedResource>()

  constructor() {
    for (const [plural, kind, scope] of CORE) this.builtIn('', 'v1', plural, kind, scope)
    for (const [groupVersion, kinds] of Object.entries(GROUPS)) {
      const [group = '', version = ''] = groupVersion.split('/')
      for (const [plural, kind, scope] of kinds) this.builtIn(group, version, plural, kind, scope)
    }
  }

  private builtIn(group: string, version: string, plural: string, kind: string, scope?: 'cluster'): void {
    const status = WITHOUT_STATUS.has(plural) ? {} : ({ hasStatus: true } as const)
    this.add({ group, version, plural, kind, namespaced: scope === undefined, ...status })
  }

  add(resource: ServedResource): void {
    this.all.set(keyOf(resource.group, resource.version, resource.plural), resource)
  }

  remove({ group, version, plural }: ServedResource): void {
    this.all.delete(keyOf(group, version, plural))
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.all.get(keyOf(group, version, plural))
  }

  /** The answer to a path of discovery; undefined where nothing is there. */
  discover(group: string | undefined, version: string | undefined): Obj | undefined {
    if (group === undefined) return { kind: 'APIGroupList', apiVersion: 'v1', groups: this.groups() }
    if (version === undefined) return this.groups().find(({ name }) => name === group)
    const own = [...this.all.values()].filter((one) => one.group === group && one.version === version)
    if (own.length === 0) return undefined
    const groupVersion = group === '' ? version : `${group}/${version}`
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: own.flatMap(describe) }
  }

  private groups(): Obj[] {
    const versions = new Map<string, Set<string>>()
    for (const { group, version } of this.all.values())
      if (group !== '') versions.set(group, (versions.get(group) ?? new Set()).add(version))
    return [...versions].map(([name, of]) => apiGroup(name, [...of]))
  }
}

const keyOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`

export function apiGroup(name: string, versions: readonly string[]): Obj {
  const list = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }))
  return { kind: 'APIGroup', apiVersion: 'v1', name, versions: list, preferredVersion: list[0] }
}

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']

function describe({ hasStatus, kind, namespaced, plural }: ServedResource): Obj[] {
  const base = { namespaced, kind, singularName: kind.toLowerCase() }
  const own = { ...base, name: plural, verbs: VERBS }
  const status = { ...base, name: `${plural}/status`, singularName: '', verbs: ['get', 'patch', 'update'] }
  return hasStatus ? [own, status] : [own]
}

/** The kind that a CustomResourceDefinition defines, in its first served version. */
export function definedBy(definition: Obj): ServedResource {
  const spec = definition['spec'] as {
    readonly group: string
    readonly scope: string
    readonly names: { readonly plural: string; readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly subresources?: Obj }[]
  }
  const [version] = spec.versions
  return {
    group: spec.group,
    version: version?.name ?? 'v1',
    plural: spec.names.plural,
    kind: spec.names.kind,
    namespaced: spec.scope === 'Namespaced',
    isCustom: true,
    ...(version?.subresources?.['status'] ? { hasStatus: true } : {}),
  }
}
