// Owns a simulated API server that knows TraceSessions only: create, get, list, watch, delete, as JSON, and statuses that a test writes.
// Promises the answers of the real one for these, 404 where the CRD is missing, 403 where a verb is refused, and every request remembered.
// Does not judge sessions: a test does.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TraceSession, TraceSessionStatus } from '../../src/session/schema.ts'

type Stored = Omit<TraceSession, 'spec'> & { readonly spec: Readonly<Record<string, unknown>> }

export interface SessionServerOptions {
  readonly crd?: 'missing'
  readonly namespaces?: readonly string[]
  readonly forbidden?: readonly string[]
  /** The first so many creations are made, and their answers lost. */
  loseAnswers?: number
}

const ROOT = /^\/apis\/podspan\.dev\/v1alpha1(?:\/namespaces\/([^/]+))?\/tracesessions(?:\/([^/]+))?$/

export class SessionServer {
  /** `create tracesessions in shop`. */
  readonly requests: string[] = []
  readonly sessions = new Map<string, Stored>()
  private readonly watches = new Set<{ response: ServerResponse; wanted: (session: Stored) => boolean }>()
  private readonly waiting = new Set<() => void>()
  private readonly options: SessionServerOptions
  private readonly server: Server
  private version = 100

  private constructor(options: SessionServerOptions) {
    this.options = options
    this.server = createServer((request, response) => void this.handle(request, response))
  }

  static async start(options: SessionServerOptions = {}): Promise<SessionServer> {
    const made = new SessionServer(options)
    await new Promise<void>((resolve) => made.server.listen(0, '127.0.0.1', resolve))
    return made
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  /** Resolves with the first session as soon as there is one. */
  created(): Promise<Stored> {
    return new Promise((resolve) => {
      const look = (): void => {
        const [first] = this.sessions.values()
        if (!first) return
        this.waiting.delete(look)
        resolve(first)
      }
      this.waiting.add(look)
      look()
    })
  }

  /** What Podspan would write. */
  write(name: string, status: TraceSessionStatus): void {
    const before = this.sessions.get(name)
    if (!before) throw new Error(`there is no session ${name}`)
    this.store({ ...before, status }, 'MODIFIED')
  }

  remove(name: string): void {
    const session = this.sessions.get(name)
    this.sessions.delete(name)
    if (session) this.tell('DELETED', session)
  }

  store(session: Stored, type: 'ADDED' | 'MODIFIED' = 'ADDED'): void {
    this.version += 1
    const stored = { ...session, metadata: { ...session.metadata, resourceVersion: String(this.version) } }
    this.sessions.set(session.metadata.name, stored)
    this.tell(type, stored)
    for (const look of this.waiting) look()
  }

  private tell(type: string, object: Stored): void {
    for (const { response, wanted } of this.watches)
      if (wanted(object)) response.write(`${JSON.stringify({ type, object })}\n`)
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stub')
    const [whole, namespace, name] = ROOT.exec(url.pathname) ?? []
    const verb = verbOf(request.method, name, url.searchParams.has('watch'))
    const where = namespace === undefined ? 'all namespaces' : namespace
    this.requests.push(`${verb} ${whole === undefined ? url.pathname : 'tracesessions'} in ${where}`)
    if (whole === undefined || this.options.crd === 'missing')
      return refuse(response, 404, 'NotFound', 'the server could not find the requested resource')
    if (this.options.forbidden?.includes(verb))
      return refuse(
        response,
        403,
        'Forbidden',
        `tracesessions.podspan.dev is forbidden: User "ci" cannot ${verb} resource "tracesessions"`,
      )
    const field = /^metadata\.name=(.*)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1]
    const wanted = ({ metadata }: Stored): boolean =>
      (namespace === undefined || metadata.namespace === namespace) &&
      (field === undefined || metadata.name === field)
    if (verb === 'create') return this.create(await text(request), namespace ?? '', response)
    if (verb === 'watch') return this.watch(response, wanted)
    if (verb === 'list') return this.list(response, wanted)
    const session = this.sessions.get(name ?? '')
    if (!session) return refuse(response, 404, 'NotFound', `tracesessions.podspan.dev "${name}" not found`)
    if (verb === 'delete') {
      const { preconditions } = JSON.parse(await text(request)) as { preconditions: { uid: string } }
      if (preconditions.uid !== session.metadata.uid)
        return refuse(response, 409, 'Conflict', 'the UID in the precondition does not match')
      this.remove(session.metadata.name)
    }
    answer(response, 200, session)
  }

  private create(body: string, namespace: string, response: ServerResponse): void {
    if (!(this.options.namespaces ?? ['shop', 'default']).includes(namespace))
      return refuse(response, 404, 'NotFound', `namespaces "${namespace}" not found`)
    const asked = JSON.parse(body) as Stored
    const { name } = asked.metadata
    if (this.sessions.has(name))
      return refuse(response, 409, 'AlreadyExists', `tracesessions.podspan.dev "${name}" already exists`)
    const metadata = {
      ...asked.metadata,
      namespace,
      uid: `uid-of-${name}`,
      generation: 1,
      creationTimestamp: '2026-11-22T12:00:00Z',
      managedFields: [{ manager: 'podspan' }],
    }
    this.store({ ...asked, metadata })
    const { loseAnswers = 0 } = this.options
    this.options.loseAnswers = loseAnswers - 1
    if (loseAnswers > 0) response.socket?.resetAndDestroy()
    else answer(response, 201, this.sessions.get(name))
  }

  private list(response: ServerResponse, wanted: (session: Stored) => boolean): void {
    const items = [...this.sessions.values()].filter(wanted)
    const metadata = { resourceVersion: String(this.version) }
    answer(response, 200, {
      apiVersion: 'podspan.dev/v1alpha1',
      kind: 'TraceSessionList',
      metadata,
      items,
    })
  }

  private watch(response: ServerResponse, wanted: (session: Stored) => boolean): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const object of [...this.sessions.values()].filter(wanted))
      response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
    const annotations = { 'k8s.io/initial-events-end': 'true' }
    const metadata = { resourceVersion: String(this.version), annotations }
    const object = { apiVersion: 'podspan.dev/v1alpha1', kind: 'TraceSession', metadata }
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`)
    const watch = { response, wanted }
    this.watches.add(watch)
    response.once('close', () => this.watches.delete(watch))
  }
}

function verbOf(method: string | undefined, name: string | undefined, isWatch: boolean): string {
  if (method === 'POST') return 'create'
  if (method === 'DELETE') return 'delete'
  if (isWatch) return 'watch'
  return name === undefined ? 'list' : 'get'
}

function answer(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

const refuse = (response: ServerResponse, code: number, reason: string, message: string): void =>
  answer(response, code, { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message })
