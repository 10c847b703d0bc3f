// Owns what is mounted below the state directory: overlays, sandboxes' shared memory, network namespaces, projected volumes.
// Promises that nothing is deleted through a mount: the caller removes a directory only when none is left below it.
// Does not mount anything; containerd and the kubelet do.

import { attempt } from './commands.ts'
import { readText } from './processes.ts'

export interface Mount {
  readonly path: string
  readonly type: string
}

/** In the order in which they were made. */
export function mounts(): Mount[] {
  const lines = (readText('/proc/self/mountinfo') ?? '').trimEnd().split('\n')
  return lines.map((line) => {
    const fields = line.split(' ')
    return { path: unescape(fields[4] ?? ''), type: fields[fields.indexOf('-') + 1] ?? '' }
  })
}

export function mountsBelow(directory: string): string[] {
  return mounts()
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`${directory}/`))
}

/** The latest mount first; one that is busy is detached now and ends with its last user. */
export async function unmountBelow(directory: string): Promise<void> {
  const paths = mountsBelow(directory).reverse()
  if (paths.length === 0) return
  await attempt('umount', ['--', ...paths])
  for (const path of mountsBelow(directory).reverse()) await attempt('umount', ['--lazy', '--', path])
}

/** The kernel writes spaces, tabs, newlines and backslashes as three octal digits. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
