// Owns which files make up the kubeconfig, and what is read of them.
// Promises kubectl's own rules: several files of KUBECONFIG are one, in which the first to say something wins, and those that are not there
// count for nothing; a user's token file is read wherever it is named. Does not connect.

import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { KubeConfig, User } from '@kubernetes/client-node'

export interface KubeconfigOptions {
  /** A kubeconfig file; else those of KUBECONFIG, else ~/.kube/config, else the pod's own service account. */
  readonly kubeconfig?: string
  readonly context?: string
  /** Where KUBECONFIG and HOME are looked up. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Rejects with a message that names the file, or the context, where there is none. */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<KubeConfig> {
  // Imported here, since it costs 90 MB and half a second that `replay` need not pay.
  // Of client-node the bundle holds KubeConfig only, so YAML is read by the parser that reads the configuration.
  const [client, { parse }] = await Promise.all([import('@kubernetes/client-node'), import('yaml')])
  const config = new client.KubeConfig()
  const files = filesOf(options).filter((path) => !isEmpty(path, options))
  for (const path of files) {
    const one = new client.KubeConfig()
    readable(path, () => one.loadFromFile(path, { onInvalidEntry: 'filter' }))
    one.users = withTokenFiles(one.users, path, parse(readFileSync(path, 'utf8')))
    addTo(config, one)
  }
  if (files.length === 0) loadOtherwise(config)
  const context = options.context ?? config.getCurrentContext()
  if (context && !config.getContextObject(context))
    throw new Error(
      `context ${context}: not in ${options.kubeconfig ?? 'the kubeconfig'}, or without a cluster and a user`,
    )
  config.setCurrentContext(context)
  return config
}

/** clientcmd's ClientConfigLoadingRules: of KUBECONFIG those that are there; one that was named alone has to be. */
function filesOf({ kubeconfig, env = {} }: KubeconfigOptions): readonly string[] {
  if (kubeconfig !== undefined) return [kubeconfig]
  const { HOME: home, KUBECONFIG: named } = env
  if (!named) return home ? [join(home, '.kube', 'config')].filter((path) => existsSync(path)) : []
  const files = named.split(delimiter).filter(Boolean)
  const found = files.filter((path) => existsSync(path))
  if (found.length === 0) throw new Error(`KUBECONFIG=${named} names no file that exists`)
  return found
}

/** As `touch` leaves it, it says nothing; the only one has to say something, but in a pod, which has an account of its own. */
function isEmpty(path: string, { kubeconfig, env = {} }: KubeconfigOptions): boolean {
  if (readable(path, () => readFileSync(path, 'utf8')).trim() !== '') return false
  if (kubeconfig !== undefined || !(env['KUBECONFIG']?.includes(delimiter) ?? existsSync(ACCOUNT_TOKEN)))
    throw new Error(`${path} is empty`)
  return true
}

const ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** What an earlier file says of a name stands. */
function addTo(config: KubeConfig, more: KubeConfig): void {
  config.clusters = byName(config.clusters, more.clusters)
  config.users = byName(config.users, more.users)
  config.contexts = byName(config.contexts, more.contexts)
  if (!config.currentContext) config.setCurrentContext(more.currentContext)
}

const byName = <T extends { readonly name: string }>(first: readonly T[] = [], more: readonly T[]): T[] => [
  ...first,
  ...more.filter(({ name }) => !first.some((one) => one.name === name)),
]

/** As client-node finds it in a pod, and from Windows in its Linux; but for the server on localhost:8080 that it makes up where there is nothing. */
function loadOtherwise(config: KubeConfig): void {
  if (existsSync(ACCOUNT_TOKEN)) return config.loadFromCluster()
  config.loadFromDefault()
  if (config.getCurrentContext() !== 'loaded-context' || config.getCurrentCluster()?.name !== 'cluster')
    return
  throw new Error('KUBECONFIG is not set, there is no ~/.kube/config, and this is no pod')
}

/** In words that say which file it is and what is wrong with it; a parser quotes what it read, over several lines. */
function readable<T>(path: string, load: () => T): T {
  try {
    return load()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
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
    users?: readonly { name: string; user?: { tokenFile?: string } | null }[] | null
  }
  return users.map((user) => {
    const tokenFile = raw?.find((each) => each.name === user.name)?.user?.tokenFile
    if (tokenFile === undefined) return user
    return {
      ...user,
      authProvider: { name: 'tokenFile', config: { tokenFile: resolve(dirname(path), tokenFile) } },
    }
  })
}
