// Owns which pods a command line means: `NAME`, `pod/NAME`, `deploy/NAME` and their like.
// Promises kubectl's names and short names, and a sentence that lists them for anything else.
// Does not follow or trace the pods.

import type { PodRecord } from '../base/record.ts'
import { type Target, valueOf } from './connect.ts'
import { CliError, EXIT } from './exit.ts'
import { neutralise } from './text.ts'

const KINDS: Readonly<Record<string, string>> = {
  po: 'pods',
  pod: 'pods',
  pods: 'pods',
  deploy: 'deployments',
  deployment: 'deployments',
  deployments: 'deployments',
  rs: 'replicasets',
  replicaset: 'replicasets',
  replicasets: 'replicasets',
  sts: 'statefulsets',
  statefulset: 'statefulsets',
  statefulsets: 'statefulsets',
  ds: 'daemonsets',
  daemonset: 'daemonsets',
  daemonsets: 'daemonsets',
  job: 'jobs',
  jobs: 'jobs',
}

const OWNER_KINDS: Readonly<Record<string, string>> = {
  deployments: 'Deployment',
  replicasets: 'ReplicaSet',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  jobs: 'Job',
}

/** `Deployment` of `deployments`. */
export const kindOf = (source: string): string | undefined => OWNER_KINDS[source]

export interface Named {
  /** The resource's plural name. */
  readonly source: string
  readonly name: string
}

export function parseTarget(text: string): Named {
  const [kind, name, ...more] = text.includes('/') ? text.split('/') : ['pod', text]
  const source = Object.hasOwn(KINDS, kind?.toLowerCase() ?? '')
    ? KINDS[kind?.toLowerCase() ?? '']
    : undefined
  if (source === undefined || !name || more.length > 0) {
    throw new CliError(
      EXIT.usage,
      `${neutralise(text) || 'An empty name'} names nothing that can be traced; expected POD, or pod/, deploy/, rs/, sts/, ds/ or job/ before a NAME.`,
    )
  }
  return { source, name }
}

export interface Pods {
  readonly pods: readonly PodRecord[]
  /** Selects them for a watch. */
  readonly scope: { readonly podFieldSelector?: string; readonly podLabelSelector?: string }
}

export async function findPods(
  { api, connection }: Target,
  namespace: string,
  { source, name }: Named,
): Promise<Pods> {
  const where = `in namespace ${namespace} of context ${connection.contextName}`
  if (source === 'pods') {
    const found = await api.getPod(namespace, name)
    if (!found.ok && found.failure.kind === 'not-found')
      throw missing(`There is no pod ${name} ${where}`, namespace)
    return { pods: [valueOf(found, connection)], scope: { podFieldSelector: `metadata.name=${name}` } }
  }
  const found = await api.workloadPods(source, namespace, name)
  if (!found.ok && found.failure.kind === 'not-found')
    throw missing(`There is no ${source.slice(0, -1)} ${name} ${where}`, namespace)
  const { pods, workload } = valueOf(found, connection)
  if (pods.length === 0)
    throw new CliError(
      EXIT.notFound,
      `${source.slice(0, -1)} ${name} ${where} has no pods now; 'podspan watch -n ${namespace}' shows its next ones.`,
    )
  return { pods, scope: { podLabelSelector: workload.selector } }
}

function missing(sentence: string, namespace: string): CliError {
  return new CliError(
    EXIT.notFound,
    `${sentence}; -n chooses another namespace, 'kubectl get pods -n ${namespace}' shows what is there.`,
  )
}
