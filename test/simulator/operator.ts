// Owns one replica of the operator as a process of its own, as its image runs it: configuration, kubeconfig, log, metrics, end.
// Promises that it ends when it is disposed of, and that every line of its log is kept. Does not judge.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import { NODE_FLAGS, NODE_VARIABLES } from '../../scripts/image.ts'
import { program } from '../e2e/trace-support.ts'

export interface OperatorOptions {
  readonly url: string
  readonly ca: string
  readonly token: string
  /** Where its traces go. */
  readonly endpoint: string
  readonly name?: string
  /** Over what follows here. */
  readonly config?: object
  /** Of the one exporter. */
  readonly exporter?: object
  /** A module that is loaded before it. */
  readonly preload?: string
}

type Line = Readonly<Record<string, unknown>>

export interface Operator extends AsyncDisposable {
  readonly child: ChildProcess
  readonly lines: readonly Line[]
  /** All of the exposition; empty where there is no answer. */
  metrics(): Promise<string>
  /** The sum of a metric's series that hold all of these texts. */
  metric(name: string, ...labels: readonly string[]): Promise<number>
  said(message: string): Promise<Line>
  signal(signal: NodeJS.Signals): void
  readonly exit: Promise<number | undefined>
}

/** With the most that a session may export: 1,667 starts a second. */
const LIMITS = { tracesPerMinute: 100_000 }
const STANDING = { allPods: true, namespaceSelector: {}, completion: { when: 'Never' }, limits: LIMITS }
/** Evidence settles for a second, so that a run takes seconds. */
const CONFIG = {
  settle: '1s',
  startTimeout: '2m',
  standingSession: STANDING,
  log: { level: 'info' },
}

let ports = 0

export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const directory = mkdtempSync(join(tmpdir(), 'podspan-operator-'))
  // Below the range from which the system gives ports to clients.
  const port = 21_000 + ((process.pid * 7 + ports++) % 9000)
  const file = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const kubeconfig = file('kubeconfig', JSON.stringify(kubeconfigOf(options)))
  const exporters = {
    default: {
      endpoint: options.endpoint,
      protocol: 'http/protobuf',
      compression: 'none',
      ...options.exporter,
    },
  }
  const server = { address: '127.0.0.1', port }
  const config = file('config.yaml', stringify({ ...CONFIG, exporters, server, ...options.config }))
  const preload = options.preload === undefined ? [] : ['--import', options.preload]
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, ...preload, program(), 'controller', '--config', config],
    {
      env: {
        ...process.env,
        ...NODE_VARIABLES,
        KUBECONFIG: kubeconfig,
        POD_NAME: options.name ?? 'podspan-0',
        POD_NAMESPACE: 'podspan-system',
      },
      stdio: ['ignore', 'pipe', 'inherit', ...(options.preload === undefined ? [] : ['ipc' as const])],
    },
  )
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (text) => {
    lines.push(parse(text))
    for (const look of waiting) look()
  })
  const exit = new Promise<number | undefined>((resolve) =>
    child.once('exit', (code) => resolve(code ?? undefined)),
  )
  const url = `http://127.0.0.1:${port}/metrics`
  const metrics = (): Promise<string> =>
    fetch(url).then(
      (answer) => answer.text(),
      () => '',
    )
  const operator: Operator = {
    child,
    lines,
    exit,
    metrics,
    metric: async (name, ...labels) => sumOf(await metrics(), name, labels),
    said: (message) => said(lines, waiting, message),
    signal: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exit
      rmSync(directory, { recursive: true, force: true })
    },
  }
  return operator
}

function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line
  } catch {
    return { message: text }
  }
}

async function said(lines: readonly Line[], waiting: Set<() => void>, message: string): Promise<Line> {
  const find = (): Line | undefined =>
    lines.find((line) => line['message'] === message || line['msg'] === message)
  const heard = new Promise<Line>((resolve) => {
    const look = (): void => {
      const line = find()
      if (!line) return
      waiting.delete(look)
      resolve(line)
    }
    waiting.add(look)
    look()
  })
  const line = await Promise.race([heard, delay(120_000, undefined, { ref: false })])
  if (line) return line
  throw new Error(`'${message}' was not said within two minutes, but ${JSON.stringify(lines.slice(-5))}`)
}

export function sumOf(exposition: string, name: string, labels: readonly string[]): number {
  let sum = 0
  for (const line of exposition.split('\n')) {
    const [, found, , series = '', value] = /^([a-z_]+)(\{(.*)\})? (\S+)/.exec(line) ?? []
    if (found === name && labels.every((label) => series.includes(label))) sum += Number(value)
  }
  return sum
}

const kubeconfigOf = ({ ca, token, url }: OperatorOptions): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'simulator',
  contexts: [{ name: 'simulator', context: { cluster: 'simulator', user: 'operator' } }],
  clusters: [
    {
      name: 'simulator',
      cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
    },
  ],
  users: [{ name: 'operator', user: { token } }],
})
