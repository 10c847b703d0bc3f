// Owns large numbers of pods and events as bytes: one template each, patched in place.
// Promises a microsecond or so an object, so that a bench measures its client and not this server.
// Does not vary shapes: each pod has two containers, each event names its pod.

import { encodeWatchEvent, frame, message, type Obj } from './encode.ts'
import { eventObject, podObject } from './objects.ts'
import type { Store, Stored } from './store.ts'

/** Numbers and versions of a fixed width, so that one is as long as another. */
const FIRST_VERSION = 1_000_000_000
const FIRST_NUMBER = 100_000

interface Template {
  readonly bytes: Buffer
  readonly uids: readonly number[]
  readonly names: readonly number[]
  readonly versions: readonly number[]
}

const shape = { number: FIRST_NUMBER, resourceVersion: FIRST_VERSION, size: 'production' } as const
const uidTail = (number: number): string => number.toString(16).padStart(12, '0')
const nameTail = (number: number): string => number.toString(36).padStart(5, '0')

function templateOf(bytes: Buffer): Template {
  const places = (text: string): number[] => {
    const found: number[] = []
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) found.push(at)
    return found
  }
  return {
    bytes,
    uids: places(`-${uidTail(FIRST_NUMBER)}`).map((at) => at + 1),
    names: places(`-${nameTail(FIRST_NUMBER)}`).map((at) => at + 1),
    versions: places(String(FIRST_VERSION)),
  }
}

function patched(template: Template, number: number, version: number): Buffer {
  const bytes = Buffer.from(template.bytes)
  for (const at of template.uids) bytes.write(uidTail(number), at, 'latin1')
  for (const at of template.names) bytes.write(nameTail(number), at, 'latin1')
  for (const at of template.versions) bytes.write(String(version), at, 'latin1')
  return bytes
}

/** Fills the store with `count` pods for a list or WatchList; their JSON is made only if asked for. */
export function loadPods(store: Store, count: number, namespace = 'default'): void {
  const template = templateOf(message('Pod', podObject({ ...shape, namespace })))
  for (let n = 0; n < count; n++) {
    const number = FIRST_NUMBER + n
    const version = FIRST_VERSION + n
    const pod = new LazyPod(patched(template, number, version), number, version, namespace)
    store.set('pods', String(number), pod)
  }
  store.version = FIRST_VERSION + count
}

class LazyPod implements Stored {
  readonly bare: Buffer
  readonly version: number
  private readonly number: number
  private readonly namespace: string

  constructor(bare: Buffer, number: number, version: number, namespace: string) {
    this.bare = bare
    this.number = number
    this.version = version
    this.namespace = namespace
  }

  get object(): Obj {
    return podObject({ number: this.number, resourceVersion: this.version, namespace: this.namespace })
  }
}

/** Frames of a watch, one after another, as `burst` sends them: pod changes or events. */
export function bulkFrames(
  resource: 'pods' | 'events',
  encoding: 'protobuf' | 'json',
  count: number,
  from = 0,
): Buffer {
  const object = resource === 'pods' ? podObject(shape) : eventObject({ ...shape, pod: FIRST_NUMBER })
  const type = resource === 'pods' ? 'MODIFIED' : 'ADDED'
  const bytes =
    encoding === 'protobuf'
      ? frame(encodeWatchEvent(type, object))
      : Buffer.from(`${JSON.stringify({ type, object })}\n`)
  const template = templateOf(bytes)
  return Buffer.concat(
    Array.from({ length: count }, (_, n) => patched(template, FIRST_NUMBER + n, FIRST_VERSION + from + n)),
  )
}
