// Owns large numbers of objects that are just there: a namespace full of running pods, a thousand sessions.
// Promises objects as an API server has them. Does not play starts.

import type { Obj } from './encode.ts'
import { podObject, uidOf } from './objects.ts'
import { metaOf, type Store } from './store.ts'

const CROWDED = 'crowded'

/** Running since long ago. */
export function addPods(store: Store, count: number): void {
  for (let number = 0; number < count; number++)
    store.load('pods', [podObject({ number: 1_000_000 + number, resourceVersion: 0, namespace: CROWDED })])
}

/** Bound by now, and nothing else yet: starts that are in flight until they time out. */
export function addPending(store: Store, count: number): void {
  const now = new Date().toISOString().replace(/\.\d+/, '')
  for (let number = 0; number < count; number++) {
    const pod = podObject({
      number: 2_000_000 + number,
      resourceVersion: 0,
      namespace: CROWDED,
      stage: 'bound',
    })
    const text = JSON.stringify(pod).replace(/"\d{4}-\d\d-\d\dT[\d:]*Z"/g, `"${now}"`)
    store.apply('pods', JSON.parse(text) as Obj)
  }
}

/** All at once, as when their namespace goes: each is marked, then gone. */
export function removePods(store: Store): void {
  const pods = [...store.of('pods').values()].map(({ object }) => object)
  const mine = pods.filter((pod) => metaOf(pod).namespace === CROWDED)
  const deletionTimestamp = new Date().toISOString().replace(/\.\d+/, '')
  for (const pod of mine)
    store.apply('pods', { ...pod, metadata: { ...(pod['metadata'] as Obj), deletionTimestamp } })
  for (const pod of mine) store.remove('pods', metaOf(pod).uid)
}

const session = (number: number): Obj => ({
  apiVersion: 'podspan.dev/v1alpha1',
  kind: 'TraceSession',
  metadata: {
    name: `session-${number}`,
    namespace: 'simulated',
    uid: uidOf(0x75, number),
    generation: 1,
    creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
  },
  spec: {
    podSelector: { matchLabels: { app: 'checkout' } },
    completion: { when: 'Never' },
    objectives: [{ name: 'ready', percentile: 99, threshold: `${30 + (number % 60)}s` }],
  },
})

export const sessions = {
  add: (store: Store, count: number): void => {
    for (let number = 0; number < count; number++) store.apply('tracesessions', session(number))
  },
  judged: (store: Store): number =>
    [...store.of('tracesessions').values()].filter(({ object }) => object['status'] !== undefined).length,
}
