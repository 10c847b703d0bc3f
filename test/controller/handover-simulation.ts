// Owns a cluster, a backend, a Lease and replicas of an operator in a world of their own time, for tests of the hand-over.
// Promises that everything follows from one seed, and that a replica here tells a start as the pipeline does: `settle` after it saw its end.
// Does not use the pipeline, and judges nothing.

import type { Frame, Phase } from '../../src/base/frame.ts'
import type { PodRecord } from '../../src/base/record.ts'
import { milliseconds, type UnixNano, unixNano } from '../../src/base/time.ts'
import { createHandover, type Handover } from '../../src/controller/handover.ts'
import { createProgress, type Progress } from '../../src/controller/progress.ts'
import { formatWatermarks, parseWatermarks } from '../../src/controller/watermark.ts'
import { traceIdOf } from '../../src/trace/identity.ts'
import type { Trace } from '../../src/trace/trace.ts'
import type { World } from './simulation.ts'

const START_S = 1_795_000_000
export const SETTLE_MS = 5000
export const TIMEOUT_MS = 60_000
export const at = (ms: number): UnixNano =>
  unixNano(BigInt(START_S) * 1_000_000_000n + BigInt(Math.round(ms * 1e6)))
const secondOf = (ms: number): number => Math.floor(START_S + ms / 1000)
const uidOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

/** One pod of the cluster: created and ready at these versions of the store. */
export interface Pod {
  readonly n: number
  readonly namespace: string
  readonly createdMs: number
  readyMs?: number
  version: number
  /** Changed once more after it was ready, by somebody else. */
  touchedMs?: number
}

export const NAMESPACES = ['shop', 'pay', 'empty'] as const

export class Cluster {
  readonly world: World
  readonly pods: Pod[] = []
  version = 100
  readonly watchers = new Set<(pod: Pod) => void>()

  constructor(world: World) {
    this.world = world
    this.#writeOther()
  }

  /** Versions count writes of every kind, so that a list may be of a later one than any pod. */
  #writeOther(): void {
    this.version += 1
    this.world.after(this.world.random() * 3000, () => this.#writeOther())
  }

  change(pod: Pod): void {
    this.version += 1 + Math.floor(this.world.random() * 3)
    pod.version = this.version
    for (const watcher of this.watchers) watcher({ ...pod })
  }

  /** A pod that becomes ready after a while, or never. */
  create(readyAfterMs: number, namespace: string): Pod {
    const pod: Pod = { n: this.pods.length, namespace, createdMs: this.world.nowMs, version: 0 }
    this.pods.push(pod)
    this.change(pod)
    if (readyAfterMs > TIMEOUT_MS) return pod
    this.world.after(readyAfterMs, () => {
      pod.readyMs = this.world.nowMs
      this.change(pod)
    })
    // It is touched once more, as pods are.
    if (this.world.random() < 0.5) return pod
    this.world.after(readyAfterMs + this.world.random() * 30_000, () => {
      pod.touchedMs = this.world.nowMs
      this.change(pod)
    })
    return pod
  }
}

export const recordOf = ({ n, namespace, createdMs, readyMs, version }: Pod): PodRecord => ({
  resource: 'pods',
  uid: uidOf(n),
  name: `p${n}`,
  namespace,
  resourceVersion: String(version),
  createdSeconds: secondOf(createdMs),
  containers: [],
  ...(readyMs !== undefined && {
    conditions: [{ type: 'Ready', status: 'True', transitionSeconds: secondOf(readyMs) }],
    managers: [
      { manager: 'kubelet', operation: 'Update', subresource: 'status', seconds: secondOf(readyMs) },
    ],
  }),
})

export const traceIdOfPod = ({ n }: Pick<Pod, 'n'>): string => traceIdOf(uidOf(n))

export const traceOf = (pod: Pod, outcome: 'ready' | 'timeout'): Trace =>
  ({
    traceId: traceIdOfPod(pod),
    uid: uidOf(pod.n),
    namespace: pod.namespace,
    outcome,
    spans: [{ end: { best: at(outcome === 'ready' ? (pod.readyMs ?? 0) : pod.createdMs + TIMEOUT_MS) } }],
  }) as unknown as Trace

export interface Sent {
  readonly traceId: string
  readonly by: Replica
  readonly ackedMs: number
}

/** The Collector, which takes its time and is away now and then. */
export interface Backend {
  readonly sent: Sent[]
  awayUntilMs: number
}

export interface LeaseText {
  text: string
  readonly renewals: { readonly by: Replica; readonly ms: number }[]
}

export interface Place {
  readonly cluster: Cluster
  readonly backend: Backend
  readonly lease: LeaseText
  /** Whether each namespace is watched on its own. */
  readonly namespaced: boolean
}

interface Open {
  readonly createdMs: number
  endedMs?: number
}

const dueMsOf = ({ createdMs, endedMs }: Open): number =>
  endedMs === undefined ? createdMs + TIMEOUT_MS : endedMs + SETTLE_MS

export const EXPORTER = 'default'

/** A process: its watches, what it tells, and while it leads what it exports. */
export class Replica {
  readonly handover: Handover
  readonly streams: readonly Stream[]
  readonly #place: Place
  readonly #world: World
  readonly #progress: Progress = createProgress()
  readonly #skewMs: number
  /** Not told yet. */
  readonly #open = new Map<number, Open>()
  /** Nothing is to be told before. */
  #dueMs = Number.POSITIVE_INFINITY
  readonly #known = new Set<number>()
  #lastMs = 0
  #heldUpUntilMs = 0
  /** What came by then has been read, and of that what came while all watches were there. */
  readonly #passed = { readMs: 0, watchedMs: 0 }
  leads = false
  dead = false

  constructor(place: Place) {
    this.#place = place
    this.#world = place.cluster.world
    this.#skewMs = (this.#world.random() - 0.5) * 2000
    this.handover = createHandover({
      progress: this.#progress,
      settle: milliseconds(SETTLE_MS),
      startTimeout: milliseconds(TIMEOUT_MS),
      streamOf: (namespace) => (place.namespaced ? namespace : ''),
      before: parseWatermarks(place.lease.text),
      startedAt: at(this.nowMs()),
    })
    const names = place.namespaced ? NAMESPACES : ['']
    this.streams = names.map((name) => new Stream(name, this, place.cluster))
    this.#tick()
  }

  later(delayMs: number, run: () => void): void {
    this.#world.after(delayMs, () => {
      if (!this.dead) run()
    })
  }

  nowMs(): number {
    return Math.max(this.#lastMs, this.#world.nowMs + this.#skewMs)
  }

  isListed(): boolean {
    return this.streams.every(({ beginMs }) => beginMs !== undefined)
  }

  /** Since when it has seen all there is of that namespace. */
  sinceMs(namespace: string): number {
    return this.streams.find((stream) => stream.shows(namespace))?.beginMs ?? Number.POSITIVE_INFINITY
  }

  see(stream: string, pod: Pod, phase: Phase): void {
    const known = this.#known.has(pod.n)
    const record = recordOf(pod)
    const kind = known ? 'modified' : 'added'
    this.push(stream, { kind, t: at(this.nowMs()), source: 'pods', phase, record })
    const open = this.#open.get(pod.n)
    const over = pod.readyMs !== undefined
    if (open && over) open.endedMs ??= this.nowMs()
    if (open) this.#dueMs = Math.min(this.#dueMs, dueMsOf(open))
    if (known) return
    this.#known.add(pod.n)
    const stale = over || pod.createdMs + TIMEOUT_MS <= this.nowMs()
    const wanted = !stale || phase === 'live' || this.handover.wasMissed(record)
    if (!wanted) return
    const found = { createdMs: pod.createdMs, ...(over && { endedMs: this.nowMs() }) }
    this.#open.set(pod.n, found)
    this.#dueMs = Math.min(this.#dueMs, dueMsOf(found))
  }

  push(stream: string, frame: Frame): void {
    this.#progress.see(stream, frame)
    this.#advance()
  }

  #tick(): void {
    this.#advance()
    this.later(1000, () => this.#tick())
  }

  /** What it reads for so long may have waited. */
  holdUp(forMs: number): void {
    this.#heldUpUntilMs = Math.max(this.#heldUpUntilMs, this.nowMs() + forMs)
  }

  /** As the pipeline does: whatever has settled is told before time goes on. */
  #advance(): void {
    const nowMs = this.nowMs()
    const passed = this.#passed
    this.#lastMs = nowMs
    if (nowMs >= this.#heldUpUntilMs) passed.readMs = nowMs
    if (!this.streams.some((stream) => stream.isAway())) passed.watchedMs = passed.readMs
    if (passed.readMs >= this.#dueMs) this.#tell()
    this.handover.passed(at(passed.watchedMs))
  }

  #tell(): void {
    const { readMs, watchedMs } = this.#passed
    this.#dueMs = Number.POSITIVE_INFINITY
    for (const [n, known] of this.#open) {
      const pod = this.#place.cluster.pods[n] as Pod
      const passedMs = known.endedMs === undefined ? watchedMs : readMs
      if (dueMsOf(known) > passedMs) this.#dueMs = Math.min(this.#dueMs, dueMsOf(known))
      else {
        this.#open.delete(n)
        this.#tellOne(pod, known.endedMs === undefined ? 'timeout' : 'ready')
      }
    }
  }

  #tellOne(pod: Pod, outcome: 'ready' | 'timeout'): void {
    const trace = traceOf(pod, outcome)
    const [open] = this.handover.told(trace, [EXPORTER])
    if (this.leads && open !== undefined) this.#export(trace.traceId)
  }

  #export(traceId: string): void {
    const { backend } = this.#place
    const waitMs = Math.max(0, backend.awayUntilMs - this.#world.nowMs)
    this.later(waitMs + 50 + this.#world.random() * 1500, () => {
      backend.sent.push({ traceId, by: this, ackedMs: this.#world.nowMs })
      this.handover.acknowledged(traceId, EXPORTER)
    })
  }

  /** As leader.ts does: what was there is read, and what we say is in the write that begins the term. */
  lead(): void {
    this.look()
    this.#renew()
    this.leads = true
    for (const traceId of this.handover.pending(EXPORTER)) this.#export(traceId)
  }

  #renew(): void {
    const { lease } = this.#place
    lease.text = formatWatermarks(this.handover.watermarks([EXPORTER]))
    lease.renewals.push({ by: this, ms: this.#world.nowMs })
    this.later(2000, () => this.#renew())
  }

  look(): void {
    this.handover.adopt(parseWatermarks(this.#place.lease.text))
  }

  standBy(): void {
    if (this.leads) return
    this.look()
    this.later(2000 + this.#world.random() * 2400, () => this.standBy())
  }
}

interface OnTheWire {
  readonly pod: Pod
  readonly dueMs: number
}

/** One watch: a list, then what changes, late by a while; it breaks and falls silent when told to. */
export class Stream {
  /** When the list was made with which it began; not yet delivered: undefined. */
  beginMs: number | undefined
  readonly #name: string
  readonly #owner: Replica
  readonly #cluster: Cluster
  readonly #lagMs: number
  #silentUntilMs = 0
  #broken = false
  /** What is on its way when the watch breaks never arrives. */
  #life = 0
  #wire: OnTheWire[] = []
  /** Changes that came while a list was on its way. */
  #behindList: Pod[] | undefined

  constructor(name: string, owner: Replica, cluster: Cluster) {
    this.#name = name
    this.#owner = owner
    this.#cluster = cluster
    this.#lagMs = cluster.world.random() * 300
    cluster.watchers.add((pod) => this.#onChange(pod))
    this.#list('initial')
  }

  shows(namespace: string): boolean {
    return this.#name === '' || this.#name === namespace
  }

  /** Its watch is lost, or its list on the way. */
  isAway(): boolean {
    return this.#broken || this.#behindList !== undefined
  }

  #onChange(pod: Pod): void {
    if (this.#broken || this.#owner.dead || !this.shows(pod.namespace)) return
    this.#wire.push({ pod, dueMs: this.#cluster.world.nowMs + this.#lagMs })
    const life = this.#life
    this.#owner.later(this.#lagMs, () => this.#pump(life))
  }

  #pump(life: number): void {
    if (life !== this.#life) return
    const { nowMs } = this.#cluster.world
    if (this.#silentUntilMs > nowMs)
      return this.#owner.later(this.#silentUntilMs - nowMs, () => this.#pump(life))
    while ((this.#wire[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      const { pod } = this.#wire.shift() as OnTheWire
      if (this.#behindList) this.#behindList.push(pod)
      else this.#owner.see(this.#name, pod, 'live')
    }
  }

  /** The connection is there and carries nothing; what changes comes afterwards, in order. */
  silence(forMs: number): void {
    this.#silentUntilMs = Math.max(this.#silentUntilMs, this.#cluster.world.nowMs + forMs)
  }

  /** The watch is lost; what changes is missed until a list shows it. */
  break(forMs: number): void {
    if (this.#broken) return
    this.#broken = true
    this.#life += 1
    this.#owner.later(forMs, () => this.#list('relist'))
  }

  /** A list arrives in any order and takes a while; what changes meanwhile comes after it. */
  #list(phase: Phase): void {
    const { pods, version, world } = this.#cluster
    const { nowMs } = world
    this.#broken = false
    const life = ++this.#life
    this.#wire = []
    if (phase === 'relist') this.#push({ kind: 'gap', t: this.#t(), source: 'pods', reason: 'expired' })
    const shown = pods.filter(({ namespace }) => this.shows(namespace)).map((pod) => ({ ...pod }))
    const list = shown.sort(() => world.random() - 0.5)
    this.#behindList = []
    const next = (): void => {
      if (life !== this.#life) return
      for (const pod of list.splice(0, 20)) this.#owner.see(this.#name, pod, phase)
      if (list.length > 0) return this.#owner.later(20, next)
      this.#push({ kind: 'synced', t: this.#t(), source: 'pods', version: String(version) })
      this.beginMs ??= nowMs
      if (this.#owner.isListed()) this.#owner.handover.watching()
      const behind = this.#behindList ?? []
      this.#behindList = undefined
      for (const pod of behind) this.#owner.see(this.#name, pod, 'live')
    }
    this.#owner.later(this.#lagMs, next)
  }

  #t(): UnixNano {
    return at(this.#owner.nowMs())
  }

  #push(frame: Frame): void {
    this.#owner.push(this.#name, frame)
  }
}
