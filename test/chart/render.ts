// Owns how tests of the chart call Helm, and what they read from its output.
// Promises that Helm is built where PODSPAN_E2E=require demands it, and otherwise only used where it is built already.
// Does not assert anything.

import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { buildTool, builtTool } from '../cluster/build.ts'
import { attempt, type CommandResult } from '../cluster/commands.ts'
import type { ToolName } from '../cluster/versions.ts'

export const chartDirectory = join(import.meta.dirname, '..', '..', 'charts', 'podspan')

export async function toolIfBuilt(name: ToolName): Promise<Record<string, string> | undefined> {
  return process.env['PODSPAN_E2E'] === 'require' ? buildTool(name) : builtTool(name)
}

const helm = (await toolIfBuilt('helm'))?.['helm']

/** The reason to skip, as node:test takes it. */
export const noHelm: string | false =
  helm === undefined && 'Helm is not built; `node test/cluster/build.ts helm` builds it'

export type Values = Readonly<Record<string, unknown>>

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

export function runHelm(args: readonly string[], values: Values = {}): Promise<CommandResult> {
  return attempt(helm ?? 'helm', [...args, '--values', '-'], { input: JSON.stringify(values) })
}

export const releaseNamespace = 'observability'

const rendered = new Map<string, Promise<string>>()

/** The objects that `helm template` gives, those of `helm test` included. Rejects with Helm's words where it refuses the values. */
export async function render(
  values: Values = {},
  more: readonly string[] = [],
  release = 'podspan',
): Promise<Manifest[]> {
  const key = JSON.stringify([values, more, release])
  const text = rendered.get(key) ?? template(values, more, release)
  rendered.set(key, text)
  // As Kubernetes' own parser, to which `on` and `0777` are no texts.
  return parseAllDocuments(await text, { version: '1.1' })
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest): manifest is Manifest => manifest !== null)
}

async function template(values: Values, more: readonly string[], release: string): Promise<string> {
  const args = ['template', release, chartDirectory, '--namespace', releaseNamespace, ...more]
  const { code, stdout, stderr } = await runHelm(args, values)
  if (code !== 0) throw new Error(stderr)
  return stdout
}

export function only(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter(
    (one) => one.kind === kind && (name === undefined || one.metadata.name === name),
  )
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} objects of kind ${kind} among ${kinds(manifests).join(', ')}`)
  return found[0]
}

export const kinds = (manifests: readonly Manifest[]): string[] => manifests.map(({ kind }) => kind)

/** A field by its path, as `spec.template.spec`; undefined where it is not. */
export function at<T = unknown>(manifest: unknown, path: string): T {
  let value = manifest
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key]
  return value as T
}

/** Of the ConfigMap that the controller reads; others hold dashboards. */
export const configText = (manifests: readonly Manifest[]): string =>
  manifests
    .filter(({ kind }) => kind === 'ConfigMap')
    .map((one) => at<Record<string, string>>(one, 'data')['config.yaml'])
    .find((text) => text !== undefined) ?? ''

export interface Container {
  readonly name: string
  readonly image: string
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly resources?: unknown
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly Readonly<Record<string, unknown>>[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** The spec of every pod that the chart makes. */
export function podSpecs(manifests: readonly Manifest[]): PodSpec[] {
  return manifests.flatMap((one) => {
    if (one.kind === 'Pod') return [at<PodSpec>(one, 'spec')]
    return one.kind === 'Deployment' ? [at<PodSpec>(one, 'spec.template.spec')] : []
  })
}
