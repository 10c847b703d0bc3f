// Owns what tests of the whole operator share: replicas against one simulated API server under one clock that tests move, and a backend that answers as told.
// Promises that a replica can be killed as by SIGKILL: nothing of it runs or is sent any more, and its Lease stays.
// Does not wait for real time.

import { type Clock, manualClock } from '../../src/base/clock.ts'
import { formatRfc3339, milliseconds, parseRfc3339, type UnixNano, unixNano } from '../../src/base/time.ts'
import { type ControllerConfig, loadConfig } from '../../src/controller/config.ts'
import { runController } from '../../src/controller/controller.ts'
import { createExporters, type Exporters } from '../../src/controller/exporters.ts'
import { createLog } from '../../src/controller/log.ts'
import { createExporter } from '../../src/export/exporter.ts'
import type { SendResult } from '../../src/export/transport.ts'
import { openDirect } from '../../src/kube/config.ts'
import { podObject, type PodShape, uidOf } from '../simulator/objects.ts'
import { SimulatedApiServer } from '../simulator/server.ts'
import type { Obj } from '../simulator/encode.ts'
import { scriptedTransport } from '../export/scripted-transport.ts'

export const OWN = 'podspan-system'
/** Shortly after the pods of simulator/objects.ts. */
const START = parseRfc3339('2026-11-22T12:01:00Z') ?? unixNano(0n)

export interface Sent {
  readonly replica: string
  /** Of a pod of api-server-objects.ts; else empty. */
  readonly uid: string
}

/** The same, by what is in it. */
export interface Request {
  readonly replica: string
  /** Whether it names this id, of a trace or of a span. */
  holds(id: string): boolean
}

export interface Replica {
  readonly name: string
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  readonly exporters: Exporters
  readonly ended: Promise<void>
  port(): number
  /** Of gRPC and HTTP, where spans of other components are received. */
  receiverPorts(): readonly number[]
  /** As SIGTERM. */
  stop(): void
  /** As SIGKILL. */
  kill(): void
}

type TestClock = ReturnType<typeof manualClock>

export interface World extends AsyncDisposable {
  readonly server: SimulatedApiServer
  readonly clock: TestClock
  /** What reached the backend, in order. */
  readonly sent: Sent[]
  readonly requests: Request[]
  answer: () => SendResult | Promise<SendResult>
  replica(name: string, yaml?: string): Replica
  until(what: string, holds: () => boolean): Promise<void>
  /** Lets so much time pass, a little at a time. */
  pass(ms: number): Promise<void>
  get(replica: Replica, path: string): Promise<{ status: number; body: string }>
}

const CONFIG = `
exporters: {default: {endpoint: "http://collector:4318"}}
server: {address: 127.0.0.1, port: 0}
log: {level: debug}
`

export async function openWorld(): Promise<World> {
  const clock = manualClock(START)
  const server = await SimulatedApiServer.start({ nowMs: () => Number(clock.now() / 1_000_000n) })
  const replicas: { bury(): Promise<void> }[] = []
  const world: World = {
    server,
    clock,
    sent: [],
    requests: [],
    answer: () => ({ kind: 'ok' }),
    replica: (name, yaml = '') => {
      const made = startReplica(world, name, yaml)
      replicas.push(made)
      return made
    },
    until: (what, holds) => until(clock, what, holds),
    pass: async (ms) => {
      const end = clock.now() + BigInt(ms) * 1_000_000n
      await until(clock, `${ms} ms pass`, () => clock.now() >= end)
    },
    get: async (replica, path) => {
      const answer = await fetch(`http://127.0.0.1:${replica.port()}${path}`)
      return { status: answer.status, body: await answer.text() }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(replicas.map((replica) => replica.bury()))
      await server.close()
    },
  }
  return world
}

const SPINS = 60_000

/** Turns the event loop, moving the clock by 50 ms now and then. */
async function until(clock: TestClock, what: string, holds: () => boolean): Promise<void> {
  for (let n = 0; n < SPINS; n++) {
    if (holds()) return
    if (n % 20 === 19) clock.advance(milliseconds(50))
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`never happened: ${what}`)
}

/** A clock whose sleepers never wake once the process is dead, until it is buried. */
function mortalClock(clock: Clock): Clock & { die(): void; bury(): void } {
  const graves: (() => void)[] = []
  let dead = false
  let buried = false
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: async (delayMs, signal) => {
      if (!dead) await clock.sleep(delayMs, signal)
      if (dead && !buried) await new Promise<void>((resolve) => graves.push(resolve))
    },
    die: () => {
      dead = true
    },
    bury: () => {
      buried = true
      for (const wake of graves.splice(0)) wake()
    },
  }
}

function startReplica(world: World, name: string, yaml: string): Replica & { bury(): Promise<void> } {
  const clock = mortalClock(world.clock)
  const connection = openDirect(world.server.url)
  const signal = new AbortController()
  const lines: Record<string, unknown>[] = []
  const out = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) > 0 }
  const random = (): number => 0.5
  const log = createLog({ level: 'debug', clock, out })
  const config = configOf(yaml)
  const state = { dead: false, port: 0, receiverPorts: [] as readonly number[] }
  const exporters = createExporters({
    env: {},
    clock,
    random,
    log,
    readFile: () => 'secret',
    create: (options, dependencies) => createCounted(world, name, state, options, dependencies),
  })
  exporters.configure(config)
  const ended = runController({
    config,
    sources: {},
    connection,
    exporters,
    readFile: () => '',
    clock,
    random,
    log,
    version: '0.0.0',
    podName: name,
    podNamespace: OWN,
    signal: signal.signal,
    onListening: (port) => (state.port = port),
    onReceiving: (ports) => (state.receiverPorts = ports),
    // Of many replicas in one process only those that are asked to may take the page's port.
    ...(yaml.includes('page:') && {
      pageFiles: () => ({ 'index.html': { type: 'text/html', body: 'the page' } }),
    }),
  })
  const kill = (): void => {
    state.dead = true
    clock.die()
    void connection.close()
  }
  return {
    name,
    lines,
    exporters,
    ended,
    port: () => state.port,
    receiverPorts: () => state.receiverPorts,
    stop: () => signal.abort(),
    kill,
    bury: async () => {
      if (!signal.signal.aborted) kill()
      signal.abort()
      clock.bury()
      // What a dead replica still has to say is nobody's business.
      const over = ended.catch((error: Error) => {
        if (!state.dead) throw error
      })
      await until(world.clock, `${name} ends`, await settledFlag(over))
      await connection.close()
    },
  }
}

async function settledFlag(work: Promise<void>): Promise<() => boolean> {
  const state = { done: false }
  void work.finally(() => (state.done = true))
  await Promise.resolve()
  return () => state.done
}

function createCounted(
  world: World,
  replica: string,
  state: { readonly dead: boolean },
  ...[options, dependencies]: Parameters<typeof createExporter>
): ReturnType<typeof createExporter> {
  const transport = scriptedTransport(async (batch) => {
    if (state.dead) return new Promise<SendResult>(() => {})
    const result = await world.answer()
    // What reached the backend has reached it, even if its answer comes too late.
    if (result.kind === 'ok') for (const request of batch.requests) note(world, replica, request)
    return state.dead ? new Promise<SendResult>(() => {}) : result
  })
  return createExporter(options, { ...dependencies, connect: () => transport })
}

/** A pod's UID stands in its root span's resource, as text. */
function note(world: World, replica: string, request: Uint8Array): void {
  const text = Buffer.from(request).toString('latin1')
  const uid = /00000001-0000-4000-8000-[0-9a-f]{12}/.exec(text)?.[0] ?? ''
  world.sent.push({ replica, uid })
  world.requests.push({ replica, holds: (id) => text.includes(Buffer.from(id, 'hex').toString('latin1')) })
}

function configOf(yaml: string): ControllerConfig {
  const loaded = loadConfig({ file: { path: 'test.yaml', text: CONFIG + yaml } })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  return loaded.config
}

let sessions = 0

export function sessionObject(
  name: string,
  spec: Obj,
  namespace = 'default',
  annotations?: Readonly<Record<string, string>>,
): Obj {
  sessions += 1
  return {
    apiVersion: 'podspan.dev/v1alpha1',
    kind: 'TraceSession',
    metadata: {
      name,
      namespace,
      uid: uidOf(0x75, sessions),
      generation: 1,
      creationTimestamp: '2026-11-22T12:00:00Z',
      ...(annotations && { annotations }),
    },
    spec,
  }
}

export const podUid = (number: number): string => uidOf(1, number)

const STAGES: readonly NonNullable<PodShape['stage']>[] = ['created', 'bound', 'running', 'ready']

/** A pod as the API server has just stored it: created then, its status written now. */
export function livePod(
  number: number,
  stage: NonNullable<PodShape['stage']>,
  created: UnixNano,
  now: UnixNano = created,
): Obj {
  const object = podObject({ number, resourceVersion: 0, stage })
  const [metadata, status] = [object['metadata'] as Obj, object['status'] as Obj]
  const written = { time: secondOf(now) }
  return {
    ...object,
    metadata: {
      ...metadata,
      creationTimestamp: secondOf(created),
      managedFields: (metadata['managedFields'] as readonly Obj[]).map((one) => ({ ...one, ...written })),
    },
    status: {
      ...status,
      conditions: (status['conditions'] as readonly Obj[]).map((one) => ({
        ...one,
        lastTransitionTime: secondOf(now),
      })),
    },
  }
}

const secondOf = (at: UnixNano): string => formatRfc3339(at, 0)

/** From creation to Ready, seen by every watch. */
export async function startPod(world: World, number: number): Promise<void> {
  const created = world.clock.now()
  for (const stage of STAGES) {
    world.server.store.apply('pods', livePod(number, stage, created, world.clock.now()))
    await world.pass(100)
  }
}
