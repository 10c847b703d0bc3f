// Owns the receiver of other components' spans in the operator: it listens while this replica leads, with the files that are there now.
// Promises that a standby refuses connections, so that who sends comes to the leader, and that what cannot work is said and tried again.
// Does not know what becomes of spans.

import { createSecureContext } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import type { Frame } from '../base/frame.ts'
import type { DurationNano } from '../base/time.ts'
import { ConfigError } from '../export/config.ts'
import { DEFAULT_LIMITS, type IntakeCounters } from '../receive/intake.ts'
import type { TlsFiles } from '../receive/endpoint.ts'
import { type Receiver, startReceiver } from '../receive/receiver.ts'
import { NATIVE_SETTLE, type Pipeline, wantsSpan } from '../trace/pipeline.ts'
import type { ControllerConfig } from './config.ts'
import type { Log } from './log.ts'

type Config = ControllerConfig['receiver']
type ReadFile = (path: string) => string

export interface ReceivingOptions {
  readonly config: Pick<ControllerConfig, 'receiver'>
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly readFile: ReadFile
  readonly leads: () => boolean
  readonly pipeline: Pick<Pipeline, 'chooseSpans'>
  readonly onFrame: (frame: Frame) => void
  /** gRPC's port and HTTP's, each time that they are opened. */
  readonly onReceiving?: (ports: readonly number[]) => void
}

export interface Receiving {
  /** About once a second. */
  beat(): void
  /** Since it was last opened; undefined where it never was. */
  counters(): IntakeCounters | undefined
  close(): Promise<void>
}

/** A certificate is renewed a while before it ends; and an address that is taken may be free by then. */
const LOOK_MS = 10_000

interface Secrets {
  readonly tls: TlsFiles | undefined
  readonly token: string | undefined
}

/** Throws a ConfigError where a file cannot be read or used. */
export function readSecrets({ tls, tokenFile }: Config, readFile: ReadFile): Secrets {
  const read = (setting: string, path: string): string => {
    try {
      return readFile(path)
    } catch (error) {
      throw new ConfigError(`receiver.${setting}: ${path} cannot be read (${(error as Error).message})`)
    }
  }
  const token = tokenFile === undefined ? undefined : read('tokenFile', tokenFile).trim()
  if (token === '') throw new ConfigError(`receiver.tokenFile: ${tokenFile} is empty`)
  if (tls.cert === undefined || tls.key === undefined) return { tls: undefined, token }
  const [cert, key] = [read('tls.cert', tls.cert), read('tls.key', tls.key)]
  const files = { cert, key, ...(tls.ca !== undefined && { ca: read('tls.ca', tls.ca) }) }
  try {
    createSecureContext(files)
  } catch (error) {
    throw new ConfigError(`receiver.tls: cannot be used (${(error as Error).message})`)
  }
  return { tls: files, token }
}

/** How long evidence settles: exporters of spans send what they have every 5 s. */
export const settleOf = ({
  receiver,
  settle,
}: Pick<ControllerConfig, 'receiver' | 'settle'>): DurationNano =>
  receiver.enabled && settle < NATIVE_SETTLE ? NATIVE_SETTLE : settle

/** Undefined where it is off. */
export const receiveSpans = (options: ReceivingOptions): Receiving | undefined =>
  options.config.receiver.enabled ? new LeadersReceiving(options) : undefined

class LeadersReceiving implements Receiving {
  readonly #options: ReceivingOptions
  #receiver: Receiver | undefined
  /** Opening or closing; one after the other. */
  #changing: Promise<void> | undefined
  /** Of what it was opened with. */
  #fingerprint = ''
  #said = ''
  #lookMs = 0
  #counters: IntakeCounters | undefined
  #ended = false

  constructor(options: ReceivingOptions) {
    this.#options = options
  }

  beat(): void {
    const { clock, leads } = this.#options
    if (this.#changing || this.#ended) return
    const nowMs = clock.monotonicMs()
    const looks = nowMs >= this.#lookMs
    if (!leads()) {
      if (this.#receiver) this.#change(this.#shut())
      // Whoever leads next does not wait for the next look.
      this.#lookMs = 0
    } else if (looks) {
      this.#lookMs = nowMs + LOOK_MS
      this.#change(this.#look())
    }
  }

  #change(work: Promise<void>): void {
    this.#changing = work.finally(() => (this.#changing = undefined))
  }

  async #look(): Promise<void> {
    try {
      const { config, readFile } = this.#options
      const secrets = readSecrets(config.receiver, readFile)
      const fingerprint = JSON.stringify(secrets)
      if (this.#receiver && fingerprint === this.#fingerprint) return
      await this.#shut()
      await this.#open(secrets)
      this.#fingerprint = fingerprint
      this.#said = ''
    } catch (error) {
      this.#sayOnce((error as Error).message)
    }
  }

  async #open({ tls, token }: Secrets): Promise<void> {
    const { clock, config, leads, log, onFrame, onReceiving, pipeline, random } = this.#options
    const {
      address: host,
      connectionsMax,
      grpcPort,
      httpPort,
      messageMaxBytes,
      spansPerSecond,
    } = config.receiver
    this.#receiver = await startReceiver({
      endpoints: [
        { protocol: 'grpc', host, port: grpcPort },
        { protocol: 'http', host, port: httpPort },
      ],
      limits: {
        ...DEFAULT_LIMITS,
        ...{ messageBytes: messageMaxBytes, spansPerSecond, connections: connectionsMax },
      },
      ...(tls && { tls }),
      ...(token !== undefined && { token }),
      ...{ clock, random, isOpen: leads, wants: wantsSpan, choose: pipeline.chooseSpans },
      onSpans: (spans, t) => onFrame({ kind: 'otlp', t, source: 'spans', spans }),
      log: (message, fields) => log.warn(message, fields),
    })
    const { ports } = this.#receiver
    log.info('spans of other components are received', { grpcPort: ports[0], httpPort: ports[1] })
    onReceiving?.(ports)
  }

  async #shut(): Promise<void> {
    const receiver = this.#receiver
    this.#counters = this.counters()
    this.#receiver = undefined
    await receiver?.close()
  }

  #sayOnce(reason: string): void {
    if (reason === this.#said) return
    this.#said = reason
    this.#options.log.error('spans of other components cannot be received; it is tried again', { reason })
  }

  counters(): IntakeCounters | undefined {
    return this.#receiver?.counters() ?? this.#counters
  }

  async close(): Promise<void> {
    this.#ended = true
    await this.#changing
    await this.#shut()
  }
}
