// Owns the standing session: that it is written, owned, retried, put back and removed, as the API server answers.

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/clock.ts'
import {
  applyStandingSession,
  keepStandingSession,
  type StandingOptions,
} from '../../src/controller/standing-session.ts'
import { openDirect } from '../../src/kube/config.ts'

interface Asked {
  readonly method: string
  readonly path: string
  readonly contentType: string | undefined
  readonly body: Record<string, unknown> | undefined
}

type Answer = readonly [code: number, body: object]
type Answers = (asked: Asked) => Answer

const SESSION = '/apis/podspan.dev/v1alpha1/namespaces/podspan/tracesessions/standing'
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/podspan/leases/podspan'
const spec = { allPods: true, completion: { when: 'Never' } }
const lease = { metadata: { name: 'podspan', uid: 'lease-uid' } }
const refusal = (code: number, message: string): Answer => [
  code,
  { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message },
]

/** An API server of two objects, and a clock on which pauses are only written down. */
async function stage(answers: Answers, more: Partial<StandingOptions> = {}, pausesMax = 1) {
  const asked: Asked[] = []
  const server: Server = createServer((request, response) => {
    void textOf(request).then((text) => {
      const { method = '', url = '', headers } = request
      const one: Asked = {
        ...{ method, path: url, contentType: headers['content-type'] },
        body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
      }
      asked.push(one)
      const [code, body] = answers(one)
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connection = openDirect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const over = new AbortController()
  const pauses: number[] = []
  const clock: Clock = {
    ...systemClock(),
    // A request's own time limit never comes; the pauses between tries are ours.
    sleep: (ms, signal) => {
      if (signal !== over.signal)
        return new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
      pauses.push(ms)
      if (pauses.length >= pausesMax) over.abort()
      return Promise.resolve()
    },
  }
  const said: string[] = []
  const log = { debug: () => {}, info: () => {}, warn: (text: string) => said.push(text), error: () => {} }
  const options: StandingOptions = {
    caller: { connection, clock, signal: over.signal },
    ...{ log, random: () => 1, namespace: 'podspan', leaseName: 'podspan' },
    ...more,
  }
  const close = async (): Promise<void> => {
    await connection.close()
    server.close()
  }
  return { options, asked, pauses, said, [Symbol.asyncDispose]: close }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const inOrder = (asked: readonly Asked[]): string[] =>
  asked.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`)

test('it is applied as configured, and belongs to the Lease', async () => {
  await using one = await stage(({ path }) => [200, path === LEASE ? lease : {}], { spec })
  assert.deepEqual(await applyStandingSession(one.options), { kind: 'kept' })
  assert.deepEqual(inOrder(one.asked), [`GET ${LEASE}`, `PATCH ${SESSION}`])
  const [, patch] = one.asked
  assert.equal(patch?.contentType, 'application/apply-patch+yaml')
  assert.match(patch?.path ?? '', /fieldManager=podspan&force=true&fieldValidation=Strict$/)
  assert.deepEqual(patch?.body, {
    apiVersion: 'podspan.dev/v1alpha1',
    kind: 'TraceSession',
    metadata: {
      name: 'standing',
      namespace: 'podspan',
      labels: { 'app.kubernetes.io/managed-by': 'podspan' },
      ownerReferences: [
        { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', name: 'podspan', uid: 'lease-uid' },
      ],
    },
    spec,
  })
})

test('without a Lease it belongs to nobody', async () => {
  await using one = await stage(({ path }) => (path === LEASE ? refusal(404, 'no lease') : [200, {}]), {
    spec,
  })
  assert.deepEqual(await applyStandingSession(one.options), { kind: 'kept' })
  const { metadata } = (one.asked[1]?.body ?? {}) as { metadata: { ownerReferences: unknown[] } }
  assert.deepEqual(metadata.ownerReferences, [])
})

test('a Lease that cannot be read leaves the session as it is', async () => {
  await using one = await stage(() => refusal(403, 'not allowed'), { spec })
  const result = await applyStandingSession(one.options)
  assert.equal(result.kind === 'failed' && result.failure.kind, 'forbidden')
  assert.deepEqual(inOrder(one.asked), [`GET ${LEASE}`])
})

test('a CRD that is not served yet is waited for without a word, each time longer, a refusal with one', async () => {
  let tries = 0
  const answers: Answers = ({ path }) => {
    if (path === LEASE) return [200, lease]
    tries += 1
    if (tries <= 2) return refusal(404, 'no such resource')
    return tries === 3 ? refusal(422, 'spec.allPods: Invalid value') : [200, {}]
  }
  await using one = await stage(answers, { spec }, 4)
  await keepStandingSession(one.options)
  assert.deepEqual(one.pauses, [500, 1000, 2000, 30_000])
  assert.deepEqual(one.said, ['the standing session could not be written'])
})

test('pauses grow to a minute and not further', async () => {
  await using one = await stage(
    ({ path }) => (path === LEASE ? [200, lease] : refusal(500, 'x')),
    { spec },
    10,
  )
  await keepStandingSession(one.options)
  assert.deepEqual(one.pauses.slice(-2), [60_000, 60_000])
})

test('what somebody changed is put back, for as long as the term lasts', async () => {
  await using one = await stage(({ path }) => [200, path === LEASE ? lease : {}], { spec }, 3)
  await keepStandingSession(one.options)
  assert.equal(one.asked.filter(({ method }) => method === 'PATCH').length, 3)
  assert.deepEqual(one.pauses, [30_000, 30_000, 30_000])
})

const ours = {
  metadata: { name: 'standing', uid: 'its-uid', labels: { 'app.kubernetes.io/managed-by': 'podspan' } },
}

test('where none is configured the one we made is deleted, and no other that took its place', async () => {
  await using one = await stage(({ method }) => [200, method === 'GET' ? ours : {}])
  await keepStandingSession(one.options)
  assert.deepEqual(inOrder(one.asked), [`GET ${SESSION}`, `DELETE ${SESSION}`])
  assert.deepEqual(one.asked[1]?.body?.['preconditions'], { uid: 'its-uid' })
  assert.deepEqual(one.pauses, [])
})

test('a session of that name that somebody else made stays', async () => {
  await using one = await stage(() => [200, { metadata: { name: 'standing', uid: 'x' } }])
  assert.deepEqual(await applyStandingSession(one.options), { kind: 'absent' })
  assert.deepEqual(inOrder(one.asked), [`GET ${SESSION}`])
})

test('where there is none and none is configured, or no CRD at all, nothing is to be done', async () => {
  await using one = await stage(() => refusal(404, 'not found'))
  await keepStandingSession(one.options)
  assert.deepEqual(inOrder(one.asked), [`GET ${SESSION}`])
  assert.deepEqual(one.said, [])
})
