// Owns what the end-to-end tests of injection install and run: the chart's policies, for one namespace, and pods that print what they got.
// Promises that the policies work when it returns, and are removed with what it returns. Does not install the operator: the policies need none.

import { chartDirectory } from '../chart/render.ts'
import { buildTool } from '../cluster/build.ts'
import { kubectl, readCluster } from '../cluster/cluster.ts'
import { beforeMinor } from '../cluster/foreign.ts'
import { run } from '../cluster/commands.ts'
import type { KubeObject } from '../scenarios/api.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { expectedIds, noCluster } from './trace-support.ts'

/** Why the chart's policies cannot be there. */
export const noPolicies = noCluster || beforeMinor(36, 'MutatingAdmissionPolicy v1')

/** Of the pods that the policies select. */
export const SELECTED = { 'example.com/traced': 'yes' } as const
export const CREATORS = 'tracing.k8s.io/traceparent'
export const OWN = 'podspan.dev/traceparent'
export const VARIABLE = 'TRACEPARENT'

export interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } }
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly restartPolicy?: string
  readonly env?: readonly Variable[]
}

export interface Pod extends KubeObject {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: {
    readonly containers: readonly Container[]
    readonly initContainers?: readonly Container[]
    readonly nodeName?: string
  }
}

export const ownContext = (uid: string): string => {
  const { traceId, rootId } = expectedIds(uid)
  return `00-${traceId}-${rootId}-01`
}

const TELL = `echo "\${TRACEPARENT-unset}"`
/** And stays until it is asked to go. */
export const TELL_AND_STAY = ['sh', '-c', `${TELL}; trap 'exit 0' TERM; sleep 300 & wait`] as const

/** A container that says what it finds, and whether it finds anything. */
export const teller = (name: string, more: Partial<Container> = {}): Container => ({
  name,
  image: `${readCluster().registry}/busybox:latest`,
  command: ['sh', '-c', TELL],
  ...more,
})

export async function installPolicies(namespace: string): Promise<() => Promise<void>> {
  const { helm = '' } = await buildTool('helm')
  const values = {
    injection: {
      enabled: true,
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      podSelector: { matchLabels: SELECTED },
    },
  }
  const args = ['template', namespace, chartDirectory, '--namespace', namespace]
  const manifest = await run(helm, [...args, '--show-only', 'templates/injection.yaml', '--values', '-'], {
    input: JSON.stringify(values),
  })
  await kubectl(['apply', '-f', '-'], { input: manifest })
  await eventually('the policies are in use', () => isInjected(namespace))
  return async () => {
    await kubectl(['delete', '--ignore-not-found', '-f', '-'], { input: manifest })
  }
}

/** Whether a selected pod would get the variable. */
export async function isInjected(namespace: string): Promise<boolean> {
  const metadata = { name: 'probe', labels: SELECTED }
  const made = await dryRun(namespace, { metadata, containers: [teller('app')] })
  return made.spec.containers[0]?.env !== undefined
}

export interface Wanted {
  readonly metadata: Readonly<Record<string, unknown>>
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly nodeName?: string
}

export function podOf(namespace: string, { metadata, ...spec }: Wanted): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, ...metadata },
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, ...spec },
  }
}

export async function dryRun(namespace: string, wanted: Wanted): Promise<Pod> {
  const args = ['create', '--dry-run=server', '--output', 'json', '-f', '-']
  return JSON.parse(await kubectl(args, { input: JSON.stringify(podOf(namespace, wanted)) })) as Pod
}

/** What each container of a pod printed, by its name. */
export async function toldBy(namespace: string, pod: Pod): Promise<Record<string, string>> {
  const { containers, initContainers = [] } = pod.spec
  const told = [...initContainers, ...containers].map(async ({ name }) => {
    const text = await kubectl(['logs', '-n', namespace, pod.metadata.name, '-c', name])
    return [name, text.trim()] as const
  })
  return Object.fromEntries(await Promise.all(told))
}
