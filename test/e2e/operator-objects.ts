// Owns the objects that the end-to-end test of the operator creates and looks at: sessions, workloads, their traces, what is left of a release.
// Promises pods that a restricted namespace takes. Does not assert anything.

import type { TruthSpan } from '../accuracy/collector.ts'
import type { KubeObject } from '../scenarios/api.ts'
import { deployment, server, template } from '../scenarios/manifests.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { type Collector, get, list, restrictedContainer, restrictedPod } from './operator-support.ts'
import { expectedIds } from './trace-support.ts'

/** Podspan's own namespace, and one of somebody who uses it. */
export const home = 'podspan-e2e'
export const shop = 'operator-shop'
/** The Secret with the header of the exporter, which whoever installs Podspan has made. */
export const TOKEN = 'otlp-token'

export interface Session {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly reason: string
    }[]
    readonly pods?: Readonly<Record<string, number>>
    readonly traces?: Readonly<Record<string, number>>
    readonly objectives?: readonly {
      readonly name: string
      readonly met?: boolean
      readonly value?: string
    }[]
    readonly startup?: Readonly<Record<'p50' | 'p90' | 'p99' | 'max', string>>
    readonly longest?: string
    readonly objective?: string
    readonly operations?: readonly { readonly name: string; readonly pods: number }[]
    readonly revisions?: readonly Revision[]
    readonly slowest?: readonly {
      readonly pod: string
      readonly traceID: string
      readonly startup: string
      readonly url?: string
    }[]
  }
}

export interface Revision {
  readonly revision: string
  readonly pods: number
  readonly p50?: string
  readonly p99?: string
}

export const sessionNamed = (name: string, namespace = shop): Promise<Session> =>
  get<Session>('tsn', name, '-n', namespace)

export const podNames = async (): Promise<string[]> =>
  (await list('pods', '-n', home, '-l', 'app.kubernetes.io/name=podspan'))
    .filter(({ metadata }) => metadata['deletionTimestamp'] === undefined)
    .map(({ metadata }) => metadata.name)

/** There are fewer of these on the node than pods that want one, so that one of them waits for ever. */
const SLOT = 'podspan.dev/slot'
const SLOT_PATH = '/status/capacity/podspan.dev~1slot'
export const oneSlot = { limits: { [SLOT]: '1' }, requests: { [SLOT]: '1' } }
export const withSlots = (count: number): string =>
  JSON.stringify([{ op: 'add', path: SLOT_PATH, value: String(count) }])
export const withoutSlots = JSON.stringify([{ op: 'remove', path: SLOT_PATH }])

export function session(name: string, objective: object, more: object = {}): KubeObject {
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name }
  return {
    apiVersion: 'podspan.dev/v1alpha1',
    kind: 'TraceSession',
    metadata: { name, namespace: shop },
    spec: { targetRef, objectives: [objective], ...more },
  }
}

/** Pods that a restricted namespace takes. */
export function workload(name: string, replicas: number, more: object = {}): KubeObject {
  const pods = template(name, [server({ securityContext: restrictedContainer, ...more })], {
    securityContext: restrictedPod,
  })
  const one = deployment(name, replicas, pods)
  return { ...one, metadata: { ...one.metadata, namespace: shop } }
}

export const podsOf = (app: string): Promise<readonly KubeObject[]> =>
  list('pods', '-n', shop, '-l', `app=${app}`)

/** Every span that has arrived, once each of these pods has a root among them, or after a while. */
export async function spansOfAll(
  collector: Collector,
  pods: readonly KubeObject[],
): Promise<readonly TruthSpan[]> {
  const wanted = pods.map(({ metadata }) => expectedIds(String(metadata['uid'])).rootId)
  let spans: readonly TruthSpan[] = []
  const read = async (): Promise<boolean> => {
    spans = await collector.read()
    const there = new Set(spans.map(({ spanId }) => spanId))
    return wanted.every((id) => there.has(id))
  }
  await eventually('every trace has arrived', read, 40).catch(() => undefined)
  return spans
}

const KINDS = [
  ...['deployments', 'replicasets', 'pods', 'services', 'configmaps', 'serviceaccounts', 'leases', 'secrets'],
  ...['roles', 'rolebindings', 'poddisruptionbudgets', 'networkpolicies', 'tracesessions'],
]
const GLOBAL_KINDS = [
  'clusterroles',
  'clusterrolebindings',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
]

/** Everything in Podspan's namespace that a new namespace does not have, and everything elsewhere with the label of the release. */
export async function leftOver(): Promise<string[]> {
  const here = await list(KINDS.join(','), '-n', home)
  const labelled = ['-l', 'app.kubernetes.io/instance=podspan']
  const elsewhere = await list('roles,rolebindings', '--all-namespaces', ...labelled)
  const global = await list(GLOBAL_KINDS.join(','), ...labelled)
  const isOfNamespace = ({ kind, metadata: { name } }: KubeObject): boolean =>
    (kind === 'ServiceAccount' && name === 'default') ||
    (kind === 'Secret' && name === TOKEN) ||
    (kind === 'ConfigMap' && name === 'kube-root-ca.crt')
  return [...here, ...elsewhere, ...global]
    .filter((object) => !isOfNamespace(object))
    .map(({ kind, metadata: { name, namespace } }) => `${kind} ${namespace ?? ''}/${name}`)
}
