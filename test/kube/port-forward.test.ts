// Owns a port-forward as a stream: what goes in comes out there, however much, and every refusal is a sentence.

import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import { openDirect } from '../../src/kube/config.ts'
import { openForward } from '../../src/kube/port-forward.ts'
import { type ForwardServer, startForwardServer } from '../support/port-forward-server.ts'

let api: ForwardServer
let echo: Server

before(async () => {
  api = await startForwardServer()
  echo = createServer((socket) => socket.pipe(socket))
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  api.ports.set('podspan/one', (echo.address() as AddressInfo).port)
  api.ports.set('podspan/deaf', undefined)
})
after(async () => {
  await api.close()
  await new Promise((resolve) => echo.close(resolve))
})

const open = async (pod: string) => {
  const connection = openDirect(api.url)
  const result = await openForward(
    connection,
    { namespace: 'podspan', pod, port: 7676 },
    new AbortController().signal,
  )
  return { connection, result }
}

test('bytes go to the port of the pod and come back, a megabyte as well as one', async () => {
  const { connection, result } = await open('one')
  assert.ok(result.ok)
  const stream = result.value
  const sent = Buffer.alloc(1_000_000, 'podspan ')
  const got: Buffer[] = []
  let bytes = 0
  const whole = new Promise<void>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      got.push(chunk)
      bytes += chunk.length
      if (bytes === sent.length + 1) resolve()
    })
    stream.on('error', reject)
  })
  stream.write(sent)
  stream.write('!')
  await whole
  assert.ok(Buffer.concat(got).equals(Buffer.concat([sent, Buffer.from('!')])))
  assert.equal(api.asked.at(-1), '/api/v1/namespaces/podspan/pods/one/portforward?ports=7676')
  stream.destroy()
  await connection.close()
})

test('the stream ends where the pod ends it', async () => {
  const { connection, result } = await open('one')
  assert.ok(result.ok)
  result.value.resume()
  const ended = new Promise((resolve) => result.value.on('close', resolve))
  api.cut()
  await ended
  await connection.close()
})

test('a port at which nobody listens is an error in the words of the kubelet', async () => {
  const { connection, result } = await open('deaf')
  assert.ok(result.ok)
  const error = await new Promise<Error>((resolve) => result.value.on('error', resolve))
  assert.match(error.message, /connection refused/)
  await connection.close()
})

test('a pod that is not there, and a right that is missing, are failures of their kind', async () => {
  const gone = await open('nobody')
  assert.equal(gone.result.ok ? '' : gone.result.failure.kind, 'not-found')
  api.refuse = 403
  const refused = await open('one')
  assert.deepEqual(refused.result.ok ? {} : { ...refused.result.failure }, {
    kind: 'forbidden',
    message: 'refused with 403',
    code: 403,
  })
  api.refuse = undefined
  await Promise.all([gone.connection.close(), refused.connection.close()])
})

test('a stream goes with the signal', async () => {
  const stop = new AbortController()
  const connection = openDirect(api.url)
  const result = await openForward(connection, { namespace: 'podspan', pod: 'one', port: 1 }, stop.signal)
  assert.ok(result.ok)
  const closed = new Promise((resolve) => result.value.on('close', resolve))
  result.value.on('error', () => undefined)
  stop.abort()
  await closed
  await connection.close()
})
