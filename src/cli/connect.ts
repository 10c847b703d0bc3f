// Owns the way from the options of a command to a cluster that answers.
// Promises that whatever goes wrong becomes a sentence with a remedy and exit code 3.
// Does not watch: see kube/cluster.ts.

import { proxyFor } from '../base/proxy.ts'
import type { ClusterApi, Result } from '../kube/api.ts'
import type { Connection } from '../kube/config.ts'
import type { Failure } from '../kube/failure.ts'
import type { Context } from './context.ts'
import { CliError, EXIT } from './exit.ts'

export interface ClusterOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
}

export interface Target {
  readonly connection: Connection
  readonly api: ClusterApi
  /** `v1.36.3`. */
  readonly version: string
  /** Undefined where the kube-system namespace may not be read. */
  readonly clusterUid: string | undefined
}

/** Connects and asks for the version, so that an unreachable cluster is told now and not waited for. */
export async function connect(context: Context, options: ClusterOptions): Promise<Target> {
  const [connection, { createApi }] = await Promise.all([dial(context, options), import('../kube/api.ts')])
  const api = createApi(connection, context.signal)
  const version = valueOf(await api.serverVersion(), connection)
  const uid = await api.clusterUid()
  return { connection, api, version, clusterUid: uid.ok && uid.value !== '' ? uid.value : undefined }
}

/** The connection alone; whether anybody answers shows with the first request. */
export async function dial({ env }: Context, options: ClusterOptions): Promise<Connection> {
  const { openConnection } = await import('../kube/config.ts')
  const { kubeconfig, context } = options
  return openConnection({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    env,
    proxyFor: (url) => proxyFor(url, env),
  }).catch((error: Error) =>
    refuse(`No cluster to talk to: ${error.message}. Name one with --kubeconfig FILE or --context NAME.`),
  )
}

/** The value, or the failure as a sentence. */
export function valueOf<T>(result: Result<T>, connection: Pick<Connection, 'origin' | 'contextName'>): T {
  return result.ok ? result.value : refuse(explainFailure(result.failure, connection))
}

export function explainFailure(
  failure: Failure,
  { origin, contextName }: Pick<Connection, 'origin' | 'contextName'>,
): string {
  const { kind, message } = failure
  if (kind === 'network') {
    return `The cluster at ${origin} (context ${contextName}) does not answer: ${message}. Is it up, and is this the right context? --context NAME chooses another.`
  }
  if (kind === 'unauthorized')
    return `The cluster at ${origin} does not accept these credentials: ${message}. Log in again, or choose another context.`
  if (kind === 'forbidden')
    return `The cluster does not allow this: ${message}. 'podspan check' shows all that is needed.`
  return `The cluster at ${origin} refused: ${message}.`
}

export function refuse(sentence: string): never {
  throw new CliError(EXIT.cluster, sentence)
}
