// Owns putting the configuration together: flag over variable over file over default, parsed whole.
// Promises every wrong value at once, each named by its flag, variable or line of the file, with its path and what was expected;
// unknown keys are refused with the nearest known one. Does not read files or the environment: both are parameters.

import { isMap, LineCounter, parseDocument } from 'yaml'
import type { ZodError } from 'zod'
import { ConfigError, type Environment, type OtlpConfig, parseConfig } from '../export/config.ts'
import { type ControllerConfig, configSchema, type ExporterConfig } from './config-schema.ts'
import { keysAt, nearest, SETTINGS, type Setting, valueOfText } from './config-settings.ts'

export type { ControllerConfig, ExporterConfig } from './config-schema.ts'

export interface ConfigSources {
  readonly file?: { readonly path: string; readonly text: string }
  /** By the flag's name without dashes: `log-level`. */
  readonly flags?: Readonly<Record<string, string | undefined>>
  readonly env?: Readonly<Record<string, string | undefined>>
}

export type LoadedConfig =
  | { readonly ok: true; readonly config: ControllerConfig; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] }

type Tree = Record<string, unknown>

export function loadConfig(sources: ConfigSources): LoadedConfig {
  const read = readFile(sources.file)
  if (!read.ok) return read
  const tree = read.tree
  const given = overlay(tree, sources)
  const parsed = configSchema.safeParse(tree)
  const where = whereOf(read.lineOf, given)
  const problems = parsed.success
    ? exporterProblems(parsed.data.exporters, where)
    : problemsOf(parsed.error, tree, where)
  if (!parsed.success || problems.length > 0) return { ok: false, problems }
  const warnings = [...exporterWarnings(parsed.data, where), ...strayVariables(sources.env ?? {})]
  return { ok: true, config: parsed.data, warnings }
}

/** It may come with the next reading of the file, so that this is no error. */
function exporterWarnings({ standingSession, exporters }: ControllerConfig, where: Where): string[] {
  const name = standingSession?.exporter
  if (typeof name !== 'string' || Object.hasOwn(exporters, name)) return []
  const path = ['standingSession', 'exporter']
  return [
    `${where(path)}: ${path.join('.')}: no exporter is named ${name}; nothing is exported for this session`,
  ]
}

type ReadFile =
  | { readonly ok: true; readonly tree: Tree; readonly lineOf: (path: readonly PropertyKey[]) => string }
  | { readonly ok: false; readonly problems: readonly string[] }

function readFile(file: ConfigSources['file']): ReadFile {
  if (!file) return { ok: true, tree: {}, lineOf: () => 'configuration' }
  const lines = new LineCounter()
  // Duplicate keys are an error of the parser; `merge` stays off, so that what is read is what stands there.
  const document = parseDocument(file.text, { lineCounter: lines })
  const at = (offset: number): string => `${file.path}:${lines.linePos(offset).line}`
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => `${at(pos[0])}: ${firstLine(message)}`)
    return { ok: false, problems }
  }
  const tree = valueOf(document)
  if (tree instanceof Error) return { ok: false, problems: [`${file.path}: ${firstLine(tree.message)}`] }
  if (!isTree(tree)) return { ok: false, problems: [`${file.path}: is not a map of settings`] }
  return { ok: true, tree, lineOf: (path) => lineOf(document, path, at, file.path) }
}

/** Only when an alias is followed does it show that it leads nowhere, to itself, or to thousands of others. */
function valueOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return withoutNulls(document.toJS({ maxAliasCount: 10 }) ?? {})
  } catch (error) {
    return error
  }
}

const firstLine = (message: string): string => message.split('\n')[0]?.replace(/:$/, '') ?? ''

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `key:` without a value means unset, as a template leaves it. */
function withoutNulls(value: unknown, depth = 0): unknown {
  if (depth > DEEPEST) throw new Error('is nested too deeply; expected an alias that does not lead to itself')
  if (Array.isArray(value)) return value.map((one) => withoutNulls(one, depth + 1))
  if (!isTree(value)) return value
  const kept = Object.entries(value).filter(([, one]) => one !== null && one !== undefined)
  return Object.fromEntries(kept.map(([key, one]) => [key, withoutNulls(one, depth + 1)]))
}

/** Settings are five deep, a selector in a session some more. */
const DEEPEST = 32

/** The line of the deepest part of the path that the file has. */
function lineOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
  at: (offset: number) => string,
  file: string,
): string {
  for (let depth = path.length; depth > 0; depth--) {
    const parent: unknown =
      depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1).map(String), true)
    if (!isMap(parent)) continue
    const pair = parent.items.find(({ key }) => String(key) === String(path[depth - 1]))
    const range = (pair?.key as { range?: readonly number[] | null } | undefined)?.range
    if (range?.[0] !== undefined) return at(range[0])
  }
  return file
}

/** Which setting came from a flag or a variable, by path. */
type Given = ReadonlyMap<string, string>

/** Lays variables and then flags over the file's tree. */
function overlay(tree: Tree, { env = {}, flags = {} }: ConfigSources): Given {
  const given = new Map<string, string>()
  for (const setting of SETTINGS) {
    const variable = variableText(setting, env)
    const flag = flags[setting.flag]
    const text = flag ?? variable
    if (text === undefined) continue
    put(tree, setting.path, valueOfText(setting, text))
    given.set(setting.path.join('.'), flag === undefined ? setting.variable : `--${setting.flag}`)
  }
  return given
}

/** Kubernetes gives a Service named `podspan-server` the variable PODSPAN_SERVER_PORT with a value like this; it is not meant for us. */
const SERVICE_LINK = /^(tcp|udp|sctp):\/\//

function variableText({ variable }: Setting, env: NonNullable<ConfigSources['env']>): string | undefined {
  const text = env[variable]?.trim()
  return text === undefined || text === '' || SERVICE_LINK.test(text) ? undefined : text
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path
  if (rest.length === 0) {
    tree[key] = value
    return
  }
  const inner = tree[key]
  // A file that has no map here is refused for that; the flag must not hide it.
  if (inner !== undefined && !isTree(inner)) return
  put((tree[key] = inner ?? {}) as Tree, rest, value)
}

type Where = (path: readonly PropertyKey[]) => string

const whereOf =
  (lineOf: Where, given: Given): Where =>
  (path) => {
    for (let depth = path.length; depth > 0; depth--) {
      const origin = given.get(path.slice(0, depth).join('.'))
      if (origin !== undefined) return origin
    }
    return lineOf(path)
  }

function problemsOf(error: ZodError, tree: Tree, where: Where): string[] {
  const seen = new Set<string>()
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(issue.path, key, where))
    const name = issue.path.map(String).join('.')
    // A value that is out of its range need not be told what else it breaks.
    if (seen.has(name)) return []
    seen.add(name)
    if (issue.code === 'invalid_key') {
      const key = JSON.stringify(issue.path.at(-1))
      return [
        `${where(issue.path)}: ${name}: ${key} is not a valid name; expected ${issue.issues[0]?.message}`,
      ]
    }
    const value = shown(issue.path, valueAt(tree, issue.path))
    const what = value === undefined ? 'is missing' : `${value} is not valid`
    return [`${where(issue.path)}: ${name}: ${what}; ${expected(issue)}`]
  })
}

/** The schema of sessions has zod's own words, such as `Invalid option: expected one of "Ready"|"Completed"`, and sentences of its own. */
function expected({ code, message, path }: ZodError['issues'][number]): string {
  if (code === 'custom' && path[0] === 'standingSession' && !/ expected /.test(message)) return message
  return `expected ${message.replace(/^(Invalid|Too) \w+: expected /, '')}`
}

function unknownKey(path: readonly PropertyKey[], key: string, where: Where): string {
  const known = keysAt(path) ?? []
  const near = nearest(key, known)
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`
  const full = [...path, key]
  return `${where(full)}: ${full.map(String).join('.')}: unknown setting; ${hint}`
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  return value
}

/** A value in a message; that of a header may be a secret and is not shown. */
function shown(path: readonly PropertyKey[], value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (path[2] === 'headers') return 'its value'
  const text = JSON.stringify(value)
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}

/** What export/config.ts calls by other names. */
const EXPORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  certificate: ['tls', 'ca'],
  clientCertificate: ['tls', 'cert'],
  clientKey: ['tls', 'key'],
  timeoutMs: ['timeout'],
}

/** The exporters' own checks: an endpoint that fits its protocol, headers that it can carry. */
function exporterProblems(exporters: ControllerConfig['exporters'], where: Where): string[] {
  return Object.entries(exporters).flatMap(([name, exporter]) => {
    try {
      otlpConfigOf(exporter, {}, {})
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return error.message.split('\n').map((line) => exporterProblem(name, line, where))
    }
    return Object.keys(exporter.headersFromFiles)
      .filter((header) => header.toLowerCase() in lowerKeys(exporter.headers))
      .map((header) => {
        const path = ['exporters', name, 'headersFromFiles', header]
        return `${where(path)}: ${path.join('.')}: is also in headers; expected it in one of the two`
      })
  })
}

function exporterProblem(name: string, line: string, where: Where): string {
  const [option = '', ...rest] = line.split(': ')
  const path = ['exporters', name, ...(EXPORT_NAMES[option] ?? [option])]
  return `${where(path)}: ${path.join('.')}: ${rest.join(': ')}`
}

const lowerKeys = (map: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key.toLowerCase(), value]))

/** The exporter's settings in the exporter's own form; throws a ConfigError for what it refuses. Header files are read by the caller. */
export function otlpConfigOf(
  exporter: ExporterConfig,
  fileHeaders: Readonly<Record<string, string>>,
  env: Environment,
): OtlpConfig {
  const { endpoint, protocol, headers, tls, compression, timeout } = exporter
  // The header names of files are checked with the rest; their values are not known here.
  const names = Object.fromEntries(Object.keys(exporter.headersFromFiles).map((key) => [key, '']))
  return parseConfig(
    // The variables of OTLP itself are of one exporter, and these have names.
    Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_'))),
    {
      endpoint,
      headers: { ...names, ...headers, ...fileHeaders },
      compression,
      timeoutMs: Math.max(1, Number(timeout / 1_000_000n)),
      insecure: tls.insecure,
      ...(protocol !== undefined && { protocol }),
      ...(tls.ca !== undefined && { certificate: tls.ca }),
      ...(tls.cert !== undefined && { clientCertificate: tls.cert }),
      ...(tls.key !== undefined && { clientKey: tls.key }),
    },
  )
}

/** What Kubernetes sets for a Service. */
const SERVICE_VARIABLE = /_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_.*)?)$/

/** A mistyped variable cannot be refused, since Kubernetes sets some of its own by the same prefix; it is told. */
function strayVariables(env: NonNullable<ConfigSources['env']>): string[] {
  const known = [...SETTINGS.map(({ variable }) => variable), 'PODSPAN_CONFIG']
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('PODSPAN_') || known.includes(name) || SERVICE_VARIABLE.test(name)) return []
    const near = nearVariable(name, known)
    return near === undefined ? [] : [`${name}: no such variable; did you mean ${near}?`]
  })
}

/** Nearer than by the prefix that all share. */
function nearVariable(name: string, known: readonly string[]): string | undefined {
  const bare = (variable: string): string => variable.slice('PODSPAN_'.length)
  const near = nearest(bare(name), known.map(bare))
  return near === undefined ? undefined : `PODSPAN_${near}`
}
