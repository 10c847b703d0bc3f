// Owns `make versions`: the tests against a real cluster and the accuracy report on one Kubernetes version after the other.
// Promises to go on after a version that failed, to leave no cluster, a table with a row for each, and exit code 1 where one failed.
// Usage: run.ts [VERSION]… [--without e2e|accuracy]. Does not know what a version lacks: each test and scenario says so itself.

import { type ChildProcess, spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Sum } from '../accuracy/run.ts'
import { ClusterError, clock, runScript, say } from '../cluster/commands.ts'
import { kubernetesVersion, triedKubernetesVersions } from '../cluster/versions.ts'
import { scenarios } from '../scenarios/catalogue.ts'
import { formatRuns, type Run, type Tested } from './table.ts'

const root = join(import.meta.dirname, '..', '..')
const interrupted = new AbortController()
let child: ChildProcess | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupted.abort()
    child?.kill('SIGTERM')
  })

interface Ended {
  readonly code: number
  readonly stdout: string
}

/** What it prints is passed on to stderr: stdout is for the table. */
function node(args: readonly string[], version: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PODSPAN_KUBERNETES_VERSION: version, PODSPAN_E2E: 'require' }
    const started = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
    child = started
    let stdout = ''
    started.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      process.stderr.write(text)
    })
    started.on('error', reject)
    started.on('close', (code) => resolve({ code: code ?? 1, stdout }))
  })
}

/** Two files ask nothing of Kubernetes, but a Prometheus and a Jaeger; executables are the same everywhere. */
const tests = (): string[] =>
  globSync('test/{e2e,page}/*.e2e.test.ts', { cwd: root })
    .filter((file) => !/(dashboards|jaeger)\.e2e\.test\.ts$/.test(file))
    .sort()

/** Those that need nothing but the cluster: Kueue and drivers of devices have versions of their own. */
const judged = scenarios.filter(({ prepare }) => prepare === undefined).map(({ name }) => name)

async function testOn(version: string): Promise<Tested> {
  const { code, stdout } = await node(['test/run.ts', '--cluster', ...tests()], version)
  const [passed, failed, skipped] = (/^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(stdout) ?? [])
    .slice(1)
    .map(Number)
  return { passed, failed, skipped, ok: code === 0 }
}

async function measureOn(version: string): Promise<Sum | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'podspan-versions-'))
  const file = join(directory, 'sum.json')
  try {
    const up = await node(['test/cluster/up.ts'], version)
    if (up.code === 0) await node(['test/accuracy/run.ts', ...judged, '--sum', file], version)
    return JSON.parse(await readFile(file, 'utf8')) as Sum
  } catch (error) {
    say(`no accuracy on ${version}: ${(error as Error).message}`)
    return undefined
  } finally {
    await node(['test/cluster/down.ts'], version)
    await rm(directory, { recursive: true, force: true })
  }
}

async function runOn(version: string, without: string | undefined): Promise<Run> {
  const started = clock.monotonicMs()
  say(`== Kubernetes ${version}`)
  const built = await node(['test/cluster/build.ts'], version)
  const isBuilt = built.code === 0
  const tested = isBuilt && without !== 'e2e' ? await testOn(version) : undefined
  const isMeasured = isBuilt && without !== 'accuracy' && !interrupted.signal.aborted
  const sum = isMeasured ? await measureOn(version) : undefined
  const whatFailed = [
    ...(isBuilt ? [] : ['build']),
    ...(tested?.ok === false ? ['tests'] : []),
    ...(isMeasured && (sum === undefined || sum.missed.length > 0) ? ['accuracy'] : []),
  ]
  return { version, tested, sum, whatFailed, seconds: (clock.monotonicMs() - started) / 1000 }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { without: { type: 'string' } },
  })
  const { without } = values
  if (without !== undefined && without !== 'e2e' && without !== 'accuracy')
    throw new ClusterError(`--without takes e2e or accuracy, not '${without}'`)
  const versions = positionals.length > 0 ? positionals : triedKubernetesVersions
  versions.forEach(kubernetesVersion)
  const runs: Run[] = []
  for (const version of versions) {
    if (interrupted.signal.aborted) break
    runs.push(await runOn(version, without))
  }
  process.stdout.write(`${formatRuns(runs)}\n`)
  for (const { version, sum } of runs) for (const miss of sum?.missed ?? []) say(`${version}: ${miss}`)
  if (interrupted.signal.aborted) throw new ClusterError('interrupted')
  const bad = runs.filter(({ whatFailed }) => whatFailed.length > 0)
  if (bad.length > 0) throw new ClusterError(`failed on ${bad.map(({ version }) => version).join(', ')}`)
}

runScript(main)
