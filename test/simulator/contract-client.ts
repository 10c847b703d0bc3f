// Owns the plainest client there is for the contract: one request, one answer; or a watch, event by event, as JSON or protobuf.
// Promises answers as they came, headers and bytes included. Does not share a line with src/kube, which is tested elsewhere.

import { request as plain, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as secure } from 'node:https'
import type { Obj } from './encode.ts'

/** An API server under test, and what only its owner can do to it. */
export interface Subject {
  readonly url: string
  readonly ca: Buffer | undefined
  readonly token: string
  /** Forgets every version before now, also in memory. */
  compact(): Promise<void>
  /** Stops and comes back, with nothing in memory. */
  restart(): Promise<void>
  /** A token whose requests priority and fairness refuses. */
  throttled(): Promise<string>
}

export interface Answer {
  readonly code: number
  readonly headers: IncomingMessage['headers']
  readonly bytes: Buffer
  readonly body: Obj
}

export interface Ask {
  readonly accept?: string
  readonly contentType?: string
  /** Absent: the subject's. */
  readonly token?: string | undefined
}

export interface WatchEvent {
  readonly type: string
  readonly object: Obj
}

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const MERGE = 'application/merge-patch+json'

function open(
  subject: Subject,
  method: string,
  path: string,
  ask: Ask,
  body?: unknown,
): Promise<IncomingMessage> {
  const url = new URL(path, subject.url)
  const text = body === undefined ? undefined : JSON.stringify(body)
  const token = 'token' in ask ? ask.token : subject.token
  const options: RequestOptions & { ca?: Buffer } = {
    method,
    agent: false,
    ...(subject.ca ? { ca: subject.ca } : {}),
    headers: {
      accept: ask.accept ?? 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined
        ? {}
        : {
            'content-type': ask.contentType ?? (method === 'PATCH' ? MERGE : 'application/json'),
            'content-length': Buffer.byteLength(text),
          }),
    },
  }
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? secure : plain
    send(url, options, resolve).on('error', reject).end(text)
  })
}

export async function call(
  subject: Subject,
  method: string,
  path: string,
  body?: unknown,
  ask: Ask = {},
): Promise<Answer> {
  const response = await open(subject, method, path, ask, body)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return { code: response.statusCode ?? 0, headers: response.headers, bytes, body: parsed(bytes) }
}

function parsed(bytes: Buffer): Obj {
  try {
    return JSON.parse(bytes.toString('utf8')) as Obj
  } catch {
    return {}
  }
}

export interface Watching extends Disposable {
  readonly code: number
  readonly headers: IncomingMessage['headers']
  /** The next event; undefined where the server has ended the watch in order. */
  next(): Promise<WatchEvent | undefined>
  take(count: number): Promise<WatchEvent[]>
  /** All until the end. */
  rest(): Promise<WatchEvent[]>
}

/** Events of a watch in JSON. */
export async function watch(subject: Subject, path: string, ask: Ask = {}): Promise<Watching> {
  const response = await open(subject, 'GET', path, ask)
  const events = linesOf(response)
  const next = async (): Promise<WatchEvent | undefined> => {
    const { done, value } = await events.next()
    return done ? undefined : (JSON.parse(value) as WatchEvent)
  }
  const take = async (count: number): Promise<WatchEvent[]> => {
    const taken: WatchEvent[] = []
    while (taken.length < count) {
      const event = await next()
      if (!event) throw new Error(`the watch ended after ${taken.length} of ${count} events`)
      taken.push(event)
    }
    return taken
  }
  return {
    code: response.statusCode ?? 0,
    headers: response.headers,
    next,
    take,
    rest: async () => {
      const all: WatchEvent[] = []
      for (let event = await next(); event; event = await next()) all.push(event)
      return all
    },
    [Symbol.dispose]: () => response.destroy(),
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

/** Frames of a watch in protobuf, as many as asked for. */
export async function watchFrames(
  subject: Subject,
  path: string,
  count: number,
): Promise<{ readonly contentType: string; readonly frames: readonly Buffer[] }> {
  const response = await open(subject, 'GET', path, { accept: `${PROTOBUF};stream=watch` })
  let bytes: Buffer = Buffer.alloc(0)
  const frames: Buffer[] = []
  for await (const chunk of response) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const end = 4 + bytes.readUInt32BE(0)
      frames.push(bytes.subarray(4, end))
      bytes = bytes.subarray(end)
    }
    if (frames.length >= count) break
  }
  response.destroy()
  return { contentType: response.headers['content-type'] ?? '', frames }
}
