// Owns what is done with a request before and after its body is there: who may send, how much, and what of it is handed on.
// Promises bounds on spans per second and on requests that are read at one time, that garbage and floods are counted, and that each kind of
// them is said once. Does not know gRPC or HTTP (grpc.ts, http.ts) and keeps no span.

import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { NativeSpan } from '../base/native.ts'
import type { UnixNano } from '../base/time.ts'
import { decodeJsonSpans, type DecodedRequest, decodeSpans, type Wishes } from '../decode/otlp.ts'
import type { Verdict } from './answers.ts'

export interface IntakeLimits {
  /** Of one request, inflated. */
  readonly messageBytes: number
  readonly spansPerSecond: number
  /** Read at one time, all senders together: with the former, the memory that reading may take. */
  readonly requests: number
  /** Open at one time, of each protocol. */
  readonly connections: number
}

export const DEFAULT_LIMITS: IntakeLimits = {
  messageBytes: 4 * 1024 * 1024,
  spansPerSecond: 20_000,
  requests: 16,
  connections: 2_000,
}

export interface IntakeOptions {
  readonly limits: IntakeLimits
  readonly clock: Clock
  readonly random: () => number
  /** Which spans are wanted, by name and then among those that were read. */
  readonly wants: (name: string) => boolean
  readonly choose: (spans: readonly NativeSpan[], t: UnixNano) => readonly NativeSpan[]
  /** Takes what was chosen. */
  readonly onSpans: (spans: readonly NativeSpan[], t: UnixNano) => void
  /** Absent: anybody may send. */
  readonly token?: string
  /** Whether spans belong here at present: only one of several replicas takes them. */
  readonly isOpen?: () => boolean
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

export interface IntakeCounters {
  /** Requests by what became of them. */
  readonly requests: Readonly<Record<Verdict['kind'], number>>
  readonly bytes: number
  /** Spans of requests that were taken. */
  readonly spans: number
  /** Of these, those that nobody wished for, and those that are none. */
  readonly skipped: number
  readonly invalid: number
  /** Connections beyond the bound: such a one is closed without an answer, which its protocol could not put into words. */
  readonly connectionsRefused: number
}

export interface Intake {
  readonly limits: IntakeLimits
  /** Asked before the body is read; the verdict where it is not to be. Otherwise `finish` is called once. */
  begin(authorization: string | undefined): Verdict | undefined
  finish(): void
  take(body: Uint8Array, encoding: 'protobuf' | 'json'): Verdict
  /** A request that came to nothing by itself. */
  refuse(verdict: Verdict): Verdict
  refuseConnection(): void
  counters(): IntakeCounters
}

export const createIntake = (options: IntakeOptions): Intake => new CountedIntake(options)

/** A whole second's spans may come at once, and once more: kubelets send every few seconds. */
const BURST_SECONDS = 2
const COME_BACK_MS = 1000

class CountedIntake implements Intake {
  readonly limits: IntakeLimits
  readonly #options: IntakeOptions
  readonly #requests: Record<Verdict['kind'], number> = {
    taken: 0,
    garbage: 0,
    throttled: 0,
    unavailable: 0,
    'too large': 0,
    unauthorized: 0,
  }
  readonly #said = new Set<string>()
  #reading = 0
  #bytes = 0
  #spans = 0
  #skipped = 0
  #invalid = 0
  #connectionsRefused = 0
  /** Spans that may come now; below zero, those that came too many. */
  #allowance: number
  #filledMs: number

  constructor(options: IntakeOptions) {
    this.#options = options
    this.limits = options.limits
    this.#allowance = options.limits.spansPerSecond * BURST_SECONDS
    this.#filledMs = options.clock.monotonicMs()
  }

  begin(authorization: string | undefined): Verdict | undefined {
    const refused = this.#whyNot(authorization)
    if (refused) return this.refuse(refused)
    this.#reading += 1
    return undefined
  }

  finish(): void {
    this.#reading -= 1
  }

  #whyNot(authorization: string | undefined): Verdict | undefined {
    const { isOpen, token } = this.#options
    if (token !== undefined && !isEqual(authorization ?? '', `Bearer ${token}`))
      return { kind: 'unauthorized', message: 'expected `authorization: Bearer TOKEN`' }
    if (isOpen && !isOpen()) return this.#unavailable('this replica does not take spans; another one does')
    if (this.#reading >= this.limits.requests)
      return this.#unavailable(`${this.limits.requests} requests are being read already`)
    this.#refill()
    if (this.#allowance > 0) return undefined
    const { spansPerSecond } = this.limits
    const message = `more than ${spansPerSecond} spans per second`
    const owedMs = (-this.#allowance / spansPerSecond) * 1000
    return { kind: 'throttled', message, retryAfterMs: Math.ceil(owedMs + this.#jittered()) }
  }

  #unavailable(message: string): Verdict {
    return { kind: 'unavailable', message, retryAfterMs: Math.ceil(this.#jittered()) }
  }

  /** So that those who were sent away together do not come back together. */
  #jittered(): number {
    return COME_BACK_MS * (0.5 + this.#options.random())
  }

  #refill(): void {
    const { clock } = this.#options
    const { spansPerSecond } = this.limits
    const nowMs = clock.monotonicMs()
    const more = ((nowMs - this.#filledMs) / 1000) * spansPerSecond
    this.#allowance = Math.min(spansPerSecond * BURST_SECONDS, this.#allowance + more)
    this.#filledMs = nowMs
  }

  take(body: Uint8Array, encoding: 'protobuf' | 'json'): Verdict {
    if (body.length > this.limits.messageBytes)
      return this.refuse({ kind: 'too large', message: `more than ${this.limits.messageBytes} bytes` })
    this.#bytes += body.length
    try {
      return this.#takeBody(body, encoding)
    } catch (error) {
      // A bug, but nobody who can reach this port shall be able to end the process with it.
      this.#options.log('the receiver failed on a request', { reason: (error as Error).stack ?? '' })
      return this.refuse({ kind: 'garbage', message: 'the receiver failed on this request' })
    }
  }

  #takeBody(body: Uint8Array, encoding: 'protobuf' | 'json'): Verdict {
    const t = this.#options.clock.now()
    const decoded = this.#decode(body, encoding, t)
    if (!decoded.ok) {
      const { what, where } = decoded.error
      return this.refuse({ kind: 'garbage', message: `no export request for traces: ${what} (${where})` })
    }
    const { invalid, skipped, spans, total } = decoded
    this.#allowance -= total
    this.#spans += total
    this.#skipped += skipped
    this.#invalid += invalid
    if (spans.length > 0) this.#options.onSpans(spans, t)
    this.#requests.taken += 1
    if (invalid === 0) return { kind: 'taken', rejected: 0 }
    const message = `${invalid} spans have no ids, no name or no times, end before they start, or are of a resource over 64 KiB`
    this.#say('spans that are none', { spans: invalid })
    return { kind: 'taken', rejected: invalid, message }
  }

  #decode(body: Uint8Array, encoding: 'protobuf' | 'json', t: UnixNano): DecodedRequest {
    const { choose, wants } = this.#options
    const wishes: Wishes = { wants, pick: (spans) => choose(spans, t) }
    if (encoding === 'protobuf') return decodeSpans(body, wishes)
    if (isCrowded(body)) return malformed('the body is of too many objects for its length')
    try {
      return decodeJsonSpans(JSON.parse(Buffer.from(body).toString()) as unknown, wishes)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return malformed('the body is not JSON')
    }
  }

  refuse(verdict: Verdict): Verdict {
    this.#requests[verdict.kind] += 1
    // A standby sends everybody away, and that is as it should be.
    const isUsual = verdict.kind === 'unavailable' && this.#options.isOpen?.() === false
    if (!isUsual) this.#say(verdict.kind, { reason: verdict.message ?? '' })
    return verdict
  }

  refuseConnection(): void {
    this.#connectionsRefused += 1
    this.#say('too many connections', { most: this.limits.connections })
  }

  #say(kind: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#said.has(kind)) return
    this.#said.add(kind)
    this.#options.log(`the receiver refuses spans: ${kind}; it is counted from here on`, fields)
  }

  counters(): IntakeCounters {
    return {
      requests: { ...this.#requests },
      bytes: this.#bytes,
      spans: this.#spans,
      skipped: this.#skipped,
      invalid: this.#invalid,
      connectionsRefused: this.#connectionsRefused,
    }
  }
}

const malformed = (what: string): DecodedRequest => ({
  ok: false,
  error: { kind: 'malformed', what, where: 'request' },
})

/** The shortest attribute has two objects in 37 bytes. Objects of nothing would take thirty times the memory of the body. */
const BYTES_PER_OBJECT = 16
const OBJECTS_ANYWAY = 1000

function isCrowded(body: Uint8Array): boolean {
  let objects = 0
  for (const byte of body) if (byte === BRACE || byte === BRACKET) objects += 1
  return objects > OBJECTS_ANYWAY + body.length / BYTES_PER_OBJECT
}

const BRACE = 0x7b
const BRACKET = 0x5b

/** In a time that does not depend on where they differ. */
function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
