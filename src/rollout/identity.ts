// Owns the ids of a rollout's trace: they follow from the workload's UID and the revision, so that anyone can compute them.
// Promises the same ids in every run, from a live cluster and from a recording, and other ids than any pod's start has.
// Does not decide what a revision is called: runs.ts does.

import { sha256Hex } from '../base/digest.ts'
import { spanIdOf } from '../trace/identity.ts'

export interface RolloutKey {
  /** Of the workload. */
  readonly uid: string
  /** Empty for a Job, which has only one rollout. */
  readonly revision: string
}

const pathOf = ({ revision }: RolloutKey): string => (revision === '' ? 'rollout' : `rollout/${revision}`)

/** The first 16 bytes of SHA-256(uid + "/rollout/" + revision). */
export const rolloutTraceId = (key: RolloutKey): string => sha256Hex(`${key.uid}/${pathOf(key)}`).slice(0, 32)

export const rolloutRootSpanId = (key: RolloutKey): string => spanIdOf(key.uid, pathOf(key))

export const rolloutSpanId = (key: RolloutKey, path: string): string =>
  spanIdOf(key.uid, `${pathOf(key)}/${path}`)
