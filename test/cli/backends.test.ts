import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { loadConfig } from '../../src/controller/config.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'backends.md'), 'utf8')

interface Values {
  readonly cluster?: { readonly name: string }
  readonly exporters: Readonly<
    Record<string, { readonly headersFromSecrets?: Readonly<Record<string, object>> }>
  >
}

const blocks = page.split('\n## ').flatMap((section) => {
  const title = section.split('\n')[0] ?? ''
  return [...section.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => [title, text] as const)
})

/** As the chart writes its values into the configuration file. */
function fileOf({ cluster, exporters, ...rest }: Values): string {
  const mounted = Object.entries(exporters).map(([name, { headersFromSecrets, ...exporter }]) => {
    const files = Object.keys(headersFromSecrets ?? {}).map((header) => [
      header,
      `/etc/podspan/${name}/${header}`,
    ])
    return [name, { ...exporter, headersFromFiles: Object.fromEntries(files) }]
  })
  return stringify({ ...rest, clusterName: cluster?.name ?? null, exporters: Object.fromEntries(mounted) })
}

test('docs/backends.md has settings for each backend that it names', () => {
  assert.deepEqual(
    blocks.map(([title]) => title),
    ['# Backends', 'Tempo', 'Jaeger', 'Honeycomb', 'Datadog', 'Dynatrace', 'Elastic'],
  )
})

for (const [title, text] of blocks) {
  test(`the settings for ${title} are valid`, () => {
    const loaded = loadConfig({ file: { path: 'values', text: fileOf(parse(text) as Values) } })
    assert.deepEqual(loaded.ok ? [] : loaded.problems, [])
  })
}

test('every number of a source is explained, and every source is used', () => {
  for (const section of page.split('\n## ').slice(1)) {
    const [body = '', notes = ''] = section.split(/\n(?=\(\d+\) )/)
    const used = new Set([...body.matchAll(/\((\d+)\)/g)].map(([, number]) => number))
    const explained = new Set([...notes.matchAll(/\((\d+)\) /g)].map(([, number]) => number))
    assert.deepEqual(
      [...used].filter((number) => !explained.has(number)),
      [],
      section.split('\n')[0],
    )
    assert.deepEqual(
      [...explained].filter((number) => !used.has(number)),
      [],
      section.split('\n')[0],
    )
  }
})
