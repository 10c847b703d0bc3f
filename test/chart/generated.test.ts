import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { chartFiles, readme, valuesOf } from '../../scripts/generate-chart.ts'
import { assertGolden } from '../support/golden-file.ts'
import { chartDirectory } from './render.ts'
import { VALUE_SETS } from './value-sets.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string): string => readFileSync(join(chartDirectory, file), 'utf8')

test('the README and the CRD of the chart are what would be generated now', () => {
  for (const [path, text] of Object.entries(chartFiles())) assertGolden(join(root, path), text)
})

test('a value without a comment is refused, and a map without one is a group', () => {
  assert.throws(() => valuesOf('# Said.\na: 1\nb: 2\n'), /says nothing about b/)
  assert.deepEqual(valuesOf('a:\n  # First.\n  x: ""\n  # Second,\n  # of two lines.\n  y: {z: 1}\n'), [
    { path: 'a.x', standard: '', meaning: 'First.' },
    { path: 'a.y', standard: '{"z":1}', meaning: 'Second, of two lines.' },
  ])
})

test('what would break a table is escaped in it', () => {
  const table = readme('<!-- values -->', '# One | two.\na: "x|y"\n')
  assert.match(table, /\| `a` \| `x\\\|y` \| One \\\| two\. \|/)
})

test('the versions of chart and program are one', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const chart = parse(read('Chart.yaml')) as { version: string; appVersion: string }
  assert.deepEqual([chart.version, chart.appVersion], [version, version])
})

interface Schema {
  readonly additionalProperties?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every map whose keys the schema lists refuses others; `global` is shared with other charts. */
function assertClosed(schema: Schema, values: Record<string, unknown>, path: string): void {
  const properties = schema.properties ?? {}
  // The parent's condition for a dependency arrives among the values.
  const known = Object.keys(properties).filter((key) => !(path === '' && key === 'enabled'))
  assert.deepEqual(known.toSorted(), Object.keys(values).toSorted(), `the keys of ${path || 'the values'}`)
  if (path !== 'global') assert.equal(schema.additionalProperties, false, `${path} is closed`)
  for (const [key, child] of Object.entries(properties))
    if (child.properties && isMap(values[key]))
      assertClosed(child, values[key], path === '' ? key : `${path}.${key}`)
}

test('the schema lists exactly the keys of values.yaml, and no others may be set', () => {
  const schema = JSON.parse(read('values.schema.json')) as Schema
  assertClosed(schema, parse(read('values.yaml')) as Record<string, unknown>, '')
})

test('the installations that are tested set every value', () => {
  const isSet = (path: string): boolean =>
    Object.values(VALUE_SETS).some((values) => {
      let value: unknown = values
      for (const key of path.split('.')) value = isMap(value) ? value[key] : undefined
      return value !== undefined
    })
  const unset = valuesOf(read('values.yaml')).filter(({ path }) => !isSet(path))
  assert.deepEqual(
    unset.map(({ path }) => path),
    [],
  )
})
