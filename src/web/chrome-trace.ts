// Owns a start in the form of Chrome's trace events, which Perfetto and chrome://tracing open.
// Promises one track per actor, complete events in µs, and attributes as arguments. Does not say how fine a time is: start/v1 does.

import { since, type UnixNano } from '../base/time.ts'
import type { Span, Trace } from '../trace/trace.ts'

const micros = (at: UnixNano): number => Number(at) / 1000

export function formatChromeTrace(trace: Trace): string {
  const actors = [...new Set(trace.spans.map(({ actor }) => actor))]
  const process = {
    ph: 'M',
    pid: 1,
    name: 'process_name',
    args: { name: `${trace.namespace}/${trace.name}` },
  }
  const threads = actors.map((name, tid) => ({ ph: 'M', pid: 1, tid, name: 'thread_name', args: { name } }))
  const spans = trace.spans.map((span) => eventOf(span, actors.indexOf(span.actor)))
  return JSON.stringify({
    displayTimeUnit: 'ms',
    otherData: { traceId: trace.traceId, verdict: trace.verdict },
    traceEvents: [process, ...threads, ...spans],
  })
}

const eventOf = ({ name, subject, start, end, error, attributes }: Span, tid: number) => ({
  ph: 'X',
  pid: 1,
  tid,
  name: subject === undefined ? name : `${name} ${subject}`,
  cat: error === undefined ? 'operation' : 'failed',
  ts: micros(start.best),
  dur: Number(since(end.best, start.best)) / 1000,
  args: { ...attributes, ...(error === undefined ? {} : { error }) },
})
