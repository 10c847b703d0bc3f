// Owns the proof that nothing sent to the receiver, and nothing that is wrong with where components export to, reaches a pod or a trace: garbage,
// floods and forgeries are refused and counted, and components that export to nothing start pods as ever.
// Promises to touch pods of its own namespace alone, and to leave the Collector as it was. Says how long starts took, and judges it only roughly.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { truthCursor, type TruthSpan } from '../accuracy/collector.ts'
import {
  kubectl,
  pauseProcess,
  readCluster,
  resumeProcess,
  sendOnward,
  startCollector,
  stopCollector,
} from '../cluster/cluster.ts'
import { Api } from '../scenarios/api.ts'
import { eventually, newNamespace, removeNamespace } from '../scenarios/namespaces.ts'
import { freePort } from './arrivals.ts'
import { takeCluster } from './failover-support.ts'
import { ANSWERS, type Answer, type Door, FORGED, throwGarbage } from './garbage.ts'
import type { Pod } from './injection-support.ts'
import { apply, get } from './operator-support.ts'
import { expectedIds, noCluster, startPodspan } from './trace-support.ts'

const PODS = 6
const TOKEN = 'not-to-be-guessed'
/** More than the batches of real senders have, which are not to be refused here. */
const MESSAGE_BYTES = 1024 * 1024
/** However busy the machine: nobody waits for an export, which an exporter gives up after 10 s. */
const SLOWER_MOST_MS = 8000

describe('what comes to the receiver, and what does not', { skip: noCluster, timeout: 300_000 }, () => {
  const stack = new AsyncDisposableStack()
  let namespace = ''
  let door: Door
  let metric = (_name: string): Promise<number> => Promise.resolve(0)
  let uid = ''
  before(async () => {
    stack.defer(await takeCluster())
    const api = stack.use(new Api())
    namespace = await newNamespace(api, 'podspan-e2e-receiver')
    stack.defer(() => removeNamespace(api, namespace))
    const [httpPort, grpcPort, port] = [await freePort(), await freePort(), await freePort()]
    door = { httpPort, grpcPort, token: TOKEN, messageMaxBytes: MESSAGE_BYTES, uid: () => uid }
    metric = (name) => metricOf(port, name)
    stack.use(await startOperator(namespace, door, port))
    const headers = { authorization: `Bearer ${TOKEN}` }
    stack.use(await sendOnward({ native: { endpoint: `127.0.0.1:${grpcPort}`, headers } }))
    await eventually('the Collector is let in', async () => {
      const taken = await metric(answered('taken')).catch(() => 0)
      return taken > 0
    })
  })
  after(() => stack.disposeAsync())

  test('garbage, floods and forgeries are refused and counted, and every start is told as without them', async (t) => {
    const quiet = await startPods('quiet')
    const before = await counts()
    let rounds = 0
    const stop = new AbortController()
    const flood = (async () => {
      for (; !stop.signal.aborted; rounds++) await throwGarbage(door)
    })()
    const flooded = await startPods('flooded').finally(() => stop.abort())
    await flood
    const after = await counts()
    for (const [answer, each] of Object.entries(ANSWERS) as [Answer, number][])
      assert.equal(after[answer] - before[answer], each * rounds, answer)
    t.diagnostic(`${PODS} pods in ${quiet.tookMs} ms, and in ${flooded.tookMs} ms beside ${rounds} rounds`)
    assert.ok(rounds > 0 && flooded.tookMs < quiet.tookMs + SLOWER_MOST_MS)
    const spans = await tracesOf([...quiet.pods, ...flooded.pods])
    const [usual = [], ...others] = [...spans.values()].map(toldBy)
    for (const told of others) assert.deepEqual(told, usual)
    assert.ok(usual.includes('kubelet: syncPod') && usual.includes('kubelet: prepare pod'), usual.join())
    const all = [...spans.values()].flat()
    assert.ok(all.every(({ name }) => name !== FORGED))
  })

  test('components that export to nothing, or to somebody who does not answer, delay no pod', async (t) => {
    const took: Record<string, number> = {}
    took['to a Collector'] = (await startPods('there')).tookMs
    await stopCollector()
    try {
      took['to nothing'] = (await startPods('gone')).tookMs
    } finally {
      await startCollector()
    }
    pauseProcess('otelcol')
    try {
      took['to one that hangs'] = (await startPods('hangs')).tookMs
    } finally {
      resumeProcess('otelcol')
    }
    for (const [where, tookMs] of Object.entries(took)) {
      t.diagnostic(`${PODS} pods with exports ${where}: ${tookMs} ms`)
      assert.ok(tookMs < (took['to a Collector'] ?? 0) + SLOWER_MOST_MS, where)
    }
  })

  async function counts(): Promise<Record<Answer, number>> {
    const [garbage = 0, tooLarge = 0, unauthorized = 0] = await Promise.all(
      ['garbage', 'too large', 'unauthorized'].map((answer) => metric(answered(answer))),
    )
    return { garbage, 'too large': tooLarge, unauthorized }
  }

  async function startPods(
    name: string,
  ): Promise<{ readonly pods: readonly Pod[]; readonly tookMs: number }> {
    const begun = performance.now()
    await apply([deploymentOf(namespace, name)])
    const listed = (): Promise<{ items: readonly Pod[] }> => get('pods', '-n', namespace, '-l', `app=${name}`)
    await eventually('a pod is there', async () => {
      uid = (await listed()).items[0]?.metadata.uid ?? ''
      return uid !== ''
    })
    await kubectl(['rollout', 'status', `deploy/${name}`, '-n', namespace, '--timeout=90s'])
    return { pods: (await listed()).items, tookMs: Math.round(performance.now() - begun) }
  }
})

const answered = (answer: string): string => `podspan_receiver_requests_total{answer="${answer}"}`

async function metricOf(port: number, sample: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5000) })
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`${sample} `))
  return Number(line?.slice(sample.length + 1) ?? 0)
}

/** As a process on this machine, that takes spans from whoever shows the token. */
async function startOperator(namespace: string, door: Door, port: number): Promise<AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'podspan-receiver-'))
  const { collector, kubeconfig } = readCluster()
  const tokenFile = join(directory, 'token')
  await writeFile(tokenFile, TOKEN)
  const { httpPort, grpcPort, messageMaxBytes } = door
  const config = {
    namespaces: [namespace],
    exporters: { receiver: { endpoint: collector.podspan.grpc, protocol: 'grpc' } },
    standingSession: { allPods: true, completion: { when: 'Never' }, exporter: 'receiver' },
    server: { address: '127.0.0.1', port },
    page: { enabled: false },
    receiver: { enabled: true, address: '127.0.0.1', httpPort, grpcPort, tokenFile, messageMaxBytes },
  }
  const file = join(directory, 'config.yaml')
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config))
  const env = { POD_NAME: 'receiver', POD_NAMESPACE: namespace }
  const running = startPodspan(['controller', '--config', file], kubeconfig, env)
  return {
    [Symbol.asyncDispose]: async () => {
      await running.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function deploymentOf(namespace: string, name: string): object {
  const labels = { app: name }
  // A pull waits for another one or not, as it happens.
  const image = `${readCluster().registry}/pause:latest`
  const containers = [{ name: 'app', image, imagePullPolicy: 'IfNotPresent' }]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: PODS,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers } },
    },
  }
}

/** Waits until each has been told, with the kubelet's own word on it. */
async function tracesOf(pods: readonly Pod[]): Promise<ReadonlyMap<string, readonly TruthSpan[]>> {
  const cursor = truthCursor(readCluster().podspanTracesFile, 0)
  const ids = new Set(pods.map(({ metadata }) => expectedIds(metadata.uid).traceId))
  let byTrace = new Map<string, TruthSpan[]>()
  await eventually('every start is told', async () => {
    byTrace = Map.groupBy(
      cursor.read().filter(({ traceId }) => ids.has(traceId)),
      ({ traceId }) => traceId,
    )
    const isTold = (spans: readonly TruthSpan[]): boolean =>
      ['pod startup', 'syncPod'].every((wanted) => spans.some(({ name }) => name === wanted))
    return byTrace.size === ids.size && [...byTrace.values()].every(isTold)
  })
  return byTrace
}

/** Our own operations, and that of the kubelet from which the rest hangs: what else it and others do differs from pod to pod. */
function toldBy(spans: readonly TruthSpan[]): string[] {
  const isOurs = ({ attributes, name }: TruthSpan): boolean =>
    name === 'syncPod' || attributes['podspan.start.source'] !== undefined
  const labels = spans.filter((span) => isOurs(span) && span.name !== 'unaccounted')
  return [...new Set(labels.map(({ name, service }) => `${service}: ${name}`))].sort()
}
