// Owns what it means for this replica to lead: when a term begins and ends, and what begins and ends with it.
// Promises that without a Lease this replica leads from the start, and that a term ends before the Lease is given away.
// Does not elect (leader.ts) and does not send (delivery.ts).

import type { Clock } from '../base/clock.ts'
import type { DurationNano } from '../base/time.ts'
import type { Caller } from '../kube/json-call.ts'
import { createLeaseStore, type LeaseStore } from '../kube/lease.ts'
import type { ControllerConfig } from './config.ts'
import type { Delivery } from './delivery.ts'
import type { Exporters } from './exporters.ts'
import type { Handover } from './handover.ts'
import { createLeader, type Leader, type Role } from './leader.ts'
import type { Log } from './log.ts'
import type { SessionDuties } from './session-duties.ts'
import { keepStandingSession } from './standing-session.ts'
import { formatWatermarks, parseWatermarks, WATERMARK_ANNOTATION, type Watermarks } from './watermark.ts'

export interface TermsOptions {
  /** Absent: there is no election. */
  readonly store: LeaseStore | undefined
  readonly config: ControllerConfig
  readonly caller: Caller
  readonly delivery: Delivery
  readonly handover: Handover
  readonly duties: SessionDuties
  readonly exporters: Exporters
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly podName: string
  readonly podNamespace: string
}

export interface Terms {
  leads(): boolean
  /** How often a term began. */
  acquired(): number
  check(): void
  /** Nothing more is begun; the Lease says what was done, and is free. */
  end(): Promise<void>
}

export function startTerms(options: TermsOptions): Terms {
  const { store } = options
  const term = createTerm(options)
  if (!store) {
    term.change('leader', 'orderly')
    return {
      leads: () => true,
      acquired: () => 1,
      check: () => {},
      end: () => Promise.resolve(term.change('standby', 'orderly')),
    }
  }
  const stop = new AbortController()
  const leader = electedLeader(options, store, term, stop.signal)
  const running = leader.run()
  return {
    leads: () => leader.leads(),
    acquired: () => leader.counters().acquired,
    check: () => leader.check(),
    end: async () => {
      stop.abort()
      await running
      await leader.release()
    },
  }
}

/** Whether the leader before had said its last word, so that nothing of what we send was sent by it. */
type Succession = 'orderly' | 'abrupt'

interface Term {
  change(role: Role, succession: Succession): void
}

function createTerm(options: TermsOptions): Term {
  const { caller, config, delivery, duties, log, podName, podNamespace, random } = options
  let ending: AbortController | undefined
  return {
    change: (role, succession) => {
      log.info(role === 'leader' ? 'this replica leads' : 'this replica is a standby', { pod: podName })
      ending?.abort()
      ending = undefined
      if (role === 'standby') {
        delivery.follow()
        return duties.pause()
      }
      ending = new AbortController()
      delivery.lead(succession === 'abrupt')
      void keepStandingSession({
        caller: { ...caller, signal: ending.signal },
        log,
        random,
        namespace: podNamespace,
        leaseName: config.leaderElection.leaseName,
        ...(config.standingSession === undefined ? {} : { spec: config.standingSession }),
      })
    },
  }
}

function electedLeader(options: TermsOptions, store: LeaseStore, term: Term, signal: AbortSignal): Leader {
  const { clock, config, delivery, exporters, handover, log, podName, random } = options
  const { leaseDuration, renewDeadline, retryPeriod } = config.leaderElection
  let succession: Succession = 'orderly'
  return createLeader({
    store,
    clock,
    random,
    log,
    identity: `${podName}_${Math.floor(random() * 2 ** 32).toString(16)}`,
    leaseDurationMs: milliseconds(leaseDuration),
    renewDeadlineMs: milliseconds(renewDeadline),
    retryPeriodMs: milliseconds(retryPeriod),
    publish: () => ({ [WATERMARK_ANNOTATION]: formatWatermarks(handover.watermarks(exporters.names())) }),
    onLease: ({ annotations, holder }) => {
      succession = holder === '' ? 'orderly' : 'abrupt'
      delivery.adopt(parseWatermarks(annotations[WATERMARK_ANNOTATION]))
    },
    onChange: (role) => {
      term.change(role, succession)
      // Whoever leads again after a term that ran out may have sent what it was sending then.
      if (role === 'standby') succession = 'abrupt'
    },
    signal,
  })
}

export function leaseStoreOf(
  { leaderElection }: ControllerConfig,
  caller: Caller,
  namespace: string,
): LeaseStore | undefined {
  if (!leaderElection.enabled) return undefined
  // client-go's time-out: two tries fit the deadline.
  const timeoutMs = milliseconds(leaderElection.renewDeadline) / 2
  return createLeaseStore(caller, { namespace, name: leaderElection.leaseName, timeoutMs })
}

/** A Lease that cannot be read at the start is tried again so often before the work begins without it. */
const LEASE_TRIES = 5
const LEASE_PAUSE_MS = 1000

export interface ReadWatermarksOptions {
  readonly store: LeaseStore | undefined
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** What leaders before us have said. */
export async function readWatermarks({
  store,
  clock,
  log,
  signal,
}: ReadWatermarksOptions): Promise<Watermarks> {
  for (let tries = 1; store && !signal.aborted; tries++) {
    const read = await store.read()
    if (read.ok) return parseWatermarks(read.value?.annotations[WATERMARK_ANNOTATION])
    const lasting = read.failure.kind === 'forbidden' || tries >= LEASE_TRIES
    if (lasting) {
      const cost = 'Starts that ended while nobody was there are not exported.'
      log.warn('the Lease cannot be read before the start', { reason: read.failure.message, cost })
      break
    }
    await clock.sleep(LEASE_PAUSE_MS, signal)
  }
  return new Map()
}

const milliseconds = (by: DurationNano): number => Number(by / 1_000_000n)
