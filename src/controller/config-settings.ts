// Owns the list of settings that a flag or a variable may give, and how their text becomes a value.
// Promises one row per setting with mechanical names: `log.level` is `--log-level` and PODSPAN_LOG_LEVEL.
// Does not check ranges: the schema does, for a flag and for the file alike.

import { z } from 'zod'
import { configSchema } from './config-schema.ts'

/** A JSON schema of the configuration as it is written; it names every key there is. */
export interface SchemaNode {
  readonly type?: string
  readonly description?: string
  readonly expected?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode | boolean
}

export const CONFIG_KEYS = z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode

export interface Setting {
  /** `leaderElection.leaseName`. */
  readonly path: readonly string[]
  /** `leader-election-lease-name`, without the dashes before it. */
  readonly flag: string
  /** `PODSPAN_LEADER_ELECTION_LEASE_NAME`. */
  readonly variable: string
  readonly node: SchemaNode
}

/** Between `trace`, `URL` and `Template`. */
const WORD = /(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/

/** Maps have no flags: their keys are names that only the file knows. */
export const SETTINGS: readonly Setting[] = leaves(CONFIG_KEYS, [])

function leaves(node: SchemaNode, path: readonly string[]): Setting[] {
  if (node.properties)
    return Object.entries(node.properties).flatMap(([key, child]) => leaves(child, [...path, key]))
  return typeof node.additionalProperties === 'object' ? [] : [settingOf(path, node)]
}

function settingOf(path: readonly string[], node: SchemaNode): Setting {
  const words = path.flatMap((key) => key.split(WORD)).map((word) => word.toLowerCase())
  return {
    path,
    node,
    flag: words.join('-'),
    variable: `PODSPAN_${words.join('_').toUpperCase()}`,
  }
}

/** The text of a flag or variable as the file would say it; text that is no such value is left for the schema to refuse. */
export function valueOfText({ node }: Setting, text: string): unknown {
  if (node.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (node.type === 'integer') return /^-?\d+$/.test(text) ? Number(text) : text
  if (node.type === 'array')
    return text
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
  return text.startsWith('fixed:') && node.type === undefined ? { fixed: text.slice('fixed:'.length) } : text
}

/** The keys that may stand at a path; undefined where any may. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] | undefined {
  let node: SchemaNode | undefined = CONFIG_KEYS
  for (const key of path) {
    const rest: SchemaNode | boolean | undefined = node?.additionalProperties
    node = node?.properties?.[String(key)] ?? (typeof rest === 'object' ? rest : undefined)
  }
  return node?.properties && Object.keys(node.properties)
}

/** The known word that a mistyped one is near to, if there is one. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((one) => ({ one, distance: distanceOf(word.toLowerCase(), one.toLowerCase()) }))
    .filter(({ one, distance }) => distance <= Math.max(1, Math.floor(one.length / 3)))
    .sort((a, b) => a.distance - b.distance)
  return near[0]?.one
}

/** Letters to insert, remove or replace. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
