// Owns the webhook in the operator: every replica answers, leader or not, with the certificate that its files hold now.
// Promises that what cannot work is said once and tried again, and that nothing of it reaches a pod but a patch. Does not decide what is patched.

import { createSecureContext } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { ConfigError } from '../export/config.ts'
import { type Certificate, startWebhook, type Webhook, type WebhookOutcome } from '../inject/server.ts'
import { type Buckets, emptyBuckets, observe } from '../metrics/buckets.ts'
import { WEBHOOK_BOUNDS } from '../metrics/definitions.ts'
import type { ControllerConfig } from './config.ts'
import type { Log } from './log.ts'

export interface InjectingOptions {
  readonly config: Pick<ControllerConfig, 'webhook'>
  readonly clock: Clock
  readonly log: Log
  readonly readFile: (path: string) => string
  readonly onInjecting?: (port: number) => void
}

export interface InjectingCounters {
  readonly requests: Readonly<Record<WebhookOutcome, number>>
  readonly seconds: Buckets
}

export interface Injecting {
  /** About once a second. */
  beat(): void
  counters(): InjectingCounters
  close(): Promise<void>
}

/** A certificate is renewed long before it ends, and a mounted Secret takes a minute to arrive. */
const LOOK_MS = 10_000

/** Throws a ConfigError where a file cannot be read or used. */
export function readCertificate(
  { tls }: ControllerConfig['webhook'],
  readFile: (path: string) => string,
): Certificate {
  const read = (name: 'cert' | 'key'): string => {
    const path = tls[name] ?? ''
    try {
      return readFile(path)
    } catch (error) {
      throw new ConfigError(`webhook.tls.${name}: ${path} cannot be read (${(error as Error).message})`)
    }
  }
  const certificate = { cert: read('cert'), key: read('key') }
  try {
    createSecureContext(certificate)
  } catch (error) {
    throw new ConfigError(`webhook.tls: cannot be used (${(error as Error).message})`)
  }
  return certificate
}

/** Undefined where it is off. */
export const injectContexts = (options: InjectingOptions): Injecting | undefined =>
  options.config.webhook.enabled ? new WebhookServing(options) : undefined

class WebhookServing implements Injecting {
  readonly #options: InjectingOptions
  readonly #requests: Record<WebhookOutcome, number> = {
    patched: 0,
    unchanged: 0,
    garbage: 0,
    'too large': 0,
    'broken off': 0,
  }
  readonly #seconds = emptyBuckets(WEBHOOK_BOUNDS)
  #webhook: Webhook | undefined
  #opening: Promise<void> | undefined
  #used = ''
  #said = ''
  #lookMs = 0
  #ended = false

  constructor(options: InjectingOptions) {
    this.#options = options
    this.beat()
  }

  beat(): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#opening || this.#ended || nowMs < this.#lookMs) return
    this.#lookMs = nowMs + LOOK_MS
    this.#opening = this.#look()
      .catch((error: Error) => this.#sayOnce(error.message))
      .finally(() => (this.#opening = undefined))
  }

  async #look(): Promise<void> {
    const { clock, config, log, onInjecting, readFile } = this.#options
    const certificate = readCertificate(config.webhook, readFile)
    const text = JSON.stringify(certificate)
    if (this.#webhook && text !== this.#used) {
      this.#webhook.use(certificate)
      log.info('the webhook uses its new certificate')
    }
    if (!this.#webhook) {
      const { address: host, port } = config.webhook
      const onAnswered = (outcome: WebhookOutcome, tookMs: number): void => this.#count(outcome, tookMs)
      this.#webhook = await startWebhook({ host, port, certificate, clock, onAnswered })
      log.info('the webhook answers', { port: this.#webhook.port })
      onInjecting?.(this.#webhook.port)
    }
    this.#used = text
    this.#said = ''
  }

  #count(outcome: WebhookOutcome, tookMs: number): void {
    this.#requests[outcome] += 1
    observe(this.#seconds, tookMs / 1000)
  }

  counters(): InjectingCounters {
    return { requests: this.#requests, seconds: this.#seconds }
  }

  #sayOnce(reason: string): void {
    if (reason === this.#said) return
    this.#said = reason
    this.#options.log.error('the webhook cannot answer; it is tried again', { reason })
  }

  async close(): Promise<void> {
    this.#ended = true
    await this.#opening
    await this.#webhook?.close()
  }
}
