// Owns the names that a completion asks a cluster or a kubeconfig for.
// Promises an answer soon, if only an empty one, and never an error: a shell that completes has no place for one.
// Reads names only (metadata), so many at the most.

import type { Json } from '../decode/json-fields.ts'
import type { Asked } from './completion.ts'
import { dial } from './connect.ts'
import type { Context } from './context.ts'

/** More than a shell shows at once. */
const NAMES_MAX = 500
/** People wait for a completion about this long. */
const PATIENCE_MS = 2500
const METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'

const PATHS: Readonly<Record<string, readonly [root: string, resource: string]>> = {
  pod: ['/api/v1', 'pods'],
  deploy: ['/apis/apps/v1', 'deployments'],
  sts: ['/apis/apps/v1', 'statefulsets'],
  ds: ['/apis/apps/v1', 'daemonsets'],
  rs: ['/apis/apps/v1', 'replicasets'],
  job: ['/apis/batch/v1', 'jobs'],
  session: ['/apis/podspan.dev/v1alpha1', 'tracesessions'],
}
const WORKLOADS = ['deploy/', 'sts/', 'ds/', 'job/']
const TARGETS = [...WORKLOADS, 'rs/', 'pod/']

export interface Question {
  readonly ask: Exclude<Asked, 'files' | 'nothing'>
  readonly prefix: string
  readonly given: Readonly<Record<string, string>>
}

export const valuesFor = (context: Context, question: Question): Promise<readonly string[]> =>
  answer(context, question).catch(() => [])

async function answer(context: Context, { ask, prefix, given }: Question): Promise<readonly string[]> {
  if (ask === 'contexts') return contextsOf(context, given)
  if (ask === 'namespaces') return namesOf(context, given, '/api/v1/namespaces')
  if (ask === 'sessions') return namesBelow(context, given, 'session')
  const kind = prefix.includes('/') ? prefix.slice(0, prefix.indexOf('/')) : undefined
  if (kind !== undefined) return (await namesBelow(context, given, kind)).map((name) => `${kind}/${name}`)
  if (ask === 'workloads') return WORKLOADS
  const kinds = TARGETS.filter((each) => each.startsWith(prefix))
  return [...kinds, ...(await namesBelow(context, given, 'pod'))]
}

async function contextsOf({ env }: Context, given: Question['given']): Promise<readonly string[]> {
  const { listContexts } = await import('../kube/config.ts')
  const kubeconfig = given['--kubeconfig']
  return listContexts({ env, ...(kubeconfig !== undefined && { kubeconfig }) })
}

/** Of the namespace that was given, or of the context's own. */
async function namesBelow(
  context: Context,
  given: Question['given'],
  kind: string,
): Promise<readonly string[]> {
  const [root, resource] = PATHS[kind] ?? []
  if (root === undefined) return []
  return namesOf(
    context,
    given,
    (namespace) => `${root}/namespaces/${encodeURIComponent(namespace)}/${resource}`,
  )
}

type Path = string | ((namespace: string) => string)

async function namesOf(context: Context, given: Question['given'], path: Path): Promise<readonly string[]> {
  const [connection, { fetchWhole }] = await Promise.all([
    dial(context, optionsOf(given)),
    import('../kube/request.ts'),
  ])
  const late = new AbortController()
  const { clock, signal } = context
  try {
    const namespace = given['--namespace'] ?? connection.namespace ?? 'default'
    const read = fetchWhole(connection, {
      path: `${typeof path === 'string' ? path : path(namespace)}?limit=${NAMES_MAX}`,
      accept: METADATA,
      signal: AbortSignal.any([signal, late.signal]),
    })
    // A credential helper may wait for somebody to log in, and heeds no signal.
    const answered = await Promise.race([read, clock.sleep(PATIENCE_MS, signal)])
    return answered?.kind === 'ok' ? namesIn(JSON.parse(answered.body.toString('utf8')) as Json) : []
  } finally {
    late.abort()
    await connection.close()
  }
}

const optionsOf = (given: Question['given']) => ({
  ...(given['--kubeconfig'] !== undefined && { kubeconfig: given['--kubeconfig'] }),
  ...(given['--context'] !== undefined && { context: given['--context'] }),
})

function namesIn({ items }: Json): string[] {
  if (!Array.isArray(items)) return []
  return items.flatMap((item: { metadata?: { name?: unknown } }) =>
    typeof item.metadata?.name === 'string' ? [item.metadata.name] : [],
  )
}
