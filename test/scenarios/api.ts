// Owns the requests that scenarios send to the API server: create, read, patch, delete, as the administrator.
// Promises the server's own words in the error of a refused request. Does not watch and does not retry.

import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
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
}
const CLUSTER_WIDE = new Set(['Namespace', 'Node', 'PersistentVolume', 'StorageClass', 'PriorityClass'])

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

export interface Access {
  readonly server: string
  readonly ca: Buffer
  readonly token: string
}

export function readAccess(): Access {
  const config = JSON.parse(readFileSync(readCluster().kubeconfig, 'utf8')) as {
    clusters: [{ cluster: { server: string; 'certificate-authority': string } }]
    users: [{ user: { token: string } }]
  }
  const { server, 'certificate-authority': authority } = config.clusters[0].cluster
  return { server, ca: readFileSync(authority), token: config.users[0].user.token }
}

export class Api {
  readonly access: Access = readAccess()
  readonly #agent = new Agent({ keepAlive: true, ca: this.access.ca })

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

  /** Gone already is as good. */
  async remove(target: Target): Promise<void> {
    const answer = await this.send('DELETE', pathOf(target))
    if (answer.status >= 300 && answer.status !== 404) throw refused('DELETE', pathOf(target), answer)
  }

  async exists(target: Target): Promise<boolean> {
    return (await this.send('GET', pathOf(target))).status === 200
  }

  close(): void {
    this.#agent.destroy()
  }

  async #object(method: string, path: string, body?: object, type?: string): Promise<KubeObject> {
    const answer = await this.send(method, path, body, type)
    if (answer.status >= 300) throw refused(method, path, answer)
    return JSON.parse(answer.body) as KubeObject
  }

  send(method: string, path: string, body?: object, type = 'application/json'): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${this.access.token}`, 'content-type': type }
      const options = { method, agent: this.#agent, headers, timeout: 20_000 }
      const call = request(`${this.access.server}${path}`, options, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
        response.on('error', reject)
      })
      call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer for 20 s`)))
      call.on('error', reject)
      call.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

function refused(method: string, path: string, answer: Answer): Error {
  return new Error(`${method} ${path} was refused with ${answer.status}: ${answer.body.slice(0, 400)}`)
}
