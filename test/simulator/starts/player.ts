// Owns the playing of starts into the store: when each begins, what of it is written when, what is lost on the way, what truly happened.
// Promises a line in the ledger for each start, made of its own moments and of when they were truly stored, not of what anybody saw.
// Does not know who watches.

import type { UnixNano } from '../../../src/base/time.ts'
import type { Clock } from '../../../src/base/clock.ts'
import {
  identityOf,
  itemTemplate,
  patch,
  type Pattern,
  type StartIdentity,
  type Template,
  watchTemplate,
} from '../template.ts'
import { eventBytes, type Form } from '../forms.ts'
import type { Obj } from '../encode.ts'
import type { Change, Store, Stored } from '../store.ts'
import { drawLife, drawMoments } from './draw.ts'
import type { LedgerLine } from './ledger.ts'
import type { Life, Step } from './life.ts'
import { PlayTime } from './play-time.ts'
import { NAMESPACE } from './objects.ts'

export interface PlayOptions {
  readonly startsPerSecond: number
  /** In ms: fast pods in a bench, slow ones in a cluster. */
  readonly lifetimeMs?: number
  readonly compress?: number
  /** Of events: which share never reaches the API server. */
  readonly eventLoss?: number
  /** Shapes that do not occur. */
  readonly without?: readonly string[]
  /** Which share of the starts' lines says what happened when. Default all. */
  readonly truthShare?: number
}

export interface PlayerDependencies {
  readonly store: Store
  readonly clock: Clock
  readonly random: () => number
  readonly nodes: number
  /** By how much this node's clock is off at a moment, in ms. */
  readonly skewMs: (node: number, at: UnixNano) => number
  /** And those of the control plane. */
  readonly controlSkewMs?: (at: UnixNano) => number
  readonly onLine: (line: LedgerLine) => void
}

interface Due {
  readonly start: Start
  readonly step: number
  readonly ms: number
}

export class Player {
  begun = 0
  private readonly by: PlayerDependencies
  readonly time: PlayTime
  private readonly wheel = new Map<number, Due[]>()
  private played = 0
  private options: PlayOptions = { startsPerSecond: 0 }
  private nextMs = 0
  private left = 0

  constructor(by: PlayerDependencies) {
    this.by = by
    this.time = new PlayTime(by.clock)
    void this.loop()
  }

  private async loop(): Promise<void> {
    for (;;) {
      this.advance(this.time.pass())
      await this.by.clock.sleep(1)
    }
  }

  /** So many more starts, at this rate; with what is being played already at that. */
  play(starts: number, options: PlayOptions): void {
    this.options = options
    this.left += starts
    this.nextMs = Math.max(this.nextMs, this.time.nowMs)
  }

  /** No more begin; what has begun goes on. */
  stop(): void {
    this.left = 0
  }

  private advance(nowMs: number): void {
    while (this.left > 0 && this.nextMs <= nowMs) {
      this.begin(this.nextMs)
      this.left -= 1
      this.nextMs += 1000 / this.options.startsPerSecond
    }
    for (; this.played < nowMs; this.played++) {
      const due = this.wheel.get(this.played)
      if (!due) continue
      this.wheel.delete(this.played)
      for (const one of due.sort((a, b) => a.ms - b.ms)) this.write(one)
    }
  }

  private begin(createdMs: number): void {
    const { compress = 1, eventLoss = 0, lifetimeMs } = this.options
    const { controlSkewMs = () => 0, nodes, random, skewMs } = this.by
    this.begun += 1
    const node = this.begun % nodes
    const life = drawLife(random, this.options.without)
    const start = new Start({
      number: this.begun,
      life,
      nodes,
      time: this.time,
      createdMs,
      times: drawMoments(life, { random, compress, lifetimeMs }),
      skewMs: (at, isOnNode) => (isOnNode ? skewMs(node, at) : controlSkewMs(at)),
      tells: random() < (this.options.truthShare ?? 1),
    })
    const lost = new Set<number>()
    life.steps.forEach(({ moment, object }, step) => {
      if (object > 0 && !lost.has(-object) && !lost.has(object))
        lost.add(random() < eventLoss ? object : -object)
      if (lost.has(object)) return void (start.eventsLost += 1)
      const ms = createdMs + (start.times[moment] ?? 0)
      if (!Number.isFinite(ms)) return
      const bucket = Math.max(this.played, Math.floor(ms))
      const others = this.wheel.get(bucket)
      if (others) others.push({ start, step, ms })
      else this.wheel.set(bucket, [{ start, step, ms }])
    })
    if (life.outcome === 'timeout') this.by.onLine(start.line('timeout'))
  }

  private write({ start, step }: Due): void {
    const { store } = this.by
    const { moment, object, stream, type } = start.life.steps[step] as Step
    if (start.isUndone) return
    const isUnseen = type === 'DELETED' && stream === 'pods' && !start.isShown
    start.shownNs[moment] = this.by.clock.now()
    store.put(new StartChange(start, step, store.version + 1))
    start.written = step
    if (stream !== 'pods' || object !== 0) return
    const isReady =
      moment === start.life.truths.find(({ side, span }) => span === 'pod startup' && side === 'end')?.moment
    if (isUnseen) this.by.onLine(start.line('unseen'))
    else if (isReady) this.by.onLine(start.line('ready'))
    else if (type === 'DELETED' && start.life.outcome === 'deleted') this.by.onLine(start.line('deleted'))
  }

  /**
   * The store as it was at an earlier version. Pods that were created since are no more; of the others the kubelets write again
   * what they know, a second later. Returns how many starts are gone.
   */
  rewind(versions: number): number {
    const { store } = this.by
    const undone = store.rewind(store.version - versions)
    const gone = new Set<Start>()
    const stale = new Map<Start, number>()
    for (const change of undone) {
      if (!(change instanceof StartChange) || change.resource !== 'pods') continue
      if (store.of('pods').has(change.uid))
        stale.set(change.start, Math.max(stale.get(change.start) ?? 0, change.step))
      else gone.add(change.start)
    }
    for (const start of gone) {
      start.isUndone = true
      this.by.onLine(start.line('undone'))
    }
    const ms = this.time.nowMs + 1000
    const bucket = Math.ceil(ms)
    for (const [start, step] of stale)
      this.wheel.set(bucket, [...(this.wheel.get(bucket) ?? []), { start, step, ms }])
    return gone.size
  }
}

interface StartOptions {
  readonly number: number
  readonly life: Life
  readonly nodes: number
  readonly time: PlayTime
  readonly createdMs: number
  readonly times: Float64Array
  readonly skewMs: (at: UnixNano, isOnNode: boolean) => number
  readonly tells: boolean
}

class Start {
  readonly life: Life
  readonly times: Float64Array
  /** When what belongs to a moment was truly stored. */
  readonly shownNs: bigint[] = []
  eventsLost = 0
  written = -1
  isUndone = false
  /** Some version of its pod was written for a reader. */
  isShown = false
  private readonly options: StartOptions
  private readonly identity: StartIdentity

  constructor(options: StartOptions) {
    this.options = options
    this.life = options.life
    this.times = options.times
    this.identity = identityOf(options.number, 0, 0, options.nodes)
  }

  get uid(): string {
    return this.identity.uid
  }

  trueAt(moment: number): bigint {
    return this.options.time.at(this.options.createdMs + (this.times[moment] ?? 0))
  }

  /** As it is shown: by the clock of whoever stamps it. */
  at(moment: number): UnixNano {
    const at = this.trueAt(moment) as UnixNano
    const skewMs = this.options.skewMs(at, this.life.onNode.has(moment))
    return (at + BigInt(Math.round(skewMs * 1e6))) as UnixNano
  }

  identityAt({ object }: Step, version: number): StartIdentity {
    const { eventUid } = identityOf(this.options.number, object, 0)
    return { ...this.identity, eventUid, resourceVersion: String(version) }
  }

  line(outcome: LedgerLine['outcome']): LedgerLine {
    const { number, tells } = this.options
    const truths = tells && outcome !== 'undone' && outcome !== 'unseen' ? this.life.truths : []
    return {
      number,
      uid: this.uid,
      life: this.life.name,
      outcome,
      eventsLost: this.eventsLost,
      createdNs: String(this.trueAt(0)),
      startupMs:
        Number((this.shownNs[this.life.steps[this.written]?.moment ?? 0] ?? 0n) - this.trueAt(0)) / 1e6,
      truths: truths.map(({ container, moment, place, side, span }) => ({
        ...{ span, side, place, fromNs: String(this.trueAt(moment)) },
        toNs: String(this.shownNs[moment] ?? this.trueAt(moment)),
        ...(container === undefined ? {} : { container }),
      })),
    }
  }
}

const templates = new WeakMap<Step, Map<string, Template>>()

function templateFor(
  life: Life,
  step: Step,
  type: Change['type'] | 'item',
  encoding: Form['encoding'],
): Template {
  let own = templates.get(step)
  if (!own) templates.set(step, (own = new Map()))
  const key = `${type} ${encoding}`
  let template = own.get(key)
  if (!template) {
    const pattern: Pattern = { type: type === 'item' ? 'ADDED' : type, object: step.make }
    const make = type === 'item' ? itemTemplate : watchTemplate
    own.set(key, (template = make(pattern, encoding, life.moments.length)))
  }
  return template
}

class StartChange implements Change {
  readonly start: Start
  readonly step: number
  readonly version: number
  before?: Stored | undefined
  private made: { readonly key: string; readonly bytes: Buffer } | undefined

  constructor(start: Start, step: number, version: number) {
    this.start = start
    this.step = step
    this.version = version
  }

  private get own(): Step {
    return this.start.life.steps[this.step] as Step
  }

  get resource(): string {
    return this.own.stream
  }

  get type(): Change['type'] {
    return this.own.type
  }

  get uid(): string {
    const { eventUid, uid } = this.start.identityAt(this.own, this.version)
    return this.own.stream === 'pods' ? uid : eventUid
  }

  get key(): string {
    const { name } = this.start.identityAt(this.own, this.version)
    return `${NAMESPACE}/${this.own.stream === 'pods' ? name : `${name}.${this.own.object}`}`
  }

  get object(): Obj {
    this.start.isShown ||= this.own.stream === 'pods'
    return this.own.make(this.start.identityAt(this.own, this.version), (moment) => this.start.at(moment))
  }

  get bare(): Buffer {
    return this.patched('item', 'protobuf')
  }

  private patched(type: Change['type'] | 'item', encoding: Form['encoding']): Buffer {
    this.start.isShown ||= this.own.stream === 'pods'
    const template = templateFor(this.start.life, this.own, type, encoding)
    const identity = this.start.identityAt(this.own, this.version)
    return patch(template, encoding, identity, (moment) => this.start.at(moment))
  }

  /** Kept while the next reader may want the same, and not for the whole window. */
  frame(type: Change['type'], form: Form): Buffer {
    if (form.partial) return eventBytes(type, this.object, form)
    const key = `${type} ${form.encoding}`
    if (this.made?.key === key) return this.made.bytes
    const bytes = this.patched(type, form.encoding)
    this.made = { key, bytes }
    queueMicrotask(() => (this.made = undefined))
    return bytes
  }
}
