// Owns what the chart makes of names that YAML takes for something else: numbers, switches, nothing, dates.
// Promises that each stays a text wherever it is printed. Does not say what is printed where: see chart.test.ts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadConfig } from '../../src/controller/config.ts'
import { configText, noHelm, render, type Values } from './render.ts'

interface Names {
  readonly release: string
  readonly own: string
  readonly whole: string
  readonly namespaces: readonly string[]
  readonly other: string
}

const PLAIN: Names = {
  release: 'podspan',
  own: 'observability',
  whole: 'podspan',
  namespaces: ['shop', 'billing', 'search', 'mail', 'docs'],
  other: 'other',
}

const ODD: readonly Names[] = [
  { release: '123', own: '99', whole: '', namespaces: ['2024', '0777', '0x1f', '1e3', '1-2'], other: '7' },
  {
    release: '1e3',
    own: '0777',
    whole: '1e3',
    namespaces: ['on', 'null', 'yes', 'true', 'n'],
    other: 'null',
  },
  { release: 'on', own: '2024', whole: '12-03', namespaces: ['0b1', '0o7', '1', '00', '1e5'], other: 'off' },
]

const VALUES: readonly ((names: Names) => Values)[] = [
  ({ namespaces, other, whole }) => ({
    namespaces,
    fullnameOverride: whole,
    nameOverride: other,
    serviceAccount: { name: other },
    priorityClassName: other,
    runtimeClassName: other,
    imagePullSecrets: [{ name: other }],
    exporters: {
      [other]: {
        endpoint: 'https://collector:4317',
        headersFromSecrets: { authorization: { secret: other, key: other } },
        tls: { ca: { configMap: other, key: other } },
      },
    },
    standingSession: { exporter: other },
    page: { viewers: [{ kind: 'ServiceAccount', name: other, namespace: other }] },
    extraCA: { configMap: other, key: other },
    commonLabels: { team: other },
    commonAnnotations: { team: other },
  }),
  ({ other, whole }) => ({
    fullnameOverride: whole,
    exporters: { default: { endpoint: 'http://collector:4317' } },
    receiver: { enabled: true, tls: { secret: other }, token: { secret: other, key: other } },
    metrics: {
      service: { enabled: true },
      podMonitor: { enabled: true },
      serviceMonitor: { enabled: true },
      prometheusRule: { enabled: true },
    },
    dashboards: { enabled: true, namespace: other, grafanaOperator: { enabled: true } },
    networkPolicy: { enabled: true },
    replicas: 2,
    injection: { enabled: true, namespaceSelector: { matchLabels: { team: other } } },
  }),
  ({ other, whole }) => ({
    fullnameOverride: whole,
    injection: {
      ...{ enabled: true, by: 'webhook', podSelector: { matchLabels: { team: other } } },
      webhook: { certManager: { enabled: true } },
    },
  }),
]

/** An object with the type of each of its values in place of the value. */
function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typesOf)
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  if (value instanceof Date) return 'date'
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, typesOf(one)]))
}

const shapes = async (values: Values, { own, release }: Names): Promise<readonly unknown[]> =>
  (await render(values, ['--namespace', own], release))
    .map((manifest) => ({ ...(typesOf(manifest) as object), kind: manifest.kind }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

describe('names that look like something else', { skip: noHelm }, () => {
  for (const names of ODD)
    for (const [number, valuesOf] of VALUES.entries())
      test(`stay texts: release ${names.release} in ${names.own}, values ${number + 1}`, async () => {
        assert.deepEqual(await shapes(valuesOf(names), names), await shapes(valuesOf(PLAIN), PLAIN))
      })

  for (const names of ODD)
    test(`are read by the controller as they were given: ${names.namespaces.join(', ')}`, async () => {
      const values = (VALUES[0] as (typeof VALUES)[number])(names)
      const text = configText(await render(values, ['--namespace', names.own], names.release))
      const loaded = loadConfig({ file: { path: 'config.yaml', text } })
      assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.join())
      const { exporters, leaderElection, namespaces } = loaded.config
      assert.deepEqual(namespaces, names.namespaces)
      assert.deepEqual(Object.keys(exporters), [names.other])
      if (names.whole !== '') assert.equal(leaderElection.leaseName, names.whole)
    })
})
