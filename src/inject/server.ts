// Owns the webhook's HTTPS server: an AdmissionReview is posted, and answered at once.
// Promises an answer that lets the request go on to whatever is posted within bounds of size and time, and certificates that can be
// exchanged while it runs. Does not decide what is patched (review.ts).

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { answerReview, type ReviewOutcome } from './review.ts'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface WebhookOptions {
  readonly host: string
  readonly port: number
  readonly certificate: Certificate
  readonly clock: Clock
  /** What came of a request, and how long it was here. */
  readonly onAnswered: (outcome: WebhookOutcome, tookMs: number) => void
}

export type WebhookOutcome = ReviewOutcome | 'too large' | 'broken off'

export interface Webhook {
  readonly port: number
  use(certificate: Certificate): void
  close(): Promise<void>
}

/** A pod has 1.5 MB at the most in etcd; a review holds it once. */
const BODY_MAX = 8 * 1024 * 1024
/** API servers keep a few connections each, and wait for 10 s by default at the most. */
const CONNECTIONS_MAX = 500
const REQUEST_MS = 10_000

export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { host, port, certificate } = options
  const times = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS / 2, keepAliveTimeout: 65_000 }
  const server = createServer({ ...times, ...certificate }, (request, response) => {
    void answer(options, request, response)
  })
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    use: (next) => server.setSecureContext({ ...next }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // A review is answered within one turn of the loop: who is connected now only keeps the connection.
        server.closeAllConnections()
      }),
  }
}

async function answer(
  { clock, onAnswered }: WebhookOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const begunMs = clock.monotonicMs()
  const outcome = await outcomeOf(request, response)
  onAnswered(outcome, clock.monotonicMs() - begunMs)
}

/** Where there is no answer the API server goes on without. */
async function outcomeOf(request: IncomingMessage, response: ServerResponse): Promise<WebhookOutcome> {
  try {
    const text = await textOf(request)
    if (text === undefined) {
      response.destroy()
      return 'too large'
    }
    const { body, outcome } = answerReview(text)
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    return outcome
  } catch {
    response.destroy()
    return 'broken off'
  }
}

/** Undefined where it is too large. */
async function textOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_MAX) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
