// Owns the end of a cluster: everything that `up` or what it started has made on this machine is removed, and can be listed.
// Promises to work from any state: a whole cluster, a half-started one, a half-removed one, none.
// Does not touch what it cannot prove to be ours (by mark, cgroup, path, chain name and baseline).

import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { outsideFiles, readBaseline, removeOutside, restoreSettings } from './baseline.ts'
import { cgroupProcesses, existingCgroups, removeCgroups } from './cgroups.ts'
import { ClusterError, clock } from './commands.ts'
import type { Layout } from './layout.ts'
import { mountsBelow, unmountBelow } from './mounts.ts'
import { kubernetesChains, ourInterfaces, removeChainsExcept, removeInterfaces } from './network.ts'
import { type FoundProcess, findMarked, kill, listDirectory, readText } from './processes.ts'

/** Removes the cluster. The order matters: whoever could make something new is gone before it is looked for. */
export async function teardown(layout: Layout): Promise<void> {
  refuseOthers(layout)
  await killAll(layout)
  const baseline = readBaseline(layout)
  await unmountBelow(layout.root)
  await removeInterfaces()
  await removeChainsExcept(await chainsToKeep(layout))
  removeOutside(layout, baseline)
  if (baseline !== undefined) restoreSettings(baseline)
  removeCgroups()
  await removeState(layout)
}

/** One line for each thing of ours that is still on this machine; none after `down`. */
export async function leftovers(layout: Layout): Promise<string[]> {
  const kept = await chainsToKeep(layout)
  const chains = await kubernetesChains()
  return [
    ...findMarked().map(({ pid, command }) => `process ${pid}: ${command}`),
    ...cgroupProcesses().map((pid) => `process ${pid} in our cgroup: ${commandOf(pid)}`),
    ...mountsBelow(layout.root).map((path) => `mount ${path}`),
    ...(await ourInterfaces()).map((name) => `interface ${name}`),
    ...chains.filter((chain) => !kept.includes(chain)).map((chain) => `chain ${chain}`),
    ...existingCgroups().map((directory) => `cgroup ${directory}`),
    ...outsideFiles(layout).map((file) => `file ${file}`),
    ...(existsSync(layout.root) ? [`directory ${layout.root}`] : []),
  ]
}

/** Without a baseline (somebody deleted the state directory) the chains are ours unless another kubelet runs here. */
async function chainsToKeep(layout: Layout): Promise<readonly string[]> {
  const baseline = readBaseline(layout)
  if (baseline !== undefined) return baseline.chains
  return runsForeignKubelet() ? kubernetesChains() : []
}

/** Bridge and ports are one per machine, and so is the cluster. */
function refuseOthers(layout: Layout): void {
  const other = findMarked().find(({ root }) => root !== layout.root)
  if (other !== undefined)
    throw new ClusterError(
      `another cluster runs on this machine; take it down with PODSPAN_CLUSTER_DIR=${other.root}`,
    )
}

/** At once, without a last word: their data goes too. Repeated, because a dying shim may still start runc. */
async function killAll(layout: Layout): Promise<void> {
  const deadline = clock.monotonicMs() + 60_000
  for (;;) {
    const marked = findMarked().filter(({ root }) => root === layout.root)
    const pids = [...daemonsFirst(marked).map(({ pid }) => pid), ...cgroupProcesses()]
    if (pids.length === 0) return
    if (clock.monotonicMs() > deadline)
      throw new ClusterError(`cannot kill: ${pids.map((pid) => `${pid} (${commandOf(pid)})`).join(', ')}`)
    for (const pid of pids) kill(pid, 'SIGKILL')
    await clock.sleep(50)
  }
}

/** The kubelet and containerd before the shims, or they would start others for the dead. */
function daemonsFirst(processes: readonly FoundProcess[]): FoundProcess[] {
  const isShim = ({ command }: FoundProcess): number => (command.includes('containerd-shim') ? 1 : 0)
  return [...processes].sort((left, right) => isShim(left) - isShim(right))
}

/** The mark and the baseline go last, so that an interrupted removal can be resumed. */
async function removeState(layout: Layout): Promise<void> {
  if (!existsSync(layout.root)) return
  const entries = await readdir(layout.root)
  if (entries.length > 0 && !existsSync(layout.mark))
    throw new ClusterError(`${layout.root} was not made by cluster-up; it is left as it is`)
  const mounted = mountsBelow(layout.root)
  if (mounted.length > 0) throw new ClusterError(`cannot unmount: ${mounted.join(', ')}`)
  const last = [layout.baseline, layout.mark]
  for (const path of entries.map((entry) => join(layout.root, entry)))
    if (!last.includes(path)) await rm(path, { recursive: true, force: true })
  for (const path of [...last, layout.root]) await rm(path, { recursive: true, force: true })
}

function runsForeignKubelet(): boolean {
  const marked = new Set(findMarked().map(({ pid }) => String(pid)))
  const names = listDirectory('/proc').filter((entry) => /^\d+$/.test(entry) && !marked.has(entry))
  return names.some((pid) => ['kubelet', 'kube-proxy'].includes(readText(`/proc/${pid}/comm`)?.trim() ?? ''))
}

function commandOf(pid: number): string {
  return readText(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim() ?? 'gone'
}
