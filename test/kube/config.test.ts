// Owns the credentials: contexts, token files, exec plugins, proxies, certificates that change.
// Promises that each is tried as kubectl users have it, through files in a temporary directory.
// Does not reach a cluster: see test/e2e.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openConnection } from '../../src/kube/config.ts'
import { fetchWhole } from '../../src/kube/request.ts'
import { podObject } from '../simulator/objects.ts'
import { SimulatedApiServer } from '../simulator/server.ts'

const directory = mkdtempSync(join(tmpdir(), 'podspan-config-'))
after(() => rmSync(directory, { recursive: true }))

const file = (name: string, content: string, mode = 0o600): string => {
  const path = join(directory, name)
  writeFileSync(path, content, { mode })
  return path
}

function kubeconfig(name: string, server: SimulatedApiServer, user: object, cluster: object = {}): string {
  const ca = server.certificate ? { 'certificate-authority-data': server.certificate.toString('base64') } : {}
  return file(
    name,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'one',
      clusters: [{ name: 'c', cluster: { server: server.url, ...ca, ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [
        { name: 'one', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
        { name: 'two', context: { cluster: 'c', user: 'u' } },
      ],
    }),
  )
}

const signal = new AbortController().signal
const list = { path: '/api/v1/pods?limit=5', accept: 'application/json', signal }

async function startTls(): Promise<SimulatedApiServer> {
  const server = await SimulatedApiServer.start({ tls: true })
  server.store.load('pods', [podObject({ number: 1, resourceVersion: 0 })])
  return server
}

test('a kubeconfig names server, context and namespace', async () => {
  const server = await startTls()
  const path = kubeconfig('plain', server, { token: 'abc' })
  const connection = await openConnection({ kubeconfig: path })
  assert.deepStrictEqual(
    [connection.origin, connection.basePath, connection.contextName, connection.namespace],
    [server.url, '', 'one', 'shop'],
  )
  const { headers } = await connection.authenticate()
  assert.equal(headers['authorization'], 'Bearer abc')
  const answer = await fetchWhole(connection, list)
  assert.equal(answer.kind, 'ok')
  const other = await openConnection({ kubeconfig: path, context: 'two' })
  assert.deepStrictEqual([other.contextName, other.namespace], ['two', undefined])
  await connection.close()
  await other.close()
  await server.close()
})

test('what is missing is named', async () => {
  const server = await SimulatedApiServer.start()
  await assert.rejects(openConnection({ kubeconfig: join(directory, 'none') }), /none/)
  const path = kubeconfig('contexts', server, {})
  await assert.rejects(
    openConnection({ kubeconfig: path, context: 'three' }),
    /context three: not in .*contexts/,
  )
  await server.close()
})

test('many requests share one connection', async () => {
  const server = await startTls()
  const connection = await openConnection({ kubeconfig: kubeconfig('shared', server, { token: 'abc' }) })
  for (let n = 0; n < 20; n++) await fetchWhole(connection, list)
  // undici opens a second one where the first has not finished its last answer yet.
  assert.ok(server.connections <= 2, String(server.connections))
  await connection.close()
  await server.close()
})

test('a rotated token file is read again after a 401, newline and all', async () => {
  const server = await startTls()
  server.options = { ...server.options, token: 'first' }
  const tokenFile = file('token', 'first\n')
  const connection = await openConnection({ kubeconfig: kubeconfig('rotating', server, { tokenFile }) })
  assert.equal((await fetchWhole(connection, list)).kind, 'ok')
  writeFileSync(tokenFile, 'second\n')
  server.options = { ...server.options, token: 'second' }
  assert.equal((await fetchWhole(connection, list)).kind, 'ok')
  assert.equal(server.requests.length, 3)
  await connection.close()
  await server.close()
})

test('an exec plugin is run once, and again after a 401', async () => {
  const server = await startTls()
  server.options = { ...server.options, token: 'token-1' }
  const runs = join(directory, 'runs')
  const plugin = file(
    'plugin.sh',
    `#!/bin/sh\necho run >> ${runs}\nn=$(wc -l < ${runs})\necho "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"token-$n\\"}}"\n`,
    0o700,
  )
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' }
  const connection = await openConnection({ kubeconfig: kubeconfig('exec', server, { exec }) })
  for (let n = 0; n < 3; n++) assert.equal((await fetchWhole(connection, list)).kind, 'ok')
  server.options = { ...server.options, token: 'token-2' }
  assert.equal((await fetchWhole(connection, list)).kind, 'ok')
  assert.deepStrictEqual(
    server.requests.map((request) => request.headers.authorization),
    ['Bearer token-1', 'Bearer token-1', 'Bearer token-1', 'Bearer token-1', 'Bearer token-2'],
  )
  await connection.close()
  await server.close()
})

test('an exec plugin that fails is a failure, not an exception', async () => {
  const server = await startTls()
  const plugin = file('broken.sh', '#!/bin/sh\necho "login first" >&2\nexit 1\n', 0o700)
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin }
  const connection = await openConnection({ kubeconfig: kubeconfig('broken', server, { exec }) })
  const answer = await fetchWhole(connection, list)
  assert.match(answer.kind === 'failed' ? answer.failure.message : '', /login first/)
  await connection.close()
  await server.close()
})

test('a certificate that nobody vouches for is refused', async () => {
  const server = await startTls()
  const path = kubeconfig('untrusted', server, {}, { 'certificate-authority-data': undefined })
  const connection = await openConnection({ kubeconfig: path })
  const answer = await fetchWhole(connection, list)
  assert.equal(answer.kind === 'failed' && answer.failure.kind, 'network')
  await connection.close()
  await server.close()
})

test('the agent is kept while the certificates are the same', async () => {
  const server = await startTls()
  const ca = file('ca.pem', server.certificate?.toString() ?? '')
  const path = kubeconfig(
    'ca',
    server,
    { token: 'x' },
    { 'certificate-authority-data': undefined, 'certificate-authority': ca },
  )
  const connection = await openConnection({ kubeconfig: path })
  const first = (await connection.authenticate()).dispatcher
  assert.equal((await connection.authenticate()).dispatcher, first)
  writeFileSync(ca, `${server.certificate?.toString() ?? ''}\n`)
  assert.notEqual((await connection.authenticate()).dispatcher, first)
  assert.equal((await fetchWhole(connection, list)).kind, 'ok')
  await connection.close()
  await server.close()
})

test('a proxy of the kubeconfig is used', async () => {
  const server = await startTls()
  const tunnels: string[] = []
  const proxy = createServer((_request, response) => response.end())
  proxy.on('connect', (incoming, socket) => {
    tunnels.push(incoming.url ?? '')
    const onward = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const connection = await openConnection({
    kubeconfig: kubeconfig('proxied', server, { token: 'x' }, { 'proxy-url': proxyUrl }),
  })
  assert.equal((await fetchWhole(connection, list)).kind, 'ok')
  assert.deepStrictEqual(tunnels, [new URL(server.url).host])
  await connection.close()
  proxy.closeAllConnections()
  proxy.close()
  await server.close()
})
