import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Right } from '../../src/controller/rights.ts'
import { expectedRights, type Installation, type RightsByPlace, rightLine } from './expected-rights.ts'
import { at, type Manifest, noHelm, only, releaseNamespace, render, type Values } from './render.ts'
import { VALUE_SETS } from './value-sets.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

const RBAC = ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']
const rulesOf = (role: Manifest): readonly Rule[] => at<readonly Rule[]>(role, 'rules')

/** Of people who open the page; Podspan itself gets none of it. */
const isForViewers = ({ metadata }: Manifest): boolean => metadata.name.endsWith('-page')

/** Every right of Podspan's as one line, by the namespace it holds in, `*` for all. */
function rightsOf(manifests: readonly Manifest[]): RightsByPlace {
  const roles = manifests.filter(
    (one) => (one.kind === 'Role' || one.kind === 'ClusterRole') && !isForViewers(one),
  )
  const lines = roles.flatMap((role) =>
    rulesOf(role).flatMap((rule) =>
      linesOf(rule).map((line) => ({ place: role.metadata.namespace ?? '*', line })),
    ),
  )
  return Object.fromEntries(
    [...Map.groupBy(lines, ({ place }) => place)].map(([place, found]) => [
      place,
      [...new Set(found.map(({ line }) => line))].toSorted(),
    ]),
  )
}

const linesOf = ({ apiGroups, resources, resourceNames = [''], verbs }: Rule): string[] =>
  apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      resourceNames.flatMap((name) => verbs.map((verb) => rightLine({ group, resource, name, verb }))),
    ),
  )

const reads = (...resources: string[]): string[] =>
  resources.flatMap((resource) => ['get', 'list', 'watch'].map((verb) => `${resource}: ${verb}`))

describe('the rights that the chart gives', { skip: noHelm }, () => {
  for (const [name, values] of Object.entries(VALUE_SETS))
    test(`hold no Secret, no wildcard and nothing that changes a workload: ${name}`, async () => {
      const roles = (await render(values)).filter((one) => /Role$/.test(one.kind) && !isForViewers(one))
      const rules = roles.flatMap(rulesOf)
      for (const { apiGroups, resources, verbs } of rules) {
        assert.ok(![...apiGroups, ...resources, ...verbs].includes('*'), 'no wildcard')
        assert.ok(!resources.includes('secrets') && !resources.includes('configmaps'))
        const writes = verbs.filter((verb) => !['get', 'list', 'watch'].includes(verb))
        if (writes.length === 0) continue
        for (const resource of resources)
          assert.ok(/^(tracesessions(\/status)?|events|leases)$/.test(resource), `${resource}: ${writes}`)
      }
    })

  const installed = (values: Values): Installation => {
    const watch = { events: true, nodes: true, leases: true, owners: true, ...(values['watch'] as object) }
    const election = { enabled: true, ...(values['leaderElection'] as object) }
    const standing = { enabled: true, ...(values['standingSession'] as object) }
    const hasExporter = 'default' in ((values['exporters'] ?? {}) as object)
    const off = Object.entries(watch).filter(([, on]) => !on)
    return {
      own: releaseNamespace,
      namespaces: (values['namespaces'] ?? []) as string[],
      leaseName: 'podspan',
      off: [
        ...off.map(([feature]) => `watch.${feature}` as NonNullable<Right['feature']>),
        ...(election.enabled ? [] : (['leaderElection.enabled'] as const)),
        ...(hasExporter && standing.enabled ? [] : (['standingSession'] as const)),
      ],
    }
  }

  for (const [name, values] of Object.entries(VALUE_SETS)) {
    if ('rbac' in values) continue
    test(`are those that docs/security.md lists, no more and no less: ${name}`, async () => {
      const custom = ((values['customOwners'] ?? []) as { apiGroup: string; resources: string[] }[]).flatMap(
        ({ apiGroup, resources }) => resources.map((resource) => `${resource}.${apiGroup}: get`),
      )
      const rights = Object.entries(rightsOf(await render(values))).map(
        ([place, lines]) => [place, lines.filter((line) => !custom.includes(line))] as const,
      )
      assert.deepEqual(Object.fromEntries(rights), expectedRights(installed(values)))
    })
  }

  test('are bound to the service account of the release, each role once', async () => {
    const manifests = await render({ serviceAccount: { name: 'watcher' } })
    const bindings = manifests.filter(({ kind }) => /Binding$/.test(kind) && !/Policy/.test(kind))
    assert.equal(bindings.length, 3)
    for (const binding of bindings) {
      const subject = { kind: 'ServiceAccount', name: 'watcher', namespace: releaseNamespace }
      assert.deepEqual(at(binding, 'subjects'), [subject])
      const [kind, name] = [at<string>(binding, 'roleRef.kind'), at<string>(binding, 'roleRef.name')]
      const role = only(
        manifests.filter((one) => one.kind === kind && one.metadata.namespace === binding.metadata.namespace),
        kind,
      )
      assert.equal(role.metadata.name, name)
    }
  })

  test('end with the feature that needs them', async () => {
    const without = async (watch: object): Promise<string[]> => {
      const [all, less] = [rightsOf(await render()), rightsOf(await render({ watch }))]
      return Object.entries(all).flatMap(([place, rights]) =>
        rights.filter((one) => !less[place]?.includes(one)).map((one) => `${place} ${one}`),
      )
    }
    const inAll = (rights: readonly string[]): string[] => rights.map((one) => `* ${one}`)
    assert.deepEqual(await without({ events: false }), inAll(reads('events')))
    assert.deepEqual(await without({ nodes: false }), inAll(reads('nodes')))
    const leases = reads('leases.coordination.k8s.io').map((one) => `kube-node-lease ${one}`)
    assert.deepEqual(await without({ leases: false }), leases)
    const owners = [
      ...['daemonsets', 'deployments', 'replicasets', 'statefulsets'].map((name) => `${name}.apps`),
      ...['cronjobs.batch', 'jobs.batch'],
    ]
    const watched = reads(...owners).filter((one) => !one.endsWith(': get'))
    const rollouts = reads('controllerrevisions.apps')
    const both = [...watched, ...rollouts].toSorted()
    assert.deepEqual((await without({ owners: false, rollouts: false })).toSorted(), inAll(both))
    // Either of the two reads what both do.
    const cronJobs = watched.filter((one) => one.startsWith('cronjobs'))
    assert.deepEqual(await without({ owners: false }), inAll(cronJobs))
    assert.deepEqual(await without({ rollouts: false }), inAll(rollouts))
  })

  test('reach custom workloads that are named, and only to get one', async () => {
    const customOwners = [{ apiGroup: 'argoproj.io', resources: ['rollouts'] }]
    const [before, after] = [rightsOf(await render()), rightsOf(await render({ customOwners }))]
    const added = (after['*'] ?? []).filter((one) => !before['*']?.includes(one))
    assert.deepEqual(added, ['rollouts.argoproj.io: get'])
  })

  test('with listed namespaces are Roles in these and its own, and nothing else', async () => {
    const values: Values = { namespaces: ['shop', 'billing', 'shop'] }
    const manifests = await render(values)
    const global = manifests.filter(({ metadata }) => metadata.namespace === undefined)
    assert.deepEqual(
      global.map(({ kind }) => kind),
      ['CustomResourceDefinition'],
      'no object is cluster-wide but the CRD, which crds.install=false leaves to others',
    )
    const rights = rightsOf(manifests)
    assert.deepEqual(Object.keys(rights).toSorted(), ['billing', releaseNamespace, 'shop'])
    assert.deepEqual(rights['shop'], rights['billing'])
    const all = rightsOf(await render())['*'] ?? []
    const clusterOnly = [
      ...reads('nodes'),
      ...reads('namespaces'),
      ...reads('volumeattachments.storage.k8s.io'),
      ...reads('nodeclaims.karpenter.sh'),
    ]
    assert.deepEqual(
      rights['shop'],
      all.filter((one) => !clusterOnly.includes(one)),
    )
  })

  test('are in each listed namespace, whatever it is called', async () => {
    for (const name of ['none', 'false', 'nil']) {
      const places = Object.keys(rightsOf(await render({ namespaces: [name] })))
      assert.deepEqual(places.toSorted(), [name, releaseNamespace].toSorted())
    }
  })

  test('reach the sessions of its own namespace, listed or not', async () => {
    const sessions = reads('tracesessions.podspan.dev')
    for (const namespaces of [['shop'], ['shop', releaseNamespace]]) {
      const manifests = await render({ namespaces })
      const roles = manifests.filter(
        ({ kind, metadata }) => kind === 'Role' && metadata.namespace === releaseNamespace,
      )
      const rights = roles.flatMap((role) => rightsOf([role])[releaseNamespace] ?? [])
      for (const one of sessions) assert.equal(rights.filter((right) => right === one).length, 1, one)
    }
  })

  test('let nobody open the page but those who are named, and those nothing else', async () => {
    assert.deepEqual((await render()).filter(isForViewers), [])
    const viewers = [
      { kind: 'User', name: 'anna' },
      { kind: 'ServiceAccount', name: 'robot', namespace: 'ci' },
    ]
    const manifests = (await render({ page: { viewers } })).filter(isForViewers)
    const role = only(manifests, 'Role')
    assert.equal(role.metadata.namespace, releaseNamespace)
    assert.deepEqual(rulesOf(role).flatMap(linesOf).toSorted(), [
      'pods/portforward: create',
      'pods/portforward: get',
      'pods: get',
      'pods: list',
    ])
    const binding = only(manifests, 'RoleBinding')
    assert.deepEqual(at(binding, 'roleRef'), {
      ...{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name },
    })
    assert.deepEqual(at(binding, 'subjects'), [
      { kind: 'User', name: 'anna', apiGroup: 'rbac.authorization.k8s.io' },
      viewers[1],
    ])
    assert.deepEqual((await render({ page: { enabled: false, viewers } })).filter(isForViewers), [])
  })

  test('are left to others where the release may not give them', async () => {
    const manifests = await render({ rbac: { create: false } })
    assert.deepEqual(
      manifests.filter(({ kind }) => RBAC.includes(kind)),
      [],
    )
  })
})
