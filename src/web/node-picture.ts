// Owns what one node did for the starts that are known: image pulls with their waiting, and the work of kubelet and runtime.
// Promises every such span of its starts once, the earliest first. Does not say which starts these are: the rows do.

import type { Span, Trace } from '../trace/trace.ts'
import type { NodePicture, NodePull, NodeWork } from './row.ts'
import { epochMs } from './rows.ts'

/** Work of which a node does several at once, and gets slower by it. */
const WORKS: ReadonlySet<string> = new Set([
  'prepare pod and create sandbox',
  'create sandbox',
  'create container',
  'start container',
])

export function pictureNode(traces: Iterable<Trace>): NodePicture {
  const pulls: NodePull[] = []
  const works: NodeWork[] = []
  for (const trace of traces) {
    for (const span of trace.spans) {
      if (span.name === 'pull image') pulls.push(pullOf(trace, span))
      else if (WORKS.has(span.name)) works.push(workOf(trace, span))
    }
  }
  return {
    pulls: pulls.sort((a, b) => a.asked - b.asked),
    works: works.sort((a, b) => a.from - b.from),
  }
}

function pullOf({ traceId, namespace, name, spans }: Trace, pull: Span): NodePull {
  const transfer = spans.find(
    (span) => span.parentSpanId === pull.spanId && span.name === 'transfer and unpack',
  )
  const bytes = pull.attributes['podspan.image.bytes']
  return {
    id: traceId,
    pod: `${namespace}/${name}`,
    image: pull.subject ?? '',
    asked: epochMs(pull.start.best),
    began: epochMs((transfer ?? pull).start.best),
    over: epochMs(pull.end.best),
    ...(typeof bytes === 'number' ? { bytes } : {}),
    ...(pull.error === undefined ? {} : { failed: true }),
  }
}

const workOf = ({ traceId }: Trace, { name, start, end }: Span): NodeWork => ({
  id: traceId,
  operation: name,
  from: epochMs(start.best),
  to: epochMs(end.best),
})
