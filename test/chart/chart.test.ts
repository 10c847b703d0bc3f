import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { loadConfig } from '../../src/controller/config.ts'
import {
  at,
  chartDirectory,
  configText,
  kinds,
  type Manifest,
  noHelm,
  only,
  podSpecs,
  render,
  runHelm,
  releaseNamespace,
} from './render.ts'
import { fullExporter, VALUE_SETS } from './value-sets.ts'

const exporters = { default: { endpoint: 'http://collector:4317' } }

describe('the chart', { skip: noHelm }, () => {
  for (const [name, values] of Object.entries(VALUE_SETS)) {
    test(`passes Helm's own checks: ${name}`, async () => {
      const { code, stdout, stderr } = await runHelm(['lint', '--strict', chartDirectory], values)
      assert.equal(code, 0, `${stdout}${stderr}`)
    })

    test(`writes a configuration that the controller takes: ${name}`, async () => {
      const text = configText(await render(values))
      const loaded = loadConfig({ file: { path: 'config.yaml', text } })
      assert.deepEqual(loaded.ok ? loaded.warnings : loaded.problems, [])
    })

    test(`gives every object its labels, and selects its own pods: ${name}`, async () => {
      const manifests = await render(values)
      for (const { kind, metadata } of manifests) {
        assert.equal(metadata.labels?.['app.kubernetes.io/instance'], 'podspan', kind)
        for (const [key, value] of Object.entries((values['commonLabels'] ?? {}) as object))
          assert.equal(metadata.labels?.[key], value, `${kind} has ${key}`)
        for (const [key, value] of Object.entries((values['commonAnnotations'] ?? {}) as object))
          assert.equal(metadata.annotations?.[key], value, `${kind} has ${key}`)
      }
      assertSelects(manifests)
    })
  }

  const typos: readonly (readonly [string, object, RegExp])[] = [
    ['a key at the top', { replica: 2 }, /'replica' not allowed/],
    ['a key of an exporter', { exporters: { default: { endpont: 'x' } } }, /'endpont' not allowed/],
    ['an exporter without an endpoint', { exporters: { default: {} } }, /missing property 'endpoint'/],
    [
      'an endpoint without a port',
      { exporters: { default: { endpoint: 'collector' } } },
      /default\/endpoint/,
    ],
    [
      'an endpoint of another scheme',
      { exporters: { default: { endpoint: 'ftp://c:1' } } },
      /default\/endpoint/,
    ],
    [
      'two replicas without an election',
      { replicas: 2, leaderElection: { enabled: false } },
      /both would export every start .*Set replicas to 1/,
    ],
    [
      'a lease that is not longer than the leader keeps at it',
      { leaderElection: { leaseDuration: '1m', renewDeadline: '60.5s' } },
      /leaseDuration is 1m and renewDeadline is 60\.5s: .*Set leaseDuration to more than renewDeadline/,
    ],
    [
      'a deadline that leaves one try',
      { leaderElection: { renewDeadline: '2400ms', retryPeriod: '2s' } },
      /renewDeadline is 2400ms and retryPeriod is 2s: .*more than 1\.2 times retryPeriod/,
    ],
    ['an exporter that cannot be a name', { exporters: { My_backend: exporters.default } }, /My_backend/],
    ['a duration in days', { startTimeout: '1d' }, /startTimeout/],
    ['a text for a switch', { crds: { keep: 'yes' } }, /crds\/keep/],
    ['three replicas', { replicas: 3 }, /replicas/],
    ['a link without the trace', { links: { traceURLTemplate: 'https://x.example' } }, /traceURLTemplate/],
    ['a CA of two places', { extraCA: { secret: 'a', configMap: 'b' } }, /extraCA/],
    [
      'a certificate without its key',
      { exporters: { default: { ...exporters.default, tls: { cert: { secret: 'x' } } } } },
      /'key' required, if 'cert' exists|tls/,
    ],
    ['a short digest', { image: { digest: 'sha256:abc' } }, /image\/digest/],
    [
      'an injection into nobody',
      { injection: { enabled: true } },
      /namespaceSelector or injection\.podSelector/,
    ],
    ['a selector of another form', { injection: { podSelector: { app: 'web' } } }, /'app' not allowed/],
    ['a key deep inside', { metrics: { podMonitor: { enable: true } } }, /'enable' not allowed/],
  ]
  for (const [what, values, message] of typos)
    test(`refuses ${what}`, async () => {
      await assert.rejects(render({ ...values }), message)
    })

  test('as a dependency it may be switched by its parent, and share globals with it', async () => {
    await render({ enabled: true, global: { imageRegistry: 'mirror.example', other: 1 } })
  })

  test('says to the controller what the values say', async () => {
    const manifests = await render(VALUE_SETS['a platform with rules'])
    const loaded = loadConfig({ file: { path: 'config.yaml', text: configText(manifests) } })
    assert.ok(loaded.ok)
    const { config } = loaded
    assert.equal(config.clusterName, 'prod-1')
    assert.equal(config.startTimeout, 1_200_000_000_000n)
    assert.deepEqual(config.serviceName, { fixed: 'pods' })
    assert.equal(config.ring.maxBytes, 134_217_728)
    assert.equal(config.links.traceURLTemplate, 'https://jaeger.example/trace/{traceID}')
    assert.equal(config.log.level, 'debug')
    assert.equal(config.leaderElection.leaseName, 'podspan')
  })

  test('an exporter keeps every setting, with files in place of secrets', async () => {
    const text = configText(await render({ exporters: { default: fullExporter } }))
    const loaded = loadConfig({ file: { path: 'config.yaml', text } })
    assert.ok(loaded.ok)
    const { timeout, maxSpanAge, ...rest } = loaded.config.exporters['default'] ?? assert.fail('no exporter')
    assert.deepEqual([timeout, maxSpanAge], [5_000_000_000n, 3_600_000_000_000n])
    const at = '/etc/podspan/exporters/default'
    assert.deepEqual(rest, {
      endpoint: 'https://otlp.example:4317',
      protocol: 'grpc',
      headers: { 'x-dataset': 'pods' },
      headersFromFiles: {
        authorization: `${at}/headers/authorization`,
        'x-api-key': `${at}/headers/x-api-key`,
      },
      tls: { ca: `${at}/tls/ca`, cert: `${at}/tls/cert`, key: `${at}/tls/key`, insecure: false },
      compression: 'none',
      queueMaxBytes: 8_388_608,
      spansPerMinute: 60_000,
    })
  })

  test('the CRD is a part of the release, and kept when it ends, unless told otherwise', async () => {
    const policy = async (crds: object): Promise<string | undefined> =>
      only(await render({ crds }), 'CustomResourceDefinition').metadata.annotations?.[
        'helm.sh/resource-policy'
      ]
    assert.equal(await policy({}), 'keep')
    assert.equal(await policy({ keep: false }), undefined)
    assert.ok(!kinds(await render({ crds: { install: false } })).includes('CustomResourceDefinition'))
  })

  test('the CRD loses nothing on its way through the template', async () => {
    const { readFileSync } = await import('node:fs')
    const { parse } = await import('yaml')
    const original = parse(
      readFileSync(`${chartDirectory}/files/tracesessions.podspan.dev.yaml`, 'utf8'),
    ) as Manifest
    assert.deepEqual(only(await render(), 'CustomResourceDefinition')['spec'], original['spec'])
  })

  test('a standing session is asked for as soon as its exporter is there', async () => {
    const asked = async (values: object): Promise<boolean> =>
      configText(await render({ ...values })).includes('standingSession:')
    assert.equal(await asked({}), false)
    assert.equal(await asked({ exporters }), true)
    assert.equal(await asked({ exporters, standingSession: { exporter: 'other' } }), false)
    assert.equal(await asked({ exporters, standingSession: { enabled: false } }), false)
  })

  test('sessions elsewhere may not select namespaces, as far as the release may say so', async () => {
    const policy = only(await render(), 'ValidatingAdmissionPolicy')
    const [{ expression }] = at<[{ expression: string }]>(policy, 'spec.validations')
    assert.match(expression, new RegExp(`request.namespace == '${releaseNamespace}'`))
    const binding = only(await render(), 'ValidatingAdmissionPolicyBinding')
    assert.equal(at(binding, 'spec.policyName'), policy.metadata.name)
    assert.ok(!kinds(await render({ namespaces: ['shop'] })).includes('ValidatingAdmissionPolicy'))
  })

  test('contexts are injected only where asked for, into the selected pods, and never at the price of a pod', async () => {
    assert.ok(!kinds(await render()).includes('MutatingAdmissionPolicy'))
    const manifests = await render(VALUE_SETS['contexts for pods'])
    const [bindings, pods] = manifests.filter(({ kind }) => kind === 'MutatingAdmissionPolicy')
    const constraints = 'spec.matchConstraints'
    assert.deepEqual(at(bindings, `${constraints}.resourceRules.0.resources`), ['pods/binding'])
    // A Binding has no labels of the pod.
    assert.equal(at(bindings, `${constraints}.objectSelector`), undefined)
    assert.deepEqual(at(pods, `${constraints}.objectSelector.matchExpressions.0.key`), 'example.com/traced')
    for (const policy of [bindings, pods]) {
      assert.deepEqual(at(policy, `${constraints}.namespaceSelector`), { matchLabels: { team: 'shop' } })
      assert.deepEqual(at(policy, `${constraints}.resourceRules.0.operations`), ['CREATE'])
      assert.equal(at(policy, 'spec.failurePolicy'), 'Ignore')
    }
    const bound = manifests.filter(({ kind }) => kind === 'MutatingAdmissionPolicyBinding')
    assert.deepEqual(
      bound.map((one) => at(one, 'spec.policyName')),
      [bindings, pods].map((policy) => policy?.metadata.name),
    )
  })

  test('a webhook is asked over TLS that it can show, never about its own pods, and is not waited for', async () => {
    const manifests = await render(VALUE_SETS['contexts by a webhook'])
    assert.ok(!kinds(manifests).includes('MutatingAdmissionPolicy'))
    const { webhooks } = only(manifests, 'MutatingWebhookConfiguration') as unknown as { webhooks: unknown[] }
    const secret = at<Record<string, string>>(only(manifests, 'Secret'), 'data')
    const certificate = new X509Certificate(Buffer.from(secret['tls.crt'] ?? '', 'base64'))
    const authority = new X509Certificate(Buffer.from(secret['ca.crt'] ?? '', 'base64'))
    assert.ok(certificate.verify(authority.publicKey))
    assert.equal(certificate.checkHost(`podspan-webhook.${releaseNamespace}.svc`) !== undefined, true)
    assert.equal(webhooks.length, 2)
    for (const webhook of webhooks) {
      assert.equal(at(webhook, 'failurePolicy'), 'Ignore')
      assert.equal(at(webhook, 'timeoutSeconds'), 2)
      assert.equal(at(webhook, 'clientConfig.caBundle'), secret['ca.crt'])
      const own = {
        key: 'kubernetes.io/metadata.name',
        operator: 'NotIn',
        values: [releaseNamespace, 'kube-system'],
      }
      assert.deepEqual(at(webhook, 'namespaceSelector.matchExpressions'), [own])
    }
    assert.deepEqual(
      webhooks.map((webhook) => at(webhook, 'objectSelector.matchLabels')),
      [undefined, { team: 'platform' }],
    )
    const ports = at<unknown[]>(only(manifests, 'NetworkPolicy'), 'spec.ingress').map((rule) =>
      at(rule, 'ports.0.port'),
    )
    assert.deepEqual(ports, ['http', 'webhook'])
  })

  test('cert-manager makes the certificate where it is asked to, and says its authority', async () => {
    const manifests = await render(VALUE_SETS['contexts by a webhook with cert-manager'])
    const { metadata } = only(manifests, 'MutatingWebhookConfiguration')
    const name = 'podspan-webhook'
    assert.equal(metadata.annotations?.['cert-manager.io/inject-ca-from'], `${releaseNamespace}/${name}`)
    assert.equal(at(only(manifests, 'Certificate', name), 'spec.issuerRef.name'), 'own')
    assert.ok(!kinds(manifests).includes('Issuer') && !kinds(manifests).includes('Secret'))
    const injection = { enabled: true, by: 'webhook', podSelector: { matchLabels: { app: 'web' } } }
    const selfSigned = await render({
      injection: { ...injection, webhook: { certManager: { enabled: true } } },
    })
    assert.deepEqual(at(only(selfSigned, 'Issuer'), 'spec'), { selfSigned: {} })
    const policies = ['--api-versions', 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy']
    await assert.rejects(render({ injection }, policies), /leave injection\.by at policies/)
  })

  test('an API server without MutatingAdmissionPolicies is named as such', async () => {
    const values = { injection: { enabled: true, podSelector: { matchLabels: { app: 'web' } } } }
    const served = (kind: string): string[] => ['--api-versions', `admissionregistration.k8s.io/v1/${kind}`]
    const older = served('ValidatingAdmissionPolicy')
    await assert.rejects(render(values, older), /this API server does not have.*1\.36/)
    await render(values, [...older, ...served('MutatingAdmissionPolicy')])
  })

  test('a NetworkPolicy lets in scrapes alone and says nothing of the way out, unless told to', async () => {
    const policy = only(await render({ networkPolicy: { enabled: true } }), 'NetworkPolicy')
    assert.deepEqual(at(policy, 'spec.policyTypes'), ['Ingress'])
    assert.deepEqual(at(policy, 'spec.ingress'), [{ ports: [{ port: 'http', protocol: 'TCP' }] }])
    const closed = only(await render(VALUE_SETS['monitored']), 'NetworkPolicy')
    assert.deepEqual(at(closed, 'spec.policyTypes'), ['Ingress', 'Egress'])
  })

  test('the receiver is off unless asked for, and then has its ports, its Service and its files', async () => {
    const off = await render()
    assert.equal(kinds(off).filter((kind) => kind === 'Service').length, 1)
    assert.doesNotMatch(configText(off), /receiver/)
    const values = VALUE_SETS['spans of other components'] ?? {}
    const manifests = await render(values)
    const spec = podSpecs(manifests)[0]
    const ports = spec?.containers[0]?.ports?.map(({ name }) => name)
    assert.deepEqual(ports, ['http', 'otlp-grpc', 'otlp-http'])
    const service = manifests.find(({ metadata }) => metadata.name === 'podspan-otlp')
    assert.ok(service)
    assert.equal(at(service, 'spec.clusterIP'), '10.96.0.99')
    for (const { port, targetPort } of at<{ port: number; targetPort: string }[]>(service, 'spec.ports')) {
      const there = spec?.containers[0]?.ports?.find(({ name }) => name === targetPort)
      assert.equal(there?.containerPort, port)
    }
    const policy = only(manifests, 'NetworkPolicy')
    const [, ingress] = at<{ ports: { port: string }[]; from: object[] }[]>(policy, 'spec.ingress')
    assert.deepEqual(
      ingress?.ports.map(({ port }) => port),
      ['otlp-grpc', 'otlp-http'],
    )
    assert.deepEqual(ingress?.from, [{ ipBlock: { cidr: '10.0.0.0/8' } }])
    const loaded = loadConfig({ file: { path: 'config.yaml', text: configText(manifests) } })
    assert.ok(loaded.ok)
    const { tls, tokenFile } = loaded.config.receiver
    const mounted = JSON.stringify(at(only(manifests, 'Deployment'), 'spec.template.spec.volumes'))
    for (const path of [tls.cert, tls.key, tls.ca, tokenFile])
      assert.ok(mounted.includes(`"${path?.replace('/etc/podspan/', '')}"`), `${path} is not mounted`)
  })

  test('what is scraped is a port that the container has', async () => {
    const manifests = await render(VALUE_SETS['monitored'])
    const port = podSpecs(manifests)[0]?.containers[0]?.ports?.[0]
    assert.deepEqual(port, { name: 'http', containerPort: 9090 })
    const [pod] = at<[Record<string, unknown>]>(only(manifests, 'PodMonitor'), 'spec.podMetricsEndpoints')
    const [service] = at<[Record<string, unknown>]>(only(manifests, 'ServiceMonitor'), 'spec.endpoints')
    for (const endpoint of [pod, service]) {
      assert.equal(endpoint['port'], port?.name)
      assert.equal(endpoint['honorLabels'], true, 'the namespace of a workload stays its namespace')
    }
    const [{ targetPort }] = at<[{ targetPort: string }]>(only(manifests, 'Service'), 'spec.ports')
    assert.equal(targetPort, port?.name)
  })

  test('two releases in two namespaces share no name of a cluster-wide object but the CRD', async () => {
    const globals = async (namespace: string): Promise<string[]> =>
      (await render({}, ['--namespace', namespace]))
        .filter(
          ({ metadata, kind }) => metadata.namespace === undefined && kind !== 'CustomResourceDefinition',
        )
        .map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    const [one, two] = [await globals('one'), await globals('two')]
    assert.equal(one.length, 4)
    assert.deepEqual(
      one.filter((name) => two.includes(name)),
      [],
    )
  })
})

/** Selectors of Deployment, Service, budget, policy and monitors match the labels of the Deployment's pods, and not those of the test. */
function assertSelects(manifests: readonly Manifest[]): void {
  const labels = at<Record<string, string>>(only(manifests, 'Deployment'), 'spec.template.metadata.labels')
  const test = only(manifests, 'Pod').metadata.labels ?? {}
  for (const one of manifests) {
    const selector =
      at<Record<string, string> | undefined>(one, 'spec.selector.matchLabels') ??
      at<Record<string, string> | undefined>(one, 'spec.podSelector.matchLabels') ??
      (one.kind === 'Service' ? at<Record<string, string>>(one, 'spec.selector') : undefined)
    if (selector === undefined) continue
    const matches = (given: Readonly<Record<string, string>>): boolean =>
      Object.entries(selector).every(([key, value]) => given[key] === value)
    assert.ok(matches(labels) && !matches(test), `${one.kind} selects the Deployment's pods alone`)
  }
}
