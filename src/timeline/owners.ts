// Owns the way from a pod up to whoever owns it.
// Promises what owner references and the owners' metadata show, and an end where they form a circle.

import type { ObjectMeta, OwnerReference } from '../base/record.ts'

/** Owners above one another at the most: a CronJob's pod has two, custom kinds seldom more than four. */
const DEPTH_MAX = 6

export const controllerOf = ({ owners }: Pick<ObjectMeta, 'owners'>): OwnerReference | undefined =>
  owners?.find(({ controller }) => controller) ?? owners?.[0]

/** From the pod up, as far as their metadata is known. */
export function ownersOf(pod: ObjectMeta, known: ReadonlyMap<string, ObjectMeta>): OwnerReference[] {
  const chain: OwnerReference[] = []
  for (let owner = controllerOf(pod); owner && chain.length < DEPTH_MAX; ) {
    chain.push(owner)
    owner = controllerOf(known.get(owner.uid) ?? {})
  }
  return chain
}
