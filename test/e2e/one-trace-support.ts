// Owns the stage on which all who take part in a start tell of it: components, Podspan, its policies, an application, a Collector between them
// and a Jaeger behind.
// Promises that what it installs and changes is as it was when it is disposed of, however far it came. Does not judge traces.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Values } from '../chart/render.ts'
import { kubectl, readCluster, sendOnward } from '../cluster/cluster.ts'
import type { Destination } from '../cluster/collector.ts'
import { Api } from '../scenarios/api.ts'
import { eventually, freshNamespace, removeNamespace } from '../scenarios/namespaces.ts'
import { isInjected, SELECTED } from './injection-support.ts'
import { type LocalJaeger, startJaeger } from './jaeger.ts'
import { apply, chart, createHelm, get, pushPodspan, restrictedNamespace } from './operator-support.ts'
import { CRD, wholeCluster, withoutCrd } from './whole-cluster.ts'

export interface Stage extends AsyncDisposable {
  readonly jaeger: LocalJaeger
}

/** The operator is in `home`, the pods that are asked about in `shop`. */
export async function setStage(home: string, shop: string): Promise<Stage> {
  const stack = new AsyncDisposableStack()
  try {
    const api = stack.use(new Api())
    stack.defer(await wholeCluster())
    for (const name of [home, shop]) {
      await freshNamespace(api, name)
      stack.defer(() => removeNamespace(api, name))
    }
    await apply([restrictedNamespace(home)])
    await withoutCrd()
    stack.defer(
      async () => void (await kubectl(['delete', 'crd', CRD, '--ignore-not-found', '--wait=false'])),
    )
    const jaeger = stack.use(await startJaeger())
    await installOperator(home, shop, stack)
    stack.use(await sendOnward({ native: await receiverOf(home), podspan: { endpoint: jaeger.otlpGrpc } }))
    await eventually('the policies are in use', () => isInjected(shop))
    const disposal = stack.move()
    return { jaeger, [Symbol.asyncDispose]: () => disposal.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function installOperator(home: string, shop: string, stack: AsyncDisposableStack): Promise<void> {
  const tag = randomBytes(4).toString('hex')
  const [made] = await Promise.all([createHelm(tag), pushPodspan(tag)])
  const helm = stack.use(made)
  stack.defer(async () => void (await helm(['uninstall', 'podspan', '-n', home, '--ignore-not-found'])))
  const args = ['install', 'podspan', chart, '-n', home, '--wait', '--timeout', '60s']
  const { code, stderr } = await helm(args, valuesFor(shop))
  assert.equal(code, 0, stderr)
}

const valuesFor = (shop: string): Values => ({
  cluster: { name: 'test' },
  exporters: { default: { endpoint: readCluster().collector.podspanInPod.grpc, protocol: 'grpc' } },
  receiver: { enabled: true },
  injection: {
    enabled: true,
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': shop } },
    podSelector: { matchLabels: SELECTED },
  },
})

async function receiverOf(home: string): Promise<Destination> {
  const service = await get<{ spec: { clusterIP: string } }>('service', 'podspan-otlp', '-n', home)
  return { endpoint: `${service.spec.clusterIP}:4317` }
}
