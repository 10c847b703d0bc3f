// Owns the table of rights against the chart's roles and what the operator really asks for.
// Promises that none of these has a right that the others have not.
// Does not ask an API server: test/e2e does.

import { knownResource, RELATED_SOURCES } from '../../src/decode/resources.ts'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Right, RIGHTS } from '../../src/controller/rights.ts'
import { at, type Manifest, noHelm, releaseNamespace, render } from '../chart/render.ts'
import { openWorld, OWN, sessionObject, startPod, type World } from './operator-harness.ts'

test('the table has no wildcard, nothing of Secrets, and writes only to what is ours', () => {
  for (const { group, resource, verbs } of RIGHTS) {
    assert.ok(![group, resource, ...verbs].includes('*'))
    assert.ok(!/secret|configmap|pods\/|serviceaccount/.test(resource), resource)
    const writes = verbs.filter((verb) => !['get', 'list', 'watch'].includes(verb))
    if (writes.length > 0)
      assert.match(resource, /^(tracesessions(\/status)?|events|leases)$/, `${resource}: ${writes.join()}`)
  }
})

/** `leases.coordination.k8s.io/podspan: get`, by namespace; `*` for all. */
function linesOf(rights: readonly Right[]): Record<string, string[]> {
  const places = { watched: '*', cluster: '*', 'kube-node-lease': 'kube-node-lease', own: releaseNamespace }
  const names = { lease: '/podspan', standing: '/standing' }
  const lines: Record<string, Set<string>> = {}
  for (const { group, name, resource, verbs, where } of rights)
    for (const verb of verbs) {
      const line = `${resource}.${group}${name === undefined ? '' : names[name]}: ${verb}`
      ;(lines[places[where]] ??= new Set()).add(line)
    }
  return Object.fromEntries(Object.entries(lines).map(([place, set]) => [place, [...set].toSorted()]))
}

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

function chartLines(manifests: readonly Manifest[]): Record<string, string[]> {
  const lines: Record<string, Set<string>> = {}
  for (const role of manifests.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole'))
    for (const { apiGroups, resources, resourceNames = [''], verbs } of at<readonly Rule[]>(role, 'rules'))
      for (const group of apiGroups)
        for (const resource of resources)
          for (const name of resourceNames)
            for (const verb of verbs) {
              const line = `${resource}.${group}${name === '' ? '' : `/${name}`}: ${verb}`
              ;(lines[role.metadata.namespace ?? '*'] ??= new Set()).add(line)
            }
  return Object.fromEntries(Object.entries(lines).map(([place, set]) => [place, [...set].toSorted()]))
}

describe('the chart', { skip: noHelm }, () => {
  test('gives the rights of the table, and no other', async () => {
    const exporters = { default: { endpoint: 'http://collector:4317' } }
    assert.deepEqual(chartLines(await render({ exporters })), linesOf(RIGHTS))
  })

  test('gives no right of a feature that is off', async () => {
    const features = [
      'events',
      'nodes',
      'leases',
      'owners',
      'volumes',
      'nodeClaims',
      'workloads',
      'deviceClaims',
      'rollouts',
    ]
    const watch = Object.fromEntries(features.map((feature) => [feature, false]))
    const off = [...features.map((feature) => `watch.${feature}`), 'standingSession']
    const left = RIGHTS.filter(({ feature }) => feature === undefined || !off.includes(feature))
    assert.deepEqual(chartLines(await render({ watch })), linesOf(left))
  })
})

/** The right that a request of the operator takes, as RBAC sees it. */
function rightOf(request: World['server']['requests'][number]): Pick<Right, 'group' | 'resource'> & {
  readonly verb: string
  readonly namespace: string | undefined
} {
  const [, group = '', rest = ''] = /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)\/(.+)$/.exec(request.path) ?? []
  const parts = rest.split('/')
  const within = parts[0] === 'namespaces' && parts.length > 2
  const [resource = '', name, subresource] = within ? parts.slice(2) : parts
  const read = request.watch ? 'watch' : name === undefined ? 'list' : 'get'
  const verbs: Readonly<Record<string, string>> = {
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: 'delete',
  }
  return {
    group,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    verb: verbs[request.method] ?? read,
    namespace: within ? parts[1] : undefined,
  }
}

test('the operator asks for nothing that is not in the table', async () => {
  await using world = await openWorld()
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  world.server.store.load('tracesessions', [
    sessionObject('all', {
      allPods: true,
      completion: { when: 'Never' },
      exporter: 'default',
      backfill: '10m',
    }),
    sessionObject('rollout', { targetRef: target }),
    sessionObject('gone', {
      allPods: true,
      completion: { when: 'PodCount', minPods: 1 },
      ttlSecondsAfterFinished: 1,
    }),
  ])
  // As the chart does.
  world.server.store.load('leases', [
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'podspan', namespace: OWN, uid: 'lease' },
    },
  ])
  for (const resource of RELATED_SOURCES.map(knownResource)) {
    const { optional } = resource
    if (optional) world.server.groups.set(optional.group, optional.versions)
  }
  const standing = 'standingSession: {allPods: true, namespaceSelector: {}, completion: {when: Never}}'
  world.replica('a', standing)
  await startPod(world, 1)
  await world.until('it is exported', () => world.sent.length > 0)
  await world.until('one is deleted', () => world.server.writes.some(({ method }) => method === 'DELETE'))
  // Whoever has the right may do so.
  world.server.store.remove('leases', 'lease')
  await world.until('it is made again', () => world.server.store.of('leases').size > 0)
  // Whoever is authenticated may ask which groups there are.
  const asked = world.server.requests.filter(({ path }) => !/^\/apis\/[^/]+$/.test(path)).map(rightOf)
  for (const { group, namespace, resource, verb } of asked) {
    const row = RIGHTS.find(
      (right) =>
        right.group === group &&
        right.resource === resource &&
        right.verbs.includes(verb) &&
        (right.where !== 'own' || namespace === OWN) &&
        (right.where !== 'kube-node-lease' || namespace === 'kube-node-lease'),
    )
    assert.ok(row, `${verb} ${resource}.${group} in ${namespace ?? 'the cluster'} is not in the table`)
  }
  // And the table has nothing that nobody uses; `get` and `list` are for servers without WatchList, and for targets of other kinds.
  const uses = ({ group, resource }: Right, verb: string): boolean =>
    asked.some((one) => one.group === group && one.resource === resource && one.verb === verb)
  const unused = RIGHTS.flatMap((right) =>
    right.verbs
      .filter((verb) => verb !== 'get' && verb !== 'list' && !uses(right, verb))
      .map((verb) => `${verb} ${right.resource}.${right.group}`),
  )
  // Server-side apply asks for it where it makes the object.
  assert.deepEqual(unused, ['create tracesessions.podspan.dev'])
})
