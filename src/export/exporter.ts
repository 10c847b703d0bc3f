// Owns the exporter that the commands use: traces in, OTLP out.
// Promises that export never blocks and never throws, and that accounting() holds at every moment.
// Does not read the environment: see config.ts for the settings.

import { MILLISECOND, toMilliseconds } from '../base/time.ts'
import { type LateSpans, type Prelude, rootOf, spanCountOf, type Trace } from '../trace/trace.ts'
import { BATCHER, Batcher, type BatcherDependencies, type BatcherOptions } from './batcher.ts'
import { ConfigError, type OtlpConfig } from './config.ts'
import { type Accounting, describeAccounting } from './ledger.ts'
import type { Entry, Fate } from './queue.ts'
import { encodeLate, encodeTrace } from './otlp-protobuf.ts'
import { createPreludes, type Preludes } from './preludes.ts'
import { BY_ACTOR, type ServiceNaming } from './resource.ts'
import { checkTls } from './tls.ts'
import type { Transport } from './transport.ts'
import { loadedAtFirstSend } from './transport-lazy.ts'

export interface ExporterOptions extends Partial<BatcherOptions> {
  readonly otlp: OtlpConfig
  readonly serviceName?: ServiceNaming
}

export interface ExporterDependencies extends BatcherDependencies {
  /** In place of a connection, for tests and benches. */
  readonly connect?: (otlp: OtlpConfig) => Transport
}

export interface Exporter {
  /** `settled` is called once, when it is known what became of it; perhaps at once. */
  export(trace: Trace, settled?: (fate: Fate) => void): void
  /** What came for a trace later; in the account it is as one more. */
  append(late: LateSpans): void
  accounting(): Accounting
  /** More than half of what may wait does, though the Collector takes what it is sent: who has more should wait with it. */
  isBehind(): boolean
  /** Checks other settings, and throws a ConfigError; they hold, also for what waits, when what it returns is called. */
  renew(options: ExporterOptions): () => void
  /** The account in one line, shown at exit. */
  describe(): string
  /** Resolves when nothing waits; while the Collector is away, that is not before it is back. */
  flush(): Promise<void>
  /** Sends what it can until the deadline; the rest is counted as dropped. */
  shutdown(deadlineMs: number): Promise<Accounting>
  /** As shutdown, but the rest is left to somebody else; with 0 it ends at once. */
  leave(deadlineMs: number): Promise<Accounting>
}

/** Throws a ConfigError for settings that cannot work. */
export function createExporter(options: ExporterOptions, dependencies: ExporterDependencies): Exporter {
  const { clock } = dependencies
  let settings = settingsOf(options, dependencies)
  const batcher = new Batcher(settings.transport, settings.limits, dependencies)
  const preludes = createPreludes()
  return {
    export: (trace, settled) => {
      const before = preludes.take(trace)
      batcher.add({
        // Requests joined end to end are one request: what lies before a start travels with it.
        request: joined([...before, trace].map((one) => encodeTrace(one, settings.serviceName))),
        spans: before.reduce((sum, { spans }) => sum + spans.length, spanCountOf(trace)),
        failed: FAILED.has(trace.outcome),
        startupMs: toMilliseconds(trace.startup),
        endedMs: Number(rootOf(trace).end.best / MILLISECOND),
        queuedMs: clock.monotonicMs(),
        ...whenSettled(settled, before.length > 0 ? giveBack(preludes, before) : undefined),
      })
    },
    append: (late) => {
      batcher.add({
        request: encodeLate(late),
        spans: late.spans.length,
        // Where there is no room, whole starts are worth more.
        failed: false,
        startupMs: 0,
        endedMs: Number(clock.now() / MILLISECOND),
        queuedMs: clock.monotonicMs(),
      })
    },
    accounting: () => batcher.accounting(),
    isBehind: () => batcher.isBehind(),
    renew: (changed) => {
      const next = settingsOf(changed, dependencies)
      return () => {
        settings = next
        batcher.renew(next.transport, next.limits)
      }
    },
    describe: () => describeAccounting(batcher.accounting()),
    flush: () => batcher.flush(),
    shutdown: (deadlineMs) => batcher.shutdown(deadlineMs),
    leave: (deadlineMs) => batcher.leave(deadlineMs),
  }
}

interface Settings {
  readonly transport: Transport
  readonly limits: BatcherOptions
  readonly serviceName: ServiceNaming
}

function settingsOf(options: ExporterOptions, dependencies: ExporterDependencies): Settings {
  const { otlp, serviceName = BY_ACTOR, ...limits } = options
  const connect = dependencies.connect ?? ((to) => createTransport(to, dependencies))
  return { transport: connect(otlp), limits: checkLimits({ ...BATCHER, ...limits }), serviceName }
}

const giveBack =
  (preludes: Preludes, before: readonly Prelude[]) =>
  (fate: Fate): void => {
    if (fate !== 'sent') preludes.giveBack(before)
  }

/** Nobody is called where nobody asked, which is the usual case. */
function whenSettled(...asked: readonly (((fate: Fate) => void) | undefined)[]): Pick<Entry, 'settled'> {
  const callbacks = asked.filter((one) => one !== undefined)
  return callbacks.length === 0 ? {} : { settled: (fate) => callbacks.forEach((one) => one(fate)) }
}

function joined(requests: readonly Uint8Array[]): Uint8Array {
  const [only] = requests
  return only && requests.length === 1 ? only : Buffer.concat(requests)
}

/** The starts that somebody will look for. */
const FAILED: ReadonlySet<Trace['outcome']> = new Set(['failed', 'unstable', 'timeout'])

function createTransport(otlp: OtlpConfig, { clock }: ExporterDependencies): Transport {
  // Done for nothing else, so that an unusable certificate is refused at start and not at the first trace.
  checkTls(otlp)
  // Together with what they are made of, the two clients are 7 MB of a process.
  return loadedAtFirstSend(async () =>
    otlp.protocol === 'grpc'
      ? (await import('./transport-grpc.ts')).createGrpcTransport(otlp, clock)
      : (await import('./transport-http.ts')).createHttpTransport(otlp, clock),
  )
}

function checkLimits(limits: BatcherOptions): BatcherOptions {
  const problems = Object.entries(limits).flatMap(([option, value]) =>
    value === undefined || (Number.isInteger(value) && value >= (option === 'lingerMs' ? 0 : 1))
      ? []
      : [
          `${option}: ${value} is not valid; expected a whole number of at least ${option === 'lingerMs' ? 0 : 1}`,
        ],
  )
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  return limits
}
