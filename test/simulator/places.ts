// Owns the reading of paths: which resource, namespace, object and part a request is about, and what a service answers by itself.
// Promises undefined for a path that is none. Does not answer about objects.

import type { Obj } from './encode.ts'
import type { Place } from './object-calls.ts'
import type { ServedResource, ServedResources } from './resources.ts'

/** `/api/v1/namespaces/NS/RESOURCE/NAME/SUBRESOURCE`, `/apis/GROUP/VERSION/…`. */
export function placeOf(
  resources: ServedResources,
  groups: ReadonlyMap<string, readonly string[]>,
  url: URL,
): Place | undefined {
  const [, core, group = '', grouped, inside] =
    /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))\/(.+)$/.exec(url.pathname) ?? []
  if (inside === undefined) return undefined
  const parts = inside.split('/').map(decodeURIComponent)
  const isInside = parts[0] === 'namespaces' && parts.length > 2
  const [plural = '', name, subresource] = isInside ? parts.slice(2) : parts
  const version = core ?? grouped ?? ''
  const resource = resources.find(group, version, plural) ?? optional(groups, group, version, plural)
  if (!resource) return undefined
  return { resource, name, subresource, namespace: isInside ? parts[1] : undefined, query: url.searchParams }
}

/** A group that a test has switched on serves whatever is asked of it. */
function optional(
  groups: ReadonlyMap<string, readonly string[]>,
  group: string,
  version: string,
  plural: string,
): ServedResource | undefined {
  if (!groups.get(group)?.includes(version)) return undefined
  return { group, version, plural, kind: plural, namespaced: true, isCustom: true }
}

const VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.3', platform: 'linux/amd64' }

export function serviceOf(path: string): Obj | undefined {
  switch (path) {
    case '/version':
      return VERSION
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'] }
    case '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews':
      return {
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        status: { allowed: true },
      }
    default:
      return undefined
  }
}
