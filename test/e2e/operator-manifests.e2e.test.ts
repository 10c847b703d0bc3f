// Owns the proof that a real API server takes every object of the chart, for every installation that the chart is tested with.
// Promises to leave nothing behind. Does not run what it sends: see operator.e2e.test.ts.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Manifest, releaseNamespace, render } from '../chart/render.ts'
import { VALUE_SETS } from '../chart/value-sets.ts'
import { readCluster } from '../cluster/cluster.ts'
import { attempt } from '../cluster/commands.ts'
import { Api } from '../scenarios/api.ts'
import { removeNamespace } from '../scenarios/namespaces.ts'
import { apply, listOf, restrictedNamespace } from './operator-support.ts'
import { noCluster } from './trace-support.ts'

/** Of the Prometheus operator, whose CRDs are not in the cluster. */
const FOREIGN = ['PodMonitor', 'ServiceMonitor', 'PrometheusRule']
const NAMESPACES = [releaseNamespace, 'shop', 'billing']
const runtimeClass = {
  apiVersion: 'node.k8s.io/v1',
  kind: 'RuntimeClass',
  metadata: { name: 'gvisor' },
  handler: 'runsc',
}

/** A pod is refused where its account is not there yet, and in a dry run it never is. */
const ACCOUNTS = ['podspan', 'watcher', 'given']
const account = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: releaseNamespace },
})

describe('the chart before a real API server', { skip: noCluster, timeout: 120_000 }, () => {
  before(() => apply([...NAMESPACES.map(restrictedNamespace), runtimeClass, ...ACCOUNTS.map(account)]))
  after(async () => {
    const api = new Api()
    for (const name of NAMESPACES) await removeNamespace(api, name)
    await api.remove({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', name: 'gvisor' })
    api.close()
  })

  for (const [name, values] of Object.entries(VALUE_SETS))
    test(`every object is taken, without a warning: ${name}`, async () => {
      const objects = (await render(values)).filter(({ kind }) => !FOREIGN.includes(kind))
      const { code, stdout, stderr } = await dryRun(objects)
      assert.equal(code, 0, stderr)
      assert.equal(stderr, '')
      assert.equal(stdout.trim().split('\n').length, objects.length)
    })

  test('what the API server does not know is refused, so that this proves something', async () => {
    const objects = await render()
    const wrong = objects.map((one) => (one.kind === 'Service' ? { ...one, spec: { prots: [] } } : one))
    const { code, stderr } = await dryRun(wrong)
    assert.equal(code, 1)
    assert.match(stderr, /Service.*prots/s)
  })
})

function dryRun(objects: readonly Manifest[]): ReturnType<typeof attempt> {
  const { binaries, kubeconfig } = readCluster()
  const args = [
    'apply',
    '--server-side',
    '--force-conflicts',
    '--dry-run=server',
    '--validate=strict',
    '-f',
    '-',
  ]
  return attempt(binaries['kubectl'] ?? 'kubectl', args, {
    env: { KUBECONFIG: kubeconfig },
    input: listOf(objects),
  })
}
