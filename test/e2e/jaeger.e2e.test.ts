// Owns the proof that a real Jaeger shows what Podspan sent: the starts of all recordings, span by span, and what the dashboards find of them.
// Promises to need no cluster. That it also holds for a live one is for first-ten-minutes.e2e.test.ts.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseExports, type TruthSpan } from '../accuracy/collector.ts'
import { attempt } from '../cluster/commands.ts'
import { foreignKubeconfig } from '../cluster/foreign.ts'
import { recordings } from '../support/frames.ts'
import { EVERYTHING, fillIn, jaegerOfPanels, type Target } from '../support/grafana.ts'
import {
  asShown,
  byId,
  type JaegerSearch,
  type LocalJaeger,
  searchTraces,
  startJaeger,
  tracePage,
} from './jaeger.ts'

const root = join(import.meta.dirname, '..', '..')
const skip = foreignKubeconfig() !== undefined && 'this asks nothing of a cluster'
/** Those that were written from documents tell of the same pods twice. */
const files = recordings()
  .filter((name) => !name.startsWith('documented-'))
  .map((name) => join(root, 'test', 'recordings', `${name}.jsonl.gz`))

interface Sent {
  readonly spans: readonly TruthSpan[]
  /** Resource attributes by trace; those of its services differ in `service.name` alone. */
  readonly resources: ReadonlyMap<string, Attributes>
}
type Attributes = Readonly<Record<string, string>>

/** What was printed is what was sent. */
async function replayTo(endpoint: string): Promise<Sent> {
  const args = ['dist/podspan.mjs', 'replay', ...files, '--output', 'otlp-json', '--otlp-endpoint', endpoint]
  const { code, stdout, stderr } = await attempt(process.execPath, args, { cwd: root })
  assert.equal(code, 0, stderr)
  assert.match(stderr, /dropped 0 \+ waiting 0/)
  return { spans: parseExports(stdout), resources: resourcesOf(stdout) }
}

interface Printed {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string
        readonly value: { readonly stringValue?: string }
      }[]
    }
    readonly scopeSpans: readonly { readonly spans: readonly { readonly traceId: string }[] }[]
  }[]
}

function resourcesOf(printed: string): Map<string, Attributes> {
  const found = new Map<string, Attributes>()
  for (const line of printed.trim().split('\n'))
    for (const { resource, scopeSpans } of (JSON.parse(line) as Printed).resourceSpans) {
      const attributes = Object.fromEntries(
        resource.attributes.map(({ key, value }) => [key, value.stringValue ?? '']),
      )
      for (const { spans } of scopeSpans) for (const { traceId } of spans) found.set(traceId, attributes)
    }
  return found
}

describe('a real Jaeger, of the starts of all recordings', { skip, timeout: 300_000 }, () => {
  let jaeger: LocalJaeger
  let sent: readonly TruthSpan[]
  let attributesOf: (span: TruthSpan) => Readonly<Record<string, unknown>>
  let byTrace: ReadonlyMap<string, readonly TruthSpan[]>
  before(async () => {
    jaeger = await startJaeger()
    const { spans, resources } = await replayTo(jaeger.otlpHttp)
    sent = spans
    attributesOf = (span) => ({ ...resources.get(span.traceId), ...span.attributes })
    byTrace = Map.groupBy(sent, ({ traceId }) => traceId)
  })
  after(() => jaeger[Symbol.asyncDispose]())

  test('shows each trace with the tree, the services, the starts and the durations that were sent', async () => {
    assert.ok(byTrace.size > 200, `${byTrace.size} traces`)
    for (const [traceId, spans] of byTrace) {
      const shown = await tracePage(`${jaeger.url}/trace/${traceId}`)
      assert.deepEqual(byId(shown ?? []), byId(unique(spans).map(asShown)), traceId)
    }
  })

  test('has one root in each, which is a start or what came before one', async () => {
    const names = new Set<string>()
    for (const [traceId, spans] of byTrace) {
      const shown = (await tracePage(`${jaeger.url}/trace/${traceId}`)) ?? []
      const ids = new Set(shown.map(({ spanId }) => spanId))
      for (const { parentSpanId } of shown)
        assert.ok(parentSpanId === undefined || ids.has(parentSpanId), traceId)
      const roots = shown.filter(({ parentSpanId }) => parentSpanId === undefined)
      assert.ok(roots.length > 0 && spans.length > 0, traceId)
      for (const { name } of roots) names.add(name)
    }
    assert.deepEqual([...names].toSorted(), ['creation refused', 'pod startup', 'wait in queue'])
  })

  test('does not know a trace that was never sent', async () => {
    assert.equal(await tracePage(`${jaeger.url}/trace/${'1'.repeat(32)}`), undefined)
  })

  for (const { name, target } of jaegerOfPanels())
    test(`finds by the question of a panel what it should, and nothing else: ${name}`, async () => {
      const slow = sent.find(
        (span) => isSlowRoot(span) && attributesOf(span)['podspan.workload'] !== undefined,
      )
      assert.ok(slow, 'a slow start of a workload was recorded')
      const search = searchOf(target, {
        ...EVERYTHING,
        slo: `${SLOW_SECONDS}`,
        ...valuesOf(attributesOf(slow)),
      })
      const has = (span: TruthSpan): boolean =>
        Object.entries(search.tags).every(([key, value]) => String(attributesOf(span)[key]) === value)
      const expected = sent.filter((span) => isSlowRoot(span) && has(span)).map(({ traceId }) => traceId)
      assert.ok(expected.includes(slow.traceId))
      const found = await searchTraces(jaeger.url, search)
      assert.deepEqual(sorted(found.map(({ traceId }) => traceId)), sorted(expected))
    })
})

const sorted = (traceIds: readonly string[]): string[] => [...new Set(traceIds)].toSorted()

const SLOW_SECONDS = 5

const isSlowRoot = ({ name, start, end }: TruthSpan): boolean =>
  name === 'pod startup' && end - start >= BigInt(SLOW_SECONDS) * 1_000_000_000n

/** A Workload's wait is sent with each start that needs it. */
const unique = (spans: readonly TruthSpan[]): TruthSpan[] => [
  ...new Map(spans.map((span) => [span.spanId, span])).values(),
]

function valuesOf(attributes: Readonly<Record<string, unknown>>): Record<string, string> {
  const [workload_kind = '', workload = ''] = String(attributes['podspan.workload']).split('/')
  return {
    ...{ workload_kind, workload },
    namespace: String(attributes['k8s.namespace.name']),
    node: String(attributes['k8s.node.name']),
  }
}

/** logfmt, as Grafana's data source reads it. */
function searchOf(
  { service = '', operation = '', tags = '', minDuration = '' }: Target,
  values: Readonly<Record<string, string>>,
): JaegerSearch {
  const pairs = [...fillIn(tags, values).matchAll(/([\w.]+)="([^"]*)"/g)]
  return {
    ...{ service, operation, minDuration: fillIn(minDuration, values), limit: 1500 },
    tags: Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, value])),
  }
}
