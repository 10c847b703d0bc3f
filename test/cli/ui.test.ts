// Owns `podspan ui` against an API server that carries port-forwards: which replica it takes, what a browser gets through it, and every
// way in which it cannot be opened.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { run } from '../../src/cli/program.ts'
import { type PageServer, startPageServer } from '../../src/web/server.ts'
import { type ForwardServer, startForwardServer } from '../support/port-forward-server.ts'
import { sourceOf } from '../web/source.ts'
import { kubeconfigFor, type Surroundings, surroundings } from './surroundings.ts'

let api: ForwardServer
const pages: PageServer[] = []
const directory = mkdtempSync(join(tmpdir(), 'podspan-ui-'))
const kubeconfig = join(directory, 'kubeconfig')

async function page(pod: string): Promise<number> {
  const { source } = sourceOf({
    about: () => ({ kind: 'operator', title: 'prod-1', pod, role: 'leader', version: '0', has: [] }),
  })
  const files = () => ({ 'index.html': { type: 'text/html', body: `the page of ${pod}` } })
  const server = await startPageServer({
    source,
    files,
    clock: systemClock(),
    port: 0,
    onError: assert.ifError,
  })
  pages.push(server)
  return server.port
}

const pod = (
  name: string,
  started: string,
  more: { readonly ready?: boolean; readonly namespace?: string } = {},
) => ({
  metadata: { name, namespace: more.namespace ?? 'podspan', labels: { 'podspan.dev/page-port': '7676' } },
  status: {
    conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
    containerStatuses: [{ state: { running: { startedAt: started } } }],
  },
})

before(async () => {
  api = await startForwardServer()
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(api.url)))
  for (const name of ['old', 'new']) api.ports.set(`podspan/${name}`, await page(name))
})
after(async () => {
  await Promise.all(pages.map((server) => server.close()))
  await api.close()
  rmSync(directory, { recursive: true })
})

const list = (...items: readonly object[]) => ({ status: 200, body: { items } })
const forbidden = { status: 403, body: { kind: 'Status', code: 403, message: 'pods is forbidden' } }

const clock = systemClock()
/** What is tried again each second is tried again at once. */
const hurried = {
  clock: {
    ...clock,
    sleep: (delayMs: number, signal?: AbortSignal) => clock.sleep(delayMs === 1000 ? 1 : delayMs, signal),
  },
}

interface Running extends Surroundings {
  readonly ended: Promise<number>
  url(): string
}

function start(args: readonly string[] = [], some: Parameters<typeof surroundings>[0] = {}): Running {
  const around = surroundings(some)
  const ended = run(['ui', '--kubeconfig', kubeconfig, '--port', '0', ...args], around.context)
  return { ...around, ended, url: () => /at (http:\S+);/.exec(around.err())?.[1] ?? '' }
}

async function stop({ abort, ended }: Running): Promise<void> {
  abort.abort()
  assert.equal(await ended, 0)
}

test('of several replicas the one that has run longest is opened, and a browser gets its page', async () => {
  api.pods = () => list(pod('new', '2026-11-22T12:00:00Z'), pod('old', '2026-11-20T12:00:00Z'))
  const running = start()
  await running.said(/Ctrl-C ends it/)
  assert.match(
    running.err(),
    /the page of podspan\/old \(leader of prod-1\) is at http:\/\/127\.0\.0\.1:\d+\//,
  )
  const answer = await fetch(running.url())
  assert.equal(await answer.text(), 'the page of old')
  assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.ok(api.asked.every((path) => path === '/api/v1/namespaces/podspan/pods/old/portforward?ports=7676'))
  await stop(running)
})

test('when the pod goes, the next connection goes to the one that is there then', async () => {
  api.pods = () => list(pod('new', '2026-11-22T12:00:00Z'), pod('old', '2026-11-20T12:00:00Z'))
  const running = start()
  await running.said(/Ctrl-C ends it/)
  const port = api.ports.get('podspan/old')
  api.ports.delete('podspan/old')
  api.cut()
  api.pods = () => list(pod('new', '2026-11-22T12:00:00Z'))
  const answer = await fetch(running.url())
  assert.equal(await answer.text(), 'the page of new')
  assert.match(running.err(), /now through podspan\/new/)
  await stop(running)
  api.ports.set('podspan/old', port)
})

test('a pod that does not listen any more is left at the next connection', async () => {
  api.pods = () => list(pod('old', '2026-11-20T12:00:00Z'), pod('new', '2026-11-22T12:00:00Z'))
  const running = start()
  await running.said(/Ctrl-C ends it/)
  const port = api.ports.get('podspan/old')
  api.ports.set('podspan/old', undefined)
  api.pods = () =>
    list(pod('old', '2026-11-20T12:00:00Z', { ready: false }), pod('new', '2026-11-22T12:00:00Z'))
  await fetch(running.url()).catch(() => undefined)
  assert.equal(await (await fetch(running.url())).text(), 'the page of new')
  await stop(running)
  api.ports.set('podspan/old', port)
})

test('who may not list pods everywhere is led to the usual namespace', async () => {
  api.pods = (namespace) => (namespace === 'podspan' ? list(pod('old', '2026-11-20T12:00:00Z')) : forbidden)
  const running = start()
  await running.said(/the page of podspan\/old/)
  await stop(running)
})

const REFUSALS: readonly {
  readonly name: string
  readonly args?: readonly string[]
  readonly given: () => void
  readonly exitCode: number
  readonly says: RegExp
}[] = [
  {
    name: 'no pod serves a page',
    given: () => (api.pods = () => list()),
    exitCode: 3,
    says: /No Podspan of context stub serves a page: .*page\.enabled/,
  },
  {
    name: 'none does in the namespace that was named',
    args: ['-n', 'elsewhere'],
    given: () => (api.pods = () => list()),
    exitCode: 3,
    says: /No Podspan in namespace elsewhere of context stub/,
  },
  {
    name: 'there are two installations',
    given: () =>
      (api.pods = () =>
        list(pod('a', '2026-11-20T12:00:00Z'), pod('b', '2026-11-20T12:00:00Z', { namespace: 'team' }))),
    exitCode: 3,
    says: /in podspan and team: -n chooses one/,
  },
  {
    name: 'pods may not be listed at all',
    given: () => (api.pods = () => forbidden),
    exitCode: 3,
    says: /may not be listed \(pods is forbidden\).* -n names the namespace/,
  },
  {
    name: 'the replica never gets ready',
    given: () => (api.pods = () => list(pod('old', '2026-11-20T12:00:00Z', { ready: false }))),
    exitCode: 3,
    says: /podspan\/old is not ready; 'kubectl -n podspan describe pod old' says why/,
  },
  {
    name: 'the port-forward is not allowed',
    given: () => {
      api.pods = () => list(pod('old', '2026-11-20T12:00:00Z'))
      api.refuse = 403
    },
    exitCode: 3,
    says: /does not allow: refused with 403\. It needs get and create on pods\/portforward in namespace podspan/,
  },
]

for (const { name, args, given, exitCode, says } of REFUSALS)
  test(`where ${name}, that is said`, async () => {
    given()
    const running = start(args, hurried)
    assert.equal(await running.ended, exitCode)
    assert.match(running.err(), says)
    api.refuse = undefined
  })

test('a pod whose page does not answer is said to be so', async () => {
  api.ports.set('podspan/deaf', undefined)
  api.pods = () => list(pod('deaf', '2026-11-20T12:00:00Z'))
  const running = start()
  assert.equal(await running.ended, 3)
  assert.match(
    running.err(),
    /No page answers in podspan\/deaf: error forwarding port 7676: connection refused/,
  )
})

test('a local port that is taken is said to be so', async () => {
  api.pods = () => list(pod('old', '2026-11-20T12:00:00Z'))
  const around = surroundings()
  const taken = String(api.ports.get('podspan/old'))
  assert.equal(await run(['ui', '--kubeconfig', kubeconfig, '--port', taken], around.context), 2)
  assert.match(around.err(), new RegExp(`port ${taken} is taken; --port names another one`))
})
