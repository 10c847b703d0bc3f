// Owns what Podspan's writes rest on: how an API server answers about Leases, TraceSessions and Events.
// Promises the same tests for the stub and for a real API server, so that what is learnt on the one holds on the other.
// Does not know which of the two it talks to.

import assert from 'node:assert/strict'
import { test, type TestOptions } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import type { Connection } from '../../src/kube/config.ts'
import { callJson, type Caller } from '../../src/kube/json-call.ts'
import { createLeaseStore, type Lease, type LeaseStore } from '../../src/kube/lease.ts'
import { createTargetReader } from '../../src/kube/rollout.ts'
import { createSessionWrites, type SessionName, type SessionWrites } from '../../src/kube/session-writes.ts'

export interface Subject {
  readonly connection: Connection
}

const clock = systemClock()
const SESSIONS = '/apis/podspan.dev/v1alpha1/namespaces/default/tracesessions'
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events'

const callerOf = ({ connection }: Subject): Caller => ({
  connection,
  clock,
  signal: new AbortController().signal,
})

const storeOf = (subject: Subject, name: string): LeaseStore =>
  createLeaseStore(callerOf(subject), { namespace: 'default', name, timeoutMs: 5000 })

const writesOf = (subject: Subject): SessionWrites =>
  createSessionWrites({ ...callerOf(subject), random: Math.random, instance: 'podspan-0' })

const term = (holder: string) => ({ holder, durationMs: 15_000, transitions: 0, renewTime: clock.now() })

function valueOf<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: object },
): T {
  if (!result.ok) assert.fail(JSON.stringify(result.failure))
  return result.value
}

function conflictOf(result: Awaited<ReturnType<LeaseStore['create']>>): void {
  assert.equal(result.ok ? 'written' : result.failure.kind, 'conflict')
}

async function makeSession(subject: Subject, name: string): Promise<SessionName> {
  const made = await callJson(callerOf(subject), {
    method: 'POST',
    path: SESSIONS,
    body: {
      apiVersion: 'podspan.dev/v1alpha1',
      kind: 'TraceSession',
      metadata: { name, namespace: 'default' },
      spec: { allPods: true, completion: { when: 'Never' } },
    },
  })
  const { uid } = valueOf(made)['metadata'] as { uid: string }
  return { namespace: 'default', name, uid }
}

async function statusOf(subject: Subject, name: string): Promise<unknown> {
  const read = await callJson(callerOf(subject), { path: `${SESSIONS}/${name}` })
  return valueOf(read)['status']
}

const gone = (session: SessionName): SessionName => ({
  ...session,
  uid: '00000000-0000-4000-8000-00000000dead',
})

export function writesContract(open: () => Subject, options: TestOptions = {}): void {
  test('a Lease that is not there is read as absent, and made', options, async () => {
    const store = storeOf(open(), 'made')
    assert.equal(valueOf(await store.read()), undefined)
    const made = valueOf(await store.create({ ...term('a'), acquireTime: clock.now() }))
    assert.equal(made.holder, 'a')
    assert.equal(made.durationMs, 15_000)
    assert.equal(valueOf(await store.read())?.resourceVersion, made.resourceVersion)
  })

  test('a Lease is made once: the second to make it meets a conflict', options, async () => {
    const store = storeOf(open(), 'once')
    valueOf(await store.create(term('a')))
    conflictOf(await store.create(term('b')))
  })

  test('of two that renew the same version of a Lease one meets a conflict', options, async () => {
    const store = storeOf(open(), 'renewed')
    const first = valueOf(await store.create(term('a')))
    const second = valueOf(await store.update(first, term('a')))
    assert.notEqual(second.resourceVersion, first.resourceVersion)
    conflictOf(await store.update(first, term('b')))
    assert.equal(valueOf(await store.read())?.holder, 'a')
  })

  test('every renewal changes what is observed, and what stands beside the term stays', options, async () => {
    const store = storeOf(open(), 'beside')
    const text = 'x'.repeat(100_000)
    const made = valueOf(
      await store.create({ ...term('a'), annotations: { 'podspan.dev/exported-until': text } }),
    )
    const renewed: Lease = valueOf(await store.update(made, term('a')))
    assert.notEqual(renewed.spec, made.spec)
    assert.equal(renewed.annotations['podspan.dev/exported-until'], text)
  })

  test('a released Lease has no holder', options, async () => {
    const store = storeOf(open(), 'released')
    const made = valueOf(await store.create(term('a')))
    const freed = valueOf(await store.update(made, { ...term(''), durationMs: 1000 }))
    assert.equal(freed.holder, '')
    assert.equal(freed.durationMs, 1000)
  })

  test('a status is replaced whole', options, async () => {
    const subject = open()
    const session = await makeSession(subject, 'replaced')
    const first = await writesOf(subject).status(session, {
      phase: 'Running',
      longest: 'pull image',
      startup: { p50: '1s', p99: '2s' },
    })
    assert.equal(first.kind, 'written')
    await writesOf(subject).status(session, { phase: 'Running', startup: { p50: '3s' } })
    assert.deepEqual(await statusOf(subject, 'replaced'), { phase: 'Running', startup: { p50: '3s' } })
  })

  test('a status is not written to another session of the same name', options, async () => {
    const subject = open()
    const session = await makeSession(subject, 'same-name')
    const result = await writesOf(subject).status(gone(session), { phase: 'Passed' })
    assert.equal(result.kind, 'gone')
    assert.equal(await statusOf(subject, 'same-name'), undefined)
  })

  test('a status of a session that is not there is gone', options, async () => {
    const session = { namespace: 'default', name: 'nobody', uid: 'x' }
    assert.equal((await writesOf(open()).status(session, { phase: 'Passed' })).kind, 'gone')
  })

  test('another session of the same name is not deleted', options, async () => {
    const subject = open()
    const session = await makeSession(subject, 'kept')
    assert.equal((await writesOf(subject).remove(gone(session))).kind, 'gone')
    assert.equal((await writesOf(subject).remove(session)).kind, 'written')
    assert.equal((await writesOf(subject).remove(session)).kind, 'gone')
  })

  test('an Event is recorded on the session', options, async () => {
    const subject = open()
    const session = await makeSession(subject, 'told')
    const event = { type: 'Warning', reason: 'ObjectiveMissed', message: 'ready: p99 is 31 s.' } as const
    const result = await writesOf(subject).event(session, event)
    assert.equal(result.kind, 'written', JSON.stringify(result))
    const list = valueOf(await callJson(callerOf(subject), { path: EVENTS }))
    const events = list['items'] as readonly { reason: string; regarding: { uid: string } }[]
    assert.ok(
      events.some(({ reason, regarding }) => reason === 'ObjectiveMissed' && regarding.uid === session.uid),
    )
  })

  test(
    'a target that is not there is absent, and so is one of a kind that nobody knows',
    options,
    async () => {
      const reader = createTargetReader(callerOf(open()))
      const missing = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nobody' }
      assert.equal(valueOf(await reader.read('default', missing)), undefined)
      const unknown = { apiVersion: 'example.com/v9', kind: 'Thing', name: 'nobody' }
      assert.equal(valueOf(await reader.read('default', unknown)), undefined)
    },
  )

  test('a target of a custom kind is found by the plural that the API server names', options, async () => {
    const subject = open()
    await makeSession(subject, 'target')
    const reader = createTargetReader(callerOf(subject))
    const target = { apiVersion: 'podspan.dev/v1alpha1', kind: 'TraceSession', name: 'target' }
    const read = valueOf(await reader.read('default', target))
    assert.equal((read?.['metadata'] as { name?: string } | undefined)?.name, 'target')
  })
}
