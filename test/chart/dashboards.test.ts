import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readDashboards } from '../support/grafana.ts'
import { at, chartDirectory, kinds, type Manifest, noHelm, releaseNamespace, render } from './render.ts'

/** A ConfigMap holds 1 MiB. */
const BYTES_MAX = 1_048_576

const dashboardsOf = (manifests: readonly Manifest[]): Manifest[] =>
  manifests.filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name !== 'podspan')

const names = Object.keys(readDashboards())

describe('the dashboards of the chart', { skip: noHelm }, () => {
  test('come only when they are asked for', async () => {
    assert.deepEqual(dashboardsOf(await render()), [])
  })

  test('are ConfigMaps that the sidecar of Grafana finds, with every byte that was generated', async () => {
    const found = dashboardsOf(await render({ dashboards: { enabled: true } }))
    assert.deepEqual(
      found.map(({ metadata }) => metadata.name),
      names.map((name) => `podspan-${name}`),
    )
    for (const manifest of found) {
      assert.equal(manifest.metadata.namespace, releaseNamespace)
      assert.equal(manifest.metadata.labels?.['grafana_dashboard'], '1')
      assert.equal(manifest.metadata.annotations?.['grafana_folder'], 'Podspan')
      const [entry] = Object.entries(at<Record<string, string>>(manifest, 'data'))
      const [key, text] = entry ?? ['', '']
      const file = join(chartDirectory, 'dashboards', key.replace('podspan-', ''))
      assert.equal(text, readFileSync(file, 'utf8').trim())
      assert.ok(Buffer.byteLength(JSON.stringify(manifest)) < BYTES_MAX)
    }
  })

  test('go where the sidecar looks, under the label and into the folder that it is told', async () => {
    const dashboards = {
      ...{ enabled: true, namespace: 'grafana', labels: { grafana_dashboard: null, dashboards: 'yes' } },
      ...{ folder: 'Pods', folderAnnotation: 'folder', annotations: { more: 'too' } },
    }
    for (const { metadata } of dashboardsOf(await render({ dashboards }))) {
      assert.equal(metadata.namespace, 'grafana')
      assert.deepEqual(
        [metadata.labels?.['grafana_dashboard'], metadata.labels?.['dashboards']],
        [undefined, 'yes'],
      )
      assert.deepEqual(metadata.annotations, { folder: 'Pods', more: 'too' })
    }
    const bare = dashboardsOf(await render({ dashboards: { enabled: true, folder: '' } }))
    for (const { metadata } of bare) assert.equal(metadata.annotations, undefined)
  })

  test('are known to the Grafana operator where it is asked for, by the ConfigMaps', async () => {
    const manifests = await render({ dashboards: { enabled: true, grafanaOperator: { enabled: true } } })
    const maps = new Map(dashboardsOf(manifests).map((one) => [one.metadata.name, at<object>(one, 'data')]))
    const objects = manifests.filter(({ kind }) => kind === 'GrafanaDashboard')
    assert.equal(objects.length, names.length)
    for (const one of objects) {
      assert.equal(one.apiVersion, 'grafana.integreatly.org/v1beta1')
      assert.ok(
        at<string>(one, 'spec.configMapRef.key') in (maps.get(at(one, 'spec.configMapRef.name')) ?? {}),
      )
      assert.deepEqual(at(one, 'spec.instanceSelector'), { matchLabels: { dashboards: 'grafana' } })
    }
    assert.ok(!kinds(await render({ dashboards: { enabled: true } })).includes('GrafanaDashboard'))
  })
})
