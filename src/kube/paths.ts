// Owns the form of requests: paths, queries and Accept headers of lists and watches.
// Promises deterministic text, so that tests can compare it.
// Does not send.

import type { Resource } from '../decode/resources.ts'

export type Encoding = 'protobuf' | 'json'

/** Which objects of a resource a stream is about. */
export interface Scope {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

type Query = Readonly<Record<string, string | number | boolean>>

export function pathOf(resource: Resource, namespace: string | undefined, name?: string): string {
  const scope =
    resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${resource.root}${scope}/${resource.source}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
}

export function queryOf(resource: Resource, scope: Scope, query: Query): string {
  const parts = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
  if (scope.labelSelector !== undefined)
    parts.push(`labelSelector=${encodeURIComponent(scope.labelSelector)}`)
  if (scope.fieldSelector !== undefined)
    parts.push(`fieldSelector=${encodeURIComponent(scope.fieldSelector)}`)
  return `${pathOf(resource, scope.namespace)}?${parts.join('&')}`
}

const PARTIAL = {
  object: 'as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  list: 'as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
}

/** Protobuf with JSON behind it, which a server without protobuf for the resource will choose. */
export function acceptOf(resource: Resource, encoding: Encoding, what: 'get' | 'list' | 'watch'): string {
  if (resource.record === 'custom' || resource.record === 'related') return 'application/json'
  const stream = what === 'watch' ? ';stream=watch' : ''
  if (resource.record !== 'owners')
    return encoding === 'json'
      ? 'application/json'
      : `application/vnd.kubernetes.protobuf${stream},application/json`
  const as = what === 'list' ? PARTIAL.list : PARTIAL.object
  const json = `application/json;${as}`
  return encoding === 'json' ? json : `application/vnd.kubernetes.protobuf;${as},${json}`
}
