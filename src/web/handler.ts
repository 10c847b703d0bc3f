// Owns what the page's server does with a request: who may ask, what is answered, and the streams that stay open.
// Promises headers that let the page do nothing but what it is for; that no other origin and no other name of this machine can read
// anything but the empty page; and that a bug in an answer is one answer's. Does not know what is served (routes.ts) and does not listen.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Clock } from '../base/clock.ts'
import { createLiveEvents, type Listener, type LiveEvents } from './events.ts'
import { type Answer, type PageFiles, route } from './routes.ts'
import { epochMs } from './rows.ts'
import type { PageSource } from './source.ts'

export interface HandlerOptions {
  readonly source: PageSource
  /** Asked for with each request, so that nobody holds them while nobody looks. */
  readonly files: () => PageFiles
  readonly clock: Clock
  /** A request that could not be answered: a bug, which must not end whoever serves the page beside other work. */
  readonly onError: (error: Error) => void
}

export interface PageHandler {
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Tells open pages what is new, about once a second, until the signal. */
  run(signal: AbortSignal): Promise<void>
  close(): void
}

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

const BEAT_MS = 1000

export function createPageHandler(options: HandlerOptions): PageHandler {
  const live = createLiveEvents(options.source)
  return {
    handle: (request, response) => handle(options, live, request, response),
    run: (signal) => beat(options, live, signal),
    close: () => live.close(),
  }
}

async function beat(
  { clock, onError }: HandlerOptions,
  live: LiveEvents,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(BEAT_MS, signal)
    try {
      live.beat()
    } catch (error) {
      onError(error as Error)
    }
  }
}

function handle(
  options: HandlerOptions,
  live: LiveEvents,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  try {
    answer(options, live, request, response)
  } catch (error) {
    options.onError(error as Error)
    if (response.headersSent) response.destroy()
    else send(response, text(500, 'this cannot be answered, which is a bug in podspan'))
  }
}

function answer(
  { clock, source, files }: HandlerOptions,
  live: LiveEvents,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const target = request.url ?? '/'
  if (!isOurs(request, target)) return send(response, text(403, 'only for pages of this address'))
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, text(405, 'only GET'))
  if (target.split('?')[0] === '/api/events') return stream(live, epochMs(clock.now()), request, response)
  send(response, route(source, files(), target))
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/

/** A name that somebody else's DNS leads here, and a page of another origin, have no business with this server. */
function isOurs({ headers }: IncomingMessage, target: string): boolean {
  if (!LOOPBACK.test(headers.host ?? '')) return false
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return true
  // A link in a dashboard or a chat may open the page, which says nothing by itself; what it then asks for is of this origin.
  return (
    target.split('?')[0] === '/' &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  )
}

const text = (status: number, body: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
})

/** What is longer is worth packing for whoever reads it through a port-forward. */
const PACKED_FROM_BYTES = 16 * 1024

function send(response: ServerResponse, { body, fileName, status, type }: Answer): void {
  const packs =
    body.length > PACKED_FROM_BYTES && /\bgzip\b/.test(String(response.req.headers['accept-encoding']))
  const bytes = packs ? gzipSync(body, { level: 1 }) : Buffer.from(body)
  response.writeHead(status, {
    ...HEADERS,
    'content-type': type,
    'content-length': bytes.length,
    vary: 'accept-encoding',
    ...(packs ? { 'content-encoding': 'gzip' } : {}),
    ...(fileName === undefined ? {} : { 'content-disposition': `attachment; filename="${fileName}"` }),
  })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

function stream(live: LiveEvents, now: number, request: IncomingMessage, response: ServerResponse): void {
  const listener: Listener = {
    write: (words) => void response.write(words),
    waiting: () => response.writableLength,
    end: () => response.destroy(),
  }
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' })
  response.write(`retry: 1000\nevent: clock\ndata: ${now}\n\n`)
  if (!live.add(listener)) return void response.end(': too many pages are open\n\n')
  request.on('close', () => live.remove(listener))
}
