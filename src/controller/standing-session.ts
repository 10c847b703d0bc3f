// Owns the TraceSession `standing` of the configuration: the one session that nobody creates by hand.
// Promises that it becomes what the configuration says, however late the CRD or a right arrives, and is deleted where it is configured no more;
// it belongs to the Lease, so that it goes when the installation is removed.
// Does not judge or export anything: to the rest of the controller it is a session like all others.

import type { Json } from '../decode/json-fields.ts'
import type { Failure } from '../kube/failure.ts'
import { type Caller, callJson, type JsonCall } from '../kube/json-call.ts'
import type { Log } from './log.ts'

export const STANDING_NAME = 'standing'

export interface StandingOptions {
  readonly caller: Caller
  readonly log: Log
  readonly random: () => number
  /** Podspan's own. */
  readonly namespace: string
  readonly leaseName: string
  /** Absent: there is to be none. */
  readonly spec?: Json
}

/** What was asked for holds, or why it does not yet. */
export type StandingResult =
  | { readonly kind: 'kept' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** Full jitter: the CRD of a new installation is served within a second, a missing right is granted by a person. */
const RETRY_FIRST_MS = 500
const RETRY_LAST_MS = 60_000
/** How long a session that somebody changed or deleted stays so, by itself or with its kind: nothing is exported meanwhile. */
const AGAIN_MS = 30_000

/** Keeps the session until the signal ends the term of this leader. */
export async function keepStandingSession(options: StandingOptions): Promise<void> {
  const { clock, signal } = options.caller
  let failures = 0
  while (!signal.aborted) {
    const result = await applyStandingSession(options)
    if (signal.aborted) return
    failures = result.kind === 'failed' ? failures + 1 : 0
    if (result.kind === 'failed') say(options.log, result.failure)
    // Nobody makes one by this name again where there is none.
    if (result.kind === 'absent') return
    await clock.sleep(result.kind === 'kept' ? AGAIN_MS : pauseMs(failures, options.random), signal)
  }
}

function pauseMs(failures: number, random: () => number): number {
  const limit = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** (failures - 1))
  return limit / 2 + (random() * limit) / 2
}

/** A CRD that is not served yet is no trouble. */
function say(log: Log, failure: Failure): void {
  const message = 'the standing session could not be written'
  if (failure.kind === 'not-found') log.debug(message, { ...failure })
  else log.warn(message, { ...failure })
}

/** Makes it so, once. */
export async function applyStandingSession(options: StandingOptions): Promise<StandingResult> {
  return options.spec === undefined ? removeIt(options) : writeIt(options, options.spec)
}

async function writeIt(options: StandingOptions, spec: Json): Promise<StandingResult> {
  const owner = await leaseReference(options)
  if (!owner.ok) return { kind: 'failed', failure: owner.failure }
  const answer = await call(options, {
    method: 'PATCH',
    // Fields that somebody else set go back to what is configured; a field that the CRD does not know is refused.
    path: `${pathOf(options)}?fieldManager=podspan&force=true&fieldValidation=Strict`,
    contentType: 'application/apply-patch+yaml',
    body: sessionOf(options.namespace, spec, owner.value),
  })
  return answer.ok ? { kind: 'kept' } : { kind: 'failed', failure: answer.failure }
}

function sessionOf(namespace: string, spec: Json, owners: readonly Json[]): Json {
  return {
    apiVersion: 'podspan.dev/v1alpha1',
    kind: 'TraceSession',
    metadata: {
      name: STANDING_NAME,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'podspan' },
      ownerReferences: owners,
    },
    spec,
  }
}

type Owners =
  | { readonly ok: true; readonly value: readonly Json[] }
  | { readonly ok: false; readonly failure: Failure }

/** Without a Lease nobody owns the session; it then stays until it is deleted by hand. */
async function leaseReference(options: StandingOptions): Promise<Owners> {
  const { namespace, leaseName } = options
  const path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases/${encodeURIComponent(leaseName)}`
  const answer = await call(options, { path })
  if (!answer.ok) return answer.failure.kind === 'not-found' ? { ok: true, value: [] } : answer
  const { uid } = (answer.value['metadata'] ?? {}) as Json
  return {
    ok: true,
    value: [{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', name: leaseName, uid }],
  }
}

/** Only one that we made: a session of that name may be somebody's own. */
async function removeIt(options: StandingOptions): Promise<StandingResult> {
  const found = await call(options, { path: pathOf(options) })
  if (!found.ok)
    return found.failure.kind === 'not-found'
      ? { kind: 'absent' }
      : { kind: 'failed', failure: found.failure }
  if (!isOurs(found.value)) return { kind: 'absent' }
  const { uid } = (found.value['metadata'] ?? {}) as Json
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } }
  const gone = await call(options, { method: 'DELETE', path: pathOf(options), body })
  return gone.ok || gone.failure.kind === 'not-found'
    ? { kind: 'absent' }
    : { kind: 'failed', failure: gone.failure }
}

function isOurs(session: Json): boolean {
  const labels = ((session['metadata'] as Json | undefined)?.['labels'] ?? {}) as Json
  return labels['app.kubernetes.io/managed-by'] === 'podspan'
}

const pathOf = ({ namespace }: StandingOptions): string =>
  `/apis/podspan.dev/v1alpha1/namespaces/${encodeURIComponent(namespace)}/tracesessions/${STANDING_NAME}`

const call = (options: StandingOptions, request: JsonCall): ReturnType<typeof callJson> =>
  callJson(options.caller, request)
