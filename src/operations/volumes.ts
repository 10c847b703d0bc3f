// Owns which volumes a pod has, and how what is said of volumes finds its way to them: by claim, by PersistentVolume, by name.
// Promises a pod's own name for a volume wherever it can be told. Does not make operations of them: volume-provision.ts,
// volume-attach.ts and volume-mount.ts do.

import type { ClaimRecord } from '../base/record.ts'
import type { Fact } from '../timeline/facts.ts'
import { hasClaim, type Related } from '../timeline/related.ts'
import { type Facts, factsOf } from './milestones.ts'

/** A volume of the pod that stands on a PersistentVolumeClaim. */
export interface ClaimVolume {
  /** As the pod names it. */
  readonly name: string
  readonly claim: string
  /** What the claim's own stream and its events say; undefined where neither was seen. */
  readonly related: Related | undefined
  readonly record: ClaimRecord | undefined
  /** The PersistentVolume, once the claim has one. */
  readonly persistentVolume: string | undefined
}

/** In the order of the spec, a claim that is mounted twice only once. */
export function claimVolumes({ pod, surroundings }: Facts): ClaimVolume[] {
  if (!pod.volumes?.some(hasClaim)) return []
  const found = new Map<string, ClaimVolume>()
  for (const { name, kind, claim: named } of pod.volumes ?? []) {
    // The claim of a generic ephemeral volume is named after its pod.
    const claim = kind === 'ephemeral' ? `${pod.name}-${name}` : named
    if (claim === undefined || found.has(claim)) continue
    const related = surroundings.related('persistentvolumeclaims', pod.namespace, claim)
    const record = recordOf(related)
    found.set(claim, { name, claim, related, record, persistentVolume: record?.volume })
  }
  return [...found.values()]
}

function recordOf(related: Related | undefined): ClaimRecord | undefined {
  return related?.record?.resource === 'persistentvolumeclaims' ? related.record : undefined
}

/** Facts of an object beside the pod. */
export const factsBeside = (related: Related | undefined, what: Fact['what']): readonly Fact[] =>
  [...(related?.facts.values() ?? [])].filter((fact) => fact.what === what)

/** Whether we were shown it when it was stored. */
export const isLive = ({ stamps }: Pick<Fact, 'stamps'>): boolean =>
  stamps.some(({ source }) => source === 'watch-receipt')

/** What was said of an object beside the pod with one of these reasons. */
export const saidBeside = (related: Related | undefined, reasons: ReadonlySet<string>): readonly Fact[] =>
  factsBeside(related, 'noted').filter(({ detail }) => reasons.has(detail?.reason ?? ''))

/** What was said of the pod itself with this reason. */
export const saidOfPod = (facts: Facts, reason: string): readonly Fact[] =>
  factsOf(facts, 'noted').filter(({ detail }) => detail?.reason === reason)

/** The last words about volumes of one who said why this operation goes on or failed. */
export const lastSaidOfPod = (facts: Facts, reason: string): string | undefined =>
  saidOfPod(facts, reason).at(-1)?.detail?.message

const VOLUME = /(?:for|of) volume "([^"]+)"/

/** The volume that an attach or mount message is about: a PersistentVolume's name, or the pod's own name of another volume. */
export const volumeInMessage = (message: string | undefined): string | undefined =>
  VOLUME.exec(message ?? '')?.[1]

/** The pod's name of a PersistentVolume: by its claim or, where no claim was seen, because it can be no other's. */
export function volumeNameOf(
  { pod }: Facts,
  persistentVolume: string,
  volumes: readonly ClaimVolume[],
): string {
  const owner = volumes.find((one) => one.persistentVolume === persistentVolume)
  if (owner) return owner.name
  // A volume without a claim goes by the pod's own name for it.
  if (pod.volumes?.some(({ name }) => name === persistentVolume)) return persistentVolume
  const unknown = volumes.filter((one) => one.persistentVolume === undefined)
  return unknown.length === 1 ? (unknown[0]?.name ?? persistentVolume) : persistentVolume
}
