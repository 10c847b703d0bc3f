// Owns the proof that applications continue the trace of their pod's start: the examples as they are, in real containers.
// Promises to build both as a user would, and to touch pods of its own namespace alone. Does not judge Podspan's own spans.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type TruthCursor, truthCursor, type TruthSpan } from '../accuracy/collector.ts'
import { kubectl, readCluster } from '../cluster/cluster.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { deployment, pushGo, pushNode, START_UP } from './application-support.ts'
import { CREATORS, installPolicies, noPolicies, type Pod } from './injection-support.ts'
import { apply, get } from './operator-support.ts'
import { expectedIds, podspan } from './trace-support.ts'

const namespace = 'e2e-application-spans'
const JOB = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }

/** Each language by each way to the context: what the policies inject, and what follows from the UID alone. */
const APPLICATIONS = ['node', 'go'].flatMap((language) =>
  (['injected', 'computed'] as const).map((way) => ({ name: `${language}-${way}`, language, way })),
)

describe('applications in the trace of their start', { skip: noPolicies, timeout: 240_000 }, () => {
  let removePolicies = async (): Promise<void> => {}
  let spans: TruthCursor
  before(async () => {
    spans = truthCursor(readCluster().podspanTracesFile)
    await kubectl(['create', 'namespace', namespace])
    removePolicies = await installPolicies(namespace)
    const images: Readonly<Record<string, string>> = { node: await pushNode(), go: await pushGo() }
    const annotations = { [CREATORS]: `00-${JOB.traceId}-${JOB.spanId}-01` }
    await apply(
      APPLICATIONS.map(({ name, language, way }) =>
        deployment({
          ...{ name, namespace, way, annotations },
          ...{ image: images[language] ?? '', service: `checkout-${language}` },
        }),
      ),
    )
    for (const { name } of APPLICATIONS)
      await kubectl(['rollout', 'status', `deploy/${name}`, '-n', namespace, '--timeout=90s'])
  })
  after(async () => {
    await removePolicies()
    await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false'])
  })

  for (const { name, language } of APPLICATIONS)
    test(`${name}: its start-up stands below the root of its pod's start`, async () => {
      const { items } = await get<{ items: readonly Pod[] }>('pods', '-n', namespace, '-l', `app=${name}`)
      const [pod] = items
      assert.ok(pod && items.length === 1)
      const { traceId, rootId } = expectedIds(pod.metadata.uid)
      let own: readonly TruthSpan[] = []
      await eventually('its spans are at the Collector', async () => {
        own = spans.read().filter((span) => span.traceId === traceId)
        return own.length >= 3
      })
      assert.deepEqual(own.map((span) => span.name).sort(), [...START_UP].sort())
      const startUp = own.find((span) => span.name === START_UP[0])
      assert.equal(startUp?.parentSpanId, rootId)
      for (const span of own) {
        assert.equal(span.service, `checkout-${language}`)
        if (span !== startUp) assert.equal(span.parentSpanId, startUp?.spanId)
      }
    })

  test('Podspan tells that very root, and links it to the job that annotated the Deployment', async () => {
    const { kubeconfig } = readCluster()
    const args = ['trace', 'deploy/node-injected', '-n', namespace, '--output', 'otlp-json']
    const { code, stdout, stderr } = await podspan(args, kubeconfig)
    assert.equal(code, 0, stderr)
    const { items } = await get<{ items: readonly Pod[] }>('pods', '-n', namespace, '-l', 'app=node-injected')
    const { traceId, rootId } = expectedIds(items[0]?.metadata.uid ?? '')
    const root = rootsOf(stdout).find((span) => span.spanId === rootId)
    assert.equal(root?.traceId, traceId)
    assert.deepEqual(
      root?.links?.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
      [JOB],
    )
  })
})

interface Root {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
}

function rootsOf(otlpJson: string): Root[] {
  const requests = otlpJson
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Exported)
  return requests
    .flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)),
    )
    .filter(({ parentSpanId }) => parentSpanId === undefined)
}

interface Exported {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Root[] }[] }[]
}
