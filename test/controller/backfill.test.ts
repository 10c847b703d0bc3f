// Owns the reading of earlier starts for late sessions: how many lists, what is offered to whom, what is said to be missing.
// Promises an API that answers from a table and counts what it is asked. Does not repeat what the book takes: see test/session.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import type { PodRecord } from '../../src/base/record.ts'
import { fromSeconds } from '../../src/base/time.ts'
import { BACKFILL_PODS_MAX, type BackfillOptions, backfillSessions } from '../../src/controller/backfill.ts'
import { createRing } from '../../src/controller/ring.ts'
import type { BackfillRequest } from '../../src/session/book.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { podRecord, secondsAt } from '../support/pods-records.ts'

const NOW = fromSeconds(secondsAt(3_600_000))
const uidOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

/** Ready two seconds after it was created, so many seconds after the beginning. */
const pod = (n: number, second: number, namespace = 'shop'): PodRecord =>
  podRecord({
    uid: uidOf(n),
    name: `p${n}`,
    namespace,
    createdSeconds: secondsAt(second * 1000),
    resourceVersion: String(100 + n),
    conditions: [{ type: 'Ready', status: 'True', transitionSeconds: secondsAt(second * 1000 + 2000) }],
  })

const ask = (name: string, second: number, more: Partial<BackfillRequest> = {}): BackfillRequest => ({
  session: { name, namespace: 'shop', uid: name },
  namespace: 'shop',
  since: fromSeconds(secondsAt(second * 1000)),
  knownSince: undefined,
  ...more,
})

interface Run {
  /** Which lists were read, in order; '' of all namespaces. */
  readonly lists: string[]
  /** By session, the pods that it was offered. */
  readonly offered: Map<string, string[]>
  /** By session, what is missing. */
  readonly done: Map<string, string | undefined>
  readonly had: (readonly string[])[]
}

async function run(
  pods: readonly PodRecord[],
  requests: readonly BackfillRequest[],
  more: Partial<BackfillOptions> = {},
): Promise<Run> {
  const made: Run = { lists: [], offered: new Map(), done: new Map(), had: [] }
  const within = (namespace: string | undefined) => (one: PodRecord) =>
    namespace === undefined || one.namespace === namespace
  await backfillSessions(
    {
      api: {
        readPages: async (source, { namespace }, { take }) => {
          made.lists.push(namespace ?? '')
          const own = source === 'pods' ? pods.filter(within(namespace)) : []
          for (let at = 0; at < own.length; at += 500)
            assert.ok(take(own.slice(at, at + 500), own.length - at), 'the list is read to its end')
          return { ok: true, value: false }
        },
        readEvents: async () => ({ ok: true, value: { events: [], truncated: false } }),
      },
      book: { backfilled: (uid, missing) => void made.done.set(uid, missing) },
      delivery: {
        ring: createRing(1_000_000, () => {}),
        offer: (session, { name }, had) => {
          made.offered.set(session, [...(made.offered.get(session) ?? []), name])
          made.had.push(had)
        },
      },
      handover: { hadBefore: () => [] },
      clock: manualClock(NOW),
      pipeline: {},
      isOpen: () => false,
      namespaces: [],
      ...more,
    },
    requests,
  )
  return made
}

test('a thousand sessions of three namespaces cost three lists, and each gets what it asks for', async () => {
  const namespaces = ['shop', 'pay', 'ship']
  const pods = namespaces.flatMap((namespace, n) => [
    pod(2 * n, 100, namespace),
    pod(2 * n + 1, 900, namespace),
  ])
  const requests = Array.from({ length: 1000 }, (_, n) => {
    const namespace = namespaces[n % 3] as string
    return ask(`s${n}`, n < 500 ? 50 : 800, { namespace })
  })
  const { done, lists, offered } = await run(pods, requests)
  assert.deepEqual(lists.toSorted(), ['pay', 'ship', 'shop'])
  assert.deepEqual(offered.get('s0'), ['p1', 'p0'])
  assert.deepEqual(offered.get('s4'), ['p3', 'p2'])
  assert.deepEqual(offered.get('s999'), ['p1'])
  assert.equal(done.size, 1000)
  assert.deepEqual([...new Set(done.values())], [undefined])
})

test('of listed namespaces each is read once, for those who ask for one and for all, who are done after the last', async () => {
  const pods = [pod(1, 100, 'shop'), pod(2, 100, 'pay')]
  const requests = [ask('all', 50, { namespace: undefined }), ask('one', 50)]
  const { done, lists, offered } = await run(pods, requests, { namespaces: ['shop', 'pay'] })
  assert.deepEqual(lists.toSorted(), ['pay', 'shop'])
  assert.deepEqual(offered.get('all')?.toSorted(), ['p1', 'p2'])
  assert.deepEqual(offered.get('one'), ['p1'])
  assert.deepEqual([...done.keys()].toSorted(), ['all', 'one'])
})

test('what the ring holds is offered from there, and not read again', async () => {
  const ring = createRing(1_000_000, () => {})
  const pipeline = createPipeline({ backfill: () => true })
  pipeline.push({ kind: 'added', t: NOW, source: 'pods', phase: 'initial', record: pod(1, 100) })
  for (const trace of pipeline.push({ kind: 'tick', t: NOW, final: true })) ring.put(trace)
  const names: string[] = []
  const offer = (_: string, { name }: { readonly name: string }): void => void names.push(name)
  await run([pod(1, 100), pod(2, 100)], [ask('s', 50)], { delivery: { ring, offer } })
  assert.deepEqual(names, ['p1', 'p2'])
})

test('what is in flight, or still to be told by the watch, is not offered', async () => {
  const starting = { ...pod(1, 100), conditions: [] }
  const { offered } = await run([starting, pod(2, 100), pod(3, 100)], [ask('s', 50)], {
    isOpen: (uid) => uid === uidOf(2),
  })
  assert.deepEqual(offered.get('s'), ['p3'])
})

test('where there are more than are read, the latest are, and only those whom it concerns are told', async () => {
  const pods = Array.from({ length: BACKFILL_PODS_MAX + 10 }, (_, n) => pod(n, n))
  const { done, offered } = await run(pods, [ask('early', -10), ask('late', 100)])
  assert.equal(
    done.get('early'),
    `only ${BACKFILL_PODS_MAX} of ${BACKFILL_PODS_MAX + 10} earlier pods were read`,
  )
  assert.equal(done.get('late'), undefined)
  assert.equal(offered.get('early')?.length, BACKFILL_PODS_MAX)
  assert.equal(offered.get('late')?.length, BACKFILL_PODS_MAX - 89)
})

test('a list that cannot be read is said to each of its sessions, and to no other', async () => {
  const refused = { ok: false, failure: { kind: 'forbidden', message: 'no right' } } as const
  const readPages: BackfillOptions['api']['readPages'] = async (_, { namespace }, { take }) => {
    if (namespace === 'pay') return refused
    take([pod(1, 100)], 0)
    return { ok: true, value: false }
  }
  const readEvents: BackfillOptions['api']['readEvents'] = async () => refused
  const { done } = await run([], [ask('a', 50), ask('b', 50, { namespace: 'pay' })], {
    api: { readPages, readEvents },
  })
  assert.equal(done.get('a'), 'earlier events could not be read: no right')
  assert.equal(done.get('b'), 'earlier pods could not be read: no right')
})

test('which exporters have had a start is asked for each session that was known, and said with the offer', async () => {
  const knownSince = fromSeconds(secondsAt(0))
  const order: string[] = []
  const { had } = await run([pod(1, 100)], [ask('new', 50), ask('known', 50, { knownSince })], {
    handover: {
      hadBefore: (_, since) => {
        order.push(since === undefined ? 'new' : 'known')
        return since === undefined ? [] : ['default']
      },
    },
  })
  assert.deepEqual(order, ['known', 'new'])
  assert.deepEqual(had, [['default'], []])
})
