// Owns the trace contexts that others put on a pod or its owners: the nearest becomes a link of the root, never its parent.
// Promises that a malformed context is no link and is counted, and that the next one is looked at instead. Reads annotations only.

import { carriedBy } from '../base/trace-context.ts'
import type { ObjectMeta, PodRecord } from '../base/record.ts'
import { ownersOf } from '../timeline/owners.ts'
import type { World } from '../timeline/world.ts'
import type { SpanLink, Trace } from './trace.ts'

export interface Incoming {
  readonly links: readonly SpanLink[]
  /** Annotations that were to hold a context, and do not. */
  readonly malformed: number
}

/** The pod's own context, else the nearest owner's that has one. */
export function incomingOf({ owners }: Pick<World, 'owners'>, pod: PodRecord): Incoming {
  const holders: ObjectMeta[] = pod.annotations ? [pod] : []
  for (const { uid } of ownersOf(pod, owners)) {
    const owner = owners.get(uid)
    if (owner?.annotations) holders.push(owner)
  }
  return holders.length === 0 ? NOTHING : firstContext(holders)
}

const NOTHING: Incoming = { links: [], malformed: 0 }

function firstContext(holders: readonly ObjectMeta[]): Incoming {
  let malformed = 0
  for (const { annotations } of holders) {
    const carried = carriedBy(annotations)
    malformed += carried.malformed
    const { context } = carried
    if (context)
      return { links: [{ ...context, attributes: { 'podspan.link': 'incoming context' } }], malformed }
  }
  return { links: [], malformed }
}

/** The same start, whose root leads to these too; what it leads to already is not said twice. */
export function withLinks(trace: Trace, links: readonly SpanLink[]): Trace {
  const [root, ...others] = trace.spans
  const added = links.filter(
    ({ traceId, spanId }) => !root?.links.some((link) => link.traceId === traceId && link.spanId === spanId),
  )
  if (!root || added.length === 0) return trace
  return { ...trace, spans: [{ ...root, links: [...root.links, ...added] }, ...others] }
}
