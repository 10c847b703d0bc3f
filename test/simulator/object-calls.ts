// Owns the simulated server's answers about single objects: get, create, replace, patch, delete.
// Promises conflicts, preconditions and refused patches as the API server gives them, also in words where a client goes by these.
// Does not validate, default or authorise, and takes of JSON patch only what Podspan sends.

import { isDeepStrictEqual } from 'node:util'
import type { Obj } from './encode.ts'
import { eventGroup, toCoreEvent } from './event-groups.ts'
import { type Refusal, statusObject } from './forms.ts'
import type { ServedResource } from './resources.ts'
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

/** Where an object is, or where it is to be. */
export interface Place {
  readonly resource: ServedResource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  readonly query: URLSearchParams
}

const failed = (refusal: Refusal): ObjectAnswer => ({ code: refusal.code, body: statusObject(refusal) })
const isObject = (value: unknown): value is Obj =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export class Objects {
  private readonly store: Store
  /** By whose clock objects are made. */
  private readonly nowMs: () => number
  private made = 0

  constructor(store: Store, nowMs: () => number) {
    this.store = store
    this.nowMs = nowMs
  }

  answer(place: Place, request: ObjectRequest): ObjectAnswer {
    const { body, contentType, method } = request
    const found = this.find(place)
    const isApply = method === 'PATCH' && contentType.startsWith('application/apply-patch')
    const isMade = method === 'POST' || (isApply && !found)
    if (isMade && isObject(body)) return this.create(place, body)
    if (!found) return notFound(place)
    switch (method) {
      case 'GET':
        return { code: 200, body: eventGroup(place.resource, found) }
      case 'PUT':
        return this.replace(place, found, isObject(body) ? body : {})
      case 'PATCH':
        return this.patch(place, found, request)
      case 'DELETE':
        return this.remove(place, found, isObject(body) ? body : {})
      default:
        return failed({ code: 405, reason: 'MethodNotAllowed' })
    }
  }

  private find({ resource, namespace, name }: Place): Obj | undefined {
    for (const { object } of this.store.of(resource.plural).values()) {
      const meta = metaOf(object)
      if (meta.name === name && (namespace === undefined || meta.namespace === namespace)) return object
    }
    return undefined
  }

  private create(place: Place, body: Obj): ObjectAnswer {
    const metadata = { ...(body['metadata'] as Obj) }
    const { namespace, resource } = place
    this.made += 1
    const name = String(metadata['name'] ?? `${String(metadata['generateName'])}${nameTail(this.made)}`)
    if (this.find({ ...place, name }))
      return failed({
        code: 409,
        reason: 'AlreadyExists',
        message: `${words(resource)} "${name}" already exists`,
      })
    const object = {
      ...toCoreEvent(resource, body),
      metadata: {
        creationTimestamp: new Date(this.nowMs()).toISOString().replace(/\.\d+/, ''),
        generation: 1,
        ...(namespace === undefined ? {} : { namespace }),
        ...metadata,
        name,
        uid: `00000000-0000-4000-9000-${this.made.toString(16).padStart(12, '0')}`,
      },
    }
    return { code: 201, body: eventGroup(resource, this.put(resource, object)) }
  }

  private put({ plural }: ServedResource, object: Obj): Obj {
    this.store.apply(plural, object)
    return this.store.of(plural).get(metaOf(object).uid)?.object ?? object
  }

  /** Writes what differs; a write that changes nothing keeps the version. */
  private update(place: Place, found: Obj, wanted: Obj): ObjectAnswer {
    const { resource, subresource } = place
    const parts = resource.hasStatus ? partsOf(found, wanted, subresource) : wanted
    const metadata = {
      ...(parts['metadata'] as Obj),
      uid: metaOf(found).uid,
      resourceVersion: versionOf(found),
    }
    if (isDeepStrictEqual({ ...parts, metadata }, found)) return { code: 200, body: found }
    const changed = !isDeepStrictEqual(parts['spec'], found['spec'])
    const generation = Number((found['metadata'] as Obj)['generation'] ?? 1) + (changed ? 1 : 0)
    return { code: 200, body: this.put(resource, { ...parts, metadata: { ...metadata, generation } }) }
  }

  private replace(place: Place, found: Obj, body: Obj): ObjectAnswer {
    const theirs = versionOf(body)
    if (theirs !== undefined && theirs !== versionOf(found)) return modified(place)
    return this.update(place, found, body)
  }

  private patch(place: Place, found: Obj, { body, contentType }: ObjectRequest): ObjectAnswer {
    if (contentType.startsWith('application/json-patch'))
      return this.jsonPatch(place, found, body as readonly Obj[])
    const theirs = isObject(body) ? versionOf(body) : undefined
    if (theirs !== undefined && theirs !== versionOf(found)) return modified(place)
    return this.update(place, found, merged(found, isObject(body) ? body : {}) as Obj)
  }

  private jsonPatch(place: Place, found: Obj, operations: readonly Obj[]): ObjectAnswer {
    let object = found
    for (const { op, path, value } of operations) {
      const keys = String(path).split('/').slice(1)
      const at = keys.reduce<unknown>((from, key) => (isObject(from) ? from[key] : undefined), object)
      if (op === 'test' && at !== value)
        return failed({
          code: 422,
          reason: 'Invalid',
          message: 'the server rejected our request due to an error in our request',
        })
      if (op === 'add' && keys.length === 1) object = { ...object, [keys[0] ?? '']: value }
    }
    return this.update(place, found, object)
  }

  private remove({ query, resource }: Place, found: Obj, body: Obj): ObjectAnswer {
    const { name, uid } = metaOf(found)
    const wanted = (body['preconditions'] as Obj | undefined)?.['uid']
    if (wanted !== undefined && wanted !== uid) {
      const why = `the UID in the precondition (${String(wanted)}) does not match the UID in record (${uid}).`
      return failed({
        code: 409,
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on ${words(resource)} "${name}": Precondition failed: ${why}`,
      })
    }
    if (resource.plural === 'pods') return this.removePod(resource, found, graceOf(query, body))
    this.store.remove(resource.plural, uid)
    const details = {
      name,
      kind: resource.plural,
      uid,
      ...(resource.group === '' ? {} : { group: resource.group }),
    }
    return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } }
  }

  /** A pod is marked first; where a kubelet has it, the kubelet ends it. */
  private removePod(resource: ServedResource, found: Obj, grace: number | undefined): ObjectAnswer {
    const spec = (found['spec'] ?? {}) as Obj
    const isBound = typeof spec['nodeName'] === 'string' && spec['nodeName'] !== ''
    const seconds = isBound ? (grace ?? Number(spec['terminationGracePeriodSeconds'] ?? 30)) : 0
    const at = new Date(this.nowMs() + seconds * 1000).toISOString().replace(/\.\d+/, '')
    const metadata = {
      ...(found['metadata'] as Obj),
      deletionTimestamp: at,
      deletionGracePeriodSeconds: seconds,
    }
    const marked = this.put(resource, { ...found, metadata })
    if (seconds === 0) this.store.remove(resource.plural, metaOf(found).uid)
    return { code: 200, body: marked }
  }
}

function graceOf(query: URLSearchParams, body: Obj): number | undefined {
  const given = query.get('gracePeriodSeconds') ?? body['gracePeriodSeconds']
  return given === undefined || given === null ? undefined : Number(given)
}

/** The status is a part of its own: it is written through its own path, and by that path nothing else is. */
function partsOf(found: Obj, wanted: Obj, subresource: string | undefined): Obj {
  const [base, from] = subresource === 'status' ? [found, wanted] : [wanted, found]
  const { status: _, ...rest } = base
  return from['status'] === undefined ? rest : { ...rest, status: from['status'] }
}

/** RFC 7386. */
function merged(into: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: Record<string, unknown> = isObject(into) ? { ...into } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value)
  }
  return result
}

const words = ({ group, plural }: ServedResource): string => (group === '' ? plural : `${plural}.${group}`)
const versionOf = (object: Obj): unknown => (object['metadata'] as Obj | undefined)?.['resourceVersion']
const nameTail = (number: number): string => number.toString(36).padStart(5, '0')

const notFound = ({ name, resource }: Place): ObjectAnswer =>
  failed({
    code: 404,
    reason: 'NotFound',
    message: `${words(resource)} "${name}" not found`,
    details: { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural },
  })

const modified = ({ name, resource }: Place): ObjectAnswer =>
  failed({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${words(resource)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  })
