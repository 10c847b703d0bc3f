// Owns a small forwarder: what comes to one address goes to another, on TCP or on a Unix socket, which is how it crosses network namespaces.
// Promises to take both ends of a connection down together. Usage: forward.ts FROM=TO…, each `HOST:PORT` or a path.
// Does not look at what it carries.

import { rmSync } from 'node:fs'
import { connect, createServer, type NetConnectOpts } from 'node:net'

function addressOf(text: string): NetConnectOpts {
  if (text.startsWith('/')) return { path: text }
  const [host = '', port] = text.split(':')
  return { host, port: Number(port) }
}

for (const pair of process.argv.slice(2)) {
  const [from = '', to = ''] = pair.split('=')
  if (from.startsWith('/')) rmSync(from, { force: true })
  const server = createServer((near) => {
    const far = connect(addressOf(to))
    near.pipe(far).pipe(near)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
  })
  server.listen(addressOf(from))
}
