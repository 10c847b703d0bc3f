// Owns which cluster the end-to-end tests run against: the one of this folder, or another that PODSPAN_E2E_KUBECONFIG names.
// Promises to touch no cluster because KUBECONFIG happens to be set. Does not bring one up, and does not ask whether it answers.

import { resolve } from 'node:path'
import { pushFreshImage, readCluster } from './cluster.ts'
import { readFacts } from './facts.ts'
import { clusterLayout } from './layout.ts'
import { minorOf } from './versions.ts'

export const FOREIGN = 'PODSPAN_E2E_KUBECONFIG'
const IMAGES = 'PODSPAN_E2E_IMAGES'

/** Two small images with `sh`, `sleep` and `true`, for most platforms, from a registry that counts no pulls. */
const PUBLIC_IMAGES =
  'registry.k8s.io/e2e-test-images/busybox:1.36.1-1,registry.k8s.io/e2e-test-images/busybox:1.29-4'

type Environment = Readonly<Record<string, string | undefined>>

/** The kubeconfig of a cluster that is not ours; undefined where none is named. */
export function foreignKubeconfig(env: Environment = process.env): string | undefined {
  const path = env[FOREIGN]
  return path === undefined || path === '' ? undefined : resolve(path)
}

export interface TestedCluster {
  readonly kubeconfig: string
  /** Two images with a shell that the nodes can pull; those of our own registry are new each time. */
  images(): Promise<readonly [string, string]>
  /** Ours: its registry, its Collector and its files are at hand. */
  readonly isOurs: boolean
  /** How long a pod may take to become ready; an image may come from far away. */
  readonly readySeconds: number
}

/** The cluster that tests run against which need nothing but a cluster. */
export function testedCluster(env: Environment = process.env): TestedCluster {
  const kubeconfig = foreignKubeconfig(env)
  if (kubeconfig === undefined) return ourCluster()
  const [first = '', second = '', ...more] = (env[IMAGES] || PUBLIC_IMAGES).split(',')
  if (first === '' || second === '' || more.length > 0)
    throw new Error(`${IMAGES} is '${env[IMAGES]}', and should be two images with a comma between them`)
  return { kubeconfig, images: async () => [first, second], isOurs: false, readySeconds: 300 }
}

const ourCluster = (): TestedCluster => ({
  kubeconfig: readCluster().kubeconfig,
  images: () => Promise.all([pushFreshImage('fresh', 8), pushFreshImage('fresh', 4)]),
  isOurs: true,
  readySeconds: 90,
})

const isForeign = foreignKubeconfig() !== undefined

/** Why a test cannot run that needs the cluster of this folder, or what came with it; false where it can. */
export const withoutOurs = (what = 'the cluster of test/cluster'): string | false =>
  isForeign
    ? `${FOREIGN} names another cluster, and this needs ${what}`
    : readFacts(clusterLayout()) === undefined && 'no cluster is running; `make cluster-up` starts one'

/** Why a test cannot run that any cluster can carry; false where it can. */
export const withoutAny: string | false = !isForeign && withoutOurs()

/** Whether the cluster of this folder is of that minor version. */
export function ofMinor(minor: number): boolean {
  const version = readFacts(clusterLayout())?.kubernetesVersion
  return version !== undefined && minorOf(version) === minor
}

/** Why a test of the cluster of this folder cannot run on its version; false where it can. */
export function beforeMinor(minor: number, what: string): string | false {
  const version = readFacts(clusterLayout())?.kubernetesVersion
  return (
    version !== undefined &&
    minorOf(version) < minor &&
    `${what} is there from Kubernetes 1.${minor} on, and this is ${version}`
  )
}
