// Owns the surroundings of a command in tests: a terminal that remembers, and a cluster that a recording has filled.
// Promises nothing outside the process but a loopback port and a temporary kubeconfig. Does not run commands.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { systemClock } from '../../src/base/clock.ts'
import type { Context } from '../../src/cli/context.ts'
import type { LookOptions } from '../../src/cli/terminal.ts'
import { parseLine } from '../../src/recording/format.ts'
import { SimulatedApiServer } from '../simulator/server.ts'
import type { Obj } from '../simulator/encode.ts'

export interface Surroundings {
  readonly context: Context
  readonly abort: AbortController
  out(): string
  err(): string
  /** Resolves when stdout matches; what was awaited is in the test's own time-out message. */
  printed(pattern: RegExp): Promise<void>
  /** The same of stderr. */
  said(pattern: RegExp): Promise<void>
}

export function surroundings(some: Partial<Context> = {}): Surroundings {
  const abort = new AbortController()
  const text = { out: '', err: '' }
  const waiting = new Set<() => void>()
  let preferred: LookOptions = {}
  const terminal = {
    print: (result: string): Promise<void> => {
      text.out += result
      for (const check of waiting) check()
      return Promise.resolve()
    },
    say: (sentence: string): void => {
      text.err += `${sentence}\n`
      for (const check of waiting) check()
    },
    footer: (): void => {},
    interactive: false,
    rows: undefined,
    open: true,
    failed: false,
    look: () => ({ width: preferred.width ?? 100, colour: false, ascii: preferred.ascii ?? false }),
    prefer: (options: LookOptions): void => {
      preferred = { ...preferred, ...options }
    },
  }
  const context: Context = {
    terminal,
    env: {},
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    clock: systemClock(),
    random: () => 0.5,
    signal: abort.signal,
    version: '1.2.3',
    program: 'podspan',
    ...some,
  }
  const seen = (where: 'out' | 'err', pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!pattern.test(text[where])) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return {
    ...{ context, abort, out: () => text.out, err: () => text.err },
    printed: (pattern) => seen('out', pattern),
    said: (pattern) => seen('err', pattern),
  }
}

export interface Changes {
  readonly resource: string
  readonly type: string
  readonly object: Obj
}

export function changesOf(name: string): Changes[] {
  const path = join(import.meta.dirname, '..', 'recordings', `${name}.jsonl.gz`)
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n').map(parseLine)
  return lines
    .flatMap((line) => (line.kind === 'frame' ? [line.frame] : []))
    .toSorted((a, b) => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0))
    .filter(({ type }) => type !== 'BOOKMARK' && type !== 'ERROR')
}

export interface FilledCluster {
  readonly stub: SimulatedApiServer
  readonly kubeconfig: string
  close(): Promise<void>
}

/** A cluster that holds what it held at the end of a recording, before anything was deleted. */
export async function clusterAfter(name: string): Promise<FilledCluster> {
  const last = new Map<string, Changes>()
  for (const change of changesOf(name)) {
    const { uid } = change.object['metadata'] as { uid: string }
    if (change.type !== 'DELETED') last.set(uid, change)
  }
  const cluster = await emptyCluster()
  for (const { resource, object } of last.values()) cluster.stub.store.load(resource, [object])
  return cluster
}

export async function emptyCluster(): Promise<FilledCluster> {
  const stub = await SimulatedApiServer.start()
  answer(stub, 'version', { gitVersion: 'v1.36.3' })
  answer(stub, 'kube-system', { metadata: { uid: '841b07ad-bba8-47ef-8be0-2106dd6a077f' } })
  answer(stub, 'selfsubjectaccessreviews', { status: { allowed: true } })
  const directory = mkdtempSync(join(tmpdir(), 'podspan-cli-'))
  const kubeconfig = join(directory, 'config')
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(stub.url)))
  const close = async (): Promise<void> => {
    await stub.close()
    rmSync(directory, { recursive: true })
  }
  return { stub, kubeconfig, close }
}

export function answer(stub: SimulatedApiServer, resource: string, body: object): void {
  const fault = {
    kind: 'body',
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify(body)),
  } as const
  stub.fail(resource, 'any', fault, Number.POSITIVE_INFINITY)
}

export const kubeconfigFor = (server: string): object => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'stub',
  contexts: [{ name: 'stub', context: { cluster: 'stub', user: 'nobody' } }],
  // client-node refuses plain HTTP without this.
  clusters: [{ name: 'stub', cluster: { server, 'insecure-skip-tls-verify': true } }],
  users: [{ name: 'nobody', user: {} }],
})
