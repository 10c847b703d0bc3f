// Owns clusters that stand beside each other on one machine: each in network, process, mount and cgroup namespaces of its own.
// Promises that commands given the same name meet, that those of another name do not see them, and that `--end` leaves nothing.
// Does not know what a cluster is: `up.ts` runs inside as it does outside.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterError, clock, runScript } from './commands.ts'
import { withLock } from './lock.ts'
import { mounts } from './mounts.ts'
import { kill, listDirectory, readText } from './processes.ts'

const usage = `usage: apart.ts NAME -- COMMAND…   run a command in the namespaces of that name, made if need be
       apart.ts NAME --end         end all that runs there`

const markVariable = 'PODSPAN_APART'

/** Written to by components whatever is configured; each name gets its own. */
const fixedPaths = [
  '/run/containerd',
  '/var/lib/cni',
  '/var/lib/kubelet',
  '/var/log/containers',
  '/var/log/pods',
  '/usr/libexec/kubernetes',
]

const stateOf = (name: string): string => `/tmp/podspan-apart-${name}`
const cgroupOf = (name: string): string => `podspan-apart-${name}`

/** The process that holds the namespaces: the first one in them. */
function holderOf(name: string): number | undefined {
  for (const entry of listDirectory('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const command = readText(`/proc/${entry}/cmdline`)?.split('\0') ?? []
    if (command[0] === 'bash' && command.at(-2) === `${markVariable}=${name}`) return Number(entry)
  }
  return undefined
}

const cgroups = (): string[] =>
  mounts()
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    .map(({ path }) => path)

/**
 * Runs as the first process of the namespaces; it waits for orphans, as an init does. A cgroup comes in place of its whole hierarchy,
 * not over it: runc takes the first mount that it finds for the whole, and looks for the containers' cgroups there.
 */
function initScript(name: string): string {
  const own = cgroupOf(name)
  const spare = join(stateOf(name), 'cgroup')
  return [
    'set -e',
    'mount --make-rprivate /',
    `mkdir -p ${spare}`,
    ...cgroups().map(
      (path) =>
        `mount --bind ${join(path, own)} ${spare} && umount -l ${path} && mount --move ${spare} ${path}`,
    ),
    ...fixedPaths.map((path) => `mkdir -p ${path}; mount -t tmpfs tmpfs ${path}`),
    'ip link set lo up',
    `touch ${join(stateOf(name), 'ready')}`,
    'while :; do sleep 3600 & wait $!; done',
  ].join('\n')
}

function makeCgroups(name: string): void {
  for (const path of cgroups()) {
    const own = join(path, cgroupOf(name))
    mkdirSync(own, { recursive: true })
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = readText(join(path, file))
      if (inherited !== undefined && existsSync(join(own, file)))
        writeFileSync(join(own, file), inherited.trim())
    }
  }
}

async function hold(name: string): Promise<number> {
  const known = holderOf(name)
  if (known !== undefined) return known
  rmSync(stateOf(name), { recursive: true, force: true })
  mkdirSync(stateOf(name), { recursive: true })
  makeCgroups(name)
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--mount-proc']
  const child = spawn('unshare', [...namespaces, 'bash', '-c', initScript(name), `${markVariable}=${name}`], {
    detached: true,
    stdio: 'ignore',
  })
  child.unref()
  const deadline = clock.monotonicMs() + 10_000
  while (!existsSync(join(stateOf(name), 'ready'))) {
    if (clock.monotonicMs() > deadline || child.exitCode !== null)
      throw new ClusterError(`the namespaces of ${name} could not be made; that takes root and util-linux`)
    await clock.sleep(20)
  }
  const holder = holderOf(name)
  if (holder === undefined) throw new ClusterError(`the first process of ${name} has ended`)
  return holder
}

function enter(holder: number, name: string, command: readonly string[]): Promise<number> {
  const child = spawn(
    'nsenter',
    [`--target=${holder}`, '--net', '--mount', '--pid', '--wd=.', '--', ...command],
    { stdio: 'inherit', env: { ...process.env, PODSPAN_CLUSTER_DIR: join(stateOf(name), 'cluster') } },
  )
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new ClusterError(`nsenter: ${error.message}`)))
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

/** The kernel ends every process of a namespace with its first one. */
async function end(name: string): Promise<void> {
  const holder = holderOf(name)
  if (holder !== undefined) kill(holder, 'SIGKILL')
  const deadline = clock.monotonicMs() + 10_000
  while (!cgroups().every((path) => removed(join(path, cgroupOf(name))))) {
    if (clock.monotonicMs() > deadline) throw new ClusterError(`the cgroups of ${name} are still in use`)
    await clock.sleep(50)
  }
  rmSync(stateOf(name), { recursive: true, force: true })
}

/** Innermost first; one whose last process is still ending stays for the next try. */
function removed(directory: string): boolean {
  if (!existsSync(directory)) return true
  for (const child of listDirectory(directory))
    if (existsSync(join(directory, child, 'cgroup.procs'))) removed(join(directory, child))
  try {
    rmdirSync(directory)
    return true
  } catch {
    return false
  }
}

async function main(): Promise<void> {
  const [name, option, ...command] = process.argv.slice(2)
  if (name === undefined || !/^[a-z0-9]{1,12}$/.test(name)) throw new ClusterError(usage)
  if (option === '--end') return end(name)
  if (option !== '--' || command.length === 0) throw new ClusterError(usage)
  const holder = await withLock(`apart-${name}`, () => hold(name))
  process.exitCode = await enter(holder, name, command)
}

runScript(main)
