// Owns the room that each test of the contract has to itself: a namespace, short names for paths, and the bodies it makes.
// Promises that no two tests see each other's objects. Does not test anything.

import assert from 'node:assert/strict'
import { type Answer, type Ask, call, type Subject, watch, type Watching } from './contract-client.ts'
import type { Obj } from './encode.ts'

export interface Case {
  readonly name: string
  readonly run: (room: Room) => Promise<void>
}

export interface Room {
  readonly subject: Subject
  readonly namespace: string
  /** `pods/NAME?QUERY` and so on, in this namespace. */
  path(short: string): string
  get(short: string, ask?: Ask): Promise<Answer>
  post(resource: string, body: Obj): Promise<Answer>
  call(method: string, short: string, body?: unknown, ask?: Ask): Promise<Answer>
  watch(short: string, ask?: Ask): Promise<Watching>
}

const ROOTS: Readonly<Record<string, readonly [root: string, apiVersion: string, kind: string]>> = {
  pods: ['/api/v1', 'v1', 'Pod'],
  events: ['/api/v1', 'v1', 'Event'],
  leases: ['/apis/coordination.k8s.io/v1', 'coordination.k8s.io/v1', 'Lease'],
  tracesessions: ['/apis/podspan.dev/v1alpha1', 'podspan.dev/v1alpha1', 'TraceSession'],
  'events.k8s.io': ['/apis/events.k8s.io/v1', 'events.k8s.io/v1', 'Event'],
}

let rooms = 0

export async function openRoom(subject: Subject): Promise<Room> {
  rooms += 1
  const namespace = `contract-${rooms}`
  const made = await call(subject, 'POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  })
  assert.equal(made.code, 201, made.bytes.toString())
  const path = (short: string): string => {
    const [, first = '', rest = ''] = /^([^/?]+)(.*)$/.exec(short) ?? []
    const [root = ''] = ROOTS[first] ?? []
    return `${root}/namespaces/${namespace}/${first === 'events.k8s.io' ? 'events' : first}${rest}`
  }
  const send = (method: string, short: string, body?: unknown, ask: Ask = {}): Promise<Answer> =>
    call(subject, method, path(short), method === 'POST' ? typed(short, body as Obj) : body, ask)
  return {
    subject,
    namespace,
    path,
    call: send,
    get: (short, ask) => send('GET', short, undefined, ask),
    post: (resource, body) => send('POST', resource, body),
    watch: (short, ask) => watch(subject, path(short), ask),
  }
}

function typed(short: string, body: Obj): Obj {
  const [, apiVersion, kind] = ROOTS[short.split(/[/?]/)[0] ?? ''] ?? []
  return { apiVersion, kind, ...body }
}

export const metadataOf = (object: Obj): Obj => (object['metadata'] ?? {}) as Obj
export const nameOf = (object: Obj): string => String(metadataOf(object)['name'])
export const versionOf = (object: Obj): bigint => BigInt(String(metadataOf(object)['resourceVersion']))
export const itemsOf = (list: Obj): readonly Obj[] => list['items'] as readonly Obj[]

export const podBody = (name: string, labels: Obj = {}): Obj => ({
  metadata: { name, labels },
  spec: { containers: [{ name: 'app', image: 'example.com/app:1' }] },
})

export const sessionBody = (name: string): Obj => ({
  apiVersion: 'podspan.dev/v1alpha1',
  kind: 'TraceSession',
  metadata: { name },
  spec: { allPods: true, completion: { when: 'Never' } },
})

export async function createPod(room: Room, name: string, labels: Obj = {}): Promise<Obj> {
  const { code, body, bytes } = await room.post('pods', podBody(name, labels))
  assert.equal(code, 201, bytes.toString())
  return body
}
