// Owns a simulated API server on loopback: lists with pages, watches with bookmarks and WatchList, and every fault we know of.
// Promises the API server's answers for what src/kube asks, in JSON and protobuf, over HTTP/1.1 with or without TLS.
// Does not validate, authorise or default: it is told what to answer.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeList, encodeObject, type Obj } from './encode.ts'
import { answerObject, type ObjectRequest, placeOf } from './object-calls.ts'
import {
  addedBytes,
  bareOf,
  type Change,
  changeBytes,
  eventBytes,
  metaOf,
  Store,
  type Stored,
} from './store.ts'

export interface ServerOptions {
  readonly tls?: boolean
  /** Off as in 1.33 and before 1.32: 422. */
  readonly watchList?: boolean
  /** How a watch from a compacted version is refused: real servers use both. */
  readonly expiredAs?: 'frame' | 'status'
  /** Writes are cut into pieces of so many bytes. */
  readonly chunkBytes?: number
  /** Requests must carry it; else 401. */
  token?: string
}

export interface SeenRequest {
  readonly resource: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly watch: boolean
  readonly method: string
}

/** What to do to a request instead of answering it. `after` lets a watch be answered first, with so many frames. */
export type Fault =
  | {
      readonly kind: 'status'
      readonly code: number
      readonly reason?: string
      readonly retryAfter?: number
      readonly message?: string
      readonly continueToken?: string
      readonly causes?: readonly string[]
    }
  | { readonly kind: 'reset' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'body'; readonly contentType: string; readonly body: Buffer }
  /** Accepts a watch and ends it at once. */
  | { readonly kind: 'close' }

interface Rule {
  readonly resource: string
  /** `write`: by any method but GET, of the resource itself and not of the last part of the path. */
  readonly what: 'list' | 'watch' | 'write' | 'any'
  readonly fault: Fault
  left: number
}

interface OpenWatch {
  readonly resource: string
  readonly encoding: 'protobuf' | 'json'
  readonly response: ServerResponse
  readonly end: () => void
}

const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  pods: ['v1', 'Pod'],
  events: ['v1', 'Event'],
  nodes: ['v1', 'Node'],
  leases: ['coordination.k8s.io/v1', 'Lease'],
}
/** Everything else is asked for as metadata only. */
const kindOf = (resource: string): readonly [apiVersion: string, kind: string] =>
  KINDS[resource] ?? ['meta.k8s.io/v1', 'PartialObjectMetadata']

/** Initial events in one write: one each would make the stub the slow part. */
const INITIAL_BATCH = 32

const PROTOBUF = 'application/vnd.kubernetes.protobuf'

export class SimulatedApiServer {
  readonly store = new Store()
  readonly requests: SeenRequest[] = []
  /** Opened since the start. */
  connections = 0
  readonly certificate: Buffer | undefined
  options: ServerOptions
  private readonly rules: Rule[] = []
  private readonly watches = new Set<OpenWatch>()
  private readonly server: Server
  private readonly pages = new Map<string, { items: Stored[]; version: number }>()

  private constructor(options: ServerOptions) {
    this.options = options
    const handler = (request: IncomingMessage, response: ServerResponse): void =>
      this.handle(request, response)
    if (options.tls) {
      const { key, cert } = selfSigned()
      this.certificate = cert
      this.server = createTlsServer({ key, cert }, handler)
    } else this.server = createServer(handler)
    this.server.keepAliveTimeout = 30_000
    this.server.on(options.tls ? 'secureConnection' : 'connection', () => {
      this.connections += 1
    })
  }

  static async start(options: ServerOptions = {}): Promise<SimulatedApiServer> {
    const stub = new SimulatedApiServer({ watchList: true, expiredAs: 'frame', ...options })
    await stub.listen(0)
    return stub
  }

  get url(): string {
    return `${this.certificate ? 'https' : 'http'}://127.0.0.1:${this.port}`
  }

  private port = 0

  private listen(port: number): Promise<void> {
    return new Promise((resolve) =>
      this.server.listen(port, '127.0.0.1', () => {
        this.port = (this.server.address() as AddressInfo).port
        resolve()
      }),
    )
  }

  /** As kill -9: all connections reset, the port closed. Memory stays, as etcd's would. */
  async kill(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  restart(): Promise<void> {
    return this.listen(this.port)
  }

  async close(): Promise<void> {
    if (this.server.listening) await this.kill()
  }

  /** The next `times` requests of this kind meet the fault. */
  fail(resource: string, what: Rule['what'], fault: Fault, times = 1): void {
    this.rules.push({ resource, what, fault, left: times })
  }

  openWatches(resource: string): number {
    let count = 0
    for (const watch of this.watches) if (watch.resource === resource) count += 1
    return count
  }

  bookmark(resource: string): void {
    for (const watch of this.of(resource)) this.write(watch, this.bookmarkBytes(watch, {}))
  }

  /** An ERROR frame on the open watches. */
  errorFrame(resource: string, status: Obj): void {
    const object = { apiVersion: 'v1', kind: 'Status', status: 'Failure', ...status }
    for (const watch of this.of(resource)) this.write(watch, eventBytes('ERROR', object, watch.encoding))
  }

  /** Bytes as they are, for broken frames. */
  writeRaw(resource: string, bytes: Buffer): void {
    for (const watch of this.of(resource)) this.write(watch, bytes)
  }

  /** The orderly end of a watch, as at its time-out. */
  endWatches(resource: string): void {
    for (const watch of this.of(resource)) watch.end()
  }

  resetWatches(resource: string): void {
    for (const watch of this.of(resource)) watch.response.socket?.resetAndDestroy()
  }

  /** As fast as the readers take them: encoded frames, `repeats` times over, respecting their flow control. */
  async burst(resource: string, bytes: Buffer, repeats = 1): Promise<void> {
    const writes = this.of(resource).map(async (watch) => {
      for (let n = 0; n < repeats && !watch.response.destroyed; n++)
        if (!watch.response.write(bytes)) await drained(watch.response)
    })
    await Promise.all(writes)
  }

  private of(resource: string): OpenWatch[] {
    return [...this.watches].filter((watch) => watch.resource === resource)
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://stub')
    const resource = url.pathname.split('/').at(-1) ?? ''
    const watch = url.searchParams.get('watch') !== null
    const seen: SeenRequest = {
      resource,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      watch,
      method: request.method ?? 'GET',
    }
    this.requests.push(seen)
    const { token } = this.options
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return this.refuse(seen, response, { kind: 'status', code: 401, reason: 'Unauthorized' })
    const rule = this.rules.find((each) => each.left > 0 && applies(each, seen))
    if (rule) {
      rule.left -= 1
      return this.inflict(seen, response, rule.fault)
    }
    if (watch) return this.watch(seen, response)
    const group = /^\/apis\/([^/]+)$/.exec(seen.path)?.[1]
    if (group !== undefined) return this.discover(seen, response, group)
    const place = placeOf(seen.path)
    if (place && (place.name !== undefined || seen.method !== 'GET'))
      return void this.object(place, request, response)
    this.list(seen, response)
  }

  /** The API groups that are served besides those every cluster has, with their versions. */
  readonly groups = new Map<string, readonly string[]>()

  private discover(seen: SeenRequest, response: ServerResponse, group: string): void {
    const versions = this.groups.get(group)
    if (!versions) return this.refuse(seen, response, { kind: 'status', code: 404, reason: 'NotFound' })
    const list = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ kind: 'APIGroup', apiVersion: 'v1', name: group, versions: list }))
  }

  /** Writes as they were asked for, refused ones too. */
  readonly writes: ObjectRequest[] = []

  private async object(
    place: NonNullable<ReturnType<typeof placeOf>>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const asked: ObjectRequest = {
      method: request.method ?? 'GET',
      path: new URL(request.url ?? '/', 'http://stub').pathname,
      contentType: request.headers['content-type'] ?? '',
      body: text === '' ? undefined : (JSON.parse(text) as Obj),
    }
    if (asked.method !== 'GET') this.writes.push(asked)
    const { code, body } = answerObject(this.store, place, asked)
    response.writeHead(code, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }

  private inflict(seen: SeenRequest, response: ServerResponse, fault: Fault): void {
    switch (fault.kind) {
      case 'status':
        return this.refuse(seen, response, fault)
      case 'reset':
        response.socket?.resetAndDestroy()
        return
      case 'silent':
        return
      case 'body':
        response.writeHead(200, { 'content-type': fault.contentType })
        response.end(fault.body)
        return
      case 'close':
        response.writeHead(200, { 'content-type': `${contentTypeOf(seen)};stream=watch` })
        response.end()
    }
  }

  private refuse(
    seen: SeenRequest,
    response: ServerResponse,
    fault: Extract<Fault, { kind: 'status' }>,
  ): void {
    const causes = fault.causes?.map((reason) => ({ reason }))
    const status: Obj = {
      apiVersion: 'v1',
      kind: 'Status',
      metadata: fault.continueToken === undefined ? {} : { continue: fault.continueToken },
      status: 'Failure',
      message: fault.message ?? fault.reason ?? `code ${fault.code}`,
      reason: fault.reason ?? '',
      code: fault.code,
      ...(causes ? { details: { causes } } : {}),
    }
    const retry = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }
    response.writeHead(fault.code, { 'content-type': contentTypeOf(seen), ...retry })
    response.end(encodingOf(seen) === 'protobuf' ? encodeObject(status) : JSON.stringify(status))
  }

  private list(seen: SeenRequest, response: ServerResponse): void {
    const { query, resource } = seen
    const limit = Number(query.get('limit') ?? Number.POSITIVE_INFINITY)
    const token = query.get('continue')
    const snapshot = token === null ? this.snapshot(seen) : this.pages.get(token)
    if (!snapshot) {
      const fault = {
        kind: 'status',
        code: 410,
        reason: 'Expired',
        message: 'the continue token is too old',
      } as const
      return this.refuse(seen, response, fault)
    }
    const items = snapshot.items.slice(0, limit)
    const rest = snapshot.items.slice(limit)
    const meta: Record<string, unknown> = { resourceVersion: String(snapshot.version) }
    if (rest.length > 0) {
      const next = `page-${this.pages.size + 1}`
      this.pages.set(next, { items: rest, version: snapshot.version })
      meta['continue'] = next
      meta['remainingItemCount'] = rest.length
    }
    const [apiVersion, kind] = kindOf(resource)
    response.writeHead(200, { 'content-type': contentTypeOf(seen) })
    if (encodingOf(seen) === 'protobuf')
      this.send(response, encodeList(apiVersion, kind, meta, items.map(bareOf)))
    else
      this.send(
        response,
        Buffer.from(
          JSON.stringify({
            apiVersion,
            kind: `${kind}List`,
            metadata: meta,
            items: items.map((each) => each.object),
          }),
        ),
      )
    response.end()
  }

  /** Compaction takes the snapshots of lists under way with it. */
  compact(): void {
    this.store.compact()
    this.pages.clear()
  }

  private snapshot(seen: SeenRequest): { items: Stored[]; version: number } {
    const namespace = namespaceOf(seen.path)
    const field = /^(metadata\.name|involvedObject\.uid)=(.*)$/.exec(seen.query.get('fieldSelector') ?? '')
    if (namespace === undefined && !field)
      return { items: [...this.store.of(seen.resource).values()], version: this.store.version }
    const wanted = ({ object }: Stored): boolean => {
      if (namespace !== undefined && metaOf(object).namespace !== namespace) return false
      if (field?.[1] === 'metadata.name') return metaOf(object).name === field[2]
      if (field) return (object['involvedObject'] as { uid?: string } | undefined)?.uid === field[2]
      return true
    }
    return { items: [...this.store.of(seen.resource).values()].filter(wanted), version: this.store.version }
  }

  private watch(seen: SeenRequest, response: ServerResponse): void {
    const { query } = seen
    const initial = query.get('sendInitialEvents') === 'true'
    if (initial && !this.options.watchList)
      return this.refuse(seen, response, {
        kind: 'status',
        code: 422,
        reason: 'Invalid',
        message: 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
      })
    const from = initial ? this.store.version : Number(query.get('resourceVersion'))
    const expired = !initial && from < this.store.compacted
    if (expired && this.options.expiredAs === 'status')
      return this.refuse(seen, response, {
        kind: 'status',
        code: 410,
        reason: 'Expired',
        message: 'too old resource version',
      })
    response.writeHead(200, { 'content-type': `${contentTypeOf(seen)};stream=watch` })
    response.flushHeaders()
    const watch = this.register(seen, response)
    if (expired) {
      const status = {
        apiVersion: 'v1',
        kind: 'Status',
        code: 410,
        reason: 'Expired',
        message: 'too old resource version',
      }
      this.write(watch, eventBytes('ERROR', status, watch.encoding))
      return watch.end()
    }
    if (initial) this.sendInitial(watch, seen)
    else for (const change of this.store.history) if (change.version > from) this.deliver(watch, seen, change)
    const stop = this.store.subscribe((change) => this.deliver(watch, seen, change))
    response.once('close', stop)
  }

  private register(seen: SeenRequest, response: ServerResponse): OpenWatch {
    const watch: OpenWatch = {
      resource: seen.resource,
      encoding: encodingOf(seen),
      response,
      end: () => {
        this.watches.delete(watch)
        response.end()
      },
    }
    this.watches.add(watch)
    response.once('close', () => this.watches.delete(watch))
    return watch
  }

  private sendInitial(watch: OpenWatch, seen: SeenRequest): void {
    const [apiVersion, kind] = kindOf(watch.resource)
    let batch: Buffer[] = []
    for (const stored of this.snapshot(seen).items) {
      batch.push(addedBytes(stored, apiVersion, kind, watch.encoding))
      if (batch.length < INITIAL_BATCH) continue
      this.write(watch, Buffer.concat(batch))
      batch = []
    }
    batch.push(this.bookmarkBytes(watch, { 'k8s.io/initial-events-end': 'true' }))
    this.write(watch, Buffer.concat(batch))
  }

  private deliver(watch: OpenWatch, seen: SeenRequest, change: Change): void {
    const namespace = namespaceOf(seen.path)
    if (change.resource !== watch.resource) return
    if (namespace !== undefined && metaOf(change.object).namespace !== namespace) return
    this.write(watch, changeBytes(change, watch.encoding))
  }

  private bookmarkBytes(watch: OpenWatch, annotations: Obj): Buffer {
    const [apiVersion, kind] = kindOf(watch.resource)
    const metadata = { resourceVersion: String(this.store.version), annotations }
    return eventBytes('BOOKMARK', { apiVersion, kind, metadata }, watch.encoding)
  }

  private write(watch: OpenWatch, bytes: Buffer): void {
    if (!watch.response.writableEnded) this.send(watch.response, bytes)
  }

  private send(response: ServerResponse, bytes: Buffer): void {
    const size = this.options.chunkBytes ?? bytes.length
    for (let at = 0; at < bytes.length; at += size) response.write(bytes.subarray(at, at + size))
  }
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

function applies({ resource, what }: Rule, seen: SeenRequest): boolean {
  if (what === 'write') return seen.method !== 'GET' && placeOf(seen.path)?.resource === resource
  if (resource !== seen.resource) return false
  return what === 'any' || (what === 'watch') === seen.watch
}

const encodingOf = (seen: SeenRequest): 'protobuf' | 'json' =>
  String(seen.headers.accept).startsWith(PROTOBUF) ? 'protobuf' : 'json'

const contentTypeOf = (seen: SeenRequest): string =>
  encodingOf(seen) === 'protobuf' ? PROTOBUF : 'application/json'

const namespaceOf = (path: string): string | undefined => /\/namespaces\/([^/]+)\//.exec(path)?.[1]

let pair: { key: Buffer; cert: Buffer } | undefined

/** One key for all servers of a run; openssl makes it in some 50 ms. */
export function selfSigned(): { key: Buffer; cert: Buffer } {
  if (pair) return pair
  const directory = mkdtempSync(join(tmpdir(), 'podspan-stub-'))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '1',
    ].concat(['-keyout', key, '-out', cert, '-subj', '/CN=stub', '-addext', 'subjectAltName=IP:127.0.0.1']),
    { stdio: 'ignore' },
  )
  pair = { key: readFileSync(key), cert: readFileSync(cert) }
  rmSync(directory, { recursive: true })
  return pair
}
