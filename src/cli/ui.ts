// Owns `podspan ui`: the operator's page on this machine's loopback, through a port-forward to the replica that has seen most.
// Promises that the way is tried before a browser is started, that the page outlives the pod, and that nobody else's right is used.
// Does not serve the page: the operator does.

import { request } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import type { About } from '../web/row.ts'
import { openBrowser } from './browser.ts'
import { type ClusterOptions, dial, refuse } from './connect.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { aborted } from './live.ts'
import { neutralise } from './text.ts'
import { createReplicas, type Replicas } from './ui-replicas.ts'

export interface UiOptions extends ClusterOptions {
  readonly port: number
  /** `--no-open` leaves the browser to the reader. */
  readonly open: boolean
}

/** Where the chart's own instructions put it. */
const USUAL_NAMESPACE = 'podspan'

export async function ui(context: Context, options: UiOptions): Promise<ExitCode> {
  const { clock, signal, terminal } = context
  const connection = await dial(context, options)
  const replicas = createReplicas({
    ...{ connection, clock, signal },
    namespace: options.namespace,
    likely: [...new Set([USUAL_NAMESPACE, connection.namespace ?? 'default'])],
    say: terminal.say,
  })
  try {
    const about = await askAbout(replicas, context)
    const server = await listen(replicas, options.port, terminal.say)
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const whose = `${replicas.name()} (${about.role ?? 'standby'} of ${neutralise(about.title)})`
    terminal.say(`podspan: the page of ${whose} is at ${url}; Ctrl-C ends it.`)
    if (options.open) openBrowser(context, url)
    await aborted(signal)
    await close(server)
  } finally {
    await connection.close()
  }
  return EXIT.ok
}

const ASK_MS = 10_000

/** One question before anything is promised: whether the port-forward is allowed, and whether a page answers there. */
async function askAbout(replicas: Replicas, { clock, signal }: Context): Promise<About> {
  const stream = await replicas.connect()
  const over = new AbortController()
  const late = clock.sleep(ASK_MS, AbortSignal.any([signal, over.signal])).then(() => {
    throw new Error(`no answer within ${ASK_MS / 1000} s`)
  })
  const answer = await Promise.race([get(stream, '/api/about'), late]).catch((error: Error) =>
    refuse(`No page answers in ${replicas.name()}: ${neutralise(error.message, 300)}.`),
  )
  late.catch(() => undefined)
  over.abort()
  stream.destroy()
  return answer
}

function get(stream: Duplex, path: string): Promise<About> {
  return new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.on('close', () => reject(new Error('the connection was closed')))
    const asked = request(
      { createConnection: () => stream as Socket, path, host: '127.0.0.1' },
      (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (text: string) => (body += text))
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(body) as About)
          else reject(new Error(`it answered ${response.statusCode}`))
        })
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}

const CONNECTIONS_MAX = 64

/** Each connection of the browser is one through the API server. */
function listen(replicas: Replicas, port: number, say: (sentence: string) => void): Promise<Server> {
  const told = new Set<string>()
  const server = createServer({ allowHalfOpen: false }, (local) => void join(local))
  const join = async (local: Socket): Promise<void> => {
    local.on('error', () => undefined)
    try {
      const remote = await replicas.connect()
      if (local.destroyed) return void remote.destroy()
      pipeline(local, remote, () => local.destroy())
      pipeline(remote, local, () => remote.destroy())
    } catch (error) {
      const { message } = error as Error
      if (!told.has(message)) say(`podspan: ${neutralise(message)}`)
      told.add(message)
      // The browser tries again by itself, and the page says that the connection is lost.
      local.destroy()
    }
  }
  server.maxConnections = CONNECTIONS_MAX
  return new Promise((resolve, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const why =
        code === 'EADDRINUSE' ? `port ${port} is taken; --port names another one, or 0 for any` : message
      reject(new CliError(EXIT.usage, `The page cannot be forwarded: ${why}.`))
    })
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
