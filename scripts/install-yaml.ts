// Owns install.yaml: the chart with its default values as one file for `kubectl apply -f`, for those who use no Helm.
// Promises the namespace first, then everything in an order that can be applied, and nothing that only means something to Helm.
// Does not set values: what is not a default needs the chart.

import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import { buildTool } from '../test/cluster/build.ts'
import { run, runScript } from '../test/cluster/commands.ts'

const chart = join(import.meta.dirname, '..', 'charts', 'podspan')
const namespace = 'podspan'

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly labels?: Record<string, string>
    readonly annotations?: Record<string, string>
    readonly [field: string]: unknown
  }
}

/** What a chart's output says to Helm alone. */
const isHelms = (key: string, value: string): boolean => key.startsWith('helm.sh/') || value === 'Helm'

export function installYaml(rendered: string): string {
  const manifests = parseAllDocuments(rendered)
    .map((document) => document.toJS() as Manifest | null)
    .filter(
      (one): one is Manifest => one !== null && one.metadata.annotations?.['helm.sh/hook'] === undefined,
    )
  const head = '# Podspan with the default values of its chart: kubectl apply --server-side -f install.yaml\n'
  const objects = [namespaceObject, ...manifests.map(withoutHelm)]
  return (
    head + objects.map((one) => stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')
  )
}

const namespaceObject: Manifest = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
}

function withoutHelm(manifest: Manifest): Manifest {
  const { labels, annotations, ...rest } = manifest.metadata
  const metadata = {
    ...rest,
    ...(labels && { labels: kept(labels) }),
    ...(annotations && Object.keys(kept(annotations)).length > 0 && { annotations: kept(annotations) }),
  }
  return { ...manifest, metadata }
}

const kept = (entries: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(entries).filter(([key, value]) => !isHelms(key, value)))

/** `node scripts/install-yaml.ts` prints it. */
if (import.meta.main) {
  runScript(async () => {
    const { helm = '' } = await buildTool('helm')
    process.stdout.write(
      installYaml(await run(helm, ['template', 'podspan', chart, '--namespace', namespace])),
    )
  })
}
