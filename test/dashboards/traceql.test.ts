import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { toOtlpJson } from '../../src/export/otlp-json.ts'
import { OPERATIONS, OUTCOMES } from '../../src/metrics/labels.ts'
import { EVERYTHING, fillIn, jaegerOfPanels, traceqlOfPanels } from '../support/grafana.ts'
import { framesOf, tracesOf } from '../support/frames.ts'
import { traceqlProblems } from '../support/traceql.ts'

const root = join(import.meta.dirname, '..', '..')
/** Between them, every attribute that queries ask for. */
const RECORDINGS = ['pulls', 'image-missing', 'burst', 'many-events']

/** Fenced blocks that say so; one query each, unless an empty line parts them. */
const traceqlOfDocs = (): readonly { readonly name: string; readonly query: string }[] =>
  globSync(['*.md', 'docs/**/*.md', 'charts/**/*.md', 'examples/**/*.md'], { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/^```traceql\n(.*?)^```/gms)]
      .flatMap(([, block = '']) => block.trim().split('\n\n'))
      .map((query) => ({ name: `${file}: ${query.slice(0, 60)}`, query })),
  )

const queries = [
  ...traceqlOfPanels().map(({ name, query }) => ({ name, query: fillIn(query, EVERYTHING) })),
  ...traceqlOfDocs(),
]

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string }[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly { readonly attributes: readonly { readonly key: string }[] }[]
    }[]
  }[]
}

/** What starts are exported with, by the scope that TraceQL finds it in. */
async function attributesOf(recording: string): Promise<string[]> {
  const found: string[] = []
  for (const trace of tracesOf(await framesOf(recording))) {
    const { resourceSpans } = JSON.parse(toOtlpJson(trace)) as Exported
    for (const { resource, scopeSpans } of resourceSpans) {
      found.push(...resource.attributes.map(({ key }) => `resource.${key}`))
      for (const { spans } of scopeSpans)
        for (const { attributes } of spans) found.push(...attributes.map(({ key }) => `span.${key}`))
    }
  }
  return found
}

describe('every TraceQL of dashboards and docs', () => {
  const known = new Set<string>()
  before(async () => {
    for (const recording of RECORDINGS) for (const key of await attributesOf(recording)) known.add(key)
  })

  for (const { name, query } of queries)
    test(`parses by Grafana's grammar, and asks for what spans have: ${name}`, () => {
      assert.deepEqual(traceqlProblems(query), [])
      for (const [attribute] of query.matchAll(/\b(?:span|resource)\.[a-z_.0-9]+/g))
        assert.ok(known.has(attribute), `spans have ${attribute}`)
      for (const [, , values = ''] of query.matchAll(/(?<![.\w])name (=~?) "([^"]+)"/g))
        for (const value of values.split('|'))
          assert.ok(['pod startup', ...OPERATIONS].includes(value), `${value} is a span`)
      for (const [, values = ''] of query.matchAll(/podspan\.outcome =~? "([^"]+)"/g))
        for (const value of values.split('|'))
          assert.ok((OUTCOMES as readonly string[]).includes(value), value)
    })

  test('there are some in the dashboards and in the docs', () => {
    assert.ok(traceqlOfPanels().length >= 3)
    assert.ok(traceqlOfDocs().length >= 5)
  })

  test('what the panels of Jaeger ask for is what spans have', () => {
    const asked = jaegerOfPanels().map(({ target }) => fillIn(target.tags ?? '', EVERYTHING))
    assert.ok(asked.length >= 3)
    for (const tags of asked)
      for (const [, key = ''] of tags.matchAll(/([a-z0-9._]+)="/g))
        assert.ok(known.has(`span.${key}`) || known.has(`resource.${key}`), `spans have ${key}`)
  })
})

test('what is no TraceQL is said', () => {
  assert.match(traceqlProblems('{ name = }').join(), /not TraceQL at 9/)
  assert.deepEqual(traceqlProblems('{ name = "schedule" }'), [])
})
