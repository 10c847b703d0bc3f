// Owns what differs between two pod templates: which fields, and of images also from what to what; and the form in which one is kept.
// Promises that no value but an image leaves it or is kept, since a template may hold what nobody should read.
// Does not decide whether a difference starts a rollout: it does, whatever it is.

import { sha256Hex } from '../base/digest.ts'
import { type Fields, fieldsAt, isFields, listAt, textAt } from './fields.ts'

export interface Difference {
  /** `containers[app].image`, `metadata.labels.revision`. */
  readonly path: string
  /** Images only. */
  readonly from?: string
  readonly to?: string
}

/** JSON text in which every text but images and names stands as its hash: two are equal where the templates are. */
export type SealedTemplate = string & { readonly [sealed]: true }
declare const sealed: unique symbol

const HASH_LENGTH = 12
const KEPT: ReadonlySet<string> = new Set(['image', 'name'])

export const sealTemplate = (template: Fields): SealedTemplate =>
  JSON.stringify(template, (key, value: unknown) =>
    typeof value === 'string' && !KEPT.has(key) ? sha256Hex(value).slice(0, HASH_LENGTH) : value,
  ) as SealedTemplate

export function differencesOfSealed(before: SealedTemplate, after: SealedTemplate): Difference[] {
  return before === after ? [] : differencesOf(JSON.parse(before) as Fields, JSON.parse(after) as Fields)
}

/** More than this many are counted by whoever shows them; a template has hundreds of fields. */
const DIFFERENCES_MAX = 40
const DEPTH_MAX = 12

/** The fields that differ, in the template's own order. */
export function differencesOf(before: Fields, after: Fields): Difference[] {
  const found: Difference[] = []
  compare(before, after, '', 0, found)
  return found.slice(0, DIFFERENCES_MAX)
}

function compare(before: unknown, after: unknown, path: string, depth: number, found: Difference[]): void {
  if (found.length > DIFFERENCES_MAX || isEqual(before, after)) return
  if (depth < DEPTH_MAX && isFields(before) && isFields(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      compare(before[key], after[key], nameOf(path, key), depth + 1, found)
    return
  }
  if (depth < DEPTH_MAX && isNamedList(before) && isNamedList(after)) {
    const names = new Set([...before, ...after].map(({ name }) => name))
    for (const name of names) {
      const [a, b] = [before, after].map((list) => list.find((one) => one.name === name))
      compare(a, b, `${path}[${name}]`, depth + 1, found)
    }
    return
  }
  found.push({ path, ...imagesOf(path, before, after) })
}

/** `spec` says nothing in a path: everything but metadata is in it. */
const nameOf = (path: string, key: string): string =>
  path === '' ? (key === 'spec' ? '' : key) : `${path}.${key}`

type NamedList = readonly (Fields & { readonly name: string })[]

const isNamedList = (value: unknown): value is NamedList =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((one) => isFields(one) && typeof one['name'] === 'string')

const isEqual = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

function imagesOf(path: string, before: unknown, after: unknown): Pick<Difference, 'from' | 'to'> {
  if (!path.endsWith('.image')) return {}
  return {
    ...(typeof before === 'string' ? { from: before } : {}),
    ...(typeof after === 'string' ? { to: after } : {}),
  }
}

/** Container → image. */
export function imagesIn(template: Fields): Map<string, string> {
  const spec = fieldsAt(template, 'spec')
  const containers = [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers')]
  return new Map(containers.map((one) => [textAt(one, 'name'), textAt(one, 'image')]))
}
