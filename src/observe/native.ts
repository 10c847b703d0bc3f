// Owns what one native span says by itself: which component it is of, which pod it names, which call or write it is.
// Promises that names differ between versions here and nowhere else (Kubernetes 1.28 to 1.37, containerd 1.7 to 2.3, CRI-O).
// Does not know other spans: timeline/native-book.ts joins them.

import { CLIENT, type NativeSpan, SERVER } from '../base/native.ts'

/** Kubernetes sets these two itself; runtimes may be called anything. */
const API_SERVERS: ReadonlySet<string> = new Set(['apiserver', 'kube-apiserver'])
const KUBELET = 'kubelet'
const RUNTIMES: ReadonlySet<string> = new Set(['containerd', 'crio'])
/** Beside the API server, on a clock of the control plane. */
const STORE = 'etcd'

export const isApiServer = ({ origin }: NativeSpan): boolean => API_SERVERS.has(origin.service)
export const isKubelet = ({ origin }: NativeSpan): boolean => origin.service === KUBELET
export const isRuntimeService = (service: string): boolean => RUNTIMES.has(service)
export const isControlPlane = (span: NativeSpan): boolean =>
  isApiServer(span) || span.origin.service === STORE

/** Calls of the CRI that a start consists of. */
export type RuntimeCallName = 'RunPodSandbox' | 'PullImage' | 'CreateContainer' | 'StartContainer'

const CRI = /^\/?(?:runtime\.v1(?:alpha2)?)\.(?:RuntimeService|ImageService)\/(\w+)$/
const CALLS: ReadonlySet<string> = new Set<RuntimeCallName>([
  'RunPodSandbox',
  'PullImage',
  'CreateContainer',
  'StartContainer',
])

/** `RunPodSandbox` of `runtime.v1.RuntimeService/RunPodSandbox`; undefined for what is no call of the CRI. */
export const criMethod = ({ name }: NativeSpan): string | undefined => CRI.exec(name)?.[1]

export function runtimeCall(span: NativeSpan): RuntimeCallName | undefined {
  const method = criMethod(span)
  return method !== undefined && CALLS.has(method) ? (method as RuntimeCallName) : undefined
}

/** The kubelet's pass over one pod. */
export const isSync = (span: NativeSpan): boolean => span.name === 'syncPod' && isKubelet(span)

/** The first that this kubelet made; after its restart there is another first one. */
export const isFirstSync = (span: NativeSpan): boolean =>
  isSync(span) && (span.attributes['k8s.pod.update_type'] ?? 'create') === 'create'

/** POD_NAMESPACE_UID_ATTEMPT, and before it a container's name; none of the parts can hold an underscore. */
const SANDBOX_NAME = /^[^_]+_[^_]+_([^_]+)_\d+$/
const CONTAINER_NAME = /^([^_]+)_[^_]+_[^_]+_([^_]+)_(\d+)$/

/** The UID of the pod that the span is of, as the node knows it: a static pod's is its manifest's hash. */
export function podUidOf(span: NativeSpan): string | undefined {
  const { attributes } = span
  if (isKubelet(span)) return attributes['k8s.pod.uid']
  return (
    SANDBOX_NAME.exec(attributes['sandbox.name'] ?? '')?.[1] ??
    CONTAINER_NAME.exec(attributes['container.name'] ?? '')?.[2]
  )
}

/** Which run of which container a runtime's span is of. */
export interface ContainerRun {
  readonly id: string
  readonly uid: string
  readonly container: string
  readonly attempt: number
}

export function containerRunOf({ attributes }: NativeSpan): ContainerRun | undefined {
  const id = attributes['container.id']
  const [, container, uid, attempt] = CONTAINER_NAME.exec(attributes['container.name'] ?? '') ?? []
  if (id === undefined || container === undefined || uid === undefined) return undefined
  return { id, uid, container, attempt: Number(attempt) }
}

/** `NAMESPACE/NAME` of the pod whose object the span is about, by its key in the store or by the request's path. */
export function podNameOf(span: NativeSpan): string | undefined {
  const key = POD_KEY.exec(span.attributes['key'] ?? '')
  if (key) return `${key[1]}/${key[2]}`
  if (!isApiServer(span) && !isKubelet(span)) return undefined
  const path = POD_PATH.exec(pathOf(span) ?? '')
  return path ? `${path[1]}/${path[2]}` : undefined
}

const POD_KEY = /\/pods\/([^/]+)\/([^/]+)$/
const POD_PATH = /\/api\/v1\/namespaces\/([^/?]+)\/pods\/([^/?]+)/

/** Of a request, by whichever version of the conventions. */
export const pathOf = ({ attributes }: NativeSpan): string | undefined =>
  attributes['url.path'] ?? attributes['http.target'] ?? attributes['url.full'] ?? attributes['http.url']

const methodOf = ({ attributes }: NativeSpan): string | undefined =>
  attributes['http.request.method'] ?? attributes['http.method']

/** The top of a request, at who serves it or who makes it. */
export const isRequest = (span: NativeSpan): boolean => methodOf(span) !== undefined

export const isServed = (span: NativeSpan): boolean => span.kind === SERVER && isRequest(span)

const READS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS'])
export const isRead = (span: NativeSpan): boolean => READS.has(methodOf(span))

/** It ends a start; it is part of none. */
export const isDeletion = (span: NativeSpan): boolean => methodOf(span) === 'DELETE'

/** Whether a request is about a pod: its object, or the token that its kubelet mounts. */
export const isAboutPods = (span: NativeSpan): boolean => ABOUT_PODS.test(pathOf(span) ?? '')
const ABOUT_PODS = /\/api\/v1\/namespaces\/[^/?]+\/(?:pods(?:[/?]|$)|serviceaccounts\/[^/?]+\/token)/

const REFUSED_FROM = 400
export function isRefused({ attributes, failed }: NativeSpan): boolean {
  const code = attributes['http.response.status_code'] ?? attributes['http.status_code']
  return failed || (code !== undefined && Number(code) >= REFUSED_FROM)
}

/** A write to the store: the whole of it, and the transaction within it. */
export const isStoreCreate = ({ name }: NativeSpan): boolean => name === 'Create etcd3'
export const isStoreUpdate = ({ name }: NativeSpan): boolean => name === 'GuaranteedUpdate etcd3'
export const isTransaction = ({ name, kind }: NativeSpan): boolean =>
  name === 'etcdserverpb.KV/Txn' && kind === CLIENT

/** Whether the span says that its request binds a pod to a node. */
export const isBinding = (span: NativeSpan): boolean =>
  span.attributes['subresource'] === 'binding' || /\/binding(?:\?|$)/.test(pathOf(span) ?? '')

/** An exec probe's, all the time that a pod runs; but a hook's too. */
export const isExec = (span: NativeSpan): boolean => criMethod(span) === 'ExecSync'

/** What kubelets and runtimes say all the time, of no pod's start. */
const POLLS: ReadonlySet<string> = new Set([
  'ContainerStats',
  'ImageFsInfo',
  'ListContainerStats',
  'ListContainers',
  'ListImages',
  'ListMetricDescriptors',
  'ListPodSandbox',
  'ListPodSandboxMetrics',
  'ListPodSandboxStats',
  'RuntimeConfig',
  'Status',
  'UpdateRuntimeConfig',
  'Version',
])
const COLLECTIONS: ReadonlySet<string> = new Set(['Images/GarbageCollect', 'Containers/GarbageCollect'])

/** By name alone, before anything else of a span is read. */
export function isWantedName(name: string): boolean {
  const method = CRI.exec(name)?.[1]
  return method === undefined ? !COLLECTIONS.has(name) : !POLLS.has(method)
}
