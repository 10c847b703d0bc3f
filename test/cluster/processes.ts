// Owns the cluster's processes: starts them by name, finds them again, signals them, waits for what they promise.
// Promises that every process we start carries our mark in its environment, so that none is lost when `up` is killed
// between starting it and writing down its pid, and that no signal goes to a process that is not ours.
// Does not know what any component is: see control-plane.ts and node.ts.

import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { ClusterError, clock } from './commands.ts'
import type { Layout } from './layout.ts'

const markVariable = 'PODSPAN_CLUSTER_PROCESS'

export interface ProcessSpec {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

interface ProcessRecord extends ProcessSpec {
  readonly pid: number
  /** Clock ticks since boot: with the pid, it names one process for ever. */
  readonly startTime: string
}

export interface FoundProcess {
  readonly pid: number
  readonly root: string
  readonly command: string
}

/** Starts a process that outlives us; its output is appended to logs/NAME.log. */
export async function startProcess(layout: Layout, spec: ProcessSpec): Promise<number> {
  await mkdir(layout.logs, { recursive: true })
  await mkdir(layout.processes, { recursive: true })
  const log = openSync(join(layout.logs, `${spec.name}.log`), 'a')
  const child = spawn(spec.command, spec.args, {
    cwd: layout.root,
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: layout.root,
      ...spec.env,
      [markVariable]: layout.root,
    },
  })
  closeSync(log)
  const pid = await new Promise<number>((resolve, reject) => {
    child.on('error', (error) => reject(new ClusterError(`cannot start ${spec.name}: ${error.message}`)))
    child.on('spawn', () => resolve(child.pid ?? 0))
  })
  child.unref()
  const record: ProcessRecord = { ...spec, pid, startTime: startTimeOf(pid) ?? '' }
  await writeFile(recordFile(layout, spec.name), JSON.stringify(record, undefined, 2))
  return pid
}

/** Starts a stopped process again, exactly as before. */
export async function startAgain(layout: Layout, name: string): Promise<number> {
  return pidOf(layout, name) ?? startProcess(layout, readRecord(layout, name))
}

/** Asks a process to stop, kills it if it does not, and returns when it is gone. */
export async function stopProcess(layout: Layout, name: string, graceMs = 30_000): Promise<void> {
  signalProcess(layout, name, graceMs > 0 ? 'SIGTERM' : 'SIGKILL')
  // A paused process sees the request only when it is resumed.
  signalProcess(layout, name, 'SIGCONT')
  const deadline = clock.monotonicMs() + graceMs
  while (pidOf(layout, name) !== undefined) {
    if (clock.monotonicMs() > deadline) signalProcess(layout, name, 'SIGKILL')
    await clock.sleep(20)
  }
}

/** Stops what a test has started beside the cluster, which is whole without it. */
export async function removeProcess(layout: Layout, name: string): Promise<void> {
  if (readText(recordFile(layout, name)) === undefined) return
  await stopProcess(layout, name, 5000)
  await rm(recordFile(layout, name), { force: true })
}

export function signalProcess(layout: Layout, name: string, signal: NodeJS.Signals): void {
  const pid = pidOf(layout, name)
  if (pid !== undefined) kill(pid, signal)
}

/** The pid of a named process while it runs; a pid that the kernel gave to another process since is not ours. */
export function pidOf(layout: Layout, name: string): number | undefined {
  const { pid, startTime } = readRecord(layout, name)
  return startTimeOf(pid) === startTime ? pid : undefined
}

/** The names of all processes that were started, running or not. */
export function processNames(layout: Layout): string[] {
  return listDirectory(layout.processes).map((file) => file.replace(/\.json$/, ''))
}

/** Every process that carries the mark of a cluster: our daemons and their children. Those of a cluster apart (apart.ts) are not ours. */
export function findMarked(): FoundProcess[] {
  const found: FoundProcess[] = []
  const own = namespaceOf('self')
  for (const entry of listDirectory('/proc')) {
    if (!/^\d+$/.test(entry) || namespaceOf(entry) !== own) continue
    const root = readText(`/proc/${entry}/environ`)?.match(
      new RegExp(`(?:^|\0)${markVariable}=([^\0]*)`),
    )?.[1]
    if (root === undefined) continue
    const command = readText(`/proc/${entry}/cmdline`)?.split('\0').slice(0, 3).join(' ').trim() ?? ''
    found.push({ pid: Number(entry), root, command })
  }
  return found
}

function namespaceOf(process: string): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/ns/pid`)
  } catch {
    return undefined
  }
}

/** Kills at once; a process that is gone already is as good. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

export interface Expectation {
  readonly what: string
  readonly probe: () => Promise<boolean>
  /** The processes that must live meanwhile; the log of the first dead one, else of the first, is quoted. */
  readonly processes: readonly string[]
  readonly deadlineMs?: number
}

/** Waits until the probe is true. The default deadline is for a machine whose cores are busy with other work. */
export async function waitUntil(layout: Layout, expectation: Expectation): Promise<void> {
  const { what, probe, processes, deadlineMs = 180_000 } = expectation
  const deadline = clock.monotonicMs() + deadlineMs
  while (!(await probe())) {
    const dead = processes.find((name) => pidOf(layout, name) === undefined)
    if (dead !== undefined) throw new ClusterError(`${dead} has exited; ${quoteLog(layout, dead)}`)
    if (clock.monotonicMs() > deadline) {
      const quoted = processes[0] === undefined ? '' : `; ${quoteLog(layout, processes[0])}`
      throw new ClusterError(`not reached in ${deadlineMs / 1000} s: ${what}${quoted}`)
    }
    await clock.sleep(50)
  }
}

/** Whether something listens on this TCP port or Unix socket. */
export function listens(target: { host?: string; port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target)
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('connect', () => done(true)).on('error', () => done(false))
  })
}

function quoteLog(layout: Layout, name: string): string {
  const file = join(layout.logs, `${name}.log`)
  const lines = (readText(file) ?? '').trimEnd().split('\n').slice(-15)
  return `the end of ${file}:\n${lines.map((line) => `  ${line.slice(0, 400)}`).join('\n')}`
}

function recordFile(layout: Layout, name: string): string {
  return join(layout.processes, `${name}.json`)
}

function readRecord(layout: Layout, name: string): ProcessRecord {
  const text = readText(recordFile(layout, name))
  if (text === undefined) throw new ClusterError(`no process named '${name}' was started in ${layout.root}`)
  return JSON.parse(text) as ProcessRecord
}

/** Field 22 of /proc/PID/stat; the second field is a name that may hold spaces and brackets. A zombie counts as gone. */
function startTimeOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19]
}

/** A file's text, or undefined when it is not there or its process has gone while we read. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

export function listDirectory(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
