// Owns the rollouts of one workload of a live cluster: its own object and its revisions whole, its pods, and what past events still tell.
// Promises the same folds as from a recording, and that what may not be read is said once with its cost.
// Does not print a rollout, and does not decide which one is wanted.

import type { Frame } from '../base/frame.ts'
import type { DurationNano } from '../base/time.ts'
import type { Rollout } from '../rollout/rollout.ts'
import type { RolloutCluster } from '../rollout/trace-of.ts'
import type { Trace } from '../trace/trace.ts'
import { type ClusterOptions, connect, type Target, valueOf } from './connect.ts'
import type { Context } from './context.ts'
import { CliError, EXIT } from './exit.ts'
import { type Live, sayTrouble, startLive, untilReady } from './live.ts'
import type { CreatePipeline } from './replay-options.ts'
import { createFeed, isPodOf, type RolloutFeed } from './rollout-feed.ts'
import { titleOf, type WorkloadTarget } from './rollout-target.ts'
import { neutralise } from './text.ts'

export interface LiveRollouts {
  readonly feed: RolloutFeed
  readonly cluster: RolloutCluster
  readonly namespace: string
  /** As they stand. */
  tell(): Rollout[]
  /** A change has been written that no rollout shows yet. */
  isAsked(): boolean
  close(): Promise<void>
}

export interface LiveRolloutOptions extends ClusterOptions {
  readonly settle?: DurationNano
  readonly onTrace: (trace: Trace) => void
}

/** Of one namespace; a cluster keeps them for an hour. */
const EVENTS_MAX = 20_000

export async function openRollouts(
  context: Context,
  workload: WorkloadTarget,
  options: LiveRolloutOptions,
  createPipeline: CreatePipeline,
): Promise<LiveRollouts> {
  const target = await connect(context, options)
  const namespace = options.namespace ?? target.connection.namespace ?? 'default'
  const found = await findWorkload(target, namespace, workload)
  const named = { ...workload, namespace }
  const cluster = { name: target.connection.contextName, uid: target.clusterUid }
  const feed = createFeed(createPipeline, pipelineOptions(target, options), named)
  const scope = { namespace, podLabelSelector: found.selector }
  const live = await startLive(context, target, feed.pipeline, { ...scope, onTrace: options.onTrace })
  const whole = await watchWorkload(context, target, live, workload, { namespace, selector: found.selector })
  await untilReady(context, live, `namespace ${namespace}`)
  await whole.ready
  for (const { resource, reason, cost } of whole.missing())
    context.terminal.say(`podspan: ${resource} are not read: ${neutralise(reason)}. ${cost}`)
  await readPast(context, target, live, namespace)
  return {
    feed,
    cluster,
    namespace,
    tell: () =>
      feed.tell({ kind: workload.kind as 'Deployment', uid: found.uid, namespace, name: workload.name }),
    isAsked: () => feed.rollouts.isAsked(found.uid),
    close: async () => {
      await Promise.all([live.close(), whole.close()])
      await target.connection.close()
    },
  }
}

function pipelineOptions({ connection, clusterUid }: Target, { settle }: LiveRolloutOptions) {
  return {
    clusterName: connection.contextName,
    ...(clusterUid !== undefined && { clusterUid }),
    ...(settle !== undefined && { settle }),
    // A start that is followed is given up by our own clock, so that it is shown as it stands.
    startTimeout: BigInt(Number.MAX_SAFE_INTEGER) as DurationNano,
  }
}

async function findWorkload(
  { api, connection }: Target,
  namespace: string,
  { source, kind, name }: WorkloadTarget,
) {
  const found = await api.workloadPods(source, namespace, name)
  if (!found.ok && found.failure.kind === 'not-found') {
    const where = `in namespace ${namespace} of context ${connection.contextName}`
    throw new CliError(
      EXIT.notFound,
      `There is no ${titleOf({ kind, name })} ${where}; -n chooses another namespace.`,
    )
  }
  return valueOf(found, connection).workload
}

interface Place {
  readonly namespace: string
  readonly selector: string
}

/** The workload itself, and what numbers its revisions: ReplicaSets, which hold their templates, or ControllerRevisions. */
async function watchWorkload(
  { clock, random, signal, terminal }: Context,
  { connection }: Target,
  { push }: Live,
  { source, name }: WorkloadTarget,
  { namespace, selector }: Place,
) {
  const { watchWhole } = await import('../kube/whole.ts')
  const stop = new AbortController()
  const labelled = { namespace, labelSelector: selector }
  const revisions = source === 'deployments' ? 'replicasets' : 'controllerrevisions'
  const whole = watchWhole({
    connection,
    clock,
    random,
    signal: AbortSignal.any([signal, stop.signal]),
    streams: [
      { source, scope: { namespace, fieldSelector: `metadata.name=${name}` } },
      ...(source === 'jobs' ? [] : [{ source: revisions, scope: labelled }]),
    ],
    onFrame: push,
    log: sayTrouble(terminal),
  })
  const close = async (): Promise<void> => {
    stop.abort()
    await whole.ended
  }
  return { ready: Promise.race([whole.ready, whole.ended]), missing: whole.missing, close }
}

/** Of the namespace as a whole: those of its pods, of pods that are gone, of its ReplicaSets and of itself. */
async function readPast(
  { clock, terminal }: Context,
  { api }: Target,
  { push }: Live,
  namespace: string,
): Promise<void> {
  const read = await api.readEvents(namespace, { limit: EVENTS_MAX })
  if (!read.ok) {
    const sentence = `past events cannot be read: ${neutralise(read.failure.message)}. The picture is coarser.`
    return terminal.say(`podspan: ${sentence}`)
  }
  if (read.value.truncated)
    terminal.say(
      `podspan: of the past events of ${namespace} only ${EVENTS_MAX} are read; the picture may be coarser.`,
    )
  const t = clock.now()
  for (const record of read.value.events)
    push({ kind: 'added', t, source: 'events', phase: 'initial', record } satisfies Frame)
}

/** Whether starts of this rollout are under way, or their evidence settles. */
export const isSettling = ({ feed }: LiveRollouts, { pods }: Rollout): boolean =>
  pods.some(({ uid }) => feed.pipeline.holds(uid))

/** Pods of the workload that are on their way, for the table below. */
export const inFlightOf = ({ feed, namespace }: LiveRollouts, workload: WorkloadTarget) =>
  feed.pipeline.inFlight().filter((start) => isPodOf({ ...workload, namespace }, start))
