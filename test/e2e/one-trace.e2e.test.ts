// Owns the proof that a start is one trace, whoever tells of it: Podspan, API server, kubelet, containerd and the application, in a real Jaeger
// behind a real Collector.
// Promises that each of them is what its own teller said: no span that comes from elsewhere is changed but for its place. Measures no time.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type TruthCursor, truthCursor, type TruthSpan } from '../accuracy/collector.ts'
import { kubectl, readCluster, removeImage } from '../cluster/cluster.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { deployment, pushNode, START_UP } from './application-support.ts'
import { noPolicies, type Pod } from './injection-support.ts'
import { asShown, searchTraces, type ShownSpan, tracePage } from './jaeger.ts'
import { setStage, type Stage } from './one-trace-support.ts'
import { apply, get } from './operator-support.ts'
import { expectedIds } from './trace-support.ts'

const home = 'e2e-one-trace'
const shop = 'e2e-one-trace-shop'
const PODS = 3
const APPLICATION = 'checkout'

/** A path each, as `service: name`: each is below the one before it, at whatever depth. */
const EXPECTED: readonly (readonly string[])[] = [
  ['podspan: pod startup', 'kube-scheduler: schedule'],
  // Without the kubelet's call for the sandbox nothing draws a line between the two.
  ['podspan: pod startup', 'kubelet: prepare pod and create sandbox', 'kubelet: prepare pod'],
  ['podspan: pod startup', 'kubelet: prepare pod and create sandbox', 'container-runtime: create sandbox'],
  ['podspan: pod startup', 'kubelet: pull image', 'container-runtime: transfer and unpack'],
  ['podspan: pod startup', 'container-runtime: create container'],
  ['podspan: pod startup', 'container-runtime: start container'],
  ['podspan: pod startup', 'kubelet: report status'],
  ['podspan: pod startup', 'apiserver: POST /api/v1/namespaces/{:namespace}/pods', 'apiserver: Create etcd3'],
  [
    'podspan: pod startup',
    'apiserver: POST /api/v1/namespaces/{:namespace}/pods/{:name}/binding',
    'apiserver: GuaranteedUpdate etcd3',
  ],
  ...(
    [
      ['RuntimeService', 'RunPodSandbox'],
      ['ImageService', 'PullImage'],
      ['RuntimeService', 'CreateContainer'],
      ['RuntimeService', 'StartContainer'],
    ] as const
  ).map(([service, call]) => [
    'podspan: pod startup',
    'kubelet: syncPod',
    `kubelet: runtime.v1.${service}/${call}`,
    `containerd: runtime.v1.${service}/${call}`,
  ]),
  ...START_UP.slice(1).map((step) => [
    'podspan: pod startup',
    `${APPLICATION}: ${START_UP[0]}`,
    `${APPLICATION}: ${step}`,
  ]),
]

describe('one trace of a start by all who took part', { skip: noPolicies, timeout: 300_000 }, () => {
  let stage: Stage | undefined
  let said: TruthCursor
  let sent: TruthCursor
  let pods: readonly Pod[] = []
  const shown = new Map<string, readonly ShownSpan[]>()
  before(async () => {
    const image = await pushNode()
    await removeImage(image)
    stage = await setStage(home, shop)
    said = truthCursor(readCluster().truthFile)
    sent = truthCursor(readCluster().podspanTracesFile)
    await apply([
      deployment({
        ...{ name: APPLICATION, namespace: shop, image, service: APPLICATION, way: 'injected' },
        ...{ replicas: PODS, imagePullPolicy: 'Always' },
      }),
    ])
    await kubectl(['rollout', 'status', `deploy/${APPLICATION}`, '-n', shop, '--timeout=90s'])
    pods = (await get<{ items: readonly Pod[] }>('pods', '-n', shop, '-l', `app=${APPLICATION}`)).items
    for (const { metadata } of pods) await traceOf(metadata)
  })
  after(() => stage?.[Symbol.asyncDispose]())

  /** Waits until all who take part have told; what is then shown is judged. */
  async function traceOf({ name, uid }: Pod['metadata']): Promise<void> {
    const { traceId } = expectedIds(uid)
    let missing: readonly string[] = []
    await eventually(`the trace of ${name} is whole`, async () => {
      const spans = (await tracePage(`${stage?.jaeger.url}/trace/${traceId}`)) ?? []
      shown.set(uid, spans)
      missing = missingIn(spans)
      return missing.length === 0
    }).catch(async (error: Error) => {
      const logs = await kubectl(['logs', 'deployment/podspan', '-n', home, '--tail=20']).catch(String)
      assert.fail(`${error.message}; it lacks\n${missing.join('\n')}\nThe operator says\n${logs}`)
    })
  }

  const each = (judge: (spans: readonly ShownSpan[], pod: Pod) => void): void => {
    assert.equal(pods.length, PODS)
    for (const pod of pods) judge(shown.get(pod.metadata.uid) ?? [], pod)
  }

  test('each pod’s holds our operations, the components’ spans and the application’s, each below what it is part of', () =>
    each((spans) => assert.deepEqual(missingIn(spans), [])))

  test('each is one tree, whose root follows from the pod’s UID', () =>
    each((spans, { metadata }) => {
      const ids = new Set(spans.map(({ spanId }) => spanId))
      assert.equal(ids.size, spans.length, 'no span twice')
      const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
      assert.deepEqual(
        roots.map(({ spanId, name }) => [spanId, name]),
        [[expectedIds(metadata.uid).rootId, 'pod startup']],
      )
      const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))
      assert.deepEqual(orphans, [])
      const [root] = roots
      for (const span of spans) assert.equal(pathTo(span, spans)[0], root, 'no circle')
    }))

  test('the application’s start-up lies within that of its pod, after its container was started', () =>
    each((spans) => {
      const [root, start, startUp] = [
        'podspan: pod startup',
        'container-runtime: start container',
        `${APPLICATION}: ${START_UP[0]}`,
      ].map((label) => spans.find((span) => labelOf(span) === label))
      assert.ok(root && start && startUp)
      assert.equal(startUp.parentSpanId, root.spanId)
      assert.ok(startUp.startUs >= start.startUs, 'it runs after the runtime began to start it')
      assert.ok(endUs(startUp) <= endUs(root), 'it was ready before its pod was')
    }))

  test('what the components said is there as they said it: ids, names, times, and parents but for the topmost', () => {
    const truth = byId(said.read())
    const received = byId(sent.read())
    each((spans) => {
      const pairs = spans.flatMap((span) => {
        const told = truth.get(span.spanId)
        return told ? [{ span, told }] : []
      })
      const services = new Set(pairs.map(({ span }) => span.service))
      assert.deepEqual([...services].sort(), ['apiserver', 'containerd', 'kubelet'])
      const ids = new Set(pairs.map(({ span }) => span.spanId))
      for (const { span, told } of pairs) {
        const { traceId, spanId } = span
        const parentSpanId = ids.has(told.parentSpanId ?? '') ? told.parentSpanId : span.parentSpanId
        const placed = { ...told, traceId, spanId, ...(parentSpanId && { parentSpanId }) }
        const { start, end } = received.get(spanId) ?? assert.fail(span.name)
        assert.deepEqual([start, end], [told.start, told.end], span.name)
        // Jaeger moves a span that sticks out of its parent, if only by microseconds.
        assert.deepEqual(span, { ...asShown(placed), startUs: span.startUs })
      }
    })
  })

  test('nothing of a pod’s start stands in another trace of its own', async () => {
    const search = { tags: {}, minDuration: '', limit: 100, operation: START_UP[0] }
    const found = await searchTraces(stage?.jaeger.url ?? '', { ...search, service: APPLICATION })
    assert.deepEqual(
      [...new Set(found.map(({ traceId }) => traceId))].sort(),
      pods.map(({ metadata }) => expectedIds(metadata.uid).traceId).sort(),
    )
  })
})

const byId = (spans: readonly TruthSpan[]): ReadonlyMap<string, TruthSpan> =>
  new Map(spans.map((span) => [span.spanId, span]))

const labelOf = ({ service, name }: ShownSpan): string => `${service}: ${name}`
const endUs = ({ startUs, durationUs }: ShownSpan): bigint => startUs + durationUs

/** Its ancestors, the topmost first, and itself; parents that lead in a circle end it. */
function pathTo(span: ShownSpan, spans: readonly ShownSpan[]): readonly ShownSpan[] {
  const byId = new Map(spans.map((one) => [one.spanId, one]))
  const path: ShownSpan[] = []
  for (let at: ShownSpan | undefined = span; at && !path.includes(at); at = byId.get(at.parentSpanId ?? ''))
    path.unshift(at)
  return path
}

/** Those of EXPECTED that no path to a span has, in order. */
function missingIn(spans: readonly ShownSpan[]): string[] {
  const paths = spans.map((span) => pathTo(span, spans).map(labelOf))
  return EXPECTED.filter((line) => !paths.some((path) => isWithin(line, path))).map((line) =>
    line.join(' > '),
  )
}

function isWithin(line: readonly string[], path: readonly string[]): boolean {
  let at = 0
  for (const label of path) if (label === line[at]) at++
  return at === line.length
}
