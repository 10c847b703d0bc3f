// Owns the trace contexts that others put on a pod or its owners: each becomes a link of the root, never a parent.
// Promises that a malformed context is no link. Reads annotations only.

import type { ObjectMeta, OwnerReference, PodRecord } from '../base/record.ts'
import type { World } from '../timeline/world.ts'
import type { SpanLink } from './trace.ts'

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/
const KEY = 'tracing.k8s.io/traceparent'

/** The pod's own context, else the nearest owner's that has one. */
export function incomingLinks(world: World, pod: PodRecord): SpanLink[] {
  let holder: ObjectMeta | undefined = pod
  for (let depth = 0; holder && depth < 4; depth++) {
    const match = TRACEPARENT.exec(holder.annotations?.[KEY] ?? '')
    const [, traceId = '', spanId = ''] = match ?? []
    if (match && !/^0+$/.test(traceId) && !/^0+$/.test(spanId)) {
      return [{ traceId, spanId, attributes: { 'podspan.link': 'incoming context' } }]
    }
    const owner: OwnerReference | undefined = holder.owners?.find(({ controller }) => controller)
    holder = owner && world.owners.get(owner.uid)
  }
  return []
}
