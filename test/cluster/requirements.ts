// Owns what a machine must have before a cluster can run on it.
// Promises one clear sentence that says what is missing and how to get it.
// Does not install anything: scripts/install-debian.sh does.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterError } from './commands.ts'
import { listens } from './processes.ts'

const systemPaths = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** A file or a command, and the Debian package that brings it. */
const required = [
  { needs: '/usr/lib/cni/bridge', package: 'containernetworking-plugins' },
  { needs: '/usr/include/seccomp.h', package: 'libseccomp-dev' },
  { needs: '/bin/busybox', package: 'busybox-static' },
  { needs: 'iptables', package: 'iptables' },
  { needs: 'ip', package: 'iproute2' },
  { needs: 'conntrack', package: 'conntrack' },
  { needs: 'openssl', package: 'openssl' },
  { needs: 'gcc', package: 'gcc' },
  { needs: 'pkg-config', package: 'pkg-config' },
  { needs: 'tar', package: 'tar' },
] as const

export function requireRoot(): void {
  if (process.platform !== 'linux') throw new ClusterError('the test cluster runs on Linux only')
  if (process.getuid?.() !== 0) throw new ClusterError('the test cluster needs root: run it again as root')
}

export function requireMachine(): void {
  requireRoot()
  const missing = required.filter(({ needs }) => !isPresent(needs)).map((entry) => entry.package)
  if (missing.length > 0)
    throw new ClusterError(`missing: ${missing.join(', ')}; scripts/install-debian.sh installs them`)
  if (!isPresent('go')) throw new ClusterError('missing: Go 1.26 or newer, to build the components')
}

/** Ports that are taken would show as a crash of some component, minutes later. */
export async function requirePorts(ports: readonly number[]): Promise<void> {
  for (const port of ports)
    if (await listens({ host: '127.0.0.1', port }))
      throw new ClusterError(`port ${port} is taken by another program; \`ss -ltnp\` shows which`)
}

function isPresent(needs: string): boolean {
  if (needs.startsWith('/')) return existsSync(needs)
  return [...(process.env.PATH ?? '').split(':'), ...systemPaths].some((path) =>
    existsSync(join(path, needs)),
  )
}
