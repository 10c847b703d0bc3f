// Owns the generation of small clusters: lives of pods as they could have been, with the moments at which things truly happened.
// Promises that every generated life is one that a real node could have led: containers start in order, whole seconds are
// truncated, events are recorded just after what they report. Does not look at what becomes of it.

import fc from 'fast-check'
import type { Frame } from '../../src/base/frame.ts'
import type { ContainerSpec } from '../../src/base/record.ts'
import { clusterFrames } from './pods-cluster.ts'
import { type Story, story } from './pods.ts'

/** The true boundaries of one span, in ms. */
export interface Truth {
  readonly uid: string
  readonly span: string
  readonly container?: string
  /** Which of several spans of this name and container, from 0. */
  readonly place: number
  readonly fromMs: number
  readonly toMs: number
}

export interface Cluster {
  readonly frames: readonly Frame[]
  readonly truths: readonly Truth[]
}

interface ContainerLife {
  readonly pull: 'cached' | 'pulled' | 'failed first'
  readonly createMs: number
  readonly startMs: number
  readonly pullMs: number
  readonly runMs: number
  readonly crashes: number
}

interface PodLife {
  readonly createdMs: number
  readonly lagMs: number
  readonly gateMs: number
  readonly scheduleMs: number
  readonly sandboxMs: number
  readonly sandboxFailures: number
  readonly inits: readonly ContainerLife[]
  readonly apps: readonly ContainerLife[]
  readonly readyMs: number
  readonly reportMs: number
}

const span = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max })

const containerLife: fc.Arbitrary<ContainerLife> = fc.record({
  pull: fc.constantFrom('cached', 'cached', 'pulled', 'failed first'),
  createMs: span(3, 400),
  startMs: span(3, 300),
  pullMs: span(20, 9000),
  runMs: span(5, 4000),
  crashes: fc.constantFrom(0, 0, 0, 1, 2),
})

const podLife: fc.Arbitrary<PodLife> = fc.record({
  createdMs: span(0, 20_000),
  lagMs: span(1, 25),
  gateMs: fc.oneof(fc.constant(0), span(50, 5000)),
  scheduleMs: span(3, 3000),
  sandboxMs: span(30, 3000),
  sandboxFailures: fc.constantFrom(0, 0, 0, 1, 2),
  inits: fc.array(containerLife, { maxLength: 2 }),
  apps: fc.array(containerLife, { minLength: 1, maxLength: 3 }),
  readyMs: span(50, 5000),
  reportMs: span(3, 60),
})

/** Up to four pods on one node. */
export const anyCluster: fc.Arbitrary<Cluster> = fc
  .array(podLife, { minLength: 1, maxLength: 4 })
  .map((lives) => lives.map(live))
  .map((lived) => ({
    frames: clusterFrames(
      lived.flatMap(({ told }) => told.writes()),
      Math.max(...lived.map(({ endMs }) => endMs)) + 12_000,
    ),
    truths: lived.flatMap(({ truths }) => truths),
  }))

interface Lived {
  readonly told: Story
  readonly truths: Truth[]
  endMs: number
}

/** An event is recorded this long after what it reports. */
const RECORD_MS = 0.1
const PRESENT = 'Container image "x" already present on machine'

function live(life: PodLife, index: number): Lived {
  const uid = `0b9f6f1e-8a5c-4f0e-9d4b-00000000000${index}`
  const specs = (kind: string, lives: readonly ContainerLife[]): ContainerSpec[] =>
    lives.map((_, place) => ({
      name: `${kind}-${place}`,
      image: `${kind}:${place}`,
      ...(kind === 'app' ? PROBED : {}),
    }))
  const told = story(
    {
      uid,
      name: `pod-${index}`,
      createdSeconds: Math.floor(1_800_000_000 + life.createdMs / 1000),
      initContainers: specs('init', life.inits),
      containers: specs('app', life.apps),
      ...(life.gateMs > 0 ? { schedulingGates: ['a.com/gate'] } : {}),
    },
    life.lagMs,
  )
  const lived: Lived = { told, truths: [], endMs: life.createdMs }
  const note = (span: string, fromMs: number, toMs: number, container?: string): void => {
    const place = lived.truths.filter((one) => one.span === span && one.container === container).length
    lived.truths.push({ uid, span, place, fromMs, toMs, ...(container ? { container } : {}) })
  }
  told.create(life.createdMs)
  const bound = livePlacing(told, life, note)
  let now = liveSandbox(told, life, bound, note)
  for (const [place, one] of life.inits.entries()) now = liveInit(told, one, `init-${place}`, now + 2, note)
  for (const [place, one] of life.apps.entries()) now = liveStart(told, one, `app-${place}`, now + 2, note)
  const ready = now + life.readyMs
  told.ready(ready + life.reportMs)
  note('pod startup', life.createdMs, ready + life.reportMs)
  lived.endMs = ready + life.reportMs
  return lived
}

const PROBED = { readinessProbe: { periodSeconds: 1 } }

type Note = (span: string, fromMs: number, toMs: number, container?: string) => void

function livePlacing(told: Story, { createdMs, gateMs, scheduleMs }: PodLife, note: Note): number {
  const free = createdMs + gateMs
  if (gateMs > 0) {
    told.change(free, { schedulingGates: [] })
    note('wait at scheduling gate', createdMs, free)
  }
  told.bind(free + scheduleMs).admit(free + scheduleMs + 15)
  note('schedule', free, free + scheduleMs)
  return free + scheduleMs
}

function liveSandbox(
  told: Story,
  { sandboxMs, sandboxFailures }: PodLife,
  bound: number,
  note: Note,
): number {
  let begun = bound
  for (let failure = 0; failure < sandboxFailures; failure++) {
    const message = `Failed to create pod sandbox: try ${failure}`
    told.event(begun + sandboxMs + RECORD_MS, 'FailedCreatePodSandBox', undefined, message)
    begun += sandboxMs + 11_000
  }
  const ready = begun + sandboxMs
  told.condition(ready + 8, 'PodReadyToStartContainers')
  note('prepare pod and create sandbox', bound, ready)
  return ready
}

function liveInit(told: Story, life: ContainerLife, name: string, from: number, note: Note): number {
  const started = liveStart(told, { ...life, crashes: 0 }, name, from, note)
  const finished = started + life.runMs
  told.statuses(finished + 700, { [name]: { exited: 0, from: started, until: finished } })
  note('run init container', started, finished, name)
  return finished + 750
}

/** Returns when the last run was started; a crash is followed by back-off and another run of the same container. */
function liveStart(told: Story, life: ContainerLife, name: string, from: number, note: Note): number {
  let present = livePull(told, life, name, from, note)
  for (let run = 0; ; run++) {
    const created = present + life.createMs
    const started = created + life.startMs
    told.event(created + RECORD_MS, 'Created', name, 'Container created')
    told.event(started + RECORD_MS, 'Started', name, 'Container started')
    note('create container', present, created, name)
    note('start container', created, started, name)
    if (run >= life.crashes) {
      told.statuses(started + 40, { [name]: { running: started, run, started: true } })
      return started
    }
    const finished = started + life.runMs
    told.statuses(finished + 30, { [name]: { exited: 1, from: started, until: finished, run } })
    present = finished + 10_000 * (run + 1)
    told.event(present + RECORD_MS, 'Pulled', name, PRESENT)
  }
}

function livePull(told: Story, life: ContainerLife, name: string, from: number, note: Note): number {
  if (life.pull === 'cached') {
    told.event(from + RECORD_MS, 'Pulled', name, PRESENT)
    return from
  }
  let requested = from
  const pulling = `Pulling image "${name}"`
  if (life.pull === 'failed first') {
    told.event(requested, 'Pulling', name, pulling)
    told.event(requested + 50 + RECORD_MS, 'Failed', name, `Failed to pull image "${name}": not found`)
    note('pull image', requested, requested + 50, name)
    requested += 12_000
  }
  told.event(requested, 'Pulling', name, pulling)
  const pulled = requested + life.pullMs
  const text = `${life.pullMs}ms`
  const message = `Successfully pulled image "${name}" in ${text} (${text} including waiting)`
  told.event(
    pulled + RECORD_MS,
    'Pulled',
    name,
    life.pullMs < 1000 ? message : message.replaceAll(text, `${life.pullMs / 1000}s`),
  )
  note('pull image', requested, pulled, name)
  return pulled
}
