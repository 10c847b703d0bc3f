import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { installYaml } from '../../scripts/install-yaml.ts'
import { chartDirectory, type Manifest, noHelm, runHelm } from './render.ts'

describe('install.yaml', { skip: noHelm }, () => {
  const objects = async (): Promise<readonly Manifest[]> => {
    const args = ['template', 'podspan', chartDirectory, '--namespace', 'podspan']
    const text = installYaml((await runHelm(args)).stdout)
    return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
  }

  test('begins with a namespace that takes restricted pods only, and everything is in it', async () => {
    const [first, ...rest] = await objects()
    assert.equal(first?.kind, 'Namespace')
    assert.equal(first?.metadata.labels?.['pod-security.kubernetes.io/enforce'], 'restricted')
    const elsewhere = rest.filter(({ metadata }) => ![undefined, 'podspan'].includes(metadata.namespace))
    assert.deepEqual(
      elsewhere.map(({ metadata }) => metadata.namespace),
      ['kube-node-lease', 'kube-node-lease'],
    )
  })

  test('has the CRD and the Deployment, and nothing of Helm', async () => {
    const all = await objects()
    const kinds = all.map(({ kind }) => kind)
    for (const kind of ['CustomResourceDefinition', 'Deployment', 'ClusterRole', 'ConfigMap', 'Lease'])
      assert.equal(kinds.filter((one) => one === kind).length, 1, kind)
    assert.ok(!kinds.includes('Pod'), 'no pod of helm test')
    for (const { metadata } of all)
      assert.doesNotMatch(JSON.stringify([metadata.labels, metadata.annotations]), /helm/i)
  })
})
