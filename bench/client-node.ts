// Owns the alternative: pods and events watched by @kubernetes/client-node as its documentation shows.
// Promises the same records and frames out of it as our own watch gives, by our own JSON decoder.
// Does not repair what its informer leaves out (paging, resuming after errors): that would only make it slower.

import {
  CoreV1Api,
  KubeConfig,
  makeInformer,
  Watch,
  type KubernetesObject,
  type KubernetesListObject,
} from '@kubernetes/client-node'
import type { Clock } from '../src/base/clock.ts'
import type { Frame, ObjectFrame } from '../src/base/frame.ts'
import { decodeJson } from '../src/decode/json.ts'

type OnFrame = (frame: Frame) => void

export function configFor(server: string, ca: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'bench', server, caData: Buffer.from(ca).toString('base64') }],
    users: [{ name: 'bench' }],
    contexts: [{ name: 'bench', cluster: 'bench', user: 'bench' }],
    currentContext: 'bench',
  })
  return config
}

export async function watchByInformers(
  server: string,
  ca: string,
  clock: Clock,
  onFrame: OnFrame,
): Promise<void> {
  const config = configFor(server, ca)
  const api = config.makeApiClient(CoreV1Api)
  await inform(config, 'pods', () => api.listPodForAllNamespaces(), clock, onFrame)
  await inform(config, 'events', () => api.listEventForAllNamespaces(), clock, onFrame)
}

async function inform<T extends KubernetesObject>(
  config: KubeConfig,
  source: string,
  list: () => Promise<KubernetesListObject<T>>,
  clock: Clock,
  onFrame: OnFrame,
): Promise<void> {
  const informer = makeInformer<T>(config, `/api/v1/${source}`, list)
  informer.on('add', (object) => deliver(source, 'added', object, clock, onFrame))
  informer.on('update', (object) => deliver(source, 'modified', object, clock, onFrame))
  informer.on('delete', (object) => deliver(source, 'deleted', object, clock, onFrame))
  informer.on('error', (error: unknown) => {
    throw new Error(`the informer stopped: ${String(error)}`)
  })
  await informer.start()
}

const KINDS: Readonly<Record<string, ObjectFrame['kind']>> = {
  ADDED: 'added',
  MODIFIED: 'modified',
  DELETED: 'deleted',
}

/** Its plain watch, without the informer's cache: the least that it can cost. */
export async function watchByWatch(
  server: string,
  ca: string,
  clock: Clock,
  onFrame: OnFrame,
): Promise<void> {
  const watch = new Watch(configFor(server, ca))
  for (const source of ['pods', 'events']) {
    const query = { allowWatchBookmarks: true, resourceVersion: '1000000000' }
    await watch.watch(
      `/api/v1/${source}`,
      query,
      (type, object) => {
        const kind = KINDS[type]
        if (kind) deliver(source, kind, object, clock, onFrame)
      },
      () => undefined,
    )
  }
}

function deliver(
  source: string,
  kind: ObjectFrame['kind'],
  object: unknown,
  clock: Clock,
  onFrame: OnFrame,
): void {
  const decoded = decodeJson(source, object)
  if (!decoded.ok) throw new Error(`${source}: ${decoded.error.what} at ${decoded.error.where}`)
  onFrame({ kind, t: clock.now(), source, phase: 'live', record: decoded.record })
}
