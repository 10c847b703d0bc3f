// Owns the simulated API server: its port, who may ask, which part answers, and every fault we know of.
// Promises what contract.ts says, over HTTP/1.1 with or without TLS; a real API server passes the same.
// Does not validate, authorise or default: it stores what it is told.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { selfSigned } from './certificate.ts'
import type { Obj } from './encode.ts'
import { type Fault, Faults, inflict, refuse, type SeenRequest, type What } from './faults.ts'
import { contentTypeOf, formOf, objectBytes } from './forms.ts'
import { Lists } from './lists.ts'
import { Objects, type ObjectRequest, type Place } from './object-calls.ts'
import { placeOf, serviceOf } from './places.ts'
import { apiGroup, definedBy, type ServedResource, ServedResources, TRACE_SESSIONS } from './resources.ts'
import { wantedBy } from './selectors.ts'
import { metaOf, Store } from './store.ts'
import { Watches, type WatchOptions } from './watches.ts'

export type { Fault } from './faults.ts'

export interface ServerOptions extends WatchOptions {
  readonly tls?: boolean
  /** Requests must carry it; else 401. */
  token?: string
  /** Requests that carry this one are refused by priority and fairness. */
  readonly throttledToken?: string
  /** Without TraceSessions until their definition is made. Default `all`. */
  readonly kinds?: 'all' | 'built-in'
  /** By which clock objects are made; default the machine's. */
  readonly nowMs?: () => number
}

const DEFINITIONS = 'customresourcedefinitions'

export class SimulatedApiServer {
  readonly store = new Store()
  private readonly sockets = new Set<Socket>()
  readonly requests: SeenRequest[] = []
  /** Writes as they were asked for, refused ones too. */
  readonly writes: ObjectRequest[] = []
  /** Groups that are served besides those every cluster has, with their versions. */
  readonly groups = new Map<string, readonly string[]>()
  readonly resources = new ServedResources()
  readonly watches: Watches
  readonly faults = new Faults()
  readonly certificate: Buffer | undefined
  /** Opened since the start. */
  connections = 0
  options: ServerOptions
  private readonly lists: Lists
  private readonly objects: Objects
  private readonly server: Server
  private port = 0

  private constructor(options: ServerOptions) {
    this.options = options
    this.watches = new Watches(this.store, () => this.options)
    this.lists = new Lists(this.store)
    this.objects = new Objects(this.store, options.nowMs ?? Date.now)
    if (options.kinds !== 'built-in') this.resources.add(TRACE_SESSIONS)
    const handler = (request: IncomingMessage, response: ServerResponse): void =>
      void this.handle(request, response)
    if (options.tls) {
      const { key, cert } = selfSigned()
      this.certificate = cert
      this.server = createTlsServer({ key, cert, ALPNProtocols: ['http/1.1'] }, handler)
    } else this.server = createServer(handler)
    this.server.keepAliveTimeout = 30_000
    this.server.on('clientError', (_error, socket) => socket.destroy())
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
    })
    this.server.on(options.tls ? 'secureConnection' : 'connection', () => {
      this.connections += 1
    })
  }

  static async start(options: ServerOptions = {}): Promise<SimulatedApiServer> {
    const made = new SimulatedApiServer({ watchList: true, expiredAs: 'frame', ...options })
    await made.listen(0)
    return made
  }

  get url(): string {
    return `${this.certificate ? 'https' : 'http'}://127.0.0.1:${this.port}`
  }

  private listen(port: number): Promise<void> {
    return new Promise((resolve) =>
      this.server.listen(port, '127.0.0.1', () => {
        this.port = (this.server.address() as AddressInfo).port
        resolve()
      }),
    )
  }

  /** As kill -9: all connections reset, the port closed. What is stored stays, as in etcd. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve))
    // Those too that are no connections of HTTP yet.
    for (const socket of this.sockets) socket.resetAndDestroy()
    await closed
  }

  restart(): Promise<void> {
    return this.listen(this.port)
  }

  async close(): Promise<void> {
    if (this.server.listening) await this.kill()
  }

  /** The next `times` requests of this kind meet the fault. */
  fail(resource: string, what: What, fault: Fault, times = 1): void {
    this.faults.add(resource, what, fault, times)
  }

  openWatches(resource: string): number {
    return this.watches.of(resource).length
  }

  bookmark(resource: string): void {
    this.watches.bookmarkAll(resource)
  }

  /** An ERROR frame on the open watches. */
  errorFrame(resource: string, status: Obj): void {
    this.watches.errorAll(resource, { apiVersion: 'v1', kind: 'Status', status: 'Failure', ...status })
  }

  /** Bytes as they are, for broken frames. */
  writeRaw(resource: string, bytes: Buffer): void {
    for (const watch of this.watches.of(resource)) watch.send(bytes)
  }

  /** The orderly end of a watch, as at its time-out. */
  endWatches(resource: string): void {
    for (const watch of this.watches.of(resource)) watch.end()
  }

  resetWatches(resource: string): void {
    for (const watch of this.watches.of(resource)) watch.reset()
  }

  /** As fast as the readers take them: encoded frames, `repeats` times over, respecting their flow control. */
  async burst(resource: string, bytes: Buffer, repeats = 1): Promise<void> {
    const writes = this.watches.of(resource).map(async ({ response }) => {
      for (let n = 0; n < repeats && !response.destroyed; n++)
        if (!response.write(bytes)) await drained(response)
    })
    await Promise.all(writes)
  }

  /** Forgets every version before now: watches from there and lists under way are expired. */
  compact(): void {
    this.store.compact()
    this.lists.compact()
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator')
    const place = placeOf(this.resources, this.groups, url)
    const seen: SeenRequest = {
      resource: url.pathname.split('/').at(-1) ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      watch: /^(1|true)$/.test(url.searchParams.get('watch') ?? ''),
      method: request.method ?? 'GET',
      target: place?.resource.plural,
    }
    this.requests.push(seen)
    const fault = this.refusal(seen) ?? this.faults.next(seen)
    if (fault) return inflict(fault, seen, response)
    if (place && (place.name !== undefined || seen.method !== 'GET'))
      return this.object(place, seen, request, response)
    if (place) return this.collection(place, seen, response)
    const answer = serviceOf(seen.path) ?? this.discover(seen.path)
    if (!answer) return refuse(seen, response, NOT_SERVED)
    response.writeHead(seen.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  }

  private refusal({ headers }: SeenRequest): Fault | undefined {
    const { throttledToken, token } = this.options
    const { authorization } = headers
    if (throttledToken !== undefined && authorization === `Bearer ${throttledToken}`)
      return { kind: 'too-many', retryAfter: 1 }
    if (token === undefined || authorization === `Bearer ${token}`) return undefined
    return { kind: 'status', code: 401, reason: 'Unauthorized' }
  }

  private discover(path: string): Obj | undefined {
    if (path === '/api/v1') return this.resources.discover('', 'v1')
    const match = /^\/apis(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(path)
    if (!match) return undefined
    const [, group, version] = match
    const versions = group === undefined || version !== undefined ? undefined : this.groups.get(group)
    return group !== undefined && versions
      ? apiGroup(group, versions)
      : this.resources.discover(group, version)
  }

  private collection(
    { namespace, query, resource }: Place,
    seen: SeenRequest,
    response: ServerResponse,
  ): void {
    const form = formOf(seen.headers.accept, resource)
    if (!form) return refuse(seen, response, NOT_ACCEPTABLE)
    const wanted = wantedBy(namespace, query)
    if (seen.watch) return this.watches.begin({ seen, resource, wanted, form }, response)
    const answer = this.lists.answer(resource, query, wanted, form)
    if (!Buffer.isBuffer(answer)) return refuse(seen, response, answer)
    response.writeHead(200, { 'content-type': contentTypeOf(form) })
    const size = this.options.chunkBytes ?? answer.length
    for (let at = 0; at < answer.length; at += size) response.write(answer.subarray(at, at + size))
    response.end()
  }

  private async object(
    place: Place,
    seen: SeenRequest,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const form = formOf(seen.headers.accept, place.resource)
    if (!form) return refuse(seen, response, NOT_ACCEPTABLE)
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return
    const asked: ObjectRequest = {
      method: seen.method,
      path: seen.path,
      contentType: request.headers['content-type'] ?? '',
      body: body === '' ? undefined : (JSON.parse(body) as Obj),
    }
    if (asked.method !== 'GET') this.writes.push(asked)
    const answer = this.objects.answer(place, asked)
    if (place.resource.plural === DEFINITIONS && answer.code < 300) this.define(asked, place)
    const isProtobuf = form.encoding === 'protobuf' && answer.code === 200 && asked.method === 'GET'
    const shown = isProtobuf ? form : { ...form, encoding: 'json' as const }
    response.writeHead(answer.code, { 'content-type': contentTypeOf(shown) })
    response.end(objectBytes(answer.body, shown))
  }

  /** A kind comes with its definition, and goes with it. */
  private define({ body, method }: ObjectRequest, { name }: Place): void {
    if (method === 'POST') return this.resources.add(definedBy(body as Obj))
    if (method !== 'DELETE') return
    const [plural = '', ...group] = String(name).split('.')
    const resource = this.resources.find(group.join('.'), 'v1alpha1', plural)
    if (!resource) return
    this.unserve(resource)
  }

  /** The kind goes, its objects first, and its watches end. */
  unserve(resource: ServedResource): void {
    const { plural } = resource
    for (const { object } of [...this.store.of(plural).values()])
      this.store.remove(plural, metaOf(object).uid)
    this.resources.remove(resource)
    this.watches.endAll(resource)
  }
}

const NOT_SERVED = {
  code: 404,
  reason: 'NotFound',
  message: 'the server could not find the requested resource',
}
const NOT_ACCEPTABLE = {
  code: 406,
  reason: 'NotAcceptable',
  message: 'only the following media types are accepted: application/json, application/yaml',
}

/** Until the reader has taken what is buffered, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
  })
}
