// Owns what leaves a native span before it is written to a recording.
// Promises that ids, names, times and what joins a span to its pod stay, and that of other texts only those of the keys below do:
// an application's span may hold anything, a registry's URL a signature. A second time changes nothing.

import { JOIN_ATTRIBUTES } from '../base/native.ts'
import { isObject } from './format.ts'
import { redactMessage } from './redact.ts'

type Json = Readonly<Record<string, unknown>>

/** Numbers and truth values stay under any key. */
const KEPT_PREFIXES = ['k8s.', 'rpc.', 'service.', 'telemetry.', 'network.', 'server.', 'sandbox.', 'layer.']
const KEPT_KEYS: ReadonlySet<string> = new Set([
  ...JOIN_ATTRIBUTES,
  'audit-id',
  'container.image.ref',
  'error.type',
  'exception.type',
  'group',
  'host.name',
  'namespace',
  'resource',
  'snapshotter.name',
  'task.id',
  'type',
  'verb',
])
const URLS: ReadonlySet<string> = new Set(['url.path', 'url.full', 'http.target', 'http.url', 'url', 'key'])

/** A pod's own path says what recordings say anyway; any other may name a Secret. */
const POD_PATH = /\/pods(\/[^/?#]*){0,3}(?=$|[?#])/
const REDACTED = 'redacted'

export const redactSpans = (request: Json): Json => redactFields(request) as Json

function redactFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactFields)
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([key, field]) => [key, redactField(key, field)] as const)
  return Object.fromEntries(entries)
}

function redactField(key: string, field: unknown): unknown {
  if (key === 'attributes') return Array.isArray(field) ? field.map(redactAttribute) : []
  if (key === 'message') return redactMessage(field, '')
  return redactFields(field)
}

function redactAttribute(attribute: unknown): unknown {
  if (!isObject(attribute)) return {}
  const { key, value } = attribute
  if (typeof key !== 'string' || !isObject(value)) return { key }
  const { stringValue, arrayValue, kvlistValue, bytesValue } = value
  if (typeof stringValue === 'string') return { key, value: { stringValue: redactText(key, stringValue) } }
  const isText = arrayValue !== undefined || kvlistValue !== undefined || bytesValue !== undefined
  return isText && !isKept(key) ? { key, value: { stringValue: REDACTED } } : attribute
}

const isKept = (key: string): boolean =>
  KEPT_KEYS.has(key) || KEPT_PREFIXES.some((prefix) => key.startsWith(prefix))

function redactText(key: string, text: string): string {
  if (URLS.has(key)) return POD_PATH.test(text) ? text.replace(/[?#].*$/, '') : REDACTED
  return isKept(key) ? text : REDACTED
}
