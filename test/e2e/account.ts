// Owns service accounts with few rights, for tests of what Podspan does without the others.
// Promises a kubeconfig that differs from the given one in its user alone, and that all of it is removed again.
// Does not need kubectl, nor to know whose cluster it is.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { type Api, pathOf } from '../scenarios/api.ts'
import { newNamespace, removeNamespace } from '../scenarios/namespaces.ts'

export interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

export interface Account extends AsyncDisposable {
  readonly kubeconfig: string
}

const RBAC = 'rbac.authorization.k8s.io/v1'
const name = 'reader'

/** Makes a service account, in a namespace of its own, that may do this in the whole cluster. */
export async function makeAccount(api: Api, kubeconfig: string, rules: readonly Rule[]): Promise<Account> {
  const directory = await mkdtemp(join(tmpdir(), 'podspan-account-'))
  const namespace = await newNamespace(api, 'podspan-e2e-account')
  const dispose = async (): Promise<void> => {
    const global = { apiVersion: RBAC, name: namespace }
    await api.remove({ ...global, kind: 'ClusterRoleBinding' })
    await api.remove({ ...global, kind: 'ClusterRole' })
    await removeNamespace(api, namespace)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const token = await createAccount(api, namespace, rules)
    const file = join(directory, 'kubeconfig')
    await writeFile(file, withToken(kubeconfig, token), { mode: 0o600 })
    return { kubeconfig: file, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** Role and binding bear the name of the namespace, which nobody else has. Returns a token for ten minutes. */
async function createAccount(api: Api, namespace: string, rules: readonly Rule[]): Promise<string> {
  await api.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } })
  const metadata = { name: namespace }
  await api.create({ apiVersion: RBAC, kind: 'ClusterRole', metadata, rules })
  await api.create({
    ...{ apiVersion: RBAC, kind: 'ClusterRoleBinding', metadata },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: namespace },
    subjects: [{ kind: 'ServiceAccount', namespace, name }],
  })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace, name, subresource: 'token' }
  const { status, body } = await api.send('POST', pathOf(account), { spec: { expirationSeconds: 600 } })
  if (status !== 201) throw new Error(`no token for ${namespace}/${name}: ${status} ${body.slice(0, 400)}`)
  return (JSON.parse(body) as { status: { token: string } }).status.token
}

function withToken(kubeconfig: string, token: string): string {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Error(`${kubeconfig}: its current context names no cluster`)
  config.loadFromClusterAndUser(cluster, { name, token })
  return config.exportConfig()
}
