// Owns a trace in the form of Chrome's trace events, which Perfetto and chrome://tracing open.
// Promises complete events in µs on tracks named by their actor, none of which cuts another on its track, and attributes as arguments.
// Does not say how fine a time is: start/v1 does.

import { since, type UnixNano } from '../base/time.ts'
import type { Span, Trace } from '../trace/trace.ts'

const micros = (at: UnixNano): number => Number(at) / 1000

interface Track {
  readonly actor: string
  readonly spans: Span[]
}

export function formatChromeTrace(trace: Trace): string {
  const tracks = tracksOf(trace.spans)
  const process = {
    ph: 'M',
    pid: 1,
    name: 'process_name',
    args: { name: `${trace.namespace}/${trace.name}` },
  }
  const named = tracks.flatMap(({ actor }, tid) => [
    { ph: 'M', pid: 1, tid, name: 'thread_name', args: { name: actor } },
    { ph: 'M', pid: 1, tid, name: 'thread_sort_index', args: { sort_index: tid } },
  ])
  const spans = tracks.flatMap((track, tid) => track.spans.map((span) => eventOf(span, tid)))
  return JSON.stringify({
    displayTimeUnit: 'ms',
    otherData: { traceId: trace.traceId, verdict: trace.verdict },
    traceEvents: [process, ...named, ...spans],
  })
}

/** An actor has as many tracks as it did things at once that do not lie within each other: a viewer drops what cuts another event. */
function tracksOf(spans: readonly Span[]): Track[] {
  const tracks: Track[] = []
  for (const span of spans.toSorted(byStart)) {
    const track = tracks.find(
      (one) => one.actor === span.actor && one.spans.every((other) => fit(other, span)),
    )
    if (track) track.spans.push(span)
    else tracks.push({ actor: span.actor, spans: [span] })
  }
  return tracks
}

const byStart = (a: Span, b: Span): number => {
  if (a.start.best !== b.start.best) return a.start.best < b.start.best ? -1 : 1
  return a.end.best > b.end.best ? -1 : a.end.best < b.end.best ? 1 : 0
}

/** `later` begins no earlier than `earlier`: it lies within, or after. */
const fit = (earlier: Span, later: Span): boolean =>
  later.end.best <= earlier.end.best || later.start.best >= earlier.end.best

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
