import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { at, type Manifest, noHelm, only, type PodSpec, podSpecs, render } from './render.ts'
import { violations } from './restricted.ts'
import { fullExporter, VALUE_SETS } from './value-sets.ts'

const exporters = { default: { endpoint: 'http://collector:4317' } }

describe('the pods of the chart', { skip: noHelm }, () => {
  for (const [name, values] of Object.entries(VALUE_SETS))
    test(`keep to the restricted standard and write nowhere: ${name}`, async () => {
      const specs = podSpecs(await render(values))
      assert.equal(specs.length, 2, 'the Deployment and the test')
      for (const spec of specs) {
        assert.deepEqual(violations(spec), [])
        assert.equal(spec['enableServiceLinks'], false)
        for (const container of [...(spec.initContainers ?? []), ...spec.containers])
          assert.equal(container.securityContext?.['readOnlyRootFilesystem'], true)
      }
    })

  test('a pod that keeps to nothing is told so', () => {
    const container = {
      ...{ name: 'app', image: 'x', args: [], env: [], volumeMounts: [] },
      securityContext: { privileged: true, runAsUser: 0, capabilities: { add: ['SYS_ADMIN'] } },
    }
    const spec: PodSpec = {
      hostNetwork: true,
      volumes: [{ name: 'v', hostPath: {} }],
      containers: [container],
    }
    assert.equal(violations(spec).length, 9)
  })

  test('an image is named by the mirror, and by its digest rather than its tag', async () => {
    const imageOf = async (values: object): Promise<string | undefined> =>
      podSpecs(await render({ ...values }))[0]?.containers[0]?.image
    assert.equal(await imageOf({}), 'ghcr.io/podspan/podspan:0.1.0')
    assert.equal(await imageOf({ image: { registry: '', tag: 'main' } }), 'podspan/podspan:main')
    const digest = `sha256:${'b'.repeat(64)}`
    const mirrored = { global: { imageRegistry: 'mirror.example' }, image: { tag: 'main', digest } }
    assert.equal(await imageOf(mirrored), `mirror.example/podspan/podspan@${digest}`)
  })

  test('say where their page is, and open no port for it', async () => {
    const templateOf = async (values: object): Promise<Manifest> =>
      at<Manifest>(only(await render({ ...values }), 'Deployment'), 'spec.template')
    const labelOf = ({ metadata }: Manifest): string | undefined => metadata.labels?.['podspan.dev/page-port']
    const usual = await templateOf({})
    assert.equal(labelOf(usual), '7676')
    assert.equal(labelOf(await templateOf({ page: { port: 9000 } })), '9000')
    assert.equal(labelOf(await templateOf({ page: { enabled: false } })), undefined)
    const [container] = at<PodSpec>(usual, 'spec').containers
    assert.deepEqual(container?.['ports'], [{ name: 'http', containerPort: 8080 }])
  })

  test('every file that the configuration names is mounted', async () => {
    const manifests = await render({
      exporters: { default: fullExporter },
      extraCA: { secret: 'company-ca' },
    })
    const [spec] = podSpecs(manifests) as [PodSpec, PodSpec]
    const mounted = itemsOf(spec).map((path) => `/etc/podspan/${path}`)
    const text = JSON.stringify(manifests)
    const named = [...text.matchAll(/\/etc\/podspan\/[\w./-]+/g)].map(([path]) => path)
    assert.ok(named.length >= 7)
    for (const path of new Set(named))
      assert.ok(mounted.includes(path), `${path} is among ${mounted.join(', ')}`)
    const extra = spec.containers[0]?.env.find(({ name }) => name === 'NODE_EXTRA_CA_CERTS')
    assert.equal(extra?.value, '/etc/podspan/ca/extra.crt')
  })

  test('a secret is mounted from its key, or from the one that its kind has by custom', async () => {
    const [spec] = podSpecs(await render({ exporters: { default: fullExporter } })) as [PodSpec, PodSpec]
    const sources = at<{ projected: { sources: object[] } }[]>(spec, 'volumes')[0]?.projected.sources
    const item = (kind: string, name: string, key: string, path: string): object => ({
      [kind]: { name, items: [{ key, path: `exporters/default/${path}` }] },
    })
    assert.deepEqual(sources?.slice(1), [
      item('secret', 'otlp-token', 'token', 'headers/authorization'),
      item('secret', 'otlp-token', 'x-api-key', 'headers/x-api-key'),
      item('configMap', 'otlp-ca', 'bundle.pem', 'tls/ca'),
      item('secret', 'otlp-client', 'tls.crt', 'tls/cert'),
      item('secret', 'otlp-client', 'tls.key', 'tls/key'),
    ])
  })

  test('a changed exporter leaves the pods alone, and anything else in the configuration replaces them', async () => {
    const templateOf = async (values: object): Promise<unknown> =>
      at(only(await render({ ...values }), 'Deployment'), 'spec.template')
    const before = await templateOf({ exporters })
    const elsewhere = { default: { endpoint: 'http://other:4317', spansPerMinute: 1000 } }
    assert.deepEqual(await templateOf({ exporters: elsewhere }), before)
    assert.notDeepEqual(await templateOf({ exporters, settle: '6s' }), before)
    assert.notDeepEqual(await templateOf({ exporters, standingSession: { enabled: false } }), before)
  })

  test('behind a proxy the API server is still asked directly', async () => {
    const envOf = async (proxy: object): Promise<Record<string, string | undefined>> => {
      const [spec] = podSpecs(await render({ proxy })) as [PodSpec, PodSpec]
      return Object.fromEntries((spec.containers[0]?.env ?? []).map(({ name, value }) => [name, value]))
    }
    const env = await envOf({ https: 'http://proxy:3128', none: '.example' })
    assert.equal(env['HTTPS_PROXY'], 'http://proxy:3128')
    assert.equal(env['NO_PROXY'], '$(KUBERNETES_SERVICE_HOST),kubernetes.default.svc,.example')
    assert.ok(!('HTTP_PROXY' in env))
    assert.ok(!('NO_PROXY' in (await envOf({ none: '.example' }))))
  })

  test('helm test checks the configuration, and then each namespace for what is wanted there', async () => {
    const checks = async (values: object): Promise<readonly (readonly string[])[]> => {
      const [, spec] = podSpecs(await render({ ...values })) as [PodSpec, PodSpec]
      assert.deepEqual(
        spec.initContainers?.map(({ args }) => args),
        [['controller', '--config', '/etc/podspan/config.yaml', '--check-config']],
      )
      return spec.containers.map(({ args }) => args.slice(3))
    }
    assert.deepEqual(await checks({}), [[]])
    assert.deepEqual(await checks({ watch: { events: false, nodes: false } }), [
      ['--without', 'events,nodes'],
    ])
    assert.deepEqual(await checks({ namespaces: ['shop', 'billing'] }), [
      ['--namespace', 'shop', '--without', 'nodes,leases'],
      ['--namespace', 'billing', '--without', 'nodes,leases'],
    ])
  })

  test('the pod of helm test leaves nothing but its log, which Helm prints before', async () => {
    const test = only(await render(), 'Pod')
    assert.equal(
      test.metadata.annotations?.['helm.sh/hook-delete-policy'],
      'before-hook-creation,hook-succeeded',
    )
    assert.equal(test.metadata.annotations?.['helm.sh/hook-output-log-policy'], 'hook-succeeded,hook-failed')
  })

  test('two replicas are spread and may not go at once; one is not held back', async () => {
    const two = await render({ replicas: 2 })
    const [spec] = podSpecs(two) as [PodSpec, PodSpec]
    assert.equal((spec['topologySpreadConstraints'] as unknown[]).length, 2)
    assert.equal(at(only(two, 'PodDisruptionBudget'), 'spec.maxUnavailable'), 1)
    const one = await render()
    assert.equal(podSpecs(one)[0]?.['topologySpreadConstraints'], undefined)
    assert.ok(!one.some(({ kind }) => kind === 'PodDisruptionBudget'))
  })
})

/** The paths below the directory of the configuration. */
function itemsOf(spec: PodSpec): string[] {
  const volume = spec.volumes?.find(({ name }) => name === 'config')
  const sources = at<Record<string, { items: { path: string }[] }>[]>(volume, 'projected.sources')
  return sources.flatMap((source) =>
    Object.values(source).flatMap(({ items }) => items.map(({ path }) => path)),
  )
}
