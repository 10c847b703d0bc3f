// Owns what a scenario may do: create and change objects in its namespace, and wait for what its own recording shows.
// Promises a deadline on every wait, and an error that says what was awaited and how the pods stood.
// Does not poll the API server: waits are answered by the watch that records.

import { systemClock } from '../../src/base/clock.ts'
import { WORKLOAD_SOURCES } from '../../src/decode/whole.ts'
import { readCluster } from '../cluster/cluster.ts'
import type { Api, KubeObject, Target } from './api.ts'
import type { Seen } from './record.ts'

export const clock = systemClock()

interface Status {
  readonly phase?: string
  readonly conditions?: readonly {
    readonly type: string
    readonly status: string
    readonly reason?: string
  }[]
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
}

interface ContainerStatus {
  readonly name: string
  readonly restartCount: number
  readonly ready: boolean
  readonly state?: Readonly<Record<'waiting' | 'running' | 'terminated', { reason?: string } | undefined>>
}

export interface Scenario {
  readonly name: string
  readonly description: string
  /** Runs with no other scenario beside it: it needs the whole node, or disturbs it. */
  readonly alone?: true
  /** Keeps the components' spans in the recording; with `alone`, since a node's are of all its pods. */
  readonly spans?: true
  /** Watches may be lost, and what they missed with them: that is what it is about. */
  readonly gaps?: true
  /** Records all namespaces: events of what is in none are in `default`. */
  readonly everywhere?: true
  /** The minor versions of Kubernetes that have what it is about; all where it does not say. */
  readonly on?: { readonly from: number; readonly to?: number }
  /** Brings to the cluster what it needs besides, before anything is recorded. */
  readonly prepare?: () => Promise<void>
  /** Removes that again. */
  readonly restore?: () => Promise<void>
  readonly run: (stage: Stage) => Promise<void>
}

/** The state of the namespace as the recording has seen it. */
export class Stage {
  readonly namespace: string
  readonly nodeName = readCluster().nodeName
  readonly #api: Api
  readonly #pods = new Map<string, KubeObject>()
  readonly #workloads = new Map<string, KubeObject>()
  readonly #events: KubeObject[] = []
  readonly #waiting = new Set<() => void>()
  readonly #cleanups: (() => Promise<void>)[] = []

  constructor(api: Api, namespace: string) {
    this.#api = api
    this.namespace = namespace
  }

  see(seen: Seen): void {
    if (seen.object.metadata.namespace !== this.namespace) return
    const { name } = seen.object.metadata
    if (seen.resource === 'pods' && seen.type === 'DELETED') this.#pods.delete(name)
    else if (seen.resource === 'pods') this.#pods.set(name, seen.object)
    else if (seen.resource === 'events') this.#events.push(seen.object)
    else if (WORKLOAD_SOURCES.includes(seen.resource))
      this.#workloads.set(`${seen.object.kind}/${name}`, seen.object)
    for (const wake of [...this.#waiting]) wake()
  }

  create(object: KubeObject): Promise<KubeObject> {
    return this.#api.create({ ...object, metadata: { ...object.metadata, namespace: this.namespace } })
  }

  /** An object that outlives the namespace, and is removed after the scenario. */
  async createGlobal(object: KubeObject): Promise<void> {
    const { apiVersion, kind, metadata } = object
    const target = { apiVersion, kind, name: metadata.name }
    await this.#api.remove(target)
    this.cleanup(() => this.#api.remove(target))
    await this.#api.create(object)
  }

  patch(what: Omit<Target, 'namespace'>, body: object): Promise<KubeObject> {
    return this.#api.patch({ ...what, namespace: this.namespace }, body)
  }

  merge(what: Omit<Target, 'namespace'>, body: object): Promise<KubeObject> {
    return this.#api.merge({ ...what, namespace: this.namespace }, body)
  }

  patchPod(name: string, body: object, subresource?: string): Promise<KubeObject> {
    return this.patch({ apiVersion: 'v1', kind: 'Pod', name, ...(subresource && { subresource }) }, body)
  }

  get(what: Omit<Target, 'namespace'>): Promise<KubeObject> {
    return this.#api.get({ ...what, namespace: this.namespace })
  }

  deletePod(name: string): Promise<void> {
    return this.#api.remove({ apiVersion: 'v1', kind: 'Pod', namespace: this.namespace, name })
  }

  /** At once, for a pod that no kubelet will end. */
  removePod(name: string): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Pod', namespace: this.namespace, name }
    return this.#api.remove(target, '?gracePeriodSeconds=0')
  }

  evict(name: string): Promise<KubeObject> {
    const metadata = { name, namespace: this.namespace }
    return this.#api.create({ apiVersion: 'policy/v1', kind: 'Eviction', metadata }, 'eviction')
  }

  /** Done after the scenario, whether it succeeded or not. */
  cleanup(act: () => Promise<void>): void {
    this.#cleanups.unshift(act)
  }

  async cleanUp(): Promise<void> {
    for (const act of this.#cleanups) await act()
  }

  pods(): KubeObject[] {
    return [...this.#pods.values()]
  }

  pod(name: string): KubeObject | undefined {
    return this.#pods.get(name)
  }

  workload(kind: string, name: string): KubeObject | undefined {
    return this.#workloads.get(`${kind}/${name}`)
  }

  sleep(seconds: number): Promise<void> {
    return clock.sleep(seconds * 1000)
  }

  /** Waits until the pods seen so far satisfy the condition. */
  async until(what: string, holds: () => boolean, seconds = 60): Promise<void> {
    const deadline = clock.monotonicMs() + seconds * 1000
    while (!holds()) {
      const left = deadline - clock.monotonicMs()
      if (left <= 0) throw new Error(`${what}: not within ${seconds} s; ${this.#describe()}`)
      await this.#change(left)
    }
  }

  ready(names: readonly string[], seconds?: number): Promise<void> {
    const holds = (): boolean => names.every((name) => isReady(this.pod(name)))
    return this.until(`${names.join(', ')} Ready`, holds, seconds)
  }

  readyCount(count: number, seconds?: number): Promise<void> {
    return this.until(`${count} pods Ready`, () => this.pods().filter(isReady).length >= count, seconds)
  }

  phase(name: string, phase: string, seconds?: number): Promise<void> {
    return this.until(`${name} ${phase}`, () => statusOf(this.pod(name)).phase === phase, seconds)
  }

  /** A waiting reason of any container of the pod, such as `ImagePullBackOff`. */
  waiting(name: string, reason: string, seconds?: number): Promise<void> {
    const holds = (): boolean =>
      containersOf(this.pod(name)).some((container) => container.state?.waiting?.reason === reason)
    return this.until(`${name} ${reason}`, holds, seconds)
  }

  event(reason: string, seconds?: number): Promise<void> {
    return this.until(`event ${reason}`, () => this.#events.some((event) => event.reason === reason), seconds)
  }

  #change(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const over = new AbortController()
      const wake = (): void => {
        this.#waiting.delete(wake)
        over.abort()
        resolve()
      }
      this.#waiting.add(wake)
      void clock.sleep(limitMs, over.signal).then(wake)
    })
  }

  #describe(): string {
    const states = this.pods().map((pod) => {
      const waits = containersOf(pod).map((entry) => entry.state?.waiting?.reason ?? '')
      return `${pod.metadata.name} ${statusOf(pod).phase} ${waits.filter((reason) => reason !== '').join(' ')}`
    })
    return states.slice(0, 8).join('; ') || 'no pods'
  }
}

export const statusOf = (pod: KubeObject | undefined): Status => (pod?.status ?? {}) as Status

export function containersOf(pod: KubeObject | undefined): readonly ContainerStatus[] {
  const status = statusOf(pod)
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
}

export function isReady(pod: KubeObject | undefined): boolean {
  return hasCondition(pod, 'Ready')
}

export function hasCondition(pod: KubeObject | undefined, type: string, status = 'True'): boolean {
  return (statusOf(pod).conditions ?? []).some((entry) => entry.type === type && entry.status === status)
}
