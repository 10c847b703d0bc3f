// Owns replicas of the operator as processes on this machine: their start, their end by any signal, and what they say.
// Promises that they share one Lease in the namespace of the test, look at nothing beyond it, and are ended with the test.
// Does not know the cluster's installation by chart; operator-support.ts does.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRfc3339, type UnixNano, unixNano } from '../../src/base/time.ts'
import { readCluster } from '../cluster/cluster.ts'
import type { Api } from '../scenarios/api.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { clock } from '../scenarios/stage.ts'
import { endOf, freePort } from './arrivals.ts'
import { program } from './trace-support.ts'

export interface Line {
  readonly level: string
  readonly message: string
  readonly at: UnixNano
  readonly [field: string]: unknown
}

export interface Replica {
  readonly name: string
  /** Of all its lives, or of the one that it lives now. */
  lines(which?: 'all lives' | 'this life'): readonly Line[]
  /** By its own word. */
  leads(): boolean
  isReady(): boolean
  start(): void
  /** SIGKILL: no last word. */
  kill(): Promise<void>
  /** SIGTERM; its exit code. */
  terminate(): Promise<number | null>
  /** The value of a metric, summed over its series. */
  metric(name: string): Promise<number>
}

export interface Replicas extends AsyncDisposable {
  readonly all: readonly Replica[]
  /** Waits until exactly one leads, and every one is ready. */
  settled(): Promise<Replica>
  leader(): Replica | undefined
}

export interface ReplicasOptions {
  readonly namespace: string
  /** An OTLP/gRPC endpoint. */
  readonly endpoint: string
  readonly leaderElection: {
    readonly leaseDuration: string
    readonly renewDeadline: string
    readonly retryPeriod: string
  }
}

/** Whoever else runs an operator on this cluster has no exporter of this name, and so exports nothing for our session. */
const EXPORTER = 'failover'

export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const directory = await mkdtemp(join(tmpdir(), 'podspan-replicas-'))
  const all = await Promise.all(
    ['replica-a', 'replica-b'].map((name) => makeReplica(name, directory, options)),
  )
  for (const replica of all) replica.start()
  const leader = (): Replica | undefined => all.find((replica) => replica.leads())
  return {
    all,
    leader,
    settled: async () => {
      const holds = (): boolean =>
        all.every((one) => one.isReady()) && all.filter((one) => one.leads()).length === 1
      await eventually('every replica is ready and one leads', async () => holds(), 40).catch(
        (error: Error) => {
          const said = all.flatMap((one) =>
            one.lines('this life').map((line) => `${one.name}: ${line.message}`),
          )
          throw new Error(`${error.message}; they said ${said.join('; ') || 'nothing'}`)
        },
      )
      return leader() as Replica
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((replica) => replica.kill()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const configOf = ({ endpoint, leaderElection, namespace }: ReplicasOptions, port: number): object => ({
  clusterName: 'failover',
  namespaces: [namespace],
  exporters: { [EXPORTER]: { endpoint, protocol: 'grpc' } },
  standingSession: { allPods: true, completion: { when: 'Never' }, exporter: EXPORTER },
  leaderElection,
  server: { address: '127.0.0.1', port },
})

async function makeReplica(name: string, directory: string, options: ReplicasOptions): Promise<Replica> {
  const port = await freePort()
  const file = join(directory, `${name}.yaml`)
  // JSON is YAML.
  await writeFile(file, JSON.stringify(configOf(options, port)))
  // The same program in each life, whatever becomes of the sources meanwhile.
  const args = [program(), 'controller', '--config', file]
  const env = {
    ...process.env,
    KUBECONFIG: readCluster().kubeconfig,
    POD_NAME: name,
    POD_NAMESPACE: options.namespace,
  }
  const lives: Line[][] = []
  const isSaid = (message: string): boolean => (lives.at(-1) ?? []).some((line) => line.message === message)
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const ending = child
    child = undefined
    return ending === undefined ? null : endOf(ending, signal)
  }
  return {
    name,
    lines: (which = 'all lives') => (which === 'all lives' ? lives.flat() : (lives.at(-1) ?? [])),
    leads: () =>
      child !== undefined &&
      lives.at(-1)?.findLast(({ message }) => ROLES.includes(message))?.message === ROLES[0],
    isReady: () => child !== undefined && isSaid('podspan is ready'),
    start: () => {
      const life: Line[] = []
      lives.push(life)
      const started = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
      running.add(started.once('close', () => running.delete(started)))
      readLines(started, life)
      child = started
    },
    kill: async () => void (await end('SIGKILL')),
    terminate: () => end('SIGTERM'),
    metric: (metric) => metricOf(port, metric),
  }
}

/** Also where the test itself is ended before its time. */
const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')))

const ROLES = ['this replica leads', 'this replica is a standby']

/** JSON lines; anything else is kept as a message, since it is something that went wrong. */
function readLines({ stdout, stderr }: ChildProcess, into: Line[]): void {
  for (const stream of [stdout, stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines.filter((one) => one !== '')) into.push(lineOf(line))
    })
  }
}

function lineOf(text: string): Line {
  const at = clock.now()
  try {
    return { ...(JSON.parse(text) as Omit<Line, 'at'>), at } as Line
  } catch {
    return { level: 'error', message: text, at }
  }
}

async function metricOf(port: number, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5000) })
  const lines = (await response.text()).split('\n')
  const samples = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return samples.reduce(
    (sum, line) =>
      sum +
      Number(
        line
          .slice(line.lastIndexOf('}') + 1)
          .trim()
          .split(' ')[0],
      ),
    0,
  )
}

/** When the Lease was last written by whoever held it. */
export async function readRenewTime(api: Api, namespace: string): Promise<UnixNano> {
  const { spec } = await api.get({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    namespace,
    name: 'podspan',
  })
  return parseRfc3339((spec as { renewTime?: string }).renewTime) ?? unixNano(0n)
}
