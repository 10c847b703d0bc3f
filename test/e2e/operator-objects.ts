// Owns the objects that the end-to-end test of the operator creates and looks at: sessions, workloads, their traces, what is left of a release.
// Promises pods that a restricted namespace takes. Does not assert anything but that no trace comes twice.

import assert from 'node:assert/strict'
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
    readonly slowest?: readonly { readonly pod: string; readonly traceID: string; readonly url?: string }[]
    readonly stuck?: readonly { readonly in: string; readonly pods: number; readonly reason?: string }[]
  }
}

export const sessionNamed = (name: string, namespace = shop): Promise<Session> =>
  get<Session>('tsn', name, '-n', namespace)

export const podNames = async (): Promise<string[]> =>
  (await list('pods', '-n', home, '-l', 'app.kubernetes.io/name=podspan'))
    .filter(({ metadata }) => metadata['deletionTimestamp'] === undefined)
    .map(({ metadata }) => metadata.name)

export const conditionOf = (session: Session | undefined, type: string): string | undefined =>
  session?.status?.conditions?.find((one) => one.type === type)?.status

/** Two of these are on the node, so that a third pod which wants one waits for ever. */
export const SLOT = 'podspan.dev/slot'
const SLOT_PATH = '/status/capacity/podspan.dev~1slot'
export const withSlots = JSON.stringify([{ op: 'add', path: SLOT_PATH, value: '2' }])
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

export const podsOf = async (app: string): Promise<string[]> =>
  (await list('pods', '-n', shop, '-l', `app=${app}`)).map(({ metadata }) => String(metadata['uid']))

/** The root of each pod's trace, by its UID; a pod with two would be a mistake that the test must see. */
export async function rootsOf(
  collector: Collector,
  uids: readonly string[],
): Promise<Map<string, TruthSpan>> {
  let roots = new Map<string, TruthSpan>()
  const read = async (): Promise<boolean> => {
    const spans = (await collector.read()).filter(({ parentSpanId }) => parentSpanId === undefined)
    const found = uids.flatMap((uid) =>
      spans.filter(({ traceId }) => traceId === expectedIds(uid).traceId).map((span) => [uid, span] as const),
    )
    assert.ok(found.length <= uids.length, 'no trace twice')
    roots = new Map(found)
    return roots.size === uids.length
  }
  await eventually('every trace has arrived', read, 40).catch(() => undefined)
  return roots
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
