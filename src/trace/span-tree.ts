// Owns the spans of a tree of operations: ids, attributes, links, and each one's parts of the critical path.
// Promises the root first and parents before children. Does not know what is told of the root besides: build.ts does.

import type { Operation } from '../operations/operation.ts'
import type { CriticalPath } from './critical-path.ts'
import { rootSpanIdOf, spanIdOf, traceIdOf } from './identity.ts'
import type { Attributes, AttributeValue, Part, Span, SpanLink } from './trace.ts'

/** `uid` is that of whose operations they are; every id but the root's is made of it and the operation's path. */
export function spanTree(uid: string, rootId: string, root: Operation, path: CriticalPath): Span[] {
  const spans: Span[] = []
  push(spans, uid, root, { spanId: rootId, parentSpanId: undefined }, path)
  return spans
}

function push(
  spans: Span[],
  uid: string,
  operation: Operation,
  { spanId, parentSpanId }: Pick<Span, 'spanId' | 'parentSpanId'>,
  path: CriticalPath,
): void {
  spans.push({
    spanId,
    parentSpanId,
    name: operation.name,
    actor: operation.actor,
    subject: operation.subject,
    start: operation.start,
    end: operation.end,
    error: operation.error,
    attempt: operation.attempt,
    attributes: attributesOf(operation),
    events: operation.events,
    links:
      operation.waitedFor.length === 0
        ? NO_LINKS
        : operation.waitedFor.map(({ uid: other, why }) => linkTo(other, why)),
    critical: path.get(operation) ?? NO_PARTS,
  })
  for (const child of operation.children)
    push(spans, uid, child, { spanId: spanIdOf(uid, child.path), parentSpanId: spanId }, path)
}

const NO_LINKS: readonly SpanLink[] = []
const NO_PARTS: readonly Part[] = []

function attributesOf({ attributes, container, open }: Operation): Attributes {
  if (container === undefined && !open) return attributes
  const all: Record<string, AttributeValue> = { ...attributes }
  if (container !== undefined) all['k8s.container.name'] = container
  if (open) all['podspan.open'] = true
  return all
}

const linkTo = (uid: string, why: string): SpanLink => ({
  traceId: traceIdOf(uid),
  spanId: rootSpanIdOf(uid),
  attributes: { 'podspan.link': why, 'k8s.pod.uid': uid },
})
