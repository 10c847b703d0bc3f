// Owns the exporter that the commands use: traces in, OTLP out.
// Promises that export never blocks and never throws, and that accounting() holds at every moment.
// Does not read the environment: see config.ts for the settings.

import { MILLISECOND, toMilliseconds } from '../base/time.ts'
import { rootOf, type Trace } from '../trace/trace.ts'
import { BATCHER, Batcher, type BatcherDependencies, type BatcherOptions } from './batcher.ts'
import { ConfigError, type OtlpConfig } from './config.ts'
import { type Accounting, describeAccounting } from './ledger.ts'
import { encodeTrace } from './otlp-protobuf.ts'
import { BY_ACTOR, type ServiceNaming } from './resource.ts'
import { checkTls } from './tls.ts'
import type { Transport } from './transport.ts'
import { createGrpcTransport } from './transport-grpc.ts'
import { createHttpTransport } from './transport-http.ts'

export interface ExporterOptions extends Partial<BatcherOptions> {
  readonly otlp: OtlpConfig
  readonly serviceName?: ServiceNaming
}

export interface ExporterDependencies extends BatcherDependencies {
  /** In place of a connection, for tests and benches. */
  readonly transport?: Transport
}

export interface Exporter {
  export(trace: Trace): void
  accounting(): Accounting
  /** The account in one line, shown at exit. */
  describe(): string
  /** Resolves when nothing waits; while the Collector is away, that is not before it is back. */
  flush(): Promise<void>
  /** Sends what it can until the deadline; the rest is counted as dropped. */
  shutdown(deadlineMs: number): Promise<Accounting>
}

/** Throws a ConfigError for settings that cannot work. */
export function createExporter(options: ExporterOptions, dependencies: ExporterDependencies): Exporter {
  const { otlp, serviceName = BY_ACTOR, ...limits } = options
  const { clock } = dependencies
  const batcher = new Batcher(
    dependencies.transport ?? createTransport(otlp, dependencies),
    checkLimits({ ...BATCHER, ...limits }),
    dependencies,
  )
  return {
    export: (trace) =>
      batcher.add({
        request: encodeTrace(trace, serviceName),
        spans: trace.spans.length,
        failed: FAILED.has(trace.outcome),
        startupMs: toMilliseconds(trace.startup),
        endedMs: Number(rootOf(trace).end.best / MILLISECOND),
        queuedMs: clock.monotonicMs(),
      }),
    accounting: () => batcher.accounting(),
    describe: () => describeAccounting(batcher.accounting()),
    flush: () => batcher.flush(),
    shutdown: (deadlineMs) => batcher.shutdown(deadlineMs),
  }
}

/** The starts that somebody will look for. */
const FAILED: ReadonlySet<Trace['outcome']> = new Set(['failed', 'unstable', 'timeout'])

function createTransport(otlp: OtlpConfig, { clock }: ExporterDependencies): Transport {
  // Done for nothing else, so that an unusable certificate is refused at start and not at the first trace.
  checkTls(otlp)
  return otlp.protocol === 'grpc' ? createGrpcTransport(otlp) : createHttpTransport(otlp, clock)
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
