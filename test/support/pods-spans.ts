// Owns the comparison of a trace with what a person wrote down: one line per span, its name, and where it begins and ends.
// Promises that every span is named, in order, and that each boundary lies within a few milliseconds of what was written.
// Does not compare the last nanosecond: the weights of evidence are tested where they are kept.

import assert from 'node:assert/strict'
import type { Frame } from '../../src/base/frame.ts'
import type { PipelineOptions } from '../../src/trace/pipeline.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import { tracesOf } from './frames.ts'
import { violations } from './frames-invariants.ts'
import { shapeOf } from './frames-normal.ts'
import { at, UID } from './pods.ts'

/** `[what shapeOf says, from ms, to ms]`. */
export type Line = readonly [span: string, fromMs: number, toMs: number]

export const TOLERANCE_MS = 15

/** The one trace of the story's pod. */
export function traceOf(frames: readonly Frame[], options: PipelineOptions = {}): Trace {
  const traces = tracesOf(frames, options)
  assert.deepEqual(violations(traces), [])
  const trace = traces.find(({ uid }) => uid === UID)
  assert.ok(trace, `no trace of the story's pod among ${traces.length}`)
  return trace
}

/** Fails with the whole tree, so that one look tells what differs. Gaps shorter than 20 ms need not be written down. */
export function assertSpans(trace: Trace, lines: readonly Line[]): void {
  const shown = worthTelling(trace)
  const told = shown.map(
    ({ text, span }): Line => [text, millisecondsOf(span.start.best), millisecondsOf(span.end.best)],
  )
  const near = told.map(([text, from, to], index): Line => {
    const [, wantedFrom, wantedTo] = lines[index] ?? ['', from, to]
    return [text, close(from, wantedFrom), close(to, wantedTo)]
  })
  assert.deepEqual(near, lines)
}

/** The tree as `shapeOf` draws it, without gaps of a few milliseconds. */
export const treeOf = (trace: Trace): string[] => worthTelling(trace).map(({ text }) => text)

const worthTelling = (trace: Trace): { readonly text: string; readonly span: Span }[] =>
  shapeOf(trace)
    .map((text, index) => ({ text, span: trace.spans[index] as Span }))
    .filter(({ span }) => span.name !== 'unaccounted' || span.end.best - span.start.best > 20_000_000n)

const close = (is: number, wanted: number): number => (Math.abs(is - wanted) <= TOLERANCE_MS ? wanted : is)

const millisecondsOf = (moment: bigint): number => Math.round(Number(moment - at(0)) / 1e6)

/** The first span of this name, and of this container where one is given. */
export function spanOf(trace: Trace, name: string, container?: string, attempt?: number): Span {
  const span = trace.spans.find(
    (one) =>
      one.name === name &&
      (container === undefined || one.attributes['k8s.container.name'] === container) &&
      (attempt === undefined || one.attempt === attempt),
  )
  assert.ok(span, `no ${name} ${container ?? ''} in\n${shapeOf(trace).join('\n')}`)
  return span
}
