// Owns the part of the contract about the service itself: discovery, who may ask, too many requests, kinds that come and go.
// Promises the same tests for the simulator and for a real API server. Does not test rights: the simulator has none.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { call, type Subject, watch } from './contract-client.ts'
import { type Case, createPod, nameOf, sessionBody } from './contract-room.ts'
import type { Obj } from './encode.ts'

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const CRD = parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'crds', 'podspan.dev_tracesessions.yaml'), 'utf8'),
) as Obj

/** Makes the kind TraceSession, and waits until it is served. */
export async function installSessions(subject: Subject): Promise<void> {
  const { bytes, code } = await call(subject, 'POST', CRDS, CRD)
  assert.equal(code, 201, bytes.toString())
  await sessionsServed(subject, 200)
}

/** Until TraceSessions answer with this code. */
export async function sessionsServed(subject: Subject, wanted: number): Promise<void> {
  for (let n = 0; n < 200; n++) {
    const { code } = await call(subject, 'GET', '/apis/podspan.dev/v1alpha1/tracesessions')
    if (code === wanted) return
    await delay(50)
  }
  throw new Error(`TraceSessions never gave ${wanted}`)
}

const resourcesOf = (body: Obj): readonly string[] =>
  (body['resources'] as readonly { name: string }[]).map(({ name }) => name)

export const SERVICE: readonly Case[] = [
  {
    name: 'discovery names groups, their versions and their kinds',
    run: async ({ subject }) => {
      const ask = async (path: string) => (await call(subject, 'GET', path)).body
      const groups = (await ask('/apis'))['groups'] as readonly { name: string }[]
      const found = groups.map(({ name }) => name)
      assert.ok(['apps', 'batch', 'coordination.k8s.io', 'podspan.dev'].every((name) => found.includes(name)))
      const group = await ask('/apis/podspan.dev')
      assert.deepEqual([group['kind'], group['name']], ['APIGroup', 'podspan.dev'])
      assert.deepEqual(group['versions'], [{ groupVersion: 'podspan.dev/v1alpha1', version: 'v1alpha1' }])
      const ours = await ask('/apis/podspan.dev/v1alpha1')
      assert.equal(ours['kind'], 'APIResourceList')
      assert.deepEqual(resourcesOf(ours).toSorted(), ['tracesessions', 'tracesessions/status'])
      const core = resourcesOf(await ask('/api/v1'))
      assert.ok(['pods', 'pods/status', 'events', 'nodes', 'namespaces'].every((name) => core.includes(name)))
      assert.match(String((await ask('/version'))['gitVersion']), /^v1\.\d+\.\d+/)
    },
  },
  {
    name: 'a group or a kind that is not served is not found',
    run: async ({ subject }) => {
      for (const path of ['/apis/example.com', '/apis/example.com/v9/things', '/api/v1/things'])
        assert.equal((await call(subject, 'GET', path)).code, 404, path)
    },
  },
  {
    name: 'who has the wrong token is not let in',
    run: async ({ path, subject }) => {
      const { code, body } = await call(subject, 'GET', path('pods'), undefined, { token: 'wrong' })
      assert.deepEqual(
        [code, body['kind'], body['reason'], body['code']],
        [401, 'Status', 'Unauthorized', 401],
      )
    },
  },
  {
    name: 'what is too much is refused with the time to wait',
    run: async ({ path, subject }) => {
      const token = await subject.throttled()
      const { code, headers, bytes } = await call(subject, 'GET', path('pods'), undefined, { token })
      assert.deepEqual([code, headers['retry-after']], [429, '1'], bytes.toString())
      assert.match(bytes.toString(), /^Too many requests, please try again later\.\n$/)
    },
  },
  {
    name: 'an account may ask what it may do',
    run: async ({ subject }) => {
      const { body } = await call(subject, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'list', resource: 'pods' } },
      })
      assert.equal((body['status'] as Obj)['allowed'], true)
    },
  },
  {
    name: 'a kind that is deleted takes its objects and its watches with it, and may come back empty',
    run: async (room) => {
      const { subject } = room
      await room.post('tracesessions', sessionBody('lost'))
      using watching = await watch(subject, room.path('tracesessions?watch=1'))
      assert.equal(nameOf((await watching.take(1))[0]?.object ?? {}), 'lost')
      assert.equal((await call(subject, 'DELETE', `${CRDS}/tracesessions.podspan.dev`)).code, 200)
      const last = await watching.rest()
      assert.deepEqual(last.map(({ type, object }) => `${type} ${nameOf(object)}`).slice(0, 1), [
        'DELETED lost',
      ])
      await sessionsServed(subject, 404)
      await installSessions(subject)
      assert.deepEqual((await room.get('tracesessions')).body['items'], [])
      await createPod(room, 'still')
    },
  },
]
