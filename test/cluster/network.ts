// Owns the bridge, and the iptables chains that kube-proxy, the kubelet and the CNI plugins make.
// Promises to remove only chains that were not there before the cluster, and the rules that lead to them.
// Does not write any rule.

import { attempt, run } from './commands.ts'
import { bridgeName, nodeAddress, podNetwork, serviceNetwork } from './layout.ts'

const programs = ['iptables', 'ip6tables'] as const

/** Makes the bridge before the CNI plugin would, because its address is the API server's and the node's. */
export async function createBridge(): Promise<void> {
  await run('ip', ['link', 'add', bridgeName, 'type', 'bridge'])
  await run('ip', ['address', 'add', `${nodeAddress}/${podNetwork.split('/')[1]}`, 'dev', bridgeName])
  await run('ip', ['link', 'set', bridgeName, 'up'])
  // kube-proxy turns a service's address into a pod's, but only of what has a way out: a cluster apart has no default route.
  await run('ip', ['route', 'replace', serviceNetwork, 'dev', bridgeName])
}

/** The bridge and the host's ends of the pods' cables. */
export async function ourInterfaces(): Promise<string[]> {
  const listing = await attempt('ip', ['-json', 'link', 'show'])
  const links = JSON.parse(listing.stdout || '[]') as { ifname: string; master?: string }[]
  return links
    .filter((link) => link.ifname === bridgeName || link.master === bridgeName)
    .map((link) => link.ifname)
}

export async function removeInterfaces(): Promise<void> {
  const names = await ourInterfaces()
  // The bridge last: without it the cables could not be told from anybody else's.
  for (const name of names.filter((name) => name !== bridgeName))
    await attempt('ip', ['link', 'delete', name])
  if (names.includes(bridgeName)) await attempt('ip', ['link', 'delete', bridgeName])
}

/** Every chain with a name as Kubernetes and CNI choose them, as `iptables nat KUBE-SERVICES`. */
export async function kubernetesChains(): Promise<string[]> {
  const chains: string[] = []
  for (const program of programs)
    for (const table of parseTables(await saved(program)))
      chains.push(...table.chains.map((chain) => `${program} ${table.name} ${chain}`))
  return chains
}

/** Removes the chains that are not in the list, and every rule that jumps to one. */
export async function removeChainsExcept(kept: readonly string[]): Promise<void> {
  for (const program of programs) {
    const script = removalScript(await saved(program), (table, chain) =>
      kept.includes(`${program} ${table} ${chain}`),
    )
    if (script !== '') await run(`${program}-restore`, ['--noflush', '--wait', '10'], { input: script })
  }
}

/** The input of iptables-restore that undoes what iptables-save printed, but for the chains to keep; all or nothing. */
export function removalScript(saved: string, isKept: (table: string, chain: string) => boolean): string {
  const lines = parseTables(saved).flatMap((table) => {
    const chains = table.chains.filter((chain) => !isKept(table.name, chain))
    return chains.length === 0 ? [] : removal(table, new Set(chains))
  })
  return lines.map((line) => `${line}\n`).join('')
}

interface Table {
  readonly name: string
  /** Only those named as Kubernetes and CNI do. */
  readonly chains: readonly string[]
  /** Every rule, as `-A CHAIN …`. */
  readonly rules: readonly string[]
}

function removal(table: Table, chains: ReadonlySet<string>): string[] {
  const leadsToUs = (rule: string): boolean => {
    const [, from, target] = rule.match(/^-A (\S+).* -[jg] (\S+)/) ?? []
    return from !== undefined && target !== undefined && !chains.has(from) && chains.has(target)
  }
  // A chain can be deleted only when it is empty and nothing leads to it.
  return [
    `*${table.name}`,
    ...table.rules.filter(leadsToUs).map((rule) => rule.replace(/^-A/, '-D')),
    ...[...chains].map((chain) => `-F ${chain}`),
    ...[...chains].map((chain) => `-X ${chain}`),
    'COMMIT',
  ]
}

/** Empty where the machine has no such program, or no IPv6: then it has no such rules. */
async function saved(program: string): Promise<string> {
  return (await attempt(`${program}-save`, [])).stdout
}

function parseTables(saved: string): Table[] {
  const blocks = saved.split(/^(?=\*)/m).filter((block) => block.startsWith('*'))
  return blocks.map((block) => ({
    name: block.slice(1, block.indexOf('\n')),
    chains: [...block.matchAll(/^:((?:KUBE|CNI)-\S+)/gm)].map((match) => match[1] ?? ''),
    rules: block.match(/^-A .*$/gm) ?? [],
  }))
}
