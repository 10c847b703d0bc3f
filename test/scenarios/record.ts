// Owns the recorder as the runner sees it: one long-lived process, one task per scenario, whose lines are kept and shown to the stage.
// Promises that all lists are complete before a scenario begins, and that a lost watch is named.
// Does not look into an object: stage.ts does.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { INITIAL_EVENTS_END, type LineType } from '../../src/recording/format.ts'
import { readCluster } from '../cluster/cluster.ts'
import type { KubeObject } from './api.ts'

export interface Seen {
  readonly resource: string
  readonly type: LineType
  readonly object: KubeObject
}

/** So many lists have to end before a scenario may begin. */
const INDISPENSABLE = [
  'pods',
  'events',
  'nodes',
  'leases',
  'replicasets',
  'jobs',
  'statefulsets',
  'daemonsets',
]

export class RecordingTask {
  readonly lines: string[] = []
  /** Set when something of a stream may have been missed. */
  gap: string | undefined
  /** Set when the recorder is gone. */
  broken: string | undefined
  readonly #synced = Promise.withResolvers<void>()
  readonly #stopped = Promise.withResolvers<void>()
  readonly #waiting = new Set(INDISPENSABLE)
  readonly #send: (command: string) => void
  readonly #onObject: (seen: Seen) => void

  constructor(send: (command: string) => void, onObject: (seen: Seen) => void) {
    this.#send = send
    this.#onObject = onObject
    send('start')
  }

  /** Resolves when all lists are complete. */
  synced(): Promise<void> {
    return this.#synced.promise
  }

  stop(): Promise<void> {
    this.#send('stop')
    return this.#stopped.promise
  }

  take(line: string): void {
    if (line === 'stopped') return this.#stopped.resolve()
    this.lines.push(line)
    const { resource, type, object } = JSON.parse(line) as Partial<Seen>
    if (resource === undefined || type === undefined || object === undefined) return
    if (type === 'ERROR') this.gap = `${resource}: ${JSON.stringify(object)}`
    else if (type !== 'BOOKMARK') this.#onObject({ resource, type, object })
    else if (endsList(object)) this.#listEnded(resource)
  }

  lose(why: string): void {
    this.broken = why
    this.#synced.reject(new Error(why))
    this.#stopped.resolve()
  }

  #listEnded(resource: string): void {
    this.#waiting.delete(resource)
    if (this.#waiting.size === 0) this.#synced.resolve()
  }
}

function endsList({ metadata }: KubeObject): boolean {
  const annotations = metadata?.annotations as Readonly<Record<string, string>> | undefined
  return annotations?.[INITIAL_EVENTS_END] === 'true'
}

export class Recorder {
  readonly #tasks = new Map<string, RecordingTask>()
  readonly #child: ChildProcess

  constructor() {
    const { kubeconfig, kubernetesVersion } = readCluster()
    const args = [join(import.meta.dirname, 'recorder.ts'), kubeconfig, `v${kubernetesVersion}`]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    child.on('close', () => {
      for (const task of this.#tasks.values()) task.lose('the recorder ended')
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      const tab = line.indexOf('\t')
      this.#tasks.get(line.slice(0, tab))?.take(line.slice(tab + 1))
    })
  }

  record(namespace: string, scope: 'namespace' | 'cluster', onObject: (seen: Seen) => void): RecordingTask {
    const send = (command: string): void =>
      void this.#child.stdin?.write(`${command} ${namespace} ${scope}\n`)
    const task = new RecordingTask(send, onObject)
    this.#tasks.set(namespace, task)
    return task
  }

  close(): void {
    this.#child.stdin?.end()
  }
}
