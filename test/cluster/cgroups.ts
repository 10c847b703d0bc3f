// Owns the one cgroup below which all containers run, in every hierarchy that this machine has mounted (v1, v2 or both).
// Promises that what is found in it is ours to kill.
// Does not set limits: the kubelet and runc do.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cgroupName } from './layout.ts'
import { mounts } from './mounts.ts'
import { listDirectory, readText } from './processes.ts'

/** The kubelet refuses a cgroup root that does not exist. `below`: for another kubelet, a part of ours. */
export function createCgroups(below = ''): void {
  for (const directory of cgroupDirectories().map((path) => join(path, below))) {
    mkdirSync(directory, { recursive: true })
    // A new v1 cpuset has no processors and no memory, and nobody may enter it.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = readText(join(directory, '..', file))?.trim()
      if (readText(join(directory, file))?.trim() === '' && inherited)
        writeFileSync(join(directory, file), inherited)
    }
  }
}

/** Our cgroups that exist, innermost first. */
export function existingCgroups(): string[] {
  return cgroupDirectories().filter(existsSync).flatMap(innermostFirst)
}

export function cgroupProcesses(below = ''): number[] {
  const directories = cgroupDirectories().map((path) => join(path, below))
  const pids = directories
    .filter(existsSync)
    .flatMap(innermostFirst)
    .flatMap((directory) => readText(join(directory, 'cgroup.procs'))?.split('\n') ?? [])
  // A process of another pid namespace is listed as 0, and signalling 0 would hit ourselves.
  return [...new Set(pids)].map(Number).filter((pid) => pid > 0)
}

/** Removes what is empty; a cgroup whose last process is still exiting is left for the next call. */
export function removeCgroups(): void {
  for (const directory of existingCgroups()) {
    try {
      rmdirSync(directory)
    } catch (error) {
      if (!['EBUSY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

function cgroupDirectories(): string[] {
  return mounts()
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    .map(({ path }) => join(path, cgroupName))
}

/** The files of a cgroup are listed beside its children; only directories have a cgroup.procs of their own. */
function innermostFirst(directory: string): string[] {
  const children = listDirectory(directory)
    .map((name) => join(directory, name))
    .filter((child) => existsSync(join(child, 'cgroup.procs')))
  return [...children.flatMap(innermostFirst), directory]
}
