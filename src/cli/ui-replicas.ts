// Owns the way from a local connection to the operator's page: which replica it goes to, and another one when that has gone.
// Promises a stream or a sentence, one search at a time, and that a change of replica is said. Does not listen: ui.ts does.

import type { Duplex } from 'node:stream'
import type { Failure } from '../kube/failure.ts'
import type { Caller } from '../kube/json-call.ts'
import { openForward } from '../kube/port-forward.ts'
import { listReplicas, PAGE_LABEL, type Replica } from '../kube/replicas.ts'
import { explainFailure, refuse } from './connect.ts'
import { neutralise } from './text.ts'

export interface Replicas {
  /** To the best replica; waits some seconds for one while the pod is being replaced. Rejects with a sentence. */
  connect(): Promise<Duplex>
  /** `NAMESPACE/POD` of the one that was taken last. */
  name(): string
}

export interface ReplicasOptions extends Caller {
  /** Undefined: wherever there is one. */
  readonly namespace: string | undefined
  /** Where to look if all namespaces may not be read. */
  readonly likely: readonly string[]
  readonly say: (sentence: string) => void
}

/** A pod is replaced in some seconds, and a browser waits for an answer at least that long. */
const TRIES = 12
const PAUSE_MS = 1000

export const createReplicas = (options: ReplicasOptions): Replicas => new Search(options)

class Search implements Replicas {
  readonly #options: ReplicasOptions
  #current: Replica | undefined
  #searching: Promise<Replica> | undefined
  #last = ''
  /** Where one was found. */
  #place: string | undefined

  constructor(options: ReplicasOptions) {
    this.#options = options
    this.#place = options.namespace
  }

  name(): string {
    return this.#last
  }

  async connect(): Promise<Duplex> {
    const { clock, connection, signal } = this.#options
    for (let tries = 1; ; tries++) {
      const replica = this.#current ?? (await this.#search())
      const opened = await openForward(connection, replica, signal)
      if (opened.ok) return this.#watched(opened.value, replica)
      if (this.#current === replica) this.#current = undefined
      const { failure } = opened
      if (!isPassing(failure) || tries >= TRIES || signal.aborted) refuse(this.#explain(failure, replica))
      await clock.sleep(PAUSE_MS, signal)
    }
  }

  /** A stream that breaks at its end is the kubelet's word that nobody listens there any more. */
  #watched(stream: Duplex, replica: Replica): Duplex {
    stream.on('error', () => {
      if (this.#current === replica) this.#current = undefined
    })
    return stream
  }

  #search(): Promise<Replica> {
    this.#searching ??= this.#find().finally(() => (this.#searching = undefined))
    return this.#searching
  }

  async #find(): Promise<Replica> {
    const { clock, say, signal } = this.#options
    for (let tries = 1; ; tries++) {
      const [best] = await this.#list()
      if (best?.isReady) {
        if (this.#last !== '' && this.#last !== nameOf(best)) say(`podspan: now through ${nameOf(best)}.`)
        this.#last = nameOf(best)
        this.#current = best
        this.#place = best.namespace
        return best
      }
      // Where there never was any, there is nothing to wait for.
      const isHopeless = best === undefined && this.#last === ''
      if (isHopeless || tries >= TRIES || signal.aborted)
        refuse(
          best === undefined
            ? this.#nowhere()
            : `${nameOf(best)} is not ready; 'kubectl -n ${best.namespace} describe pod ${best.pod}' says why.`,
        )
      await clock.sleep(PAUSE_MS, signal)
    }
  }

  async #list(): Promise<readonly Replica[]> {
    const { connection } = this.#options
    const all = await listReplicas(this.#options, this.#place)
    if (all.ok) return onlyPlace(all.value)
    if (all.failure.kind !== 'forbidden' || this.#place !== undefined)
      refuse(explainFailure(all.failure, connection))
    for (const place of this.#options.likely) {
      const some = await listReplicas(this.#options, place)
      if (some.ok && some.value.length > 0) return some.value
    }
    return refuse(
      `Pods of all namespaces may not be listed (${all.failure.message}), and none in ${this.#options.likely.join(', ')} serves a page. -n names the namespace in which Podspan runs.`,
    )
  }

  #nowhere(): string {
    const { connection, namespace } = this.#options
    const where = namespace === undefined ? '' : `in namespace ${namespace} `
    return `No Podspan ${where}of context ${connection.contextName} serves a page: no pod there has the label ${PAGE_LABEL}. Is the chart installed, and its page.enabled on? -n names another namespace.`
  }

  #explain(failure: Failure, replica: Replica): string {
    if (failure.kind === 'forbidden')
      return `The page is reached by a port-forward, which the cluster does not allow: ${failure.message}. It needs get and create on pods/portforward in namespace ${replica.namespace}.`
    return `${nameOf(replica)} cannot be reached: ${failure.message}.`
  }
}

const nameOf = ({ namespace, pod }: Replica): string => `${neutralise(namespace)}/${neutralise(pod)}`

const isPassing = ({ kind }: Failure): boolean =>
  kind === 'not-found' || kind === 'network' || kind === 'unavailable' || kind === 'too-many-requests'

/** Two installations are two pages. */
function onlyPlace(replicas: readonly Replica[]): readonly Replica[] {
  const places = [...new Set(replicas.map(({ namespace }) => namespace))].sort()
  if (places.length > 1) refuse(`Podspan serves a page in ${places.join(' and ')}: -n chooses one.`)
  return replicas
}
