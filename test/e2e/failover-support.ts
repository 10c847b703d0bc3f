// Owns the place in which failovers are tested: a namespace with a Deployment, its pods as the API server shows them, two replicas, and
// an observer that nobody disturbs. Promises that all of it is removed again, also where the test fails.
// Does not disturb anything itself, and judges nothing: failover-judge.ts does.

import { parseRfc3339, type UnixNano, unixNano } from '../../src/base/time.ts'
import { CRD_FILE } from '../../scripts/generate-crd.ts'
import type { TruthSpan } from '../accuracy/collector.ts'
import { kubectl, readCluster } from '../cluster/cluster.ts'
import { Api, type KubeObject, pathOf } from '../scenarios/api.ts'
import { deployment, server, template } from '../scenarios/manifests.ts'
import { eventually, newNamespace, removeNamespace } from '../scenarios/namespaces.ts'
import { clock, isReady } from '../scenarios/stage.ts'
import { type Arrivals, type Copy, watchArrivals } from './arrivals.ts'
import { type Replicas, type ReplicasOptions, startReplicas } from './replicas.ts'
import { expectedIds, startPodspan } from './trace-support.ts'
import { CRD, established, wholeCluster } from './whole-cluster.ts'
import { parseExports } from '../accuracy/collector.ts'

const REPLICAS = 40

export interface PodSeen {
  readonly uid: string
  readonly name: string
  readonly created: UnixNano
  /** When it was first seen ready. */
  readyAt?: UnixNano
}

export interface Stage extends AsyncDisposable {
  readonly api: Api
  readonly namespace: string
  readonly replicas: Replicas
  readonly arrivals: Arrivals
  /** Every pod that there has been. */
  pods(): readonly PodSeen[]
  /** Replaces every pod of the Deployment; resolves when the API server has taken the order. */
  rollOut(): Promise<void>
  /** Waits until all pods of the rollout are ready. */
  rolledOut(): Promise<void>
  /** Waits until every pod that became ready has arrived at the Collector. */
  delivered(): Promise<void>
  /** Ends the observer, and returns what it has told of each pod. */
  observed(): Promise<ReadonlyMap<string, readonly TruthSpan[]>>
}

export interface StageOptions {
  readonly collector: { readonly endpoint: string; readonly file: string }
  readonly leaderElection: ReplicasOptions['leaderElection']
  /** Of the Deployment; 40 by default. */
  readonly pods?: number
}

export const clusterCollector = (): StageOptions['collector'] => {
  const { collector, podspanTracesFile } = readCluster()
  return { endpoint: collector.podspan.grpc, file: podspanTracesFile }
}

/** The CRD, and the cluster as a whole, for as long as a test needs them; returns how to leave both as they were. */
export async function takeCluster(): Promise<() => Promise<void>> {
  const letGo = await wholeCluster()
  const crd = `crd/${CRD}`
  const wasThere = (await kubectl(['get', crd, '--ignore-not-found', '-o', 'name'])) !== ''
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', CRD_FILE])
  await established([crd])
  return async () => {
    if (!wasThere) await kubectl(['delete', crd, '--wait=false'])
    letGo()
  }
}

export async function openStage({ collector, leaderElection, pods }: StageOptions): Promise<Stage> {
  const stack = new AsyncDisposableStack()
  try {
    const api = stack.use(new Api())
    const namespace = await newNamespace(api, 'podspan-e2e-failover')
    stack.defer(() => removeNamespace(api, namespace))
    const arrivals = watchArrivals(collector.file, namespace)
    stack.defer(() => arrivals.close())
    const ledger = stack.use(watchPods(api, namespace))
    const args = ['watch', '--namespace', namespace, '--output', 'otlp-json']
    const observer = startPodspan(args, readCluster().kubeconfig)
    stack.defer(async () => void (await observer.stop()))
    const replicas = stack.use(
      await startReplicas({ namespace, leaderElection, endpoint: collector.endpoint }),
    )
    await replicas.settled()
    await eventually('the observer watches', async () => /watching/.test(observer.said()))
    const disposal = stack.move()
    return {
      ...{ api, namespace, replicas, arrivals },
      pods: () => [...ledger.pods.values()],
      ...rolloutsIn(api, namespace, pods ?? REPLICAS),
      delivered: () => delivered(ledger.pods, arrivals),
      observed: async () => byTrace(parseExports((await observer.stop()).stdout)),
      [Symbol.asyncDispose]: () => disposal.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

const POLL_MS = 400

/** By lists, which a broken API server interrupts and does not spoil. */
function watchPods(api: Api, namespace: string): AsyncDisposable & { readonly pods: Map<string, PodSeen> } {
  const pods = new Map<string, PodSeen>()
  const stop = new AbortController()
  const look = async (): Promise<void> => {
    const answer = await api
      .send('GET', pathOf({ apiVersion: 'v1', kind: 'Pod', namespace }))
      .catch(() => undefined)
    if (answer?.status !== 200) return
    for (const pod of (JSON.parse(answer.body) as { items: readonly KubeObject[] }).items) see(pods, pod)
  }
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await look()
      await clock.sleep(POLL_MS, stop.signal)
    }
  }
  const ended = loop()
  return {
    pods,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await ended
    },
  }
}

function see(pods: Map<string, PodSeen>, pod: KubeObject): void {
  const { creationTimestamp, name } = pod.metadata
  const uid = String(pod.metadata['uid'])
  const seen = pods.get(uid) ?? { uid, name, created: parseRfc3339(creationTimestamp) ?? unixNano(0n) }
  pods.set(uid, seen)
  if (isReady(pod)) seen.readyAt ??= clock.now()
}

const NAME = 'shop'

function rolloutsIn(api: Api, namespace: string, pods: number): Pick<Stage, 'rollOut' | 'rolledOut'> {
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: NAME }
  let revision = 0
  return {
    rollOut: async () => {
      revision += 1
      const metadata = { annotations: { revision: String(revision) } }
      if (revision > 1) return void (await api.patch(target, { spec: { template: { metadata } } }))
      const strategy = { rollingUpdate: { maxSurge: '50%', maxUnavailable: 0 } }
      const shop = deployment(NAME, pods, template(NAME, [server()]), { strategy })
      await api.create({ ...shop, metadata: { ...shop.metadata, namespace } })
    },
    rolledOut: () =>
      eventually(
        'the rollout is complete',
        async () => {
          const found = await api.get(target).catch(() => undefined)
          return found !== undefined && isComplete(found, pods)
        },
        120,
      ),
  }
}

function isComplete({ metadata, status }: KubeObject, pods: number): boolean {
  const { observedGeneration, replicas, readyReplicas, updatedReplicas } = (status ?? {}) as Record<
    string,
    number
  >
  const counts = [replicas, readyReplicas, updatedReplicas]
  return observedGeneration === metadata['generation'] && counts.every((count) => count === pods)
}

/** Beside its start, a pod may have what came before it was there, in a trace of its own. */
export const isStart = ({ traceId, uid }: Copy): boolean => traceId === expectedIds(uid).traceId

async function delivered(pods: ReadonlyMap<string, PodSeen>, arrivals: Arrivals): Promise<void> {
  const missing = (): PodSeen[] => {
    const arrived = new Set(
      arrivals
        .copies()
        .filter(isStart)
        .map(({ uid }) => uid),
    )
    return [...pods.values()].filter(({ uid, readyAt }) => readyAt !== undefined && !arrived.has(uid))
  }
  // What is missing then is for the judgement to name.
  await eventually('', async () => missing().length === 0, 60).catch(() => undefined)
}

function byTrace(spans: readonly TruthSpan[]): Map<string, TruthSpan[]> {
  const traces = new Map<string, TruthSpan[]>()
  for (const span of spans) traces.set(span.traceId, [...(traces.get(span.traceId) ?? []), span])
  return traces
}
