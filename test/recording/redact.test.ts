import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJson } from '../../src/decode/json.ts'
import { redact, redactedName } from '../../src/recording/redact.ts'

const SECRET = 'hunter2'

/** A pod with the word wherever somebody may have put a secret; what is kept has other words. */
const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    uid: 'u-1',
    name: 'checkout',
    namespace: 'shop',
    resourceVersion: '7',
    creationTimestamp: '2026-01-02T03:04:05Z',
    labels: { app: 'checkout', command: 'kept', __proto__x: 'kept' },
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': SECRET,
      'vault.example/token': SECRET,
      'kubernetes.io/config.hash': 'kept',
    },
    managedFields: [
      { manager: 'kubelet', operation: 'Update', time: '2026-01-02T03:04:05Z', fieldsV1: { [SECRET]: {} } },
    ],
  },
  spec: {
    imagePullSecrets: [{ name: SECRET }],
    containers: [
      {
        name: 'app',
        image: 'registry.example/checkout:1',
        command: ['run', SECRET],
        args: [`--password=${SECRET}`],
        env: [
          { name: 'PASSWORD', value: SECRET },
          { name: 'TOKEN', valueFrom: { secretKeyRef: { name: SECRET, key: 'token' } } },
          { name: 'MODE', valueFrom: { configMapKeyRef: { name: SECRET, key: 'mode' } } },
        ],
        envFrom: [{ secretRef: { name: SECRET } }, { configMapRef: { name: SECRET } }],
        readinessProbe: { exec: { command: ['check', SECRET] }, periodSeconds: 5 },
        livenessProbe: {
          httpGet: { path: '/', httpHeaders: [{ name: 'Authorization', value: SECRET }] },
          periodSeconds: 9,
        },
        lifecycle: { postStart: { exec: { command: [SECRET] } } },
      },
    ],
    initContainers: [{ name: 'init', image: 'registry.example/init:1', args: [SECRET] }],
    volumes: [
      { name: 'a', secret: { secretName: SECRET } },
      { name: 'b', configMap: { name: SECRET } },
      { name: 'c', projected: { sources: [{ secret: { name: SECRET } }, { configMap: { name: SECRET } }] } },
      {
        name: 'd',
        csi: { driver: 'x', nodePublishSecretRef: { name: SECRET }, volumeAttributes: { key: SECRET } },
      },
      { name: 'e', persistentVolumeClaim: { claimName: 'data' } },
    ],
  },
  status: {
    phase: 'Pending',
    containerStatuses: [
      {
        name: 'app',
        ready: false,
        restartCount: 0,
        state: { waiting: { reason: 'CreateContainerConfigError', message: `secret "${SECRET}" not found` } },
      },
    ],
  },
}

test('nothing that may be a secret is left in a pod', () => {
  assert.doesNotMatch(JSON.stringify(redact(POD)), new RegExp(SECRET))
})

test('a redacted pod is decoded to the same record, but for names of Secrets in messages', () => {
  const plain = JSON.parse(
    JSON.stringify(POD).replaceAll(`secret \\"${SECRET}\\"`, `secret \\"${redactedName(SECRET)}\\"`),
  )
  assert.deepEqual(decodeJson('pods', redact(POD)), decodeJson('pods', plain))
  assert.equal(decodeJson('pods', redact(POD)).ok, true)
})

test('the same name becomes the same word, and another name another', () => {
  assert.equal(redactedName('a'), redactedName('a'))
  assert.notEqual(redactedName('a'), redactedName('b'))
  assert.match(redactedName('a'), /^redacted-[0-9a-f]{8}$/)
})

test('redacting twice changes nothing more', () => assert.deepEqual(redact(redact(POD)), redact(POD)))

test('what is redacted is not changed in place', () => {
  const before = JSON.stringify(POD)
  redact(POD)
  assert.equal(JSON.stringify(POD), before)
})

const MESSAGES: readonly (readonly [string, string])[] = [
  [`secret "${SECRET}" not found`, `secret "${redactedName(SECRET)}" not found`],
  [`configmap "${SECRET}" not found`, `configmap "${redactedName(SECRET)}" not found`],
  [
    `couldn't find key x in Secret shop/${SECRET}`,
    `couldn't find key x in Secret shop/${redactedName(SECRET)}`,
  ],
  [`object "shop"/"${SECRET}" not registered`, `object "shop"/"${redactedName(SECRET)}" not registered`],
  ['Successfully pulled image "nginx:1" in 2.1s', 'Successfully pulled image "nginx:1" in 2.1s'],
  ['references non-existent secret key: x', 'references non-existent secret key: x'],
]

for (const [message, expected] of MESSAGES) {
  test(`the message ${JSON.stringify(expected)} is what a recording keeps`, () => {
    assert.deepEqual(redact({ message }), { message: expected })
  })
}

test('an event about a Secret keeps only the time in its name', () => {
  const event = {
    metadata: { name: `${SECRET}.18ce79c78f5e8d15` },
    involvedObject: { kind: 'Secret', name: SECRET },
  }
  assert.deepEqual(redact(event), {
    metadata: { name: `${redactedName(SECRET)}.18ce79c78f5e8d15` },
    involvedObject: { kind: 'Secret', name: redactedName(SECRET) },
  })
})

test('the data of a ConfigMap or Secret never reaches a recording', () => {
  const map = {
    kind: 'Secret',
    metadata: { name: 'x' },
    data: { a: SECRET },
    stringData: { b: SECRET },
    binaryData: { c: SECRET },
  }
  assert.deepEqual(redact(map), { kind: 'Secret', metadata: { name: 'x' } })
})

test('the pod template of a workload is treated like a pod', () => {
  const deployment = {
    metadata: { name: 'x' },
    spec: { template: { metadata: POD.metadata, spec: POD.spec } },
  }
  assert.doesNotMatch(JSON.stringify(redact(deployment)), new RegExp(SECRET))
})

test('the bookmark that ends an initial list keeps saying so', () => {
  const bookmark = { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } }
  assert.deepEqual(redact(bookmark), bookmark)
})
