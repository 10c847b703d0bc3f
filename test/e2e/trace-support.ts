// Owns what the end-to-end tests of the command line share: the program as a process, and OTLP/JSON as spans.
// Promises that a process is ended with the test that started it. Does not assert anything.

import { spawn } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { withoutOurs } from '../cluster/foreign.ts'
import { parseExports, type TruthSpan } from '../accuracy/collector.ts'
import { since, toMilliseconds, type UnixNano } from '../../src/base/time.ts'

/** For tests that need the cluster of test/cluster; those that any cluster can carry ask `withoutAny`. */
export const noCluster = withoutOurs()

const root = join(import.meta.dirname, '..', '..')

/** The bundle where it is newer than every source file, else the source. */
export function program(): string {
  const bundle = join(root, 'dist', 'podspan.mjs')
  const built = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = globSync('src/**/*.ts', { cwd: root })
  const isCurrent = sources.every((file) => statSync(join(root, file)).mtimeMs < built)
  return isCurrent ? bundle : join(root, 'src', 'main.ts')
}

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  /** What it has said so far. */
  said(): string
  stop(): Promise<Ended>
  readonly ended: Promise<Ended>
}

export function startPodspan(
  args: readonly string[],
  kubeconfig: string,
  more: Readonly<Record<string, string>> = {},
): Running {
  const env = { ...process.env, ...more, KUBECONFIG: kubeconfig }
  const child = spawn(process.execPath, [program(), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code: code ?? -1, ...text }))
  })
  const stop = (): Promise<Ended> => {
    child.kill('SIGINT')
    return ended
  }
  return { said: () => text.stderr, stop, ended }
}

export const podspan = (args: readonly string[], kubeconfig: string): Promise<Ended> =>
  startPodspan(args, kubeconfig).ended

/** Halves swapped, as the design says; written down here once more, so that it is not tested by itself. */
export function expectedIds(uid: string): { traceId: string; rootId: string } {
  const hex = uid.replaceAll('-', '')
  return { traceId: hex.slice(16) + hex.slice(0, 16), rootId: hex.slice(0, 16) }
}

export function spansOf(otlpJson: string, uid: string): TruthSpan[] {
  const { traceId } = expectedIds(uid)
  return parseExports(`${otlpJson}\n`).filter((span) => span.traceId === traceId)
}

/** Where the truth may lie, by the span's own words. */
export function bounds(span: TruthSpan, side: 'start' | 'end'): { from: bigint; to: bigint } {
  const best = span[side]
  const by = (what: 'early' | 'late'): bigint =>
    BigInt(Math.ceil(Number(span.attributes[`podspan.${side}.${what}_ms`] ?? 0) * 1e6))
  return { from: best - by('early'), to: best + by('late') }
}

export function describeSpan(span: TruthSpan, origin: UnixNano): string {
  const at = (moment: bigint): string => `${toMilliseconds(since(moment as UnixNano, origin))} ms`
  const side = (which: 'start' | 'end'): string => {
    const { from, to } = bounds(span, which)
    return `${at(span[which])} (${at(from)} to ${at(to)} by ${String(span.attributes[`podspan.${which}.source`])})`
  }
  const container = String(span.attributes['k8s.container.name'] ?? '')
  return `${span.name} ${container} from ${side('start')} to ${side('end')}`
}
