// Owns the bench of idle memory: the operator as its image runs it, after it has listed a small cluster and exported some starts.
// Promises the whole process as the system counts it (VmRSS), and that what it exported has arrived before anything is read.
// Does not build the bundle: `make bench` does.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NODE_FLAGS, NODE_VARIABLES } from '../scripts/image.ts'
import { nodeObject, podObject } from '../test/simulator/objects.ts'
import { SimulatedApiServer } from '../test/simulator/server.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../test/support/otlp-receiver.ts'
import { startChild } from './processes.ts'
import type { Bench } from './report.ts'

const BUNDLE = join(import.meta.dirname, '..', 'dist', 'podspan.mjs')
const LIMIT_MS = 120_000
const STARTS = 20
const STAGES = ['created', 'bound', 'running', 'ready'] as const

/** Longer than it takes until memory is given back (controller/give-back.ts). */
const IDLE_MS = 30_000

export const bench: Bench = async ({ quick, say }) => {
  const idleMs = quick ? 2000 : IDLE_MS
  const ours: number[] = []
  const theirs: number[] = []
  for (let repeat = 0; repeat < (quick ? 1 : 3); repeat++) {
    const api = await SimulatedApiServer.start({ tls: true })
    for (let number = 1; number <= 3; number++) api.store.apply('nodes', nodeObject(number, 1))
    for (let number = 1; number <= 30; number++)
      api.store.apply('pods', podObject({ number: 1000 + number, resourceVersion: 1 }))
    ours.push(await operatorMb(api, idleMs))
    theirs.push(await informersMb(api, idleMs))
    say(
      `  the operator ${ours.at(-1)?.toFixed(1)} MB, client-node's informers ${theirs.at(-1)?.toFixed(1)} MB`,
    )
    await api.close()
  }
  return [
    {
      what: 'idle operator that has exported over gRPC, RSS',
      unit: 'MB',
      ours,
      theirs: { name: "client-node's informers of pods and events alone", values: theirs },
      target: { kind: 'value', atMost: 90 },
    },
  ]
}

async function operatorMb(api: SimulatedApiServer, idleMs: number): Promise<number> {
  const receiver = await startOtlpReceiver({ protocol: 'grpc', keep: 'counts' })
  const directory = mkdtempSync(join(tmpdir(), 'podspan-idle-'))
  const operator = startOperator(api, receiver, directory)
  const end = setTimeout(() => operator.kill('SIGKILL'), LIMIT_MS)
  try {
    await until('the operator watches', () => api.openWatches('pods') > 0 && api.openWatches('events') > 0)
    await playStarts(api)
    await until('the starts have arrived', () => receiver.traceIds.size >= STARTS)
    await pause(idleMs)
    return residentMb(operator.pid)
  } finally {
    clearTimeout(end)
    operator.kill('SIGKILL')
    await receiver.close()
    rmSync(directory, { recursive: true })
  }
}

function startOperator(api: SimulatedApiServer, receiver: OtlpReceiver, directory: string): ChildProcess {
  const write = (name: string, content: object | Buffer | undefined): string => {
    const path = join(directory, name)
    writeFileSync(path, Buffer.isBuffer(content) ? content : JSON.stringify(content))
    return path
  }
  const cluster = { server: api.url, 'certificate-authority': write('ca.crt', api.certificate) }
  const kubeconfig = write('kubeconfig', {
    clusters: [{ name: 'bench', cluster }],
    users: [{ name: 'bench', user: { token: 'bench' } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    'current-context': 'bench',
  })
  const config = write('config.yaml', {
    server: { address: '127.0.0.1', port: 0 },
    page: { port: 0 },
    exporters: { default: { endpoint: receiver.url, protocol: 'grpc' } },
    standingSession: { allPods: true, namespaceSelector: {} },
  })
  return spawn(
    process.execPath,
    [...NODE_FLAGS, BUNDLE, 'controller', '--config', config, '--kubeconfig', kubeconfig],
    { env: { ...process.env, ...NODE_VARIABLES }, stdio: ['ignore', 'ignore', 'inherit'] },
  )
}

async function playStarts(api: SimulatedApiServer): Promise<void> {
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  for (let number = 1; number <= STARTS; number++)
    for (const stage of STAGES) {
      const pod = JSON.stringify(podObject({ number, resourceVersion: 1, stage, size: 'production' }))
      api.store.apply('pods', JSON.parse(pod.replace(/"\d{4}-\d\d-\d\dT[\d:]*Z"/g, `"${now}"`)))
      await pause(20)
    }
}

async function informersMb(api: SimulatedApiServer, idleMs: number): Promise<number> {
  const child = startChild('idle-client.ts', { limitMs: LIMIT_MS })
  child.send({ server: api.url, ca: String(api.certificate) })
  const pid = await child.receive<number>('watching')
  await pause(idleMs)
  const mb = residentMb(pid)
  child.kill()
  return mb
}

function residentMb(pid: number | undefined): number {
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (Number(kilobytes) * 1024) / 1e6
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !holds(); await pause(100))
    if (performance.now() > end) throw new Error(`not within 30 s: ${what}`)
}
