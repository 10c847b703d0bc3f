// Owns the making and removing of the namespaces that scenarios and end-to-end tests run in.
// Promises an empty namespace in which pods can be created at once. Does not wait for a removal.

import type { Api, KubeObject } from './api.ts'
import { clock } from './stage.ts'

export async function freshNamespace(api: Api, name: string): Promise<void> {
  await api.remove({ apiVersion: 'v1', kind: 'Namespace', name })
  await whenGone(api, name)
  await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  await hasAccount(api, name)
}

/** A namespace of a name that nobody has yet, since the cluster may be anyone's; returns the name. */
export async function newNamespace(api: Api, prefix: string): Promise<string> {
  const metadata = { generateName: `${prefix}-` }
  const { status, body } = await api.send('POST', '/api/v1/namespaces', { metadata })
  if (status !== 201) throw new Error(`no namespace ${prefix}-…: ${status} ${body.slice(0, 400)}`)
  const { name } = (JSON.parse(body) as KubeObject).metadata
  await hasAccount(api, name)
  return name
}

function hasAccount(api: Api, namespace: string): Promise<void> {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace, name: 'default' }
  return eventually(`service account of ${namespace}`, () => api.exists(account))
}

export function removeNamespace(api: Api, name: string): Promise<void> {
  return api.remove({ apiVersion: 'v1', kind: 'Namespace', name })
}

/** What serves a namespace's pods may be needed until the last of them has ended. */
export const whenGone = (api: Api, name: string): Promise<void> =>
  eventually(
    `namespace ${name} is gone`,
    async () => !(await api.exists({ apiVersion: 'v1', kind: 'Namespace', name })),
  )

export async function eventually(what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
  const deadline = clock.monotonicMs() + seconds * 1000
  while (!(await holds())) {
    if (clock.monotonicMs() > deadline) throw new Error(`${what}: not within ${seconds} s`)
    await clock.sleep(200)
  }
}
