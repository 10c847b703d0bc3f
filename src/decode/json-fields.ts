// Owns reading single fields of a parsed JSON object.
// Promises undefined for what is absent or null, and a DecodeFailure that names the path for what has the wrong type.
// Does not know any Kubernetes type.

import { parseRfc3339, SECOND, type UnixNano } from '../base/time.ts'
import { internText } from './intern.ts'
import { DecodeFailure } from './result.ts'

export type Json = Readonly<Record<string, unknown>>

function wrong(where: string, key: string, expected: string): DecodeFailure {
  return new DecodeFailure('wrong-type', `expected ${expected}`, where === '' ? key : `${where}.${key}`)
}

export function asObject(value: unknown, where: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw new DecodeFailure('wrong-type', 'expected an object', where)
}

export function objectAt(from: Json, key: string, where: string): Json | undefined {
  const value = from[key]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'object' && !Array.isArray(value)) return value as Json
  throw wrong(where, key, 'an object')
}

/** The objects of an array; undefined when there is none or it is empty, as protobuf cannot tell these apart. */
export function listAt<T>(
  from: Json,
  key: string,
  where: string,
  read: (item: Json, where: string) => T,
): T[] | undefined {
  const value = from[key]
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) throw wrong(where, key, 'an array')
  if (value.length === 0) return undefined
  const path = where === '' ? key : `${where}.${key}`
  const out: T[] = []
  for (const item of value) out.push(read(asObject(item, path), path))
  return out
}

/** Text of an optional field; the empty string is absent, as in protobuf. */
export function textAt(from: Json, key: string, where: string): string | undefined {
  const value = from[key]
  if (typeof value === 'string') return value === '' ? undefined : value
  if (value === undefined || value === null) return undefined
  throw wrong(where, key, 'a string')
}

/** The same for values that repeat over objects. */
export function sharedAt(from: Json, key: string, where: string): string | undefined {
  const text = textAt(from, key, where)
  return text === undefined ? undefined : internText(text)
}

export function numberAt(from: Json, key: string, where: string): number | undefined {
  const value = from[key]
  if (typeof value === 'number') return value
  if (value === undefined || value === null) return undefined
  throw wrong(where, key, 'a number')
}

export function booleanAt(from: Json, key: string, where: string): boolean | undefined {
  const value = from[key]
  if (typeof value === 'boolean') return value
  if (value === undefined || value === null) return undefined
  throw wrong(where, key, 'a boolean')
}

/** `metav1.Time` in whole seconds; a fraction, which Go never writes, is cut off. */
export function secondsAt(from: Json, key: string, where: string): number | undefined {
  const at = nanoAt(from, key, where)
  if (at === undefined) return undefined
  const whole = at / SECOND
  return Number(at % SECOND < 0n ? whole - 1n : whole)
}

/** `metav1.MicroTime`, cut to the microsecond as Go writes it. */
export function microAt(from: Json, key: string, where: string): UnixNano | undefined {
  const at = nanoAt(from, key, where)
  return at === undefined ? undefined : ((at - (((at % 1000n) + 1000n) % 1000n)) as UnixNano)
}

/** `0001-01-01T00:00:00Z` is Go's zero time, written by clients that do not leave it out: absent, as in protobuf. */
const GO_ZERO_TIME = '0001-01-01T00:00:00Z'

function nanoAt(from: Json, key: string, where: string): UnixNano | undefined {
  const value = from[key]
  if (value === undefined || value === null || value === GO_ZERO_TIME) return undefined
  const at = parseRfc3339(value)
  if (at === undefined) throw wrong(where, key, 'an RFC 3339 time')
  return at
}

/** The entries of a `map[string]string` that pass; undefined when none does. Numbers are taken as written (a quantity may be one). */
export function mapAt(
  from: Json,
  key: string,
  where: string,
  only?: ReadonlySet<string>,
): Record<string, string> | undefined {
  const source = objectAt(from, key, where)
  if (!source) return undefined
  let map: Record<string, string> | undefined
  for (const name of Object.keys(source)) {
    if (only && !only.has(name)) continue
    const value = source[name]
    if (typeof value !== 'string' && typeof value !== 'number')
      throw wrong(`${where}.${key}`, name, 'a string')
    map = map ?? {}
    map[internText(name)] = internText(String(value))
  }
  return map
}

/** Sets a field unless its value is absent: an undefined property is not an absent one. */
export function put<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) target[key] = value
}

/** The same for a number where Go's JSON leaves 0 out and protobuf writes it. */
export function putCount<T extends object, K extends keyof T>(
  target: T,
  key: K,
  value: (T[K] & number) | undefined,
): void {
  if (value !== undefined && value !== 0) target[key] = value
}
