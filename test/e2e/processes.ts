// Owns what tests need that start servers on this machine: addresses that are free, and an orderly end. Does not start anything.

import type { ChildProcess } from 'node:child_process'
import { createServer, type Server } from 'node:net'

/** Of this machine alone. All are held until all are known, so that no two are the same. */
export async function freeAddresses(count: number): Promise<string[]> {
  const held = await Promise.all(Array.from({ length: count }, hold))
  const addresses = held.map((server) => {
    const address = server.address()
    return `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  })
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return addresses
}

function hold(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

export function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.on('close', () => resolve())
    child.kill('SIGTERM')
  })
}
