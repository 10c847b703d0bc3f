// Owns what in charts/podspan is written from elsewhere: the CRD, and README.md with its table of values.
// Promises that every value of values.yaml has a comment, which is its row in the table.
// Does not judge what is in the repository: test/chart/generated.test.ts compares.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, type Node, type Pair, parseDocument, type Scalar, type YAMLMap } from 'yaml'

const root = join(import.meta.dirname, '..')
const chart = join(root, 'charts', 'podspan')

/** By its path in the repository, what each generated file should be. */
export function chartFiles(): Record<string, string> {
  const template = readFileSync(join(chart, 'README.template.md'), 'utf8')
  const values = readFileSync(join(chart, 'values.yaml'), 'utf8')
  return {
    'charts/podspan/README.md': readme(template, values),
    'charts/podspan/files/tracesessions.podspan.dev.yaml': readFileSync(
      join(root, 'crds', 'podspan.dev_tracesessions.yaml'),
      'utf8',
    ),
  }
}

const MARK = '<!-- values -->'

export function readme(template: string, valuesYaml: string): string {
  if (!template.includes(MARK)) throw new Error(`the template of the README has no line ${MARK}`)
  const rows = valuesOf(valuesYaml).map(
    ({ path, standard, meaning }) =>
      `| \`${path}\` | ${cell(standard)} | ${meaning.replaceAll('|', '\\|')} |`,
  )
  const table = ['| value | default | meaning |', '|---|---|---|', ...rows].join('\n')
  const origin = '<!-- Written by scripts/generate-chart.ts from README.template.md and values.yaml. -->'
  return `${origin}\n${template.replace(MARK, table)}`
}

const cell = (standard: string): string =>
  standard === '' ? '' : `\`${standard.replaceAll('|', '\\|').replaceAll('`', "'")}\``

export interface Value {
  readonly path: string
  /** As it would be written on one line; empty for an empty text. */
  readonly standard: string
  readonly meaning: string
}

/** Every value with a comment; a map without one is a group of values. */
export function valuesOf(yaml: string): readonly Value[] {
  const document = parseDocument(yaml)
  if (!isMap(document.contents)) throw new Error('values.yaml is not a map')
  return rowsOf(document.contents as YAMLMap<Scalar<string>, Node>, [])
}

function rowsOf(map: YAMLMap<Scalar<string>, Node>, path: readonly string[]): Value[] {
  return map.items.flatMap((pair, index) => {
    const here = [...path, pair.key.value]
    const meaning = commentOf(map, pair, index)
    if (meaning === undefined && isMap(pair.value))
      return rowsOf(pair.value as YAMLMap<Scalar<string>, Node>, here)
    if (meaning === undefined) throw new Error(`values.yaml says nothing about ${here.join('.')}`)
    return [{ path: here.join('.'), standard: shown(pair.value), meaning }]
  })
}

/** The parser gives the comment of a map's first key to the map. */
function commentOf(
  map: YAMLMap<Scalar<string>, Node>,
  pair: Pair<Scalar<string>, Node>,
  index: number,
): string | undefined {
  const comment = pair.key.commentBefore ?? (index === 0 ? map.commentBefore : undefined)
  return comment
    ?.split('\n')
    .map((line) => line.trim())
    .join(' ')
}

function shown(value: Node | null): string {
  const plain: unknown = value?.toJSON() ?? ''
  return typeof plain === 'string' ? plain : JSON.stringify(plain)
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(chartFiles())) writeFileSync(join(root, path), text)
}
