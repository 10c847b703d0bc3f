// Owns the alternative of the bench of idle memory: client-node's informers of pods and events, in a process that does nothing else.
// Promises the whole package, as one who takes it gets it. Does not export.

import { CoreV1Api, makeInformer } from '@kubernetes/client-node'
import { configFor } from './client-node.ts'

export interface IdleCommand {
  readonly server: string
  readonly ca: string
}

async function watch({ server, ca }: IdleCommand): Promise<void> {
  const config = configFor(server, ca)
  const api = config.makeApiClient(CoreV1Api)
  await makeInformer(config, '/api/v1/pods', () => api.listPodForAllNamespaces()).start()
  await makeInformer(config, '/api/v1/events', () => api.listEventForAllNamespaces()).start()
  process.send?.({ watching: process.pid })
}

process.once('message', (command: IdleCommand) => void watch(command))
