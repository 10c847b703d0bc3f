// Owns the making and removing of the namespaces that scenarios and end-to-end tests run in.
// Promises an empty namespace in which pods can be created at once. Does not wait for a removal.

import type { Api } from './api.ts'
import { clock } from './stage.ts'

export async function freshNamespace(api: Api, name: string): Promise<void> {
  const target = { apiVersion: 'v1', kind: 'Namespace', name }
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace: name, name: 'default' }
  await api.remove(target)
  await eventually(`namespace ${name} is gone`, async () => !(await api.exists(target)))
  await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  await eventually(`service account of ${name}`, () => api.exists(account))
}

export function removeNamespace(api: Api, name: string): Promise<void> {
  return api.remove({ apiVersion: 'v1', kind: 'Namespace', name })
}

export async function eventually(what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
  const deadline = clock.monotonicMs() + seconds * 1000
  while (!(await holds())) {
    if (clock.monotonicMs() > deadline) throw new Error(`${what}: not within ${seconds} s`)
    await clock.sleep(200)
  }
}
