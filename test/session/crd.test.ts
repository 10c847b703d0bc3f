import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CRD_FILE, crdText, DOCS_FILE, docsText } from '../../scripts/generate-crd.ts'
import { fieldsOf, makeCrd, type OpenApi, rootSchema, rulesOf } from '../../src/session/crd.ts'

const fields = fieldsOf(rootSchema()).filter(({ path }) => !['apiVersion', 'kind', 'metadata'].includes(path))
/** Items of lists are schemas of their own. */
const schemas = fields.flatMap(({ path, schema }) => [
  { path, schema },
  ...(schema.items ? [{ path: `${path}[]`, schema: schema.items }] : []),
])

test('the file in crds/ is the one that the schema gives: node scripts/generate-crd.ts', () => {
  assert.equal(readFileSync(CRD_FILE, 'utf8'), crdText())
})

test('the tables of docs/tracesession.md are those that the schema gives: node scripts/generate-crd.ts', () => {
  assert.equal(readFileSync(DOCS_FILE, 'utf8'), docsText())
})

test('it is small enough for client-side apply, which keeps it in an annotation', () => {
  assert.ok(JSON.stringify(makeCrd()).length < 40_000)
})

test('every field has a description in whole sentences', () => {
  for (const { path, schema } of fields)
    assert.match(schema.description ?? '', /^[A-Z0-9].{8,}[.]$/s, `${path}: ${schema.description ?? 'none'}`)
})

/** What the API server asks of a structural schema, and CEL of the cost that it estimates. */
const UNBOUNDED: readonly (readonly [type: string, limit: string])[] = [
  ['string', 'maxLength'],
  ['array', 'maxItems'],
]

test('every text and list is bounded, also below', () => {
  for (const { path, schema } of schemas)
    for (const [type, limit] of UNBOUNDED)
      if (schema['type'] === type && schema['enum'] === undefined && schema['format'] !== 'date-time')
        assert.equal(typeof schema[limit], 'number', `${path} has no ${limit}`)
})

test('every map is bounded', () => {
  for (const { path, schema } of schemas)
    if (schema.additionalProperties) assert.equal(typeof schema['maxProperties'], 'number', path)
})

test('the schema is structural: a type everywhere, nothing of newer drafts', () => {
  const allowed = new Set(
    'type format description properties items additionalProperties required default enum minimum maximum minLength maxLength maxItems maxProperties x-kubernetes-validations x-kubernetes-list-type x-kubernetes-list-map-keys'.split(
      ' ',
    ),
  )
  const walk = (schema: OpenApi, path: string): void => {
    assert.equal(typeof schema['type'], 'string', `${path} has no type`)
    for (const key of Object.keys(schema)) assert.ok(allowed.has(key), `${path}.${key}`)
    for (const [name, each] of Object.entries(schema.properties ?? {})) walk(each, `${path}.${name}`)
    if (schema.items) walk(schema.items, `${path}[]`)
    if (schema.additionalProperties) walk(schema.additionalProperties, `${path}{}`)
  }
  walk(rootSchema(), '')
})

test('every rule has a message that is short enough for one line', () => {
  const rules = schemas.flatMap(({ schema }) => rulesOf(schema))
  assert.ok(rules.length > 30)
  for (const { rule, message } of rules) assert.ok(message.length > 10 && message.length < 160, rule)
})
