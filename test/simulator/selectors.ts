// Owns which objects a list or a watch is about: its namespace, its label selector, its field selector.
// Promises equality and set-based terms as the API server reads them. Does not refuse fields that a kind does not offer.

import type { Obj } from './encode.ts'
import { metaOf } from './store.ts'

export type Wanted = (object: Obj) => boolean

/** Undefined where every object is wanted. */
export function wantedBy(namespace: string | undefined, query: URLSearchParams): Wanted | undefined {
  const terms = [
    ...(namespace === undefined ? [] : [(object: Obj) => metaOf(object).namespace === namespace]),
    ...fieldTerms(query.get('fieldSelector')),
    ...labelTerms(query.get('labelSelector')),
  ]
  return terms.length === 0 ? undefined : (object) => terms.every((term) => term(object))
}

function fieldTerms(selector: string | null): Wanted[] {
  return (selector ?? '')
    .split(',')
    .filter(Boolean)
    .map((text) => {
      const [, path = '', not, value] = /^(.*?)(!)?==?(.*)$/.exec(text) ?? []
      return (object) => (String(valueAt(object, path) ?? '') === value) !== (not !== undefined)
    })
}

const valueAt = (object: Obj, path: string): unknown =>
  path.split('.').reduce<unknown>((from, key) => (from as Obj | undefined)?.[key], object)

function labelTerms(selector: string | null): Wanted[] {
  return (selector ?? '')
    .split(/,(?![^(]*\))/)
    .filter(Boolean)
    .map(labelTerm)
}

function labelTerm(text: string): Wanted {
  const labelOf = (object: Obj, key: string): string | undefined =>
    ((object['metadata'] as Obj)['labels'] as Record<string, string> | undefined)?.[key]
  const set = /^(\S+)\s+(in|notin)\s+\((.*)\)$/.exec(text.trim())
  if (set) {
    const [, key = '', how, list = ''] = set
    const values = list.split(',').map((one) => one.trim())
    return (object) => values.includes(labelOf(object, key) ?? '\0') === (how === 'in')
  }
  const pair = /^([^=!]+)(!)?==?(.*)$/.exec(text.trim())
  if (pair) {
    const [, key = '', not, value] = pair
    return (object) => (labelOf(object, key) === value) !== (not !== undefined)
  }
  const [, absent, key = ''] = /^(!)?(.*)$/.exec(text.trim()) ?? []
  return (object) => (labelOf(object, key) === undefined) === (absent !== undefined)
}
