// Owns the bench of the watch alone: TLS, framing, decoding and trimming of a burst's pods and events, up to our record.
// Promises the same frames for each alternative, in turn, each in a fresh process.
// Does not make traces of them.

import { type BurstPlan, framesPerStart, runBursts } from './burst.ts'
import type { Bench, BenchOptions } from './report.ts'

/** Processor time per frame in each repeat, by alternative. */
async function perFrame(
  streams: BurstPlan['streams'],
  alternatives: BurstPlan['alternatives'],
  options: BenchOptions,
): Promise<(by: string) => number[]> {
  const { quick } = options
  const starts = quick ? 300 : 3000
  const [repeats, warmUp] = quick ? [1, 100] : [3, 4000]
  const found = await runBursts({ streams, alternatives, repeats, warmUp, starts, traced: false }, options)
  return (by) => (found[by] ?? []).map(({ cpuUs }) => cpuUs / starts / framesPerStart(streams))
}

export const bench: Bench = async (options) => {
  const both = await perFrame('both', ['informer', 'watch', 'protobuf', 'json', 'framing'], options)
  const pods = await perFrame('pods', ['informer', 'protobuf'], options)
  const informers = { name: 'client-node informers', values: both('informer') }
  return [
    {
      what: 'watch → record, pods and events, per frame',
      unit: 'µs',
      ours: both('protobuf'),
      theirs: informers,
      target: { kind: 'ratio', atLeast: 4 },
    },
    {
      what: 'watch → record, pods alone, per frame',
      unit: 'µs',
      ours: pods('protobuf'),
      theirs: { name: 'client-node informer', values: pods('informer') },
      target: { kind: 'ratio', atLeast: 4 },
    },
    {
      what: 'the first, against the plain Watch',
      unit: 'µs',
      ours: both('protobuf'),
      theirs: { name: 'client-node Watch', values: both('watch') },
    },
    { what: 'the first, our watch in JSON', unit: 'µs', ours: both('json'), theirs: informers },
    {
      what: 'the first, as a share of the limit',
      unit: 'µs',
      ours: both('protobuf'),
      theirs: { name: 'the same bytes cut into frames, nothing else', values: both('framing') },
    },
  ]
}
