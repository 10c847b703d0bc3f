// Owns the bench of the whole: watches of an API server over TLS, traces, OTLP at a Collector.
// Promises one and the same pipeline and exporter behind both ways of watching, and as many traces as starts.
// Does not pace the burst: it comes as fast as the client takes it, so that processor time per start is what counts.

import { runBursts } from './burst.ts'
import type { Bench } from './report.ts'

export const bench: Bench = async (options) => {
  const { quick } = options
  const starts = quick ? 300 : 2000
  const found = await runBursts(
    {
      alternatives: options.profile ? ['protobuf'] : ['informer', 'protobuf', 'framing'],
      repeats: quick || options.profile ? 1 : 4,
      warmUp: quick ? 100 : 3000,
      starts,
      traced: true,
      streams: 'both',
    },
    options,
  )
  const perStart = (by: string): number[] => (found[by] ?? []).map(({ cpuUs }) => cpuUs / starts)
  return [
    {
      what: 'whole pipeline, per start',
      unit: 'µs',
      ours: perStart('protobuf'),
      theirs: { name: 'client-node informers', values: perStart('informer') },
      target: { kind: 'ratio', atLeast: 2.5 },
    },
    {
      what: 'whole pipeline, as a share of the limit',
      unit: 'µs',
      ours: perStart('protobuf'),
      theirs: { name: 'the same bytes cut into frames, nothing else', values: perStart('framing') },
      target: { kind: 'ratio', atLeast: 0.4 },
    },
  ]
}
