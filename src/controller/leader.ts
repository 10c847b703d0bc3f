// Owns this replica's part in the election: the tries, their times, and what is written beside the term.
// Promises that `leads()` is true only within a term that was renewed in time, asked at the moment of use; that what `publish` gives is
// on the Lease from the write that begins the term on; and that `release` ends the term at the API server too.
// Does not know what a leader does.

import type { Clock } from '../base/clock.ts'
import { countIn } from '../kube/counters.ts'
import type { Failure } from '../kube/failure.ts'
import type { Lease, LeaseStore } from '../kube/lease.ts'
import { attempt, type Election, endTerm, leads, learn, openElection, release } from './election.ts'
import type { Log } from './log.ts'

export interface LeaderOptions {
  readonly store: LeaseStore
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly identity: string
  readonly leaseDurationMs: number
  readonly renewDeadlineMs: number
  readonly retryPeriodMs: number
  /** What has been done so far, as annotations; called for every write, after `onLease` where another led before. */
  readonly publish: () => Readonly<Record<string, string>>
  /** What is written on the Lease by whoever leads; called for every Lease that is read, also before a term begins. */
  readonly onLease: (lease: Lease) => void
  /** The term has begun or ended. */
  readonly onChange: (role: Role) => void
  readonly signal: AbortSignal
}

export type Role = 'leader' | 'standby'

export interface Leader {
  leads(): boolean
  /** Who leads, as far as we know. */
  holder(): string | undefined
  counters(): { readonly acquired: number; readonly failures: Readonly<Record<string, number>> }
  /** Looks whether the term has run out; call it often. */
  check(): void
  /** The loop; resolves after the signal. */
  run(): Promise<void>
  /** Writes the last word of a leader that has stopped leading by choice. */
  release(): Promise<void>
}

/** client-go's: a replica that waits comes back after the period and up to this much of it more. */
const JITTER = 1.2

export const createLeader = (options: LeaderOptions): Leader => new LeaderLoop(options)

class LeaderLoop implements Leader {
  readonly #options: LeaderOptions
  readonly #failures: Record<string, number> = {}
  #election: Election
  #role: Role = 'standby'

  constructor(options: LeaderOptions) {
    this.#options = options
    this.#election = openElection(options)
  }

  leads(): boolean {
    return this.#role === 'leader' && leads(this.#election, this.#options.clock.monotonicMs())
  }

  holder(): string | undefined {
    return this.#election.observed?.lease.holder || undefined
  }

  counters(): ReturnType<Leader['counters']> {
    return { acquired: this.#election.acquired, failures: this.#failures }
  }

  check(): void {
    this.#election = endTerm(this.#election, this.#options.clock.monotonicMs())
    this.#tell()
  }

  async run(): Promise<void> {
    const { clock, random, retryPeriodMs, signal } = this.#options
    while (!signal.aborted) {
      await this.#try()
      const waitMs = this.leads() ? retryPeriodMs : retryPeriodMs * (1 + random() * JITTER)
      await this.#sleep(waitMs, clock, signal)
    }
  }

  /** Not past the end of the term, so that it is noticed when it comes. */
  async #sleep(waitMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const { renewedMs } = this.#election
    const endMs =
      renewedMs === undefined ? waitMs : renewedMs + this.#options.renewDeadlineMs - clock.monotonicMs()
    await clock.sleep(Math.max(1, Math.min(waitMs, endMs)), signal)
    this.check()
  }

  /** A leader writes at once; everyone else, and a leader whose write failed, looks first. */
  async #try(): Promise<void> {
    if (!this.leads()) this.#election = { ...this.#election, fresh: false }
    for (let step = 0; step < STEPS; step++) {
      const next = attempt(this.#election, this.#options.clock.monotonicMs())
      if (next.kind === 'wait') return
      if (next.kind === 'read') {
        if (!(await this.#read())) return
      } else if (await this.#write(next)) return
    }
  }

  async #read(): Promise<boolean> {
    const read = await this.#options.store.read()
    const nowMs = this.#options.clock.monotonicMs()
    if (!read.ok) {
      this.#failed(read)
      return false
    }
    this.#election = learn(this.#election, { kind: 'read', lease: read.value, nowMs })
    if (read.value && read.value.holder !== this.#options.identity) this.#options.onLease(read.value)
    this.#tell()
    return true
  }

  async #write(next: Exclude<ReturnType<typeof attempt>, { kind: 'read' | 'wait' }>): Promise<boolean> {
    const { clock, store, publish } = this.#options
    const sentMs = clock.monotonicMs()
    const now = clock.now()
    const acquireTime = next.kind === 'create' || next.acquires ? { acquireTime: now } : {}
    const write = { ...next.write, annotations: publish(), ...acquireTime, renewTime: now }
    const answer = next.kind === 'create' ? await store.create(write) : await store.update(next.from, write)
    if (!answer.ok) {
      this.#failed(answer)
      return false
    }
    const nowMs = clock.monotonicMs()
    this.#election = learn(this.#election, { kind: 'written', lease: answer.value, sentMs, nowMs })
    this.#tell()
    return true
  }

  #failed({ failure }: { readonly failure: Failure }): void {
    const nowMs = this.#options.clock.monotonicMs()
    this.#election = learn(this.#election, { kind: 'failed', failure, nowMs })
    if (failure.kind !== 'aborted' && countIn(this.#failures, failure.kind) && failure.kind !== 'conflict')
      this.#options.log.warn('the Lease cannot be read or written', { ...failure })
    this.#tell()
  }

  #tell(): void {
    const role: Role = leads(this.#election, this.#options.clock.monotonicMs()) ? 'leader' : 'standby'
    if (role === this.#role) return
    this.#role = role
    this.#options.onChange(role)
  }

  async release(): Promise<void> {
    if (!this.#election.fresh) await this.#read()
    const { clock, log, publish, store } = this.#options
    const last = release(this.#election, clock.monotonicMs())
    if (!last) return
    // From here on we do not lead, whatever becomes of the write.
    const { renewedMs: _, ...over } = this.#election
    this.#election = { ...over, fresh: false }
    const write = { ...last.write, annotations: publish(), renewTime: clock.now() }
    const answer = await store.update(last.from, write)
    if (!answer.ok) log.warn('the Lease could not be released', { ...answer.failure })
    this.#tell()
  }
}

/** Write, look, write again: more in one try would be a tight loop. */
const STEPS = 3
