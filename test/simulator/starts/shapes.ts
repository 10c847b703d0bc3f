// Owns the shapes of simulated starts: which containers, pulls, waits and failures a start has, and how often.
// Promises the shares of the recordings (distributions.json), with the rare ones lifted to one in a hundred so that every run has them.
// Does not draw times.

import { type Life, LifeWriter } from './life.ts'
import { type ContainerPlan, imageOf } from './objects.ts'

interface Plan {
  readonly name: string
  readonly containers: readonly ContainerPlan[]
  readonly share: number
  readonly outcome?: Life['outcome']
  readonly gate?: true
  readonly noRoom?: true
  readonly crash?: true
  readonly failedPull?: true
}

const app: ContainerPlan = { name: 'app' }
const probed: ContainerPlan = { name: 'app', isProbed: true }
const numbered = (count: number): ContainerPlan[] =>
  Array.from({ length: count }, (_, n) => ({ name: `app-${n}` }))

/** `share` of 1,000. */
export const PLANS: readonly Plan[] = [
  { name: 'plain', containers: [app], share: 520 },
  { name: 'probed', containers: [probed], share: 330 },
  { name: 'pulled', containers: [{ ...app, isPulled: true }], share: 40 },
  { name: 'two', containers: [app, { name: 'proxy', isProbed: true }], share: 20 },
  {
    name: 'init',
    containers: [
      { name: 'prepare', isInit: true, isPulled: true },
      { ...probed, isPulled: true },
    ],
    share: 20,
  },
  { name: 'many', containers: numbered(12), share: 10 },
  { name: 'no room', containers: [app], share: 10, noRoom: true },
  { name: 'gated', containers: [app], share: 10, gate: true },
  { name: 'crashed', containers: [probed], share: 10, crash: true },
  { name: 'image late', containers: [{ ...app, isPulled: true }], share: 10, failedPull: true },
  { name: 'deleted', containers: [probed], share: 10, outcome: 'deleted' },
  { name: 'never ready', containers: [probed], share: 10, outcome: 'timeout' },
]

function liveOf(plan: Plan): Life {
  const writer = new LifeWriter(plan.containers, plan.gate === true)
  const bound = place(writer, plan)
  let now = prepare(writer, bound)
  for (const container of plan.containers.filter(({ isInit }) => isInit))
    now = runInit(writer, container, now, plan)
  for (const container of plan.containers.filter(({ isInit }) => !isInit))
    now = startOne(writer, container, now, plan)
  finish(writer, plan, now)
  return writer.life(plan.name, plan.outcome ?? 'ready')
}

function place(writer: LifeWriter, { gate, noRoom }: Plan): number {
  let free = 0
  if (gate) {
    free = writer.write(0, { isGated: false }, { stage: 'gate', ms: 0 })
    writer.true('wait at scheduling gate', 'end', free)
  }
  if (noRoom) {
    const failed = writer.moment({ after: free, ms: 8 })
    writer.event(failed, 'FailedScheduling', '0/3 nodes are available: 3 Insufficient cpu.')
    writer.write(failed, writer.withConditions({ PodScheduled: ['False', failed] }), { ms: 4 })
    free = writer.moment({ after: failed, stage: 'wait for room' })
  }
  const decided = writer.moment({ after: free, stage: 'schedule' })
  const bound = writer.write(decided, {
    isBound: true,
    ...writer.withConditions({ PodScheduled: ['True', decided] }),
  })
  writer.true('schedule', 'end', bound)
  const answered = writer.moment({ after: bound, ms: 1 })
  writer.event(answered, 'Scheduled', 'Successfully assigned simulated/POD to NODE')
  return bound
}

function prepare(writer: LifeWriter, bound: number): number {
  const seen = writer.moment({ after: bound, ms: 6 })
  const admitted = writer.node(seen)
  const no = (['Initialized', 'Ready', 'ContainersReady', 'PodReadyToStartContainers'] as const).map(
    (type) => [type, ['False', admitted]] as const,
  )
  const isInit = writer.state.containers.some((one) => one.isInit)
  const conditions = writer.withConditions({
    ...Object.fromEntries(no),
    ...(isInit ? {} : { Initialized: ['True', admitted] as const }),
  })
  writer.write(seen, { admitted, ...conditions }, { ms: 12 })
  const sandbox = writer.moment({ after: bound, stage: 'sandbox', ms: 10, notBefore: seen })
  writer.true('prepare pod and create sandbox', 'end', sandbox)
  const shown = writer.node(writer.moment({ after: sandbox, ms: 3 }))
  writer.write(sandbox, writer.withConditions({ PodReadyToStartContainers: ['True', shown] }), {
    ms: 9,
  })
  return sandbox
}

/** Image, create, start; returns when the container runs. */
function startOne(writer: LifeWriter, container: ContainerPlan, from: number, plan: Plan): number {
  let begun = writer.moment({ after: from, ms: 0.9 })
  begun = pull(writer, container, begun, plan)
  let running = run(writer, container, begun, 0)
  if (plan.crash && !container.isInit) {
    for (let restart = 1; restart <= 2; restart++) {
      const ended = writer.moment({ after: running, ms: 150 })
      const state = {
        is: 'ended',
        since: writer.node(running),
        until: writer.node(ended),
        exitCode: 1,
      } as const
      writer.write(ended, { ...writer.withState(container.name, state) }, { ms: 20 })
      writer.event(ended, 'BackOff', `Back-off restarting failed container ${container.name}`, { container })
      const again = writer.moment({ after: ended, ms: 900 * restart })
      writer.event(again, 'Pulled', present(container), { container })
      running = run(writer, container, again, restart)
    }
  }
  return running
}

const present = ({ name }: ContainerPlan): string =>
  `Container image "${imageOf(name)}" already present on machine`

function pull(writer: LifeWriter, container: ContainerPlan, begun: number, { failedPull }: Plan): number {
  if (!container.isPulled) {
    writer.event(begun, 'Pulled', present(container), { container })
    return begun
  }
  const image = imageOf(container.name)
  let from = begun
  if (failedPull) {
    writer.event(from, 'Pulling', `Pulling image "${image}"`, { container })
    const failed = writer.moment({ after: from, stage: 'failed pull' })
    writer.event(failed, 'Failed', `Failed to pull image "${image}": not found`, { container })
    from = writer.moment({ after: failed, ms: 1500 })
  }
  writer.event(from, 'Pulling', `Pulling image "${image}"`, { container })
  const pulled = writer.moment({ after: from, stage: 'pull' })
  writer.true('pull image', 'end', pulled, container.name)
  // The durations in the message are not known when a life is made: older kubelets gave none either.
  writer.event(pulled, 'Pulled', `Successfully pulled image "${image}"`, { container, lag: 'lag of Pulled' })
  return pulled
}

function run(writer: LifeWriter, container: ContainerPlan, from: number, restart: number): number {
  const created = writer.moment({ after: from, stage: 'create' })
  writer.event(created, 'Created', 'Container created', { container, lag: 'lag of Created' })
  const started = writer.moment({ after: created, stage: 'start' })
  writer.event(started, 'Started', 'Container started', { container, lag: 'lag of Started' })
  if (restart === 0) {
    writer.true('create container', 'end', created, container.name)
    writer.true('start container', 'end', started, container.name)
  }
  const state = { is: 'running', since: writer.node(started), ready: false } as const
  const restarts = { ...writer.state.restarts, [container.name]: restart }
  writer.write(started, { restarts, ...writer.withState(container.name, state) }, { ms: 25 })
  return started
}

function runInit(writer: LifeWriter, container: ContainerPlan, from: number, plan: Plan): number {
  const started = startOne(writer, container, from, plan)
  const ended = writer.moment({ after: started, stage: 'init run', ms: 300 })
  const state = { is: 'ended', since: writer.node(started), until: writer.node(ended), exitCode: 0 } as const
  const noted = writer.moment({ after: ended, ms: 40 })
  const initialized = writer.withConditions({ Initialized: ['True', writer.node(noted)] })
  writer.write(noted, { ...writer.withState(container.name, state), ...initialized }, { ms: 5 })
  return noted
}

function finish(writer: LifeWriter, plan: Plan, running: number): void {
  if (plan.outcome === 'timeout') return
  if (plan.outcome === 'deleted') return end(writer, writer.moment({ after: running, ms: 120 }))
  const isProbed = plan.containers.some((one) => one.isProbed)
  const ready = writer.moment({ after: running, ms: 5, ...(isProbed ? { stage: 'readiness' } : {}) })
  const shown = writer.node(ready)
  const states = Object.fromEntries(
    Object.entries(writer.state.states).map(([name, state]) => [
      name,
      state.is === 'running' ? { ...state, ready: true } : state,
    ]),
  )
  const yes = writer.withConditions({ Ready: ['True', shown], ContainersReady: ['True', shown] })
  const stored = writer.write(ready, { phase: 'Running', states, ...yes }, { stage: 'report', ms: 4 })
  writer.true('pod startup', 'end', stored)
  end(writer, writer.moment({ after: stored, stage: LIFETIME }))
}

/** How long a pod lives once it is ready; the player says. */
export const LIFETIME = 'lifetime'

function end(writer: LifeWriter, asked: number): void {
  // The stamp of a deletion is when its grace is over: a second later.
  const deleted = writer.moment({ after: asked, ms: 1000 })
  const marked = writer.write(asked, { deleted }, { ms: 1 })
  writer.remove(writer.moment({ after: marked, ms: 200 }))
}

export const LIVES: readonly Life[] = PLANS.map(liveOf)
