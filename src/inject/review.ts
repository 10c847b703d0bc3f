// Owns the answer to one AdmissionReview (admission.k8s.io/v1): always that the request may go on, with a patch where there is something to add.
// Promises that nothing that comes in, however malformed, is refused or throws, and says what came of it. Does not listen: server.ts does. Pure.

import { type Operation, patchBinding, patchPod } from './patch.ts'

/** `garbage` is what names no request; the API server has sent something else. */
export type ReviewOutcome = 'patched' | 'unchanged' | 'garbage'

export interface AnsweredReview {
  readonly body: string
  readonly outcome: ReviewOutcome
}

interface Request {
  readonly uid: string
  readonly object: unknown
  readonly patch: ((object: unknown) => readonly Operation[]) | undefined
}

export function answerReview(text: string): AnsweredReview {
  const request = requestOf(text)
  if (!request) return { body: bodyOf('', []), outcome: 'garbage' }
  const patch = request.patch?.(request.object) ?? []
  return { body: bodyOf(request.uid, patch), outcome: patch.length > 0 ? 'patched' : 'unchanged' }
}

function requestOf(text: string): Request | undefined {
  let review: unknown
  try {
    review = JSON.parse(text)
  } catch {
    return undefined
  }
  const request = fieldOf(review, 'request')
  const uid = fieldOf(request, 'uid')
  if (typeof uid !== 'string') return undefined
  const resource = fieldOf(fieldOf(request, 'resource'), 'resource')
  const isCreated = fieldOf(request, 'operation') === 'CREATE'
  const patch = isCreated && resource === 'pods' ? patchFor(fieldOf(request, 'subResource')) : undefined
  return { uid, object: fieldOf(request, 'object'), patch }
}

function patchFor(subResource: unknown): Request['patch'] {
  if (subResource === 'binding') return patchBinding
  return subResource === undefined || subResource === '' ? patchPod : undefined
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined

function bodyOf(uid: string, patch: readonly Operation[]): string {
  const patched = patch.length > 0 && { patchType: 'JSONPatch', patch: btoa(JSON.stringify(patch)) }
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, ...patched },
  })
}
