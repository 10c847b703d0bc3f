// Owns the simulated API server's answers about single objects: get, create, replace, patch, delete.
// Promises conflicts, preconditions and refused patches as the API server gives them, also in words where a client goes by these.
// Does not validate, default or authorise, and takes of JSON patch only what Podspan sends.

import type { Obj } from './encode.ts'
import { metaOf, type Store } from './store.ts'

export interface ObjectRequest {
  readonly method: string
  readonly path: string
  readonly contentType: string
  readonly body: Obj | readonly Obj[] | undefined
}

export interface ObjectAnswer {
  readonly code: number
  readonly body: Obj
}

interface Place {
  readonly resource: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

/** `/api/v1/namespaces/NS/RESOURCE/NAME/SUBRESOURCE`, `/apis/GROUP/VERSION/…`. Undefined where the path names no object. */
export function placeOf(path: string): Place | undefined {
  const [, inside] = /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)\/(.+)$/.exec(path) ?? []
  if (inside === undefined) return undefined
  const parts = inside.split('/').map(decodeURIComponent)
  const namespaced = parts[0] === 'namespaces' && parts.length > 2
  const [resource = '', name, subresource] = namespaced ? parts.slice(2) : parts
  return { resource, name, subresource, namespace: namespaced ? parts[1] : undefined }
}

const failed = (code: number, reason: string, message: string): ObjectAnswer => ({
  code,
  body: { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', message, reason, code },
})

const isObject = (value: unknown): value is Obj =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

let created = 0

export function answerObject(store: Store, place: Place, request: ObjectRequest): ObjectAnswer {
  const found = find(store, place)
  const { method, body } = request
  if (method === 'POST' && isObject(body)) return create(store, place, body)
  const patches = method === 'PATCH' && request.contentType.startsWith('application/apply-patch')
  if (patches && !found && isObject(body)) return create(store, place, body)
  if (!found) return failed(404, 'NotFound', `${place.resource} "${place.name}" not found`)
  switch (method) {
    case 'GET':
      return { code: 200, body: found }
    case 'PUT':
      return replace(store, place, found, isObject(body) ? body : {})
    case 'PATCH':
      return patch(store, place, found, request)
    case 'DELETE':
      return remove(store, place, found, isObject(body) ? body : {})
    default:
      return failed(405, 'MethodNotAllowed', method)
  }
}

function find(store: Store, { resource, namespace, name }: Place): Obj | undefined {
  for (const { object } of store.of(resource).values()) {
    const meta = metaOf(object)
    if (meta.name === name && (namespace === undefined || meta.namespace === namespace)) return object
  }
  return undefined
}

function create(store: Store, place: Place, body: Obj): ObjectAnswer {
  const metadata = { ...(body['metadata'] as Obj) }
  const named = { ...place, name: String(metadata['name']) }
  if (find(store, named))
    return failed(409, 'AlreadyExists', `${place.resource} "${named.name}" already exists`)
  created += 1
  const object = {
    ...body,
    metadata: {
      creationTimestamp: '2026-11-22T12:00:00Z',
      generation: 1,
      namespace: place.namespace,
      ...metadata,
      uid: `00000000-0000-4000-9000-${created.toString(16).padStart(12, '0')}`,
    },
  }
  return { code: 201, body: put(store, place.resource, object) }
}

function put(store: Store, resource: string, object: Obj): Obj {
  store.apply(resource, object)
  return store.of(resource).get(metaOf(object).uid)?.object ?? object
}

function replace(store: Store, { resource, name }: Place, found: Obj, body: Obj): ObjectAnswer {
  const [now, theirs] = [versionOf(found), versionOf(body)]
  if (theirs !== undefined && theirs !== now) {
    const words =
      'the object has been modified; please apply your changes to the latest version and try again'
    return failed(409, 'Conflict', `Operation cannot be fulfilled on ${resource} "${name}": ${words}`)
  }
  const metadata = { ...(body['metadata'] as Obj), uid: metaOf(found).uid }
  return { code: 200, body: put(store, resource, { ...body, metadata }) }
}

const versionOf = (object: Obj): unknown => (object['metadata'] as Obj | undefined)?.['resourceVersion']

function patch(store: Store, place: Place, found: Obj, { body, contentType }: ObjectRequest): ObjectAnswer {
  if (!contentType.startsWith('application/json-patch')) {
    const spec = isObject(body) && isObject(body['spec']) ? { spec: body['spec'] } : {}
    return { code: 200, body: put(store, place.resource, { ...found, ...spec }) }
  }
  let object = found
  for (const { op, path, value } of body as readonly Obj[]) {
    const keys = String(path).split('/').slice(1)
    const at = keys.reduce<unknown>((from, key) => (isObject(from) ? from[key] : undefined), object)
    if (op === 'test' && at !== value)
      return failed(422, 'Invalid', 'the server rejected our request due to an error in our request')
    if (op === 'add' && keys.length === 1) object = { ...object, [keys[0] ?? '']: value }
  }
  return { code: 200, body: put(store, place.resource, object) }
}

function remove(store: Store, { resource, name }: Place, found: Obj, body: Obj): ObjectAnswer {
  const { uid } = metaOf(found)
  const wanted = (body['preconditions'] as Obj | undefined)?.['uid']
  if (wanted !== undefined && wanted !== uid) {
    const words = `the UID in the precondition (${String(wanted)}) does not match the UID in record (${uid}).`
    return failed(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${resource} "${name}": Precondition failed: ${words}`,
    )
  }
  store.remove(resource, uid)
  return { code: 200, body: { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success' } }
}
