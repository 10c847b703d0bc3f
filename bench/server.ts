// Owns the API server of the benches, in a process of its own: TLS, lists, watches, WatchList, in JSON and in protobuf.
// Promises frames as an API server flushes them, one TLS record or more per event and none shared, and both streams in step.
// Does not model a cluster: it plays starts and a population, on command, and refuses nothing.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { systemClock } from '../src/base/clock.ts'
import type { UnixNano } from '../src/base/time.ts'
import { encodeList, encodeWatchEvent, frame } from '../test/simulator/encode.ts'
import { createTestCertificates } from '../test/support/otlp-receiver-tls.ts'
import { stampBefore, STEPS } from './start.ts'
import { type Encoding, identityOf, itemTemplate, patch, type Template, watchTemplate } from './template.ts'

export interface BurstCommand {
  /** Number of the first start; each number is another pod. */
  readonly from: number
  readonly starts: number
  readonly streams: 'both' | 'pods'
  /** As fast as the client takes them, where it is absent. */
  readonly perSecond?: number
}

export type ServerCommand = { readonly burst: BurstCommand } | { readonly population: number }

/** Starts that go on side by side: the first frames of all of them, then the second ones. */
const SIDE_BY_SIDE = 50
const READY = STEPS.length - 1
const ENCODINGS = ['json', 'protobuf'] as const
const TYPES = { json: 'application/json', protobuf: 'application/vnd.kubernetes.protobuf' } as const

type Stream = 'pods' | 'events'
interface Watcher {
  readonly encoding: Encoding
  readonly socket: Socket
}

const clock = systemClock()
const watchers = new Map<Stream, Watcher>()
const items = { json: itemTemplate(stepAt(READY), 'json'), protobuf: itemTemplate(stepAt(READY), 'protobuf') }
const added = { json: readyAdded('json'), protobuf: readyAdded('protobuf') }
const chunks: Record<Encoding, readonly Template[]> = {
  json: stepChunks('json'),
  protobuf: stepChunks('protobuf'),
}
let population = 0
let revision = 0

function stepAt(index: number) {
  const step = STEPS[index]
  if (!step) throw new Error(`a start has no step ${index}`)
  return step
}

function stepChunks(encoding: Encoding): readonly Template[] {
  return STEPS.map((step) => inChunk(watchTemplate(step, encoding)))
}

function readyAdded(encoding: Encoding): Template {
  return inChunk(watchTemplate({ ...stepAt(READY), type: 'ADDED' }, encoding))
}

/** The frame as one chunk of HTTP/1.1, so that sending it is one write. */
function inChunk({ bytes, slots }: Template): Template {
  const head = Buffer.from(`${bytes.length.toString(16)}\r\n`)
  return {
    bytes: Buffer.concat([head, bytes, Buffer.from('\r\n')]),
    slots: slots.map((slot) => ({ ...slot, at: slot.at + head.length })),
  }
}

async function send(socket: Socket, bytes: Buffer): Promise<void> {
  if (!socket.write(bytes))
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
}

async function play({ from, perSecond, starts, streams }: BurstCommand): Promise<void> {
  const pods = await watcher('pods')
  const events = streams === 'pods' ? undefined : await watcher('events')
  const begun = performance.now()
  for (let first = 0; first < starts; first += SIDE_BY_SIDE) {
    if (perSecond !== undefined) await at(begun + (first / perSecond) * 1000)
    const times: UnixNano[] = []
    const stampOf = (step: number): UnixNano => times[step] ?? (0n as UnixNano)
    for (let step = 0; step < STEPS.length; step++) {
      times.push(stampBefore(clock.now()))
      const open = stepAt(step).stream === 'pods' ? pods : events
      if (!open) continue
      const { encoding, socket } = open
      const template = chunks[encoding][step] as Template
      for (let place = first; place < Math.min(starts, first + SIDE_BY_SIDE); place++) {
        const identity = identityOf(from + place, step, ++revision)
        await send(socket, patch(template, encoding, identity, stampOf))
      }
    }
  }
}

const at = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - performance.now())))

async function watcher(stream: Stream): Promise<Watcher> {
  for (;;) {
    const open = watchers.get(stream)
    if (open && !open.socket.destroyed) return open
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://localhost')
  const stream = url.pathname.endsWith('/pods')
    ? 'pods'
    : url.pathname.endsWith('/events')
      ? 'events'
      : undefined
  if (!stream) return void response.writeHead(404).end()
  const encoding = String(request.headers.accept).includes('protobuf') ? 'protobuf' : 'json'
  // The client-node spells it `true`.
  const isWatch = /^(1|true)$/.test(url.searchParams.get('watch') ?? '')
  // Below this path the server is one without WatchList.
  const isRefused = url.pathname.startsWith('/pages/') && url.searchParams.has('sendInitialEvents')
  if (isRefused) refuse(response)
  else if (isWatch) await watch(stream, encoding, url.searchParams, response)
  else list(stream, encoding, url.searchParams, response)
}

function refuse(response: ServerResponse): void {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Invalid', code: 422 }
  const body = JSON.stringify({ ...status, message: 'sendInitialEvents is forbidden for watch' })
  response.writeHead(422, { 'content-type': TYPES.json }).end(body)
}

async function watch(
  stream: Stream,
  encoding: Encoding,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const type = encoding === 'protobuf' ? `${TYPES.protobuf};stream=watch` : TYPES.json
  response.writeHead(200, { 'content-type': type, 'transfer-encoding': 'chunked' })
  response.flushHeaders()
  const { socket } = response
  if (!socket) return
  socket.setNoDelay(true)
  if (query.get('sendInitialEvents') === 'true') {
    const at = nowAt()
    const count = stream === 'pods' ? population : 0
    for (let number = 1; number <= count && !socket.destroyed; number++)
      await send(socket, patch(added[encoding], encoding, identityOf(number, READY, number), at))
    await send(socket, bookmark(encoding))
  }
  watchers.set(stream, { encoding, socket })
}

/** One moment for all steps of a start that is long over. */
function nowAt(): (step: number) => UnixNano {
  const now = clock.now()
  return () => now
}

function bookmark(encoding: Encoding): Buffer {
  const annotations = { 'k8s.io/initial-events-end': 'true' }
  const object = { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: '2000000000', annotations } }
  const bytes =
    encoding === 'protobuf'
      ? frame(encodeWatchEvent('BOOKMARK', object))
      : Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
  return inChunk({ bytes, slots: [] }).bytes
}

function list(stream: Stream, encoding: Encoding, query: URLSearchParams, response: ServerResponse): void {
  const total = stream === 'pods' ? population : 0
  const begin = Number(query.get('continue') ?? 0)
  const end = Math.min(total, begin + Number(query.get('limit') ?? total))
  const at = nowAt()
  const page: Buffer[] = []
  for (let number = begin + 1; number <= end; number++)
    page.push(patch(items[encoding], encoding, identityOf(number, READY, number), at))
  const meta = { resourceVersion: '1000000000', ...(end < total ? { continue: String(end) } : {}) }
  const kind = stream === 'pods' ? 'Pod' : 'Event'
  const body = encoding === 'protobuf' ? encodeList('v1', kind, meta, page) : jsonList(kind, meta, page)
  response.writeHead(200, { 'content-type': TYPES[encoding], 'content-length': body.length }).end(body)
}

function jsonList(kind: string, metadata: object, page: readonly Buffer[]): Buffer {
  const head = `{"kind":"${kind}List","apiVersion":"v1","metadata":${JSON.stringify(metadata)},"items":[`
  const parts = page.flatMap((item, index) => (index === 0 ? [item] : [Buffer.from(','), item]))
  return Buffer.concat([Buffer.from(head), ...parts, Buffer.from(']}')])
}

async function obey(command: ServerCommand): Promise<void> {
  if ('population' in command) {
    population = command.population
    process.send?.({ populated: population })
  } else {
    await play(command.burst)
    process.send?.({ sent: command.burst.starts })
  }
}

const { ca, server: identity } = createTestCertificates()
const server = createServer({ ...identity, ALPNProtocols: ['http/1.1'] }, (request, response) => {
  void answer(request, response)
})
server.on('clientError', (_error, socket) => socket.destroy())
process.on('message', (command) => void obey(command as ServerCommand))
process.on('disconnect', () => process.exit(0))
server.listen(0, 'localhost', () => {
  const { port } = server.address() as AddressInfo
  const sizes = ENCODINGS.map((encoding) => `${encoding} pod ${added[encoding].bytes.length} B`)
  process.send?.({ listening: { url: `https://localhost:${port}`, ca, sizes } })
})
