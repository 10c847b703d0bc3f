// Owns the connection to one API server: its address, the one shared HTTP agent, and the credentials of each request.
// Promises h1 with TCP keep-alive, over one pool and for each watch a socket of its own, credentials as client-node reads them (contexts, exec plugins, token files),
// and a new agent when the CA or the client certificate changes. Does not send requests.

import type { KubeConfig } from '@kubernetes/client-node'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import { type KubeconfigOptions, loadKubeconfig } from './kubeconfig.ts'
import { createStreamSockets, type StreamSockets, type Tls } from './stream-socket.ts'

export interface ConfigOptions extends KubeconfigOptions {
  /** The proxy for a URL; the kubeconfig's own `proxy-url` wins. */
  readonly proxyFor?: (url: string) => string | undefined
  /** How many watches will be open at once; default 16. */
  readonly watches?: number
}

export interface Credentials {
  readonly dispatcher: Dispatcher
  /** For watches; absent where a proxy stands between. */
  readonly streams?: StreamSockets
  readonly headers: Readonly<Record<string, string>>
}

export interface Connection {
  readonly origin: string
  /** Without a trailing slash; a proxy may serve the API below a path. */
  readonly basePath: string
  readonly contextName: string
  /** The context's own namespace, if it names one. */
  readonly namespace?: string
  /** For each request anew: a token may have been rotated. Rejects where a token file or an exec plugin fails. */
  authenticate(): Promise<Credentials>
  /** Forgets cached credentials; called once after a 401. */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** A watch holds its socket, and undici lets a request wait for one without a word: the pool exceeds the watches by these. */
const BESIDE_WATCHES = 16
const WATCHES = 16

/** 15 s to the first probe notices a vanished peer after about 25 s; undici's own 60 s takes 71 s. */
const KEEP_ALIVE_DELAY_MS = 15_000

export function createAgent(tls: Tls, proxyUrl?: string, watches = WATCHES): Dispatcher {
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS, timeout: 10_000 }
  const options = {
    allowH2: false,
    connections: watches + BESIDE_WATCHES,
    pipelining: 1,
    headersTimeout: 30_000,
    bodyTimeout: 0,
  }
  if (proxyUrl === undefined) return new Agent({ ...options, connect })
  if (!/^https?:/.test(proxyUrl))
    throw new Error(`proxy ${proxyUrl}: only http and https proxies are supported`)
  return new ProxyAgent({ ...options, uri: proxyUrl, requestTls: connect })
}

type Carriers = Pick<Credentials, 'dispatcher' | 'streams'>

function createCarriers(tls: Tls, proxyUrl: string | undefined, watches: number | undefined): Carriers {
  return {
    dispatcher: createAgent(tls, proxyUrl, watches),
    ...(proxyUrl === undefined && { streams: createStreamSockets(tls, KEEP_ALIVE_DELAY_MS) }),
  }
}

async function closeCarriers({ dispatcher, streams }: Carriers): Promise<void> {
  streams?.close()
  await dispatcher.destroy()
}

/** A connection with fixed credentials, for tests, benches and proxies such as `kubectl proxy`. */
export function openDirect(
  server: string,
  headers: Readonly<Record<string, string>> = {},
  tls: Tls = {},
  watches?: number,
): Connection {
  const { origin, basePath } = addressOf(server)
  const carriers = createCarriers(tls, undefined, watches)
  return {
    origin,
    basePath,
    contextName: 'direct',
    authenticate: () => Promise.resolve({ ...carriers, headers: { 'user-agent': USER_AGENT, ...headers } }),
    refresh: () => Promise.resolve(),
    close: () => closeCarriers(carriers),
  }
}

const USER_AGENT = 'podspan'

function addressOf(server: string): { origin: string; basePath: string } {
  const url = new URL(server)
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, '') }
}

/** Loads the configuration; rejects with a message that names the file or context where there is none. */
export async function openConnection(options: ConfigOptions = {}): Promise<Connection> {
  let config = await loadKubeconfig(options)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Error(withoutCluster(config, options))
  const proxyUrl = cluster.proxyUrl ?? options.proxyFor?.(cluster.server)
  const carriers = carrierKeeper(proxyUrl, options.watches)
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace
  return {
    ...addressOf(cluster.server),
    contextName: config.getCurrentContext(),
    ...(namespace ? { namespace } : {}),
    authenticate: async () => {
      const { tls, headers } = await credentialsOf(config)
      return { ...carriers.carriersFor(tls), headers: { 'user-agent': USER_AGENT, ...headers } }
    },
    refresh: async () => {
      // New authenticators have empty caches: the token file is read and the exec plugin is run again.
      config = await loadKubeconfig(options)
    },
    close: () => carriers.close(),
  }
}

function withoutCluster(config: KubeConfig, { kubeconfig = 'the kubeconfig' }: ConfigOptions): string {
  const context = config.getCurrentContext()
  return context
    ? `context ${context}: its cluster is not in ${kubeconfig}`
    : `${kubeconfig} names no current context`
}

/** The names of the kubeconfig's contexts; rejects as `openConnection` does. */
export async function listContexts(options: KubeconfigOptions = {}): Promise<string[]> {
  return (await loadKubeconfig(options)).getContexts().map(({ name }) => name)
}

async function credentialsOf(config: KubeConfig): Promise<{ tls: Tls; headers: Record<string, string> }> {
  const read: Record<string, unknown> & { headers?: Record<string, unknown> } = {}
  await config.applyToHTTPSOptions(read as Parameters<KubeConfig['applyToHTTPSOptions']>[0])
  const headers: Record<string, string> = {}
  // A token file often ends with a newline, which no header may hold.
  for (const [name, value] of Object.entries(read.headers ?? {}))
    headers[name.toLowerCase()] = String(value).trim()
  if (typeof read['auth'] === 'string')
    headers['authorization'] ??= `Basic ${Buffer.from(read['auth']).toString('base64')}`
  return { tls: tlsOf(read), headers }
}

function tlsOf(read: Readonly<Record<string, unknown>>): Tls {
  const tls: Record<string, unknown> = {}
  for (const key of ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'])
    if (read[key] !== undefined && read[key] !== null) tls[key] = read[key]
  return tls
}

/** Keeps the carriers as long as the TLS material is the same; a replaced agent is closed when its last request has ended, as each watch's socket is. */
function carrierKeeper(
  proxyUrl: string | undefined,
  watches: number | undefined,
): {
  carriersFor(tls: Tls): Carriers
  close(): Promise<void>
} {
  let fingerprint: string | undefined
  let carriers: Carriers | undefined
  return {
    carriersFor: (tls) => {
      const now = fingerprintOf(tls)
      if (carriers && now === fingerprint) return carriers
      void carriers?.dispatcher.close().catch(() => undefined)
      fingerprint = now
      carriers = createCarriers(tls, proxyUrl, watches)
      return carriers
    },
    close: async () => {
      if (carriers) await closeCarriers(carriers)
    },
  }
}

function fingerprintOf(tls: Tls): string {
  return [tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized]
    .map((part) => String(part))
    .join('\n')
}
