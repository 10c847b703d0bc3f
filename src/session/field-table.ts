// Owns the tables of fields in docs/tracesession.md.
// Promises to say what the schema says, since they are made from it; a test holds the file to them.
// Does not know what surrounds them.

import { fieldsOf, type OpenApi, rootSchema } from './crd.ts'

export type Part = 'spec' | 'status'
export const PARTS: readonly Part[] = ['spec', 'status']

const BEGIN = (part: Part): string => `<!-- fields of ${part}: generated from src/session/schema.ts -->`
const END = '<!-- /fields -->'

/** The text of the page with its tables as the schema gives them; undefined where a table's place is missing. */
export function withTables(page: string): string | undefined {
  let text: string | undefined = page
  for (const part of PARTS)
    text = text === undefined ? undefined : replaceBetween(text, BEGIN(part), fieldTable(part))
  return text
}

function replaceBetween(text: string, begin: string, table: string): string | undefined {
  const from = text.indexOf(begin)
  const to = text.indexOf(END, from)
  return from < 0 || to < 0 ? undefined : `${text.slice(0, from)}${begin}\n${table}\n${text.slice(to)}`
}

function fieldTable(part: Part): string {
  const schema = rootSchema().properties?.[part] ?? {}
  const rows = fieldsOf(schema).map(
    ({ path, schema: field }) =>
      `| \`${path}\` | ${typeText(field)} | ${defaultText(field)} | ${escaped(field.description ?? '')} |`,
  )
  return ['| field | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
}

function typeText({ type, enum: values, ...field }: OpenApi): string {
  if (type === 'array') return 'list'
  if (Array.isArray(values) && values.length <= 6) return values.join(', ')
  const isDuration = type === 'string' && field['maxLength'] === 20 && 'x-kubernetes-validations' in field
  const range = [field['minimum'], field['maximum']].every((one) => typeof one === 'number')
  if (isDuration) return 'duration'
  return range ? `${String(type)}, ${String(field['minimum'])}–${String(field['maximum'])}` : String(type)
}

function defaultText({ default: value }: OpenApi): string {
  if (value === undefined || typeof value === 'object') return ''
  return `\`${String(value)}\``
}

const escaped = (text: string): string => text.replaceAll('|', '\\|')
