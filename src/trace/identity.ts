// Owns the ids: a pod's trace, its root span and every other span follow from the pod's UID alone.
// Promises the same ids in every run and replica. A UID that is none still gets ids of its own, from its hash.

import { sha256Hex } from '../base/digest.ts'
import { digitsOf, isUid, swapHalves } from '../base/pod-trace.ts'

export { isUid, uidOf } from '../base/pod-trace.ts'

const digits = (uid: string): string => (isUid(uid) ? digitsOf(uid) : sha256Hex(uid).slice(0, 32))

export const traceIdOf = (uid: string): string => swapHalves(digits(uid))

export const rootSpanIdOf = (uid: string): string => digits(uid).slice(0, 16)

/**
 * The trace of what lies before a start. A Workload's follows from its UID as a pod's from the pod's; what only one pod waited for is the
 * first 16 bytes of SHA-256(uid + "/before").
 */
export const traceIdBefore = (uid: string, isShared: boolean): string =>
  isShared ? traceIdOf(uid) : sha256Hex(`${uid}/before`).slice(0, 32)

/** The first 8 bytes of SHA-256(uid + "/" + path). */
export const spanIdOf = (uid: string, path: string): string => sha256Hex(`${uid}/${path}`).slice(0, 16)
