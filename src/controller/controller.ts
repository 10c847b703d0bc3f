// Owns the operator as a whole: what is made of what, in which order it starts, the beat it works to, and how it ends.
// Promises that only the leader exports and writes status while every replica watches and counts, that without a right or the CRD it goes on
// and says what that costs, and that an end by signal drains until a deadline, releases the Lease and prints the account.
// Does not contain any of the parts.

import type { Clock } from '../base/clock.ts'
import type { Frame } from '../base/frame.ts'
import { metadataOf } from '../decode/whole.ts'
import { describeAccounting } from '../export/ledger.ts'
import { type ClusterApi, createApi } from '../kube/api.ts'
import type { Connection } from '../kube/config.ts'
import type { Caller } from '../kube/json-call.ts'
import type { LeaseStore } from '../kube/lease.ts'
import { createTargetReader } from '../kube/rollout.ts'
import { createSessionWrites, type SessionWrites } from '../kube/session-writes.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import { NEWCOMER_SECONDS } from '../metrics/newcomers.ts'
import { observeProcess } from '../metrics/process.ts'
import type { SessionBook } from '../session/book.ts'
import { createSessionBook } from '../session/create-book.ts'
import { createPipeline, type Pipeline, type PipelineOptions } from '../trace/pipeline.ts'
import type { PageFiles } from '../web/routes.ts'
import { backfillSessions } from './backfill.ts'
import type { ConfigSources, ControllerConfig } from './config.ts'
import { bookOptions } from './book-options.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import type { Exporters } from './exporters.ts'
import { createGiveBack, type GiveBack } from './give-back.ts'
import { createHandover, type Handover } from './handover.ts'
import { createInFlight, type InFlightDuty } from './in-flight.ts'
import { limitsOf, type LoopDelay, readHealth, watchLoopDelay } from './health.ts'
import type { Log } from './log.ts'
import { type OperatorPage, servePage } from './page.ts'
import { createProgress, type Progress } from './progress.ts'
import { type Missing, readinessOf, sayMissing } from './readiness.ts'
import { type Injecting, injectContexts } from './injecting.ts'
import { type Receiving, receiveSpans, settleOf } from './receiving.ts'
import { createReload, RELOAD_MS, type Reload } from './reload.ts'
import { createRollouts, type RolloutDuties } from './rollouts.ts'
import { type HttpServer, startServer } from './server.ts'
import { createSessionDuties, type SessionDuties } from './session-duties.ts'
import { type SessionWatch, watchSessions } from './session-watch.ts'
import { streamOf, type Streams, watchStreams } from './streams.ts'
import { roomFor, Telling } from './telling.ts'
import { leaseStoreOf, readWatermarks, startTerms, type Terms } from './terms.ts'
import { orAborted, withDeadline } from './waiting.ts'

export interface ControllerOptions {
  readonly config: ControllerConfig
  readonly sources: ConfigSources
  readonly connection: Connection
  /** Configured already: what cannot work was refused before this. */
  readonly exporters: Exporters
  readonly readFile: (path: string) => string
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly version: string
  readonly podName: string
  readonly podNamespace: string
  /** The first asks for an orderly end. */
  readonly signal: AbortSignal
  /** Collects garbage and gives what is free back to the system; absent where Node does not offer it. */
  readonly collect?: () => void
  /** The page's own files; absent where this program was not built. */
  readonly pageFiles?: () => PageFiles
  /** The server listens; its port. */
  readonly onListening?: (port: number) => void
  /** Spans of other components are received; gRPC's port and HTTP's. */
  readonly onReceiving?: (ports: readonly number[]) => void
}

export async function runController(options: ControllerOptions): Promise<void> {
  const operator = new Operator(options)
  try {
    await operator.start()
    await operator.work()
  } finally {
    await operator.end()
  }
}

const BEAT_MS = 1000
/** Below the usual grace period of 30 s, with room for the Lease and the log. */
export const DRAIN_DEADLINE_MS = 20_000

class Operator {
  readonly #options: ControllerOptions
  /** Ends the watches and the beat. */
  readonly #stop = new AbortController()
  /** Ends requests that are still under way when everything else has ended. */
  readonly #stopCalls = new AbortController()
  readonly #caller: Caller
  readonly #api: ClusterApi
  readonly #metrics: Metrics
  readonly #book: SessionBook
  readonly #writes: SessionWrites
  readonly #duties: SessionDuties
  readonly #reload: Reload
  readonly #loopDelay: LoopDelay = watchLoopDelay()
  readonly #process = observeProcess()
  readonly #giveBack: GiveBack
  readonly #progress: Progress
  readonly #leaseStore: LeaseStore | undefined
  #server: HttpServer | undefined
  #terms: Terms | undefined
  #handover!: Handover
  #delivery!: Delivery
  #pipeline!: Pipeline
  #telling: Telling | undefined
  #rollouts!: RolloutDuties
  #inFlight!: InFlightDuty
  #pipelineOptions: PipelineOptions = {}
  #sessions: SessionWatch | undefined
  #streams: Streams | undefined
  #synced = { sessions: false, streams: false }
  /** From watches, not ticks. */
  #frames = 0
  #page: OperatorPage | undefined
  #receiving: Receiving | undefined
  #injecting: Injecting | undefined
  #reloadDueMs = 0

  constructor(options: ControllerOptions) {
    this.#options = options
    const {
      clock,
      config,
      connection,
      exporters,
      log,
      podName,
      podNamespace,
      random,
      readFile,
      sources,
      version,
    } = options
    this.#caller = { connection, clock, signal: this.#stopCalls.signal }
    this.#api = createApi(connection, this.#stop.signal)
    this.#metrics = createMetrics({
      version,
      ...config.metrics,
      newcomerSeconds: NEWCOMER_SECONDS,
      readProcess: () => this.#process.read(),
    })
    this.#book = createSessionBook(bookOptions(config, podNamespace), clock.now())
    this.#writes = createSessionWrites({ ...this.#caller, random, instance: podName })
    this.#duties = createSessionDuties({
      book: this.#book,
      writes: this.#writes,
      targets: createTargetReader(this.#caller),
      clock,
      log,
    })
    this.#reload = createReload({
      sources,
      config,
      exporters,
      readFile,
      log,
      onExporters: (changed) => this.#book.configure(bookOptions(changed, podNamespace), clock.now()),
    })
    this.#progress = createProgress()
    this.#giveBack = createGiveBack({
      ...(options.collect && { collect: options.collect }),
      heapUsedBytes: () => this.#process.read().heapUsedBytes,
    })
    this.#leaseStore = leaseStoreOf(config, this.#caller, podNamespace)
    options.signal.addEventListener('abort', () => this.#stop.abort(), { once: true })
    if (options.signal.aborted) this.#stop.abort()
  }

  /** The server first, so that probes are answered; the sessions before the pods, so that no start is told before they are known. */
  async start(): Promise<void> {
    const { clock, config, connection, log, onListening, podNamespace, random } = this.#options
    this.#server = await startServer({
      ...config.server,
      metrics: (accept) => this.#metrics.expose(accept),
      readiness: () => readinessOf(this.#synced, this.#missing()),
      log,
    })
    onListening?.(this.#server.port)
    await this.#prepare()
    const { signal } = this.#stop
    this.#sessions = watchSessions({
      connection,
      namespaces: config.namespaces,
      ownNamespace: podNamespace,
      book: this.#book,
      clock,
      random,
      log,
      signal,
    })
    await orAborted(this.#sessions.ready, signal)
    if (signal.aborted) return
    this.#synced.sessions = true
    this.#streams = watchStreams({
      connection,
      config,
      clock,
      random,
      log,
      onFrame: (stream, frame) => this.#onFrame(stream, frame),
      wasMissed: (pod) => this.#handover.wasMissed(pod),
    })
    await orAborted(this.#beatUntil(this.#streams.ready), signal)
    if (signal.aborted) return
    this.#synced.streams = true
    this.#handover.watching()
    this.#rollouts.listed(clock.now())
    sayMissing(log, this.#missing())
  }

  /** What has to be known before the first list: what leaders before us have exported, and which cluster this is. */
  async #prepare(): Promise<void> {
    const { clock, config, exporters, log } = this.#options
    const { clusterName, startTimeout } = config
    const settle = settleOf(config)
    const [before, uid] = await Promise.all([
      readWatermarks({ store: this.#leaseStore, clock, log, signal: this.#stop.signal }),
      this.#api.clusterUid(),
    ])
    this.#handover = createHandover({
      progress: this.#progress,
      settle,
      startTimeout,
      streamOf: streamOf(config),
      before,
      startedAt: clock.now(),
    })
    this.#pipelineOptions = {
      settle,
      startTimeout,
      ...(clusterName !== undefined && { clusterName }),
      ...(uid.ok && uid.value !== '' && { clusterUid: uid.value }),
    }
    this.#pipeline = createPipeline({
      ...this.#pipelineOptions,
      backfill: (pod) => this.#handover.wasMissed(pod),
      room: roomFor(exporters),
    })
    this.#telling = new Telling(this.#pipeline, (trace) => {
      this.#rollouts.take(trace, this.#delivery.take(trace))
      this.#page?.told(trace)
    })
    const [pipeline, book, metrics, handover] = [this.#pipeline, this.#book, this.#metrics, this.#handover]
    this.#delivery = createDelivery({ ...this.#options, book, handover, metrics })
    this.#injecting = injectContexts(this.#options)
    this.#receiving = receiveSpans({
      ...this.#options,
      pipeline: this.#pipeline,
      leads: () => this.#leads(),
      onFrame: (frame) => this.#onFrame('', frame),
    })
    this.#rollouts = createRollouts({
      config,
      cluster: { name: clusterName, uid: this.#pipelineOptions.clusterUid },
      pipeline: this.#pipeline,
      delivery: this.#delivery,
      handover: this.#handover,
      metrics: this.#metrics,
    })
    this.#inFlight = createInFlight({ clock, pipeline, book, metrics })
    this.#page = await servePage({
      ...this.#options,
      book: this.#book,
      ring: this.#delivery.ring,
      pipeline: this.#pipeline,
      inFlight: () => this.#inFlight.last,
      leads: () => this.#leads(),
    })
    this.#metrics.health(() =>
      readHealth({
        pipeline: this.#pipeline,
        streams: () => ({ ...this.#streams?.counters(), ...this.#sessions?.counters() }),
        exporters,
        delivery: this.#delivery,
        handover: this.#handover,
        book: this.#book,
        leads: () => this.#leads(),
        leaderAcquired: () => this.#terms?.acquired() ?? 0,
        writes: () => this.#writes.counters,
        loopDelay: this.#loopDelay,
        receiver: () => this.#receiving?.counters(),
        webhook: () => this.#injecting?.counters(),
        limits: () =>
          limitsOf({
            rollouts: this.#rollouts.counters()?.limits,
            unreadable: this.#sessions?.unreadable() ?? 0,
            eventsOverLimit: this.#writes.counters['event over limit'] ?? 0,
            refused: this.#reload.counters().refused,
            letGo: this.#server?.letGo() ?? 0,
          }),
      }),
    )
  }

  /** The beat until the signal. */
  async work(): Promise<void> {
    if (this.#stop.signal.aborted) return
    const { log, podName } = this.#options
    this.#terms = startTerms({
      ...this.#options,
      store: this.#leaseStore,
      caller: this.#caller,
      delivery: this.#delivery,
      handover: this.#handover,
      duties: this.#duties,
    })
    log.info('podspan is ready', { pod: podName, version: this.#options.version })
    while (!this.#stop.signal.aborted) await this.#beat()
  }

  /** Starts that are in flight settle while the lists still arrive. */
  async #beatUntil(ready: Promise<void>): Promise<void> {
    const waiting = { done: false }
    void ready.then(() => (waiting.done = true))
    while (!waiting.done && !this.#stop.signal.aborted) await Promise.race([ready, this.#beat()])
  }

  async #beat(): Promise<void> {
    const { clock } = this.#options
    await clock.sleep(BEAT_MS, this.#stop.signal)
    if (this.#stop.signal.aborted) return
    this.#onFrame('', { kind: 'tick', t: clock.now(), ...this.#streams?.unread() })
    const { read } = this.#pipeline.passed()
    this.#rollouts.pass(read)
    this.#terms?.check()
    this.#receiving?.beat()
    this.#injecting?.beat()
    this.#inFlight.tell()
    this.#startBackfills()
    if (this.#leads()) this.#duties.perform(read)
    // A list that is slow to come looks like quiet, and the collection would hold it up.
    if (this.#synced.streams) this.#giveBack.beat(this.#frames)
    if (clock.monotonicMs() < this.#reloadDueMs) return
    this.#reloadDueMs = clock.monotonicMs() + RELOAD_MS
    this.#reload.look()
  }

  #onFrame(stream: string, frame: Frame): void {
    if ('source' in frame) this.#frames += 1
    if ('source' in frame && frame.source === 'pods' && this.#progress.see(stream, frame))
      this.#handover.wentBack(stream)
    this.#rollouts.push(frame)
    this.#telling?.push(metadataOf(frame))
    for (const late of this.#pipeline.late()) this.#delivery.append(late)
    this.#handover.passed(this.#pipeline.passed().watched)
  }

  #startBackfills(): void {
    const { clock, config, log } = this.#options
    const requests = this.#book.backfills()
    if (requests.length === 0) return
    const options = {
      api: this.#api,
      book: this.#book,
      delivery: this.#delivery,
      handover: this.#handover,
      clock,
      pipeline: this.#pipelineOptions,
      isOpen: (uid: string) => this.#pipeline.holds(uid),
      namespaces: config.namespaces,
    }
    backfillSessions(options, requests).catch((error: Error) =>
      log.error('a backfill failed', { sessions: requests.length, reason: error.stack ?? error.message }),
    )
  }

  #leads(): boolean {
    return this.#terms?.leads() ?? false
  }

  #missing(): readonly Missing[] {
    return [...(this.#streams?.missing() ?? []), ...(this.#sessions?.missing() ?? [])]
  }

  /** What is told by now is sent while the Lease is still ours; then the Lease says so, and is free. */
  async end(): Promise<void> {
    const { clock, exporters, log } = this.#options
    this.#stop.abort()
    this.#telling?.stop()
    const listeners = [this.#receiving?.close(), this.#injecting?.close()]
    await Promise.all([this.#streams?.close(), this.#sessions?.ended, ...listeners])
    const endMs = clock.monotonicMs() + DRAIN_DEADLINE_MS
    await exporters.close(this.#leads() ? DRAIN_DEADLINE_MS : 0)
    await withDeadline(clock, this.#duties.settled(), Math.max(0, endMs - clock.monotonicMs()))
    await this.#terms?.end()
    this.#stopCalls.abort()
    await Promise.all([this.#server?.close(), this.#page?.close()])
    this.#process.close()
    this.#loopDelay.disable()
    for (const [exporter, account] of exporters.accounting())
      log.info('account', { exporter, account: describeAccounting(account) })
  }
}
