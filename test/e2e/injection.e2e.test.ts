// Owns the proof that the chart's policies bring a pod's own context to its processes, at a real API server, kubelet and runtime.
// Promises to touch pods of its own namespaces alone. Does not install the operator: the policies need none.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { kubectl } from '../cluster/cluster.ts'
import { eventually } from '../scenarios/namespaces.ts'
import {
  CREATORS,
  dryRun,
  installPolicies,
  noPolicies,
  OWN,
  ownContext,
  type Pod,
  podOf,
  SELECTED,
  TELL_AND_STAY,
  teller,
  toldBy,
  VARIABLE,
  type Wanted,
} from './injection-support.ts'
import { get, list } from './operator-support.ts'

const namespace = 'e2e-injection'
const elsewhere = 'e2e-injection-not'
const CREATED = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const OTHER = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-00'

const preset = { env: [{ name: VARIABLE, value: OTHER }] }
const named = (name: string, more: object = {}): Wanted['metadata'] => ({ name, labels: SELECTED, ...more })
const creators = (context: string): object => ({ annotations: { [CREATORS]: context } })

interface Case {
  readonly name: string
  readonly metadata?: object
  readonly containers: Wanted['containers']
  readonly initContainers?: Wanted['containers']
  /** By the container's name, what it prints; OWN stands for the context that follows from the UID. */
  readonly prints: Readonly<Record<string, string>>
}

const CASES: readonly Case[] = [
  { name: 'no-env', containers: [teller('app')], prints: { app: OWN } },
  {
    name: 'env',
    metadata: { annotations: { keep: 'me' } },
    containers: [teller('app', { env: [{ name: 'A', value: '1' }] }), teller('second')],
    prints: { app: OWN, second: OWN },
  },
  {
    name: 'preset',
    containers: [teller('app', preset), teller('second')],
    prints: { app: OTHER, second: OWN },
  },
  {
    name: 'init',
    containers: [teller('app')],
    initContainers: [
      teller('prepare'),
      teller('preset', preset),
      teller('sidecar', { restartPolicy: 'Always', command: TELL_AND_STAY }),
    ],
    prints: { prepare: OWN, preset: OTHER, sidecar: OWN, app: OWN },
  },
  {
    name: 'incoming',
    metadata: creators(CREATED),
    containers: [teller('app'), teller('second', preset)],
    prints: { app: CREATED, second: OTHER },
  },
  { name: 'malformed', metadata: creators('hello'), containers: [teller('app')], prints: { app: OWN } },
]

describe('a context by policies, at a real API server', { skip: noPolicies, timeout: 240_000 }, () => {
  let remove = async (): Promise<void> => {}
  before(async () => {
    for (const name of [namespace, elsewhere]) await kubectl(['create', 'namespace', name])
    remove = await installPolicies(namespace)
    const selected = CASES.map((one) => podOf(namespace, wantedOf(one)))
    await create([...selected, ...(await unusual())])
    await kubectl([
      ...[
        'wait',
        'pods',
        '--all',
        '-n',
        namespace,
        '--for=jsonpath={.status.phase}=Succeeded',
        '--timeout=90s',
      ],
    ])
  })
  after(async () => {
    await remove()
    await kubectl(['delete', 'namespace', namespace, elsewhere, '--ignore-not-found', '--wait=false'])
  })

  for (const { name, prints, metadata } of CASES)
    test(`each process of the pod '${name}' finds its context, and nothing of the pod is lost`, async () => {
      const pod = await get<Pod>('pod', name, '-n', namespace)
      const own = ownContext(pod.metadata.uid)
      const expected = Object.entries(prints).map(([key, value]) => [key, value === OWN ? own : value])
      assert.deepEqual(await toldBy(namespace, pod), Object.fromEntries(expected))
      const { annotations = {} } = pod.metadata
      assert.equal(annotations[OWN], own)
      const given = (metadata as { annotations?: object } | undefined)?.annotations ?? {}
      for (const [key, value] of Object.entries(given)) assert.equal(annotations[key], value)
      for (const { env = [] } of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])])
        assert.equal(env.filter((one) => one.name === VARIABLE).length, 1, 'once, however often it is asked')
    })

  test('a pod that is bound without a scheduler gets its creator’s context, or no variable', async () => {
    const [bound, created] = await Promise.all(
      ['bound', 'bound-incoming'].map((name) => get<Pod>('pod', name, '-n', namespace)),
    )
    assert.ok(bound && created)
    assert.deepEqual(await toldBy(namespace, bound), { app: 'unset' })
    assert.deepEqual(await toldBy(namespace, created), { app: CREATED })
  })

  test('a pod without the label gets no variable, one of another namespace nothing at all', async () => {
    const other = await get<Pod>('pod', 'other', '-n', namespace)
    assert.deepEqual(await toldBy(namespace, other), { app: 'unset' })
    const away = await dryRun(elsewhere, { metadata: named('away'), containers: [teller('app')] })
    assert.equal(away.spec.containers[0]?.env, undefined)
  })

  test('a pod that the API server names gets its own', async () => {
    const pods = await podsOf()
    const generated = pods.filter(({ metadata }) => metadata.name.startsWith('generated-'))
    assert.equal(generated.length, 1)
    for (const pod of generated)
      assert.deepEqual(await toldBy(namespace, pod), { app: ownContext(pod.metadata.uid) })
  })

  test('a dry run shows the variable, and makes nothing', async () => {
    const made = await dryRun(namespace, { metadata: named('dry'), containers: [teller('app')] })
    assert.deepEqual(made.spec.containers[0]?.env, [
      {
        name: VARIABLE,
        valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${OWN}']` } },
      },
    ])
    const pods = await list('pods', '-n', namespace)
    assert.ok(!pods.some(({ metadata }) => metadata.name === 'dry'))
  })

  test('who applies a pod may apply it again, and so may somebody else', async () => {
    const apply = (manager: string, labels: object): Promise<string> =>
      kubectl(['apply', '--server-side', `--field-manager=${manager}`, '-f', '-'], {
        input: JSON.stringify(
          podOf(namespace, {
            metadata: { name: 'applied', labels: { ...SELECTED, ...labels } },
            containers: [teller('app')],
          }),
        ),
      })
    await apply('first', {})
    const before = await get<Pod>('pod', 'applied', '-n', namespace)
    await apply('first', { changed: 'yes' })
    await apply('second', { changed: 'yes', second: 'yes' })
    const after = await get<Pod>('pod', 'applied', '-n', namespace)
    assert.equal(after.metadata.uid, before.metadata.uid)
    assert.deepEqual(after.spec.containers[0]?.env, before.spec.containers[0]?.env)
    assert.equal(after.spec.containers[0]?.env?.length, 1)
  })

  for (const [kind, replicas] of [
    ['Deployment', 2],
    ['DaemonSet', 1],
  ] as const)
    test(`each pod of a ${kind} finds its own`, async () => {
      const name = kind.toLowerCase()
      await create([workload(kind, name, kind === 'Deployment' ? { replicas } : {})])
      await kubectl(['rollout', 'status', `${name}/${name}`, '-n', namespace, '--timeout=60s'])
      const pods = await podsOf('-l', `app=${name}`)
      assert.equal(pods.length, replicas)
      for (const pod of pods)
        await eventually(`${pod.metadata.name} has told`, async () => {
          const { app } = await toldBy(namespace, pod)
          return app === ownContext(pod.metadata.uid)
        })
      await kubectl(['delete', `${name}/${name}`, '-n', namespace, '--wait=false'])
    })
})

const wantedOf = ({ name, metadata = {}, containers, initContainers }: Case): Wanted => ({
  metadata: named(name, metadata),
  containers,
  ...(initContainers && { initContainers }),
})

async function unusual(): Promise<object[]> {
  const [node] = await list('nodes')
  const nodeName = node?.metadata.name ?? ''
  const containers = [teller('app')]
  return [
    podOf(namespace, { metadata: named('bound'), containers, nodeName }),
    podOf(namespace, { metadata: named('bound-incoming', creators(CREATED)), containers, nodeName }),
    podOf(namespace, { metadata: { name: 'other' }, containers }),
    podOf(namespace, { metadata: { generateName: 'generated-', labels: SELECTED }, containers }),
  ]
}

const podsOf = async (...args: string[]): Promise<readonly Pod[]> =>
  (await get<{ items: readonly Pod[] }>('pods', '-n', namespace, ...args)).items

const create = (items: readonly object[]): Promise<string> =>
  kubectl(['create', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) })

function workload(kind: string, name: string, more: object): object {
  const labels = { app: name, ...SELECTED }
  const spec = { terminationGracePeriodSeconds: 1, containers: [teller('app', { command: TELL_AND_STAY })] }
  const selector = { matchLabels: { app: name } }
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec: { ...more, selector, template: { metadata: { labels }, spec } },
  }
}
