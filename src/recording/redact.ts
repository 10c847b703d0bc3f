// Owns what leaves an object before it is written to a recording.
// Promises that environment values, commands, arguments, annotations, data and the names of Secrets and ConfigMaps are gone, and that
// a redacted recording replays to the same traces. Goes by field names, so that a pod template anywhere is treated like a pod.
// Does not touch labels, names of pods, images and nodes, addresses, or messages other than names of Secrets and ConfigMaps in them.

import { sha256Hex } from '../base/digest.ts'
import { KEPT_ANNOTATIONS } from '../base/record.ts'
import { INITIAL_EVENTS_END, isObject } from './format.ts'

type Json = Readonly<Record<string, unknown>>

const REDACTED = /^redacted-[0-9a-f]{8}$/

/** The same name gives the same word, so that what belongs together still does; a second time changes nothing. */
export const redactedName = (name: string): string =>
  REDACTED.test(name) ? name : `redacted-${sha256Hex(name).slice(0, 8)}`

export function redact(object: Json): Json {
  const redacted = redactFields(object, '') as Json
  return isAboutSecret(object['involvedObject']) ? redactSubject(redacted) : redacted
}

/** What a field becomes, by its own name and its parent's; undefined removes it. */
type Rule = (value: unknown, parent: string) => unknown

const remove: Rule = () => undefined

const RULES: Readonly<Record<string, Rule>> = {
  annotations: redactAnnotations,
  fieldsV1: remove,
  data: (value, parent) => (parent === '' ? undefined : redactFields(value, 'data')),
  binaryData: remove,
  stringData: remove,
  env: (value) => mapItems(value, 'env', ({ value: _literal, ...rest }) => rest),
  args: (value, parent) => (Array.isArray(value) ? undefined : redactFields(value, parent)),
  command: (value, parent) => (Array.isArray(value) ? undefined : redactFields(value, parent)),
  httpHeaders: (value) => mapItems(value, 'httpHeaders', ({ value: _literal, ...rest }) => rest),
  volumeAttributes: remove,
  secretName: hashText,
  imagePullSecrets: (value) => mapItems(value, 'imagePullSecrets', hashName),
  secrets: (value) => mapItems(value, 'secrets', hashName),
  secret: namedThing,
  configMap: namedThing,
  secretRef: namedThing,
  secretKeyRef: namedThing,
  configMapRef: namedThing,
  configMapKeyRef: namedThing,
  nodePublishSecretRef: namedThing,
  message: redactMessage,
  note: redactMessage,
}

function redactFields(value: unknown, parent: string): unknown {
  if (Array.isArray(value)) return value.map((item) => redactFields(item, parent))
  if (!isObject(value)) return value
  const kept: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(value)) {
    const rule = Object.hasOwn(RULES, key) ? RULES[key] : undefined
    const redacted = rule === undefined ? redactFields(field, key) : rule(field, parent)
    // Not by assignment: a label may be called __proto__.
    if (redacted !== undefined) Object.defineProperty(kept, key, { value: redacted, enumerable: true })
  }
  return kept
}

/** The key says which tool was here, and stays; the value may say anything. */
function redactAnnotations(value: unknown): unknown {
  if (!isObject(value)) return undefined
  const kept = Object.entries(value).map(([key, text]) =>
    KEPT_ANNOTATIONS.has(key) || key === INITIAL_EVENTS_END ? [key, text] : [key, 'redacted'],
  )
  return Object.fromEntries(kept)
}

function mapItems(value: unknown, key: string, change: (item: Json) => Json): unknown {
  if (!Array.isArray(value)) return redactFields(value, key)
  return value.map((item) => redactFields(isObject(item) ? change(item) : item, key))
}

function hashText(value: unknown): unknown {
  return typeof value === 'string' ? redactedName(value) : undefined
}

function hashName(item: Json): Json {
  const { name } = item
  return typeof name === 'string' ? { ...item, name: redactedName(name) } : item
}

function namedThing(value: unknown, parent: string): unknown {
  return redactFields(isObject(value) ? hashName(value) : value, parent)
}

const IN_MESSAGES = [
  // secret "db-password" not found; configmap "settings" not found
  /\b((?:secret|configmap)s? ")([^"]+)(")/gi,
  // couldn't find key password in Secret shop/db-password
  /\b((?:secret|configmap)s? [a-z0-9-]+\/)([a-z0-9.-]*[a-z0-9])()/gi,
  // object "shop"/"db-password" not registered
  /(object "[^"]*"\/")([^"]+)(")/g,
] as const

export function redactMessage(value: unknown, parent: string): unknown {
  if (typeof value !== 'string') return redactFields(value, parent)
  return IN_MESSAGES.reduce(
    (text, pattern) => text.replace(pattern, (_, before, name, after) => before + redactedName(name) + after),
    value,
  )
}

const isAboutSecret = (involved: unknown): boolean =>
  isObject(involved) && (involved['kind'] === 'Secret' || involved['kind'] === 'ConfigMap')

/** An event about a Secret carries its name twice: in the reference, and as the first part of its own. */
function redactSubject(event: Json): Json {
  const involved = event['involvedObject']
  const metadata = event['metadata']
  const name = isObject(involved) ? involved['name'] : undefined
  if (!isObject(involved) || !isObject(metadata) || typeof name !== 'string') return event
  const own = metadata['name']
  const renamed =
    typeof own === 'string' && own.startsWith(name) ? redactedName(name) + own.slice(name.length) : own
  return { ...event, involvedObject: hashName(involved), metadata: { ...metadata, name: renamed } }
}
