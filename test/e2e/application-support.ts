// Owns the applications of examples/application-spans in tests: their images, built as a user would build them, and their Deployment.
// Promises the example as it is, but for what is the cluster's own. Does not say what their spans are to be.

import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { parse } from 'yaml'
import { nodeImage } from '../../scripts/image.ts'
import { pushImage, readCluster } from '../cluster/cluster.ts'
import { run } from '../cluster/commands.ts'

const examples = join(import.meta.dirname, '..', '..', 'examples', 'application-spans')

/** What the start-up of each tells, the first being the parent of the others. */
export const START_UP = ['application start-up', 'load configuration', 'listen'] as const

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'podspan-application-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

export const pushNode = (): Promise<string> =>
  inDirectory(async (directory) => {
    const outfile = join(directory, 'app.mjs')
    const js = "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)"
    await build({
      ...{ entryPoints: [join(examples, 'node', 'app.mjs')], bundle: true, platform: 'node', format: 'esm' },
      ...{ outfile, banner: { js }, logLevel: 'warning' },
    })
    return pushImage('application-node', 'test', await nodeImage(outfile, '/app/app.mjs'))
  })

export const pushGo = (): Promise<string> =>
  inDirectory(async (directory) => {
    const app = join(directory, 'app')
    const args = ['build', '-C', join(examples, 'go'), '-trimpath', '-ldflags', '-s -w', '-o', app, '.']
    await run('go', args, { env: { CGO_ENABLED: '0' } })
    return pushImage('application-go', 'test', { layers: [{ files: { app } }], entrypoint: ['/app'] })
  })

export interface Application {
  readonly name: string
  readonly namespace: string
  readonly image: string
  /** Of its spans. */
  readonly service: string
  /** To the context: what the policies inject, or what follows from the UID. */
  readonly way: 'injected' | 'computed'
  readonly replicas?: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly imagePullPolicy?: 'Always'
}

/** The example's Deployment, of which only what is the cluster's own is another. */
export function deployment(application: Application): object {
  const {
    name,
    namespace,
    image,
    service,
    way,
    replicas = 1,
    annotations = {},
    imagePullPolicy,
  } = application
  const example = parse(readFileSync(join(examples, 'deployment.yaml'), 'utf8')) as Example
  const { metadata, spec } = example.spec.template
  const [container] = spec.containers
  const values: Readonly<Record<string, string>> = {
    OTEL_EXPORTER_OTLP_ENDPOINT: readCluster().collector.podspanInPod.http,
    OTEL_SERVICE_NAME: service,
  }
  const env = (container?.env ?? [])
    .filter((one) => way === 'computed' || one.name !== 'POD_UID')
    .map((one) => ({ ...one, ...(values[one.name] !== undefined && { value: values[one.name] }) }))
  // Without the label the policies pass it by.
  const labels = way === 'injected' ? { ...metadata.labels, app: name } : { app: name }
  return {
    ...example,
    metadata: { name, namespace, annotations },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels },
        spec: {
          ...spec,
          terminationGracePeriodSeconds: 1,
          containers: [{ ...container, image, env, ...(imagePullPolicy && { imagePullPolicy }) }],
        },
      },
    },
  }
}

interface Example {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: {
        readonly containers: readonly { readonly env: readonly { readonly name: string }[] }[]
      }
    }
  }
}
