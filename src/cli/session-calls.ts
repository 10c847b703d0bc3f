// Owns the requests of the session commands: whether there are sessions here, and one made, read or removed.
// Promises a sentence with a remedy for each refusal. Asks for nothing but TraceSessions, in one namespace.
// Does not watch: session-feed.ts does.

import { TRACE_SESSIONS } from '../kube/custom.ts'
import type { Failure } from '../kube/failure.ts'
import { type Caller, callJson } from '../kube/json-call.ts'
import { pathOf } from '../kube/paths.ts'
import type { Json } from '../decode/json-fields.ts'
import { explainFailure, refuse } from './connect.ts'
import { CliError, EXIT } from './exit.ts'
import type { Manifest } from './session-spec.ts'
import { neutralise } from './text.ts'

export interface SessionPlace extends Caller {
  /** Undefined: all of them. */
  readonly namespace: string | undefined
}

/** A list is read whole: this many sessions are some 16 MB. */
const LIST_MAX = 1000

export async function listSessions(place: SessionPlace, limit = LIST_MAX): Promise<readonly Json[]> {
  const answer = await callJson(place, { path: `${pathOf(TRACE_SESSIONS, place.namespace)}?limit=${limit}` })
  if (!answer.ok) refuse(explainRefusal(answer.failure, place, 'list'))
  const items = answer.value['items']
  return Array.isArray(items) ? (items as Json[]) : []
}

export async function getSession(place: SessionPlace, name: string): Promise<Json> {
  const answer = await callJson(place, { path: pathOf(TRACE_SESSIONS, place.namespace, name) })
  if (answer.ok) return answer.value
  const { kind, message } = answer.failure
  if (kind !== 'not-found' || isWithoutResource(message)) refuse(explainRefusal(answer.failure, place, 'get'))
  throw new CliError(
    EXIT.notFound,
    `There is no TraceSession ${neutralise(name)} in namespace ${place.namespace} of context ${place.connection.contextName}; 'podspan session list -n ${place.namespace}' shows what is there.`,
  )
}

/** Three tries: a request that got no answer may have been made, and then the name is taken by our own. */
const CREATE_TRIES = 3
const CREATE_PAUSE_MS = 1000

/** Its uid, where the answer said it. */
export async function createSession(
  place: SessionPlace,
  manifest: Manifest,
  tries = 1,
): Promise<string | undefined> {
  const answer = await callJson(place, {
    method: 'POST',
    path: pathOf(TRACE_SESSIONS, place.namespace),
    body: manifest,
  })
  if (answer.ok) return uidOf(answer.value)
  const { failure } = answer
  if (failure.kind === 'conflict' && tries > 1) return undefined
  const mayPass = ['network', 'unavailable', 'too-many-requests'].includes(failure.kind)
  if (!mayPass || tries >= CREATE_TRIES || place.signal.aborted)
    refuse(explainRefusal(failure, place, 'create'))
  await place.clock.sleep(failure.retryAfterMs ?? CREATE_PAUSE_MS * tries, place.signal)
  return createSession(place, manifest, tries + 1)
}

function uidOf(object: Json): string | undefined {
  const uid = (object['metadata'] as Json | undefined)?.['uid']
  return typeof uid === 'string' ? uid : undefined
}

/** Undefined where it is gone; else why it could not be removed. */
export async function removeSession(
  place: SessionPlace,
  session: { readonly name: string; readonly uid: string },
): Promise<string | undefined> {
  const answer = await callJson(place, {
    method: 'DELETE',
    path: pathOf(TRACE_SESSIONS, place.namespace, session.name),
    body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: session.uid } },
  })
  if (answer.ok || answer.failure.kind === 'not-found') return undefined
  return answer.failure.message
}

/** What the API server says of a path that it does not serve; of an object it says its name. */
const isWithoutResource = (message: string): boolean =>
  message.includes('could not find the requested resource') ||
  message === 'HTTP 404' ||
  message.startsWith('404')

function explainRefusal(
  failure: Failure,
  { connection, namespace }: SessionPlace,
  verb: 'list' | 'get' | 'create',
): string {
  const where = `in namespace ${namespace ?? ''} of context ${connection.contextName}`
  if (failure.kind === 'not-found' && (verb === 'list' || isWithoutResource(failure.message)))
    return `The cluster of context ${connection.contextName} has no TraceSessions: Podspan is not installed there, or its CRD is missing. 'helm install podspan' with the chart of charts/podspan installs both.`
  if (failure.kind === 'not-found')
    return `There is no namespace ${namespace} in context ${connection.contextName}: ${failure.message}. -n chooses another.`
  if (failure.kind === 'forbidden')
    return `You may not ${verb} TraceSessions ${namespace === undefined ? 'in all namespaces' : where}: ${failure.message}. A Role with create, get, list and watch on tracesessions.podspan.dev is enough; examples/argocd-postsync.yaml has one.`
  if (failure.kind === 'conflict')
    return `There is a TraceSession of this name ${where} already. Choose another --name, or leave it out for a unique one.`
  if (failure.kind === 'invalid') return `The cluster refused the session: ${failure.message}`
  return explainFailure(failure, connection)
}
