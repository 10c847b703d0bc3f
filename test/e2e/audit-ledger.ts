// Owns what the API server's own audit log says of pods: when each was created, and when it was first stored as Ready.
// Promises the time from a request's receipt to its answer, within which the write lies. Does not know what Podspan says.

import { readFileSync } from 'node:fs'
import { parseRfc3339 } from '../../src/base/time.ts'

export interface Moment {
  readonly from: bigint
  readonly to: bigint
}

export interface AuditedPod {
  readonly uid: string
  readonly name: string
  readonly created: Moment
  ready: Moment | undefined
}

interface AuditEvent {
  readonly verb: string
  readonly objectRef?: { readonly namespace?: string; readonly subresource?: string }
  readonly responseStatus?: { readonly code?: number }
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
  readonly responseObject?: {
    readonly kind?: string
    readonly metadata?: { readonly uid?: string; readonly name?: string }
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
  }
}

/** Pods of one namespace, by UID. */
export function readAudit(path: string, namespace: string): Map<string, AuditedPod> {
  const pods = new Map<string, AuditedPod>()
  // The API server is writing: the last line may be half there.
  for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    const event = JSON.parse(line) as AuditEvent
    const { objectRef, responseObject, responseStatus, verb } = event
    const { name, uid } = responseObject?.metadata ?? {}
    if (objectRef?.namespace !== namespace || responseObject?.kind !== 'Pod' || uid === undefined) continue
    if ((responseStatus?.code ?? 500) >= 300) continue
    const moment = { from: nanoOf(event.requestReceivedTimestamp), to: nanoOf(event.stageTimestamp) }
    if (verb === 'create' && objectRef.subresource === undefined)
      pods.set(uid, { uid, name: name ?? '', created: moment, ready: undefined })
    const pod = pods.get(uid)
    const isReady = responseObject.status?.conditions?.some(
      ({ type, status }) => type === 'Ready' && status === 'True',
    )
    if (pod && isReady) pod.ready ??= moment
  }
  return pods
}

function nanoOf(text: string): bigint {
  const at = parseRfc3339(text)
  if (at === undefined) throw new Error(`no time: ${text}`)
  return at
}
