// Owns the connection to one API server: its address, the one shared HTTP agent, and the credentials of each request.
// Promises h1 with TCP keep-alive, over one pool and for each watch a socket of its own, credentials as client-node reads them (contexts, exec plugins, token files),
// and a new agent when the CA or the client certificate changes. Does not send requests.

import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { KubeConfig, User } from '@kubernetes/client-node'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import { createStreamSockets, type StreamSockets, type Tls } from './stream-socket.ts'

export interface ConfigOptions {
  /** A kubeconfig file; else KUBECONFIG, else ~/.kube/config, else the pod's own service account. */
  readonly kubeconfig?: string
  readonly context?: string
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
  let config = await loadConfig(options)
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
      config = await loadConfig(options)
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
export async function listContexts(options: Pick<ConfigOptions, 'kubeconfig'> = {}): Promise<string[]> {
  return (await loadConfig(options)).getContexts().map(({ name }) => name)
}

async function loadConfig(options: ConfigOptions): Promise<KubeConfig> {
  // Imported here, since it costs 90 MB and half a second that `replay` need not pay.
  // Of client-node the bundle holds KubeConfig only, so YAML is read by the parser that reads the configuration.
  const [{ KubeConfig }, { parse }] = await Promise.all([import('@kubernetes/client-node'), import('yaml')])
  const config = new KubeConfig()
  if (options.kubeconfig === undefined) loadDefault(config)
  else {
    readable(options.kubeconfig, () => config.loadFromFile(options.kubeconfig ?? ''))
    config.users = withTokenFiles(
      config.users,
      options.kubeconfig,
      parse(readFileSync(options.kubeconfig, 'utf8')),
    )
  }
  if (options.context !== undefined) {
    if (!config.getContextObject(options.context))
      throw new Error(`context ${options.context}: not in ${options.kubeconfig ?? 'the kubeconfig'}`)
    config.setCurrentContext(options.context)
  }
  return config
}

/** As client-node finds it, but for the server on localhost:8080 that it makes up where there is nothing. */
function loadDefault(config: KubeConfig): void {
  readable('the file of KUBECONFIG or ~/.kube/config', () => config.loadFromDefault())
  if (config.getCurrentContext() !== 'loaded-context' || config.getCurrentCluster()?.name !== 'cluster')
    return
  throw new Error('KUBECONFIG is not set, there is no ~/.kube/config, and this is no pod')
}

/** In words that say which file it is and what is wrong with it; a parser quotes what it read, over several lines. */
function readable(name: string, load: () => void): void {
  try {
    load()
  } catch (error) {
    const { code, path = name, message } = error as NodeJS.ErrnoException
    const [line = ''] = message.split('\n')
    const why = code === undefined ? `is not a kubeconfig: ${line.replace(/[:.]$/, '')}` : WORDS[code]
    throw new Error(`${path} ${why ?? `cannot be read: ${message}`}`, { cause: error })
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a directory',
  EACCES: 'may not be read by this user',
}

/** client-node passes over a user's `tokenFile`, which kubectl reads; its authenticator for the pod's own token reads any file. */
function withTokenFiles(users: readonly User[], path: string, yaml: unknown): User[] {
  const { users: raw = [] } = yaml as {
    users?: readonly { name: string; user?: { tokenFile?: string } | null }[]
  }
  return users.map((user) => {
    const tokenFile = raw.find((each) => each.name === user.name)?.user?.tokenFile
    if (tokenFile === undefined) return user
    return {
      ...user,
      authProvider: { name: 'tokenFile', config: { tokenFile: resolve(dirname(path), tokenFile) } },
    }
  })
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
