// Owns the named exporters of the configuration: their making, and their change without a restart.
// Promises that an exporter goes on with what it holds, by its changed settings if they changed; that one which was removed sends what it holds
// until a deadline; and that the account over all of one name holds: in = sent + dropped + waiting. Does not choose which traces they get.

import type { Clock } from '../base/clock.ts'
import type { Accounting } from '../export/ledger.ts'
import { ConfigError, type Environment } from '../export/config.ts'
import { createExporter, type Exporter, type ExporterOptions } from '../export/exporter.ts'
import type { Fate } from '../export/queue.ts'
import type { ServiceNaming } from '../export/resource.ts'
import type { LateSpans, Trace } from '../trace/trace.ts'
import { type ControllerConfig, type ExporterConfig, otlpConfigOf } from './config.ts'
import type { Log } from './log.ts'

export interface Exporters {
  /** Those of the last configuration, also after the end: what was sent is still to be said of them. */
  names(): readonly string[]
  /** `settled` is called once. False where there is no exporter of this name; then it is not called. */
  export(name: string, trace: Trace, settled: (fate: Fate) => void): boolean
  /** What came for a trace that this one was given before; nothing where there is none of this name. */
  append(name: string, late: LateSpans): void
  /** Takes the configuration of now; throws a ConfigError, and changes nothing, where one of them cannot work. */
  configure(config: Pick<ControllerConfig, 'exporters' | 'serviceName'>): ExporterChanges
  /** Whether one of them has so much to send that who has more should wait with it. */
  isBehind(): boolean
  /** By name, with what those that were replaced have done. */
  accounting(): ReadonlyMap<string, Accounting>
  /** Another leads now: what waits is left to it, and new exporters stand ready. */
  leaveWaiting(): void
  /** Sends what it can until the deadline and leaves the rest. */
  close(deadlineMs: number): Promise<void>
}

export interface ExporterChanges {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

export interface ExportersOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly readFile: (path: string) => string
  /** For proxies. */
  readonly env: Environment
  /** In place of a connection, for tests. */
  readonly create?: typeof createExporter
}

interface Running {
  readonly exporter: Exporter
  /** What it was made from, with the contents of its files. */
  readonly fingerprint: string
  readonly options: ExporterOptions
}

/** What is to run by a name, before anything is changed. */
interface Prepared {
  readonly running: Running
  readonly change?: 'added' | 'changed'
  /** Makes it so. */
  readonly take?: () => void
}

/** A removed exporter's Collector may be away; what it holds then is dropped, and counted. */
export const DRAIN_MS = 30_000

export const createExporters = (options: ExportersOptions): Exporters => new NamedExporters(options)

class NamedExporters implements Exporters {
  readonly #options: ExportersOptions
  readonly #running = new Map<string, Running>()
  #names: readonly string[] = []
  /** Exporters that are on their way out, and what ended ones have done, by name. */
  readonly #draining = new Map<string, Set<Exporter>>()
  readonly #ended = new Map<string, Accounting>()
  readonly #endings = new Set<Promise<void>>()

  constructor(options: ExportersOptions) {
    this.#options = options
  }

  names(): readonly string[] {
    return this.#names
  }

  export(name: string, trace: Trace, settled: (fate: Fate) => void): boolean {
    const running = this.#running.get(name)
    running?.exporter.export(trace, settled)
    return running !== undefined
  }

  isBehind(): boolean {
    for (const { exporter } of this.#running.values()) if (exporter.isBehind()) return true
    return false
  }

  append(name: string, late: LateSpans): void {
    this.#running.get(name)?.exporter.append(late)
  }

  configure({
    exporters,
    serviceName,
  }: Pick<ControllerConfig, 'exporters' | 'serviceName'>): ExporterChanges {
    // All are made before any is taken, so that a wrong one changes nothing.
    const wanted = new Map(
      Object.entries(exporters).map(([name, config]) => [
        name,
        this.#prepare(name, config, namingOf(serviceName)),
      ]),
    )
    const changes = { added: [] as string[], changed: [] as string[], removed: [] as string[] }
    for (const [name, { exporter }] of this.#running) {
      if (wanted.has(name)) continue
      changes.removed.push(name)
      this.#running.delete(name)
      this.#end(name, exporter, () => exporter.shutdown(DRAIN_MS))
    }
    for (const [name, { change, running, take }] of wanted) {
      take?.()
      if (change) changes[change].push(name)
      this.#running.set(name, running)
    }
    this.#names = [...wanted.keys()]
    return changes
  }

  /** The one that runs, with other settings where they changed; else a new one. */
  #prepare(name: string, config: ExporterConfig, serviceName: ServiceNaming): Prepared {
    const headers = this.#headersOf(name, config)
    const options: ExporterOptions = {
      otlp: otlpConfigOf(config, headers, this.#options.env),
      serviceName,
      maxWaitingBytes: config.queueMaxBytes,
      ...(config.maxSpanAge !== undefined && { maxSpanAgeMs: Number(config.maxSpanAge / 1_000_000n) }),
    }
    const fingerprint = JSON.stringify(options)
    const running = this.#running.get(name)
    if (running?.fingerprint === fingerprint) return { running }
    if (!running)
      return { running: { exporter: this.#create(name, options), fingerprint, options }, change: 'added' }
    const { exporter } = running
    return { running: { exporter, fingerprint, options }, change: 'changed', take: exporter.renew(options) }
  }

  #headersOf(name: string, { headersFromFiles }: ExporterConfig): Record<string, string> {
    const headers: Record<string, string> = {}
    for (const [header, path] of Object.entries(headersFromFiles)) {
      try {
        headers[header] = this.#options.readFile(path).trim()
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        throw new ConfigError(`exporters.${name}.headersFromFiles.${header}: ${path} cannot be read (${why})`)
      }
    }
    return headers
  }

  #create(name: string, options: ExporterOptions): Exporter {
    const { clock, random, log, create = createExporter } = this.#options
    return create(options, {
      clock,
      random,
      log: (level, message, fields) => log[level](message, { exporter: name, ...fields }),
    })
  }

  #end(name: string, exporter: Exporter, end: () => Promise<Accounting>): void {
    const draining = this.#draining.get(name) ?? new Set()
    this.#draining.set(name, draining.add(exporter))
    const ending = end().then((account) => {
      draining.delete(exporter)
      const before = this.#ended.get(name)
      this.#ended.set(name, before ? sumOf(before, account) : account)
      this.#endings.delete(ending)
    })
    this.#endings.add(ending)
  }

  accounting(): ReadonlyMap<string, Accounting> {
    const accounts = new Map<string, Accounting>(this.#ended)
    const add = (name: string, exporter: Exporter): void => {
      const before = accounts.get(name)
      accounts.set(name, before ? sumOf(before, exporter.accounting()) : exporter.accounting())
    }
    for (const [name, draining] of this.#draining) for (const exporter of draining) add(name, exporter)
    for (const [name, { exporter }] of this.#running) add(name, exporter)
    return accounts
  }

  leaveWaiting(): void {
    for (const [name, { exporter, fingerprint, options }] of this.#running) {
      if (exporter.accounting().waiting === 0) continue
      this.#end(name, exporter, () => exporter.leave(0))
      this.#running.set(name, { exporter: this.#create(name, options), fingerprint, options })
    }
  }

  async close(deadlineMs: number): Promise<void> {
    for (const [name, { exporter }] of this.#running)
      this.#end(name, exporter, () => exporter.leave(deadlineMs))
    this.#running.clear()
    await Promise.all([...this.#endings])
  }
}

const namingOf = (serviceName: ControllerConfig['serviceName']): ServiceNaming =>
  typeof serviceName === 'string' ? { kind: serviceName } : { kind: 'fixed', name: serviceName.fixed }

function sumOf(a: Accounting, b: Accounting): Accounting {
  const droppedBy = { ...a.droppedBy }
  for (const reason of Object.keys(b.droppedBy) as (keyof Accounting['droppedBy'])[])
    droppedBy[reason] += b.droppedBy[reason]
  return {
    in: a.in + b.in,
    sent: a.sent + b.sent,
    dropped: a.dropped + b.dropped,
    waiting: a.waiting + b.waiting,
    droppedBy,
    spansSent: a.spansSent + b.spansSent,
    spansRejected: a.spansRejected + b.spansRejected,
    retries: a.retries + b.retries,
    waitingBytes: a.waitingBytes + b.waitingBytes,
  }
}
