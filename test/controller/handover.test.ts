// Owns the hand-over of exports: nothing lost, repeats only of what was acknowledged after the last renewal.
// Promises random kill points, watches that break, restarts of all replicas, from a seed that is in the failure.
// Does not use the pipeline: replicas here tell a start as it does, `settle` after they saw its end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame, Phase } from '../../src/base/frame.ts'
import type { PodRecord } from '../../src/base/record.ts'
import { type UnixNano, unixNano } from '../../src/base/time.ts'
import { createHandover, type Handover } from '../../src/controller/handover.ts'
import { createProgress, type Progress } from '../../src/controller/progress.ts'
import {
  BEYOND_MAX,
  covers,
  formatWatermarks,
  parseWatermarks,
  shortId,
  type Watermarks,
} from '../../src/controller/watermark.ts'
import { traceIdOf } from '../../src/trace/identity.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { randomOf, World } from './simulation.ts'

const START_S = 1_795_000_000
const SETTLE_MS = 5000
const TIMEOUT_MS = 60_000
const at = (ms: number): UnixNano => unixNano(BigInt(START_S) * 1_000_000_000n + BigInt(Math.round(ms * 1e6)))
const uidOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

/** One pod of the cluster: created and ready at these versions of the store. */
interface Pod {
  readonly n: number
  readonly createdMs: number
  readyMs?: number
  version: number
  /** Changed once more after it was ready, by somebody else. */
  touchedMs?: number
}

class Cluster {
  readonly world: World
  readonly pods: Pod[] = []
  version = 100
  readonly watchers = new Set<(pod: Pod) => void>()

  constructor(world: World) {
    this.world = world
  }

  change(pod: Pod): void {
    this.version += 1 + Math.floor(this.world.random() * 3)
    pod.version = this.version
    for (const watcher of this.watchers) watcher({ ...pod })
  }

  /** A pod that becomes ready after a while, or never. */
  create(readyAfterMs: number): void {
    const pod: Pod = { n: this.pods.length, createdMs: this.world.nowMs, version: 0 }
    this.pods.push(pod)
    this.change(pod)
    if (readyAfterMs > TIMEOUT_MS) return
    this.world.after(readyAfterMs, () => {
      pod.readyMs = this.world.nowMs
      this.change(pod)
    })
    // It is touched once more, as pods are.
    if (this.world.random() < 0.5) return
    this.world.after(readyAfterMs + this.world.random() * 30_000, () => {
      pod.touchedMs = this.world.nowMs
      this.change(pod)
    })
  }
}

const recordOf = (pod: Pod): PodRecord => ({
  resource: 'pods',
  uid: uidOf(pod.n),
  name: `p${pod.n}`,
  namespace: 'shop',
  resourceVersion: String(pod.version),
  createdSeconds: Math.floor(START_S + pod.createdMs / 1000),
  containers: [],
  ...(pod.readyMs !== undefined && {
    conditions: [
      { type: 'Ready', status: 'True', transitionSeconds: Math.floor(START_S + pod.readyMs / 1000) },
    ],
    managers: [
      {
        manager: 'kubelet',
        operation: 'Update',
        subresource: 'status',
        seconds: Math.floor(START_S + pod.readyMs / 1000),
      },
    ],
  }),
})

const traceOf = (pod: Pod, outcome: 'ready' | 'timeout'): Trace =>
  ({
    traceId: traceIdOf(uidOf(pod.n)),
    uid: uidOf(pod.n),
    namespace: 'shop',
    outcome,
    spans: [{ end: { best: at(outcome === 'ready' ? (pod.readyMs ?? 0) : pod.createdMs + TIMEOUT_MS) } }],
  }) as unknown as Trace

interface Sent {
  readonly traceId: string
  readonly byReplica: string
  readonly ackedMs: number
}

/** The Collector, which takes its time and is away now and then. */
interface Backend {
  readonly sent: Sent[]
  awayUntilMs: number
}

interface LeaseText {
  text: string
  writtenMs: number
  /** What a writer had acknowledged by then. */
  renewals: { readonly replica: string; readonly ms: number }[]
}

/** A process: its watch, what it tells, and while it leads what it exports. */
class Replica {
  readonly name: string
  readonly #world: World
  readonly #cluster: Cluster
  readonly #backend: Backend
  readonly #lease: LeaseText
  readonly #progress: Progress
  readonly handover: Handover
  readonly #lagMs: number
  readonly #skewMs: number
  readonly #known = new Set<number>()
  /** Not told yet. */
  readonly #open = new Map<number, { endedMs?: number; createdMs: number }>()
  #queue: Pod[] = []
  #broken = false
  #breaks = 0
  #lastMs = 0
  leads = false
  dead = false

  constructor(name: string, cluster: Cluster, backend: Backend, lease: LeaseText) {
    this.name = name
    this.#cluster = cluster
    this.#world = cluster.world
    this.#backend = backend
    this.#lease = lease
    this.#lagMs = this.#world.random() * 300
    this.#skewMs = (this.#world.random() - 0.5) * 2000
    this.#progress = createProgress()
    this.handover = createHandover({
      progress: this.#progress,
      settle: 5_000_000_000n as never,
      startTimeout: 60_000_000_000n as never,
      streamOf: () => '',
      before: parseWatermarks(lease.text),
      startedAt: at(this.#world.nowMs),
    })
    cluster.watchers.add((pod) => this.#onChange(pod))
    this.#relist('initial')
    this.#tick()
  }

  #later(delayMs: number, run: () => void): void {
    this.#world.after(delayMs, () => {
      if (!this.dead) run()
    })
  }

  #nowMs(): number {
    return Math.max(this.#lastMs, this.#world.nowMs + this.#skewMs)
  }

  #onChange(pod: Pod): void {
    if (this.#broken || this.dead) return
    const breaks = this.#breaks
    this.#later(this.#lagMs, () => {
      if (breaks !== this.#breaks) return
      if (this.#queue.length > 0) this.#queue.push(pod)
      else this.#see(pod, 'live')
    })
  }

  /** The watch is lost; what changes is missed until a list shows it. */
  break(forMs: number): void {
    if (this.#broken) return
    this.#broken = true
    this.#breaks += 1
    this.#queue = []
    this.#later(forMs, () => this.#relist('relist'))
  }

  /** A list arrives in any order and takes a while; what changes meanwhile comes after it. */
  #relist(phase: Phase): void {
    this.#broken = false
    const breaks = ++this.#breaks
    if (phase === 'relist')
      this.#push({ kind: 'gap', t: at(this.#nowMs()), source: 'pods', reason: 'expired' })
    const list = this.#cluster.pods.map((pod) => ({ ...pod })).sort(() => this.#world.random() - 0.5)
    this.#queue = []
    const live = this.#queue
    live.push({ n: -1, createdMs: 0, version: 0 })
    const next = (): void => {
      if (breaks !== this.#breaks) return
      for (const pod of list.splice(0, 20)) this.#see(pod, phase)
      if (list.length > 0) return this.#later(20, next)
      this.#push({ kind: 'synced', t: at(this.#nowMs()), source: 'pods' })
      this.handover.watching()
      this.#queue = []
      for (const pod of live.slice(1)) this.#see(pod, 'live')
    }
    this.#later(this.#lagMs, next)
  }

  #see(pod: Pod, phase: Phase): void {
    const kind = this.#known.has(pod.n) ? 'modified' : 'added'
    this.#push({ kind, t: at(this.#nowMs()), source: 'pods', phase, record: recordOf(pod) })
    const open = this.#open.get(pod.n)
    const over = pod.readyMs !== undefined
    if (open && over) open.endedMs ??= this.#nowMs()
    if (this.#known.has(pod.n)) return
    this.#known.add(pod.n)
    const wanted = !over || phase === 'live' || this.handover.wasMissed(recordOf(pod))
    if (wanted) this.#open.set(pod.n, { createdMs: pod.createdMs, ...(over && { endedMs: this.#nowMs() }) })
  }

  #push(frame: Frame): void {
    this.#progress.see('', frame)
    this.#advance()
  }

  #tick(): void {
    this.#advance()
    this.#later(1000, () => this.#tick())
  }

  /** As the pipeline does: whatever has settled is told before time goes on. */
  #advance(): void {
    const nowMs = this.#nowMs()
    this.#lastMs = nowMs
    for (const [n, known] of this.#open) {
      const pod = this.#cluster.pods[n] as Pod
      if (known.endedMs !== undefined && known.endedMs + SETTLE_MS <= nowMs) this.#tell(pod, 'ready')
      else if (known.endedMs === undefined && known.createdMs + TIMEOUT_MS <= nowMs)
        this.#tell(pod, 'timeout')
      else continue
      this.#open.delete(n)
    }
    this.handover.passed(at(nowMs))
  }

  #tell(pod: Pod, outcome: 'ready' | 'timeout'): void {
    const trace = traceOf(pod, outcome)
    this.handover.told(trace, ['default'])
    if (this.leads && this.handover.pending('default').includes(trace.traceId)) this.#export(trace.traceId)
  }

  #export(traceId: string): void {
    const waitMs = Math.max(0, this.#backend.awayUntilMs - this.#world.nowMs)
    this.#later(waitMs + 50 + this.#world.random() * 1500, () => {
      this.#backend.sent.push({ traceId, byReplica: this.name, ackedMs: this.#world.nowMs })
      this.handover.acknowledged(traceId, 'default')
    })
  }

  renew(): void {
    const watermarks = this.handover.watermarks(['default'])
    if (watermarks.size > 0) this.#lease.text = formatWatermarks(watermarks)
    this.#lease.renewals.push({ replica: this.name, ms: this.#world.nowMs })
  }

  lead(): void {
    this.look()
    this.leads = true
    for (const traceId of this.handover.pending('default')) this.#export(traceId)
    const renew = (): void => {
      this.renew()
      this.#later(2000, renew)
    }
    renew()
  }

  look(): void {
    this.handover.adopt(parseWatermarks(this.#lease.text))
  }

  standBy(): void {
    if (this.leads) return
    this.look()
    this.#later(2000 + this.#world.random() * 2400, () => this.standBy())
  }
}

interface Outcome {
  readonly lost: number
  readonly repeats: number
  readonly outOfBound: readonly string[]
  /** Of these, those whose pod nobody changed after it became ready. */
  readonly unexplained: number
  readonly sent: number
}

async function run(seed: number, ending: 'failover' | 'restart'): Promise<Outcome> {
  const world = new World(seed)
  const { random } = world
  const cluster = new Cluster(world)
  const backend: Backend = { sent: [], awayUntilMs: 0 }
  const lease: LeaseText = { text: '', writtenMs: 0, renewals: [] }
  // The first replica sees every pod from its creation, so every one is to be exported.
  const first = new Replica('first', cluster, backend, lease)
  await world.run(1000, () => {})
  first.lead()
  let other: Replica | undefined
  if (ending === 'failover') {
    world.after(random() * 20_000, () => {
      other = new Replica('other', cluster, backend, lease)
      other.standBy()
    })
  }
  const arrive = (): void => {
    if (world.nowMs > 100_000) return
    const burst = random() < 0.1 ? 40 : 1
    for (let n = 0; n < burst; n++) cluster.create(random() < 0.1 ? 1e9 : 200 + random() * 20_000)
    world.after(random() * (seed % 3 === 0 ? 4000 : 400), arrive)
  }
  world.after(500, arrive)
  const breakOne = (): void => {
    const one = random() < 0.5 ? first : other
    if (random() < 0.7) one?.break(random() * 4000)
    world.after(random() * 20_000, breakOne)
  }
  if (seed % 2 === 0) world.after(random() * 10_000, breakOne)
  if (seed % 5 === 0) world.after(30_000, () => (backend.awayUntilMs = world.nowMs + 60_000))
  const killMs = 40_000 + random() * 50_000
  world.after(killMs, () => {
    first.dead = true
    const waitMs = 15_000 + random() * 5000
    world.after(waitMs, () => {
      other ??= new Replica('other', cluster, backend, lease)
      // A replica that starts anew leads when it has its lists.
      world.after(ending === 'restart' ? 2000 : 0, () => other?.lead())
    })
  })
  await world.run(300_000, () => {})
  return judge(cluster, backend, lease, killMs)
}

function judge(cluster: Cluster, backend: Backend, lease: LeaseText, killMs: number): Outcome {
  const wanted = new Set(cluster.pods.map(({ n }) => traceIdOf(uidOf(n))))
  for (const { traceId } of backend.sent) wanted.delete(traceId)
  const lastRenewal = lease.renewals.filter(({ replica }) => replica === 'first').at(-1)?.ms ?? 0
  const byFirst = new Map(
    backend.sent.filter((one) => one.byReplica === 'first').map((one) => [one.traceId, one]),
  )
  const repeats = backend.sent.filter((one) => one.byReplica === 'other' && byFirst.has(one.traceId))
  const early = repeats
    .map(({ traceId }) => ({ traceId, ackedMs: byFirst.get(traceId)?.ackedMs ?? 0 }))
    .filter(({ ackedMs }) => ackedMs < lastRenewal)
  const outOfBound = early.map(
    ({ ackedMs }) => `acknowledged ${Math.round(lastRenewal - ackedMs)} ms before the last renewal`,
  )
  const touched = new Set(
    cluster.pods.filter(({ touchedMs }) => touchedMs !== undefined).map(({ n }) => traceIdOf(uidOf(n))),
  )
  const unexplained = early.filter(({ traceId }) => !touched.has(traceId)).length
  assert.ok(killMs - lastRenewal <= 2000)
  return { lost: wanted.size, repeats: repeats.length, outOfBound, unexplained, sent: backend.sent.length }
}

test('a leader killed at any moment: nothing is lost, and only what it sent after its last renewal repeats', async () => {
  let repeats = 0
  let sent = 0
  for (let seed = 1; seed <= 12; seed++) {
    const outcome = await run(seed, 'failover')
    assert.equal(outcome.lost, 0, `seed ${seed}: lost`)
    assert.deepEqual(outcome.outOfBound, [], `seed ${seed}`)
    repeats += outcome.repeats
    sent += outcome.sent
  }
  // That it is no empty promise: some do repeat, and there was much to send.
  assert.ok(repeats > 0 && sent > 2000, `${repeats} of ${sent} repeated`)
})

test('all replicas restarted at any moment: nothing is lost that the API server still holds', async () => {
  let early = 0
  let sent = 0
  for (let seed = 101; seed <= 110; seed++) {
    const outcome = await run(seed, 'restart')
    assert.equal(outcome.lost, 0, `seed ${seed}: lost`)
    // A pod that was changed again looks as if it might have ended later; any other repeats within the bound only.
    assert.equal(outcome.unexplained, 0, `seed ${seed}`)
    early += outcome.outOfBound.length
    sent += outcome.sent
  }
  assert.ok(early < sent * 0.05, `${early} of ${sent}`)
})

const watermarks = (): Watermarks =>
  new Map([
    ['default', { position: { '': '120' }, at: at(5), beyond: new Set([shortId(traceIdOf(uidOf(7)))]) }],
    ['other', { position: { shop: '90', pay: '80' }, at: at(0), beyond: new Set<string>() }],
  ])

test('watermarks are read as they were written', () => {
  assert.deepEqual(parseWatermarks(formatWatermarks(watermarks())), watermarks())
})

for (const text of ['', 'x', '[]', '7', 'null', '{"a":7}', '{"a":{"position":{"":"5"}}}', undefined])
  test(`an annotation that is none covers nothing: ${text}`, () => {
    assert.equal(parseWatermarks(text).size, 0)
  })

test('a full list of ids fits an annotation beside others', () => {
  const ids = Array.from({ length: BEYOND_MAX }, (_, n) => shortId(traceIdOf(uidOf(n))))
  const full = new Map([['default', { position: { '': '1' }, at: at(0), beyond: new Set(ids) }]])
  assert.ok(formatWatermarks(full).length < 128 * 1024)
})

test('a start is covered by its version, by its id, or, where the clock ended it, by time with slack', () => {
  const watermark = watermarks().get('default')
  const told = { traceId: traceIdOf(uidOf(1)), stream: '', version: '120', timedOut: false, endedAt: at(0) }
  assert.equal(covers(watermark, told), true)
  assert.equal(covers(watermark, { ...told, version: '121' }), false)
  assert.equal(covers(watermark, { ...told, version: '99' }), true)
  assert.equal(covers(watermark, { ...told, version: undefined }), false)
  assert.equal(covers(watermark, { ...told, stream: 'shop' }), false)
  assert.equal(covers(watermark, { ...told, version: '999', traceId: traceIdOf(uidOf(7)) }), true)
  assert.equal(covers(watermark, { ...told, timedOut: true, endedAt: at(4) }), false)
  assert.equal(covers(watermark, { ...told, timedOut: true, endedAt: at(-6000) }), true)
  assert.equal(covers(undefined, told), false)
})

test('the position stands still while a list arrives in any order, and goes on when it is complete', () => {
  const progress = createProgress()
  const object = (ms: number, version: string, phase: Phase): Frame => ({
    kind: 'added',
    t: at(ms),
    source: 'pods',
    phase,
    record: { ...recordOf({ n: 1, createdMs: 0, version: 1 }), resourceVersion: version },
  })
  progress.see('', object(0, '50', 'initial'))
  progress.see('', object(1, '10', 'initial'))
  assert.deepEqual(progress.at(at(1)), {})
  progress.see('', { kind: 'synced', t: at(2), source: 'pods' })
  assert.deepEqual(progress.at(at(2)), { '': '50' })
  assert.equal(progress.bound(''), undefined)
  progress.see('', object(1000, '60', 'live'))
  assert.equal(progress.bound(''), '60')
  progress.see('', { kind: 'gap', t: at(2000), source: 'pods', reason: 'expired' })
  progress.see('', object(2001, '90', 'relist'))
  assert.deepEqual(progress.at(at(2001)), { '': '60' })
  progress.see('', object(2002, '80', 'relist'))
  progress.see('', { kind: 'synced', t: at(2003), source: 'pods' })
  assert.deepEqual(progress.at(at(2003)), { '': '90' })
  assert.deepEqual(progress.at(at(1500)), { '': '60' })
})

test('a frame that could not be read is no list: the position goes on with the next live one', () => {
  const progress = createProgress()
  const record = { ...recordOf({ n: 1, createdMs: 0, version: 1 }), resourceVersion: '7' }
  progress.see('', { kind: 'synced', t: at(0), source: 'pods' })
  progress.see('', { kind: 'gap', t: at(1), source: 'pods', reason: 'undecodable' })
  progress.see('', { kind: 'modified', t: at(500), source: 'pods', phase: 'live', record })
  assert.deepEqual(progress.at(at(500)), { '': '7' })
})

test('a busy stream has a position for every moment of the time that is kept', () => {
  const progress = createProgress()
  progress.see('', { kind: 'synced', t: at(0), source: 'pods' })
  for (let ms = 0; ms < 60_000; ms += 7) {
    const record = { ...recordOf({ n: 1, createdMs: 0, version: 1 }), resourceVersion: String(1000 + ms) }
    progress.see('', { kind: 'modified', t: at(ms), source: 'pods', phase: 'live', record })
  }
  for (const agoMs of [0, 100, 1000, 5000, 9000]) {
    const version = Number(progress.at(at(59_990 - agoMs))[''])
    assert.ok(version <= 1000 + 59_990 - agoMs, `${agoMs} ms ago: ${version}`)
    assert.ok(version >= 1000 + 59_990 - agoMs - 220, `${agoMs} ms ago: ${version}`)
  }
})

test('hours of a busy stream keep few samples, and the beginning', () => {
  const progress = createProgress()
  progress.see('', { kind: 'synced', t: at(0), source: 'pods' })
  for (let second = 0; second < 7200; second += 0.2) {
    const record = {
      ...recordOf({ n: 1, createdMs: 0, version: 1 }),
      resourceVersion: String(1000 + Math.round(second * 10)),
    }
    progress.see('', { kind: 'modified', t: at(second * 1000), source: 'pods', phase: 'live', record })
  }
  for (const second of [10, 600, 3600, 7000, 7190]) {
    const version = Number(progress.at(at(second * 1000))[''])
    assert.ok(version <= 1000 + second * 10, `${second} s: ${version}`)
    assert.ok(version >= 1000, `${second} s: ${version}`)
  }
  assert.ok(Number(progress.at(at(7_190_000))['']) >= 1000 + 71_890)
})

test('the simulation draws from its seed only', () => {
  assert.equal(randomOf(7)(), randomOf(7)())
})
