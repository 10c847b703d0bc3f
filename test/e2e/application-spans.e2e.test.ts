// Owns the proof that applications continue the trace of their pod's start: the examples as they are, in real containers.
// Promises to build both as a user would, and to touch pods of its own namespace alone. Does not judge Podspan's own spans.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { build } from 'esbuild'
import { parse } from 'yaml'
import { nodeImage } from '../../scripts/image.ts'
import { type TruthCursor, truthCursor, type TruthSpan } from '../accuracy/collector.ts'
import { kubectl, pushImage, readCluster } from '../cluster/cluster.ts'
import { run } from '../cluster/commands.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { CREATORS, installPolicies, type Pod } from './injection-support.ts'
import { apply, get } from './operator-support.ts'
import { expectedIds, noCluster, podspan } from './trace-support.ts'

const namespace = 'e2e-application-spans'
const examples = join(import.meta.dirname, '..', '..', 'examples', 'application-spans')
const JOB = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }

/** Each language by each way to the context: what the policies inject, and what follows from the UID alone. */
const APPLICATIONS = ['node', 'go'].flatMap((language) =>
  (['injected', 'computed'] as const).map((way) => ({ name: `${language}-${way}`, language, way })),
)

describe('applications in the trace of their start', { skip: noCluster, timeout: 240_000 }, () => {
  let removePolicies = async (): Promise<void> => {}
  let spans: TruthCursor
  before(async () => {
    spans = truthCursor(readCluster().podspanTracesFile)
    await kubectl(['create', 'namespace', namespace])
    removePolicies = await installPolicies(namespace)
    const images: Readonly<Record<string, string>> = { node: await pushNode(), go: await pushGo() }
    await apply(
      APPLICATIONS.map(({ name, language, way }) => deployment({ name, image: images[language] ?? '', way })),
    )
    for (const { name } of APPLICATIONS)
      await kubectl(['rollout', 'status', `deploy/${name}`, '-n', namespace, '--timeout=90s'])
  })
  after(async () => {
    await removePolicies()
    await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false'])
  })

  for (const { name, language } of APPLICATIONS)
    test(`${name}: its start-up stands below the root of its pod's start`, async () => {
      const { items } = await get<{ items: readonly Pod[] }>('pods', '-n', namespace, '-l', `app=${name}`)
      const [pod] = items
      assert.ok(pod && items.length === 1)
      const { traceId, rootId } = expectedIds(pod.metadata.uid)
      let own: readonly TruthSpan[] = []
      await eventually('its spans are at the Collector', async () => {
        own = spans.read().filter((span) => span.traceId === traceId)
        return own.length >= 3
      })
      assert.deepEqual(own.map((span) => span.name).sort(), [
        'application start-up',
        'listen',
        'load configuration',
      ])
      const startUp = own.find((span) => span.name === 'application start-up')
      assert.equal(startUp?.parentSpanId, rootId)
      for (const span of own) {
        assert.equal(span.service, `checkout-${language}`)
        if (span !== startUp) assert.equal(span.parentSpanId, startUp?.spanId)
      }
    })

  test('Podspan tells that very root, and links it to the job that annotated the Deployment', async () => {
    const { kubeconfig } = readCluster()
    const args = ['trace', 'deploy/node-injected', '-n', namespace, '--output', 'otlp-json']
    const { code, stdout, stderr } = await podspan(args, kubeconfig)
    assert.equal(code, 0, stderr)
    const { items } = await get<{ items: readonly Pod[] }>('pods', '-n', namespace, '-l', 'app=node-injected')
    const { traceId, rootId } = expectedIds(items[0]?.metadata.uid ?? '')
    const root = rootsOf(stdout).find((span) => span.spanId === rootId)
    assert.equal(root?.traceId, traceId)
    assert.deepEqual(
      root?.links?.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
      [JOB],
    )
  })
})

interface Root {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
}

function rootsOf(otlpJson: string): Root[] {
  const requests = otlpJson
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Exported)
  return requests
    .flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)),
    )
    .filter(({ parentSpanId }) => parentSpanId === undefined)
}

interface Exported {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Root[] }[] }[]
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'podspan-application-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

const pushNode = (): Promise<string> =>
  inDirectory(async (directory) => {
    const outfile = join(directory, 'app.mjs')
    const js = "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)"
    await build({
      ...{ entryPoints: [join(examples, 'node', 'app.mjs')], bundle: true, platform: 'node', format: 'esm' },
      ...{ outfile, banner: { js }, logLevel: 'warning' },
    })
    return pushImage('application-node', 'test', await nodeImage(outfile, '/app/app.mjs'))
  })

const pushGo = (): Promise<string> =>
  inDirectory(async (directory) => {
    const app = join(directory, 'app')
    const args = ['build', '-C', join(examples, 'go'), '-trimpath', '-ldflags', '-s -w', '-o', app, '.']
    await run('go', args, { env: { CGO_ENABLED: '0' } })
    return pushImage('application-go', 'test', { layers: [{ files: { app } }], entrypoint: ['/app'] })
  })

interface Application {
  readonly name: string
  readonly image: string
  readonly way: 'injected' | 'computed'
}

/** The example's Deployment, of which only what is the cluster's own is another. */
function deployment({ name, image, way }: Application): object {
  const example = parse(readFileSync(join(examples, 'deployment.yaml'), 'utf8')) as Example
  const { metadata, spec } = example.spec.template
  const [container] = spec.containers
  const values: Readonly<Record<string, string>> = {
    OTEL_EXPORTER_OTLP_ENDPOINT: readCluster().collector.podspanInPod.http,
    OTEL_SERVICE_NAME: `checkout-${name.split('-')[0]}`,
  }
  const env = (container?.env ?? [])
    .filter((one) => way === 'computed' || one.name !== 'POD_UID')
    .map((one) => ({ ...one, ...(values[one.name] !== undefined && { value: values[one.name] }) }))
  // Without the label the policies pass it by.
  const labels = way === 'injected' ? { ...metadata.labels, app: name } : { app: name }
  const annotations = { [CREATORS]: `00-${JOB.traceId}-${JOB.spanId}-01` }
  return {
    ...example,
    metadata: { name, namespace, annotations },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels },
        spec: { ...spec, terminationGracePeriodSeconds: 1, containers: [{ ...container, image, env }] },
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
