// Owns what is taken out of an object before it is kept: commands, arguments, environment values, paths, most annotations.
// Promises that all that Podspan's decoder reads is still there. Does not change the object it is given.

import { KEPT_ANNOTATIONS } from '../../src/base/record.ts'

const DROPPED = new Set([
  'fieldsV1',
  'command',
  'args',
  'hostPath',
  'images',
  'machineID',
  'systemUUID',
  'kernelVersion',
  'osImage',
])

export function redact(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((entry) => redact(entry, key))
  if (typeof value !== 'object' || value === null) return value
  if (key === 'annotations') return keptAnnotations(value as Record<string, unknown>)
  const kept = Object.entries(value).filter(([name]) => !DROPPED.has(name))
  return Object.fromEntries(
    kept.map(([name, field]) => [name, name === 'env' ? names(field) : redact(field, name)]),
  )
}

function keptAnnotations(annotations: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(annotations).filter(
    ([name]) => KEPT_ANNOTATIONS.has(name) || name === 'k8s.io/initial-events-end',
  )
  return Object.fromEntries(kept)
}

function names(environment: unknown): unknown {
  if (!Array.isArray(environment)) return []
  return environment.map((entry: { name?: string }) => ({ name: entry.name }))
}
