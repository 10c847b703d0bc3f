// Owns the proof that a real API server takes every object of the chart, for every installation that the chart is tested with.
// Promises to leave nothing behind. Does not run what it sends: see operator.e2e.test.ts.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Manifest, releaseNamespace, render } from '../chart/render.ts'
import { VALUE_SETS } from '../chart/value-sets.ts'
import { readCluster } from '../cluster/cluster.ts'
import { toolFiles } from '../cluster/build.ts'
import { attempt } from '../cluster/commands.ts'
import { Api } from '../scenarios/api.ts'
import { removeNamespace } from '../scenarios/namespaces.ts'
import { apply, listOf, restrictedNamespace } from './operator-support.ts'
import { noPolicies } from './injection-support.ts'
import { noCluster } from './trace-support.ts'
import { applyMissingCrds, wholeCluster } from './whole-cluster.ts'

/** What the chart makes of other operators' kinds. */
const MONITORING = ['podmonitors', 'prometheusrules', 'servicemonitors']
const GRAFANA = 'grafanadashboards'
const NAMESPACES = [releaseNamespace, 'shop', 'billing', 'grafana']
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
  const cleanups: (() => unknown)[] = []
  before(async () => {
    cleanups.unshift(await wholeCluster())
    cleanups.unshift(removeAll)
    await apply([...NAMESPACES.map(restrictedNamespace), runtimeClass, ...ACCOUNTS.map(account)])
    const crds = join(await toolFiles('prometheus-operator'), 'example', 'prometheus-operator-crd')
    const files = new Map(
      MONITORING.map((name) => [
        `${name}.monitoring.coreos.com`,
        join(crds, `monitoring.coreos.com_${name}.yaml`),
      ]),
    )
    const grafana = join(await toolFiles('grafana-operator'), 'config', 'crd', 'bases')
    files.set(`${GRAFANA}.grafana.integreatly.org`, join(grafana, `grafana.integreatly.org_${GRAFANA}.yaml`))
    const issuers = join(await toolFiles('cert-manager'), 'deploy', 'crds')
    for (const name of ['certificates', 'issuers'])
      files.set(`${name}.cert-manager.io`, join(issuers, `cert-manager.io_${name}.yaml`))
    cleanups.unshift(await applyMissingCrds(files))
  })
  after(async () => {
    for (const cleanup of cleanups) await cleanup()
  })

  for (const [name, values] of Object.entries(VALUE_SETS))
    test(`every object is taken, without a warning: ${name}`, async (context) => {
      const objects = await render(values)
      if (noPolicies && objects.some(({ kind }) => kind === 'MutatingAdmissionPolicy'))
        return context.skip(noPolicies)
      const { code, stdout, stderr } = await dryRun(objects)
      assert.equal(code, 0, stderr)
      assert.equal(stderr, '')
      assert.equal(stdout.trim().split('\n').length, objects.length)
    })

  const WRONG: readonly (readonly [kind: string, spec: object, says: RegExp])[] = [
    ['Service', { prots: [] }, /Service.*prots/s],
    [
      'PodMonitor',
      { selector: {}, podMetricsEndpoints: [{ honourLabels: true }] },
      /PodMonitor.*honourLabels/s,
    ],
    ['ServiceMonitor', { selector: {}, endpoints: [{ interval: 'often' }] }, /ServiceMonitor.*interval/s],
    ['GrafanaDashboard', { configMap: { name: 'a' } }, /GrafanaDashboard.*configMap/s],
    ['PrometheusRule', { groups: [{ name: 'podspan', rules: [{ alert: 'A' }] }] }, /PrometheusRule.*expr/s],
  ]
  for (const [kind, spec, says] of WRONG)
    test(`a ${kind} with what the API server does not know is refused, so that this proves something`, async () => {
      const objects = await render(VALUE_SETS['monitored'])
      const wrong = objects.map((one) => (one.kind === kind ? { ...one, spec } : one))
      const { code, stderr } = await dryRun(wrong)
      assert.equal(code, 1)
      assert.match(stderr, says)
    })
})

async function removeAll(): Promise<void> {
  const api = new Api()
  for (const name of NAMESPACES) await removeNamespace(api, name)
  await api.remove({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', name: 'gvisor' })
  api.close()
}

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
