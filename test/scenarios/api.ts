// Owns the requests that scenarios and end-to-end tests send to the API server: create, read, patch, delete, as the administrator.
// Promises the server's own words in the error of a refused request. Does not watch and does not retry.

import { request } from 'undici'
import { type Connection, openConnection } from '../../src/kube/config.ts'
import { readCluster } from '../cluster/cluster.ts'

export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown }
  readonly [field: string]: unknown
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Plurals that are not the kind and an s. */
const PLURALS: Readonly<Record<string, string>> = {
  StorageClass: 'storageclasses',
  PriorityClass: 'priorityclasses',
  RuntimeClass: 'runtimeclasses',
  DeviceClass: 'deviceclasses',
  WorkloadPriorityClass: 'workloadpriorityclasses',
  KWOKNodeClass: 'kwoknodeclasses',
}
const CLUSTER_WIDE = new Set([
  'Namespace',
  'Node',
  'PersistentVolume',
  'StorageClass',
  'PriorityClass',
  'RuntimeClass',
  'DeviceClass',
  'ClusterQueue',
  'ResourceFlavor',
  'WorkloadPriorityClass',
  'NodePool',
  'NodeClaim',
  'KWOKNodeClass',
])

export const pluralOf = (kind: string): string => PLURALS[kind] ?? `${kind.toLowerCase()}s`

/** What a request names: a kind, and where an object of it is. */
export interface Target {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

export function pathOf(target: Target): string {
  const { apiVersion, kind, namespace, name, subresource } = target
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const scope = CLUSTER_WIDE.has(kind) || namespace === undefined ? '' : `/namespaces/${namespace}`
  const tail = [name, subresource].filter((part) => part !== undefined).map((part) => `/${part}`)
  return `${group}${scope}/${pluralOf(kind)}${tail.join('')}`
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export class Api {
  readonly #kubeconfig: string
  #connection: Promise<Connection> | undefined

  /** Any kubeconfig; without one that of the cluster of test/cluster. */
  constructor(kubeconfig = readCluster().kubeconfig) {
    this.#kubeconfig = kubeconfig
  }

  create(object: KubeObject, subresource?: string): Promise<KubeObject> {
    const { name, namespace } = object.metadata
    const at = { apiVersion: object.apiVersion, kind: object.kind, ...(namespace && { namespace }) }
    const target =
      subresource === undefined ? at : { ...at, kind: 'Pod', apiVersion: 'v1', name, subresource }
    return this.#object('POST', pathOf(target), object)
  }

  get(target: Target): Promise<KubeObject> {
    return this.#object('GET', pathOf(target))
  }

  patch(target: Target, body: object): Promise<KubeObject> {
    return this.#object('PATCH', pathOf(target), body, 'application/strategic-merge-patch+json')
  }

  /** For kinds that are not built in. */
  merge(target: Target, body: object): Promise<KubeObject> {
    return this.#object('PATCH', pathOf(target), body, 'application/merge-patch+json')
  }

  /** Gone already is as good. */
  async remove(target: Target, query = ''): Promise<void> {
    const answer = await this.send('DELETE', `${pathOf(target)}${query}`)
    if (answer.status >= 300 && answer.status !== 404) throw refused('DELETE', pathOf(target), answer)
  }

  async exists(target: Target): Promise<boolean> {
    return (await this.send('GET', pathOf(target))).status === 200
  }

  close(): void {
    void this.#connection?.then((connection) => connection.close())
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async #object(method: Method, path: string, body?: object, type?: string): Promise<KubeObject> {
    const answer = await this.send(method, path, body, type)
    if (answer.status >= 300) throw refused(method, path, answer)
    return JSON.parse(answer.body) as KubeObject
  }

  async send(method: Method, path: string, body?: object, type = 'application/json'): Promise<Answer> {
    this.#connection ??= openConnection({ kubeconfig: this.#kubeconfig })
    const { origin, basePath, authenticate } = await this.#connection
    const { dispatcher, headers } = await authenticate()
    try {
      const response = await request(`${origin}${basePath}${path}`, {
        ...{ method, dispatcher, signal: AbortSignal.timeout(20_000) },
        headers: { ...headers, 'content-type': type },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.statusCode, body: await response.body.text() }
    } catch (error) {
      throw new Error(`${method} ${path}: ${(error as Error).message}`, { cause: error })
    }
  }
}

function refused(method: string, path: string, answer: Answer): Error {
  return new Error(`${method} ${path} was refused with ${answer.status}: ${answer.body.slice(0, 400)}`)
}
