// Owns the answer to one AdmissionReview (admission.k8s.io/v1): always that the request may go on, with a patch where there is something to add.
// Promises that nothing that comes in, however malformed, is refused or throws. Does not listen: server.ts does. Pure.

import { type Operation, patchBinding, patchPod } from './patch.ts'

interface Request {
  readonly uid: string
  readonly object: unknown
  readonly patch: ((object: unknown) => readonly Operation[]) | undefined
}

export function answerReview(text: string): string {
  const request = requestOf(text)
  return bodyOf(request?.uid ?? '', request?.patch?.(request.object) ?? [])
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
