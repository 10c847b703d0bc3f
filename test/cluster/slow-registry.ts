// Owns a slow link to the cluster's registry: a second address for the same images, behind which all answers share so many bytes per second.
// Promises bytes as the registry sends them, and that nothing is held back longer than the rate asks for. Only reads: push to the registry itself.
// Run as a script it is that link: `node slow-registry.ts PORT BYTES_PER_SECOND`.

import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { clock } from './commands.ts'
import { clusterLayout, ports, registryAddress, slowRegistryAddress } from './layout.ts'
import { listens, removeProcess, startProcess, waitUntil } from './processes.ts'

const PROCESS = 'slow-registry'

/** The reference under which the node pulls an image of the registry over the slow link. */
export const overSlowLink = (reference: string): string =>
  reference.replace(registryAddress, slowRegistryAddress)

export async function startSlowRegistry(megabytesPerSecond: number): Promise<void> {
  const layout = clusterLayout()
  await startProcess(layout, {
    name: PROCESS,
    command: process.execPath,
    args: [import.meta.filename, String(ports.slowRegistry), String(megabytesPerSecond * 1e6)],
  })
  await waitUntil(layout, {
    what: `the slow registry listens on port ${ports.slowRegistry}`,
    probe: () => listens({ host: '127.0.0.1', port: ports.slowRegistry }),
    processes: [PROCESS],
  })
}

export const stopSlowRegistry = (): Promise<void> => removeProcess(clusterLayout(), PROCESS)

/** One for all answers, as one cable would be. */
class Link {
  readonly #bytesPerMs: number
  #freeAtMs = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
  }

  /** Returns when these bytes have gone through. */
  async carry(bytes: number): Promise<void> {
    const now = clock.monotonicMs()
    this.#freeAtMs = Math.max(now, this.#freeAtMs) + bytes / this.#bytesPerMs
    await clock.sleep(this.#freeAtMs - now)
  }
}

async function answer(link: Link, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, headers } = request
  const call = get({ host: '127.0.0.1', port: ports.registry, path: request.url, method, headers })
  response.on('close', () => call.destroy())
  const [upstream] = (await once(call, 'response')) as [IncomingMessage]
  response.writeHead(upstream.statusCode ?? 502, upstream.headers)
  for await (const chunk of upstream as AsyncIterable<Buffer>) {
    await link.carry(chunk.length)
    if (!response.write(chunk)) await once(response, 'drain')
  }
  response.end()
}

function serve(port: number, bytesPerSecond: number): void {
  const link = new Link(bytesPerSecond)
  createServer((request, response) => {
    // Whoever hung up, or a registry that is gone: the runtime sees a connection that broke.
    answer(link, request, response).catch(() => response.destroy())
  }).listen(port, '127.0.0.1')
}

if (import.meta.main) {
  const [port, bytesPerSecond] = process.argv.slice(2).map(Number)
  if (!port || !bytesPerSecond) throw new Error('usage: node slow-registry.ts PORT BYTES_PER_SECOND')
  serve(port, bytesPerSecond)
}
