// Owns what the machine was like before the cluster: kernel settings, iptables chains, directories outside the state directory.
// Promises that `down` puts those back, from a file that is written before anything is changed.
// Does not cover what cannot be told apart: connection tracking, empty iptables tables, loaded kernel modules.

import { existsSync, lstatSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Layout } from './layout.ts'
import { kubernetesChains } from './network.ts'
import { listDirectory, readText } from './processes.ts'

export interface Baseline {
  readonly chains: readonly string[]
  readonly settings: Readonly<Record<string, string>>
  readonly absentDirectories: readonly string[]
}

/** Set by the kubelet (vm, kernel), kube-proxy (route_localnet) and the CNI plugins (ip_forward). */
const settings = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
  'net/ipv4/ip_forward',
  'net/ipv4/conf/all/route_localnet',
]

/** Paths that are compiled into containerd (shims' sockets), libcni (results) and the kubelet (device plugins, links to logs). */
const fixedDirectories = ['/run/containerd', '/var/lib/cni', '/var/lib/kubelet', '/var/log/containers']

export async function recordBaseline(layout: Layout): Promise<void> {
  const baseline: Baseline = {
    chains: await kubernetesChains(),
    settings: Object.fromEntries(settings.flatMap((name) => readSetting(name))),
    absentDirectories: fixedDirectories.filter((directory) => !existsSync(directory)),
  }
  writeFileSync(layout.baseline, JSON.stringify(baseline, undefined, 2))
}

/** Undefined when `up` was killed before it changed anything, or there was no cluster. */
export function readBaseline(layout: Layout): Baseline | undefined {
  const text = readText(layout.baseline)
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Baseline)
  } catch {
    return undefined
  }
}

export function restoreSettings(baseline: Baseline): void {
  for (const [name, value] of Object.entries(baseline.settings))
    if (readText(`/proc/sys/${name}`)?.trim() !== value) writeFileSync(`/proc/sys/${name}`, value)
}

/** Removes our files from directories that may be others' too, then the directories that we brought. */
export function removeOutside(layout: Layout, baseline: Baseline | undefined): void {
  for (const file of outsideFiles(layout)) rmSync(file, { force: true })
  for (const directory of baseline?.absentDirectories ?? []) removeIfWithoutFiles(directory)
}

/** Shims' sockets, libcni's results, and the kubelet's links to container logs: those that name our directory. */
export function outsideFiles(layout: Layout): string[] {
  const tasks = join(layout.containerd, 'state/io.containerd.runtime.v2.task/k8s.io')
  const sockets = listDirectory(tasks).flatMap((task) => {
    const text = readText(join(tasks, task, 'bootstrap.json')) ?? ''
    return text.match(/unix:\/\/(\/run\/containerd\/s\/[0-9a-f]+)/)?.[1] ?? []
  })
  const ours = `${layout.root}/`
  const results = pathsIn('/var/lib/cni/results').filter((file) => readText(file)?.includes(ours))
  const links = pathsIn('/var/log/containers').filter((link) => targetOf(link).startsWith(ours))
  return [...sockets.filter(existsSync), ...results, ...links]
}

function pathsIn(directory: string): string[] {
  return listDirectory(directory).map((name) => join(directory, name))
}

function targetOf(link: string): string {
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(link) : ''
}

function removeIfWithoutFiles(directory: string): void {
  if (!existsSync(directory)) return
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  if (entries.every((entry) => entry.isDirectory() || entry.isSocket()))
    rmSync(directory, { recursive: true })
}

function readSetting(name: string): [string, string][] {
  const value = readText(`/proc/sys/${name}`)?.trim()
  return value === undefined ? [] : [[name, value]]
}
