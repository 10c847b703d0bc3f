// Owns the comparison of a trace's boundaries with the native spans of the same moments.
// Promises one comparison per boundary that both sides know, and names those that only one side knows.
// Does not sum up: table.ts does.

import { milliseconds, type UnixNano } from '../../src/base/time.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import { rootOf, type Span, type Trace } from '../../src/trace/trace.ts'
import type { TruthSpan } from './collector.ts'
import type { NodeTruth, RuntimeCall, StoreTruth, Truth } from './truth.ts'
import { matchWrites, type PodVersions, type Versions, writesOf } from './versions.ts'
import { volumeBoundaries } from './volumes.ts'

/** A moment, or the interval of a write in which something was stored. */
export interface Moment {
  readonly from: UnixNano
  readonly to: UnixNano
}

export interface Comparison {
  readonly boundary: string
  readonly scenario: string
  readonly pod: string
  readonly span: string
  readonly instant: Instant
  readonly truth: Moment
  /** Best estimate minus truth; 0 within the interval of the write. */
  readonly error: bigint
  readonly inside: boolean
}

export interface Judged {
  readonly comparisons: Comparison[]
  /** Boundaries that the trace has and no native span tells, by name. */
  readonly untold: string[]
  /** Boundaries that a native span tells and the trace does not, by name. */
  readonly missed: string[]
}

interface Case {
  readonly trace: Trace
  readonly scenario: string
  readonly judged: Judged
}

export function compareTrace(trace: Trace, truth: Truth, versions: Versions, scenario: string): Judged {
  const judged: Judged = { comparisons: [], untold: [], missed: [] }
  const one: Case = { trace, scenario, judged }
  const pod = versions.of(trace.uid)
  if (pod === undefined) return judged
  const store = truth.byKey.get(pod.key)
  if (store !== undefined) compareStored(one, pod, store, versions.replacedAt(pod))
  const node = truth.byUid.get(pod.kubeletUid)
  if (node !== undefined) compareNode(one, node)
  for (const { boundary, span, instant, write } of volumeBoundaries(trace, truth, versions.volumes))
    check(one, boundary, span, instant, interval(write))
  return judged
}

function compareStored(
  one: Case,
  pod: PodVersions,
  store: StoreTruth,
  replacedAt: UnixNano | undefined,
): void {
  const { trace } = one
  const root = rootOf(trace)
  const writes = writesOf(pod, store, replacedAt)
  const matched = matchWrites(pod.versions, writes)
  const isMirror = pod.kubeletUid !== pod.uid
  if (!isMirror) check(one, 'pod created', root, root.start, interval(writes[0]))
  const binding = store.bindings.find((span) => writes.includes(span))
  const schedule = trace.spans.find(({ name }) => name === 'schedule')
  if (schedule && !isOpen(schedule)) check(one, 'pod bound', schedule, schedule.end, interval(binding))
  const ungated = pod.versions.findIndex(({ gated }) => !gated)
  const gate = trace.spans.find(({ name }) => name === 'wait at scheduling gate')
  if (gate && !isOpen(gate) && ungated > 0)
    check(one, 'pod ungated', gate, gate.end, interval(matched[ungated]))
  const ready = pod.versions.findIndex((version) => version.ready)
  if (trace.outcome === 'ready' || trace.outcome === 'unstable')
    check(one, 'pod ready', root, root.end, interval(matched[ready]))
}

function compareNode(one: Case, node: NodeTruth): void {
  const { spans } = one.trace
  const prepare = spans.find(({ name }) => name === 'prepare pod and create sandbox')
  const done = node.sandboxes.find(({ failed }) => !failed)
  if (prepare && !isOpen(prepare)) check(one, 'sandbox ended', prepare, prepare.end, endOf(done))
  const failures = node.sandboxes.filter(({ failed }) => failed)
  const attempts = spans.filter(({ name, error }) => name === 'create sandbox' && error !== undefined)
  // Where the kubelet's reports of failures were merged, there is no telling which is which.
  if (attempts.length === failures.length)
    attempts.forEach((span, index) => check(one, 'sandbox failed', span, span.end, endOf(failures[index])))
  comparePulls(one, node)
  compareCalls(one, 'create container', node.creates, 'container created')
  compareCalls(one, 'start container', node.starts, 'container started')
}

/** The n-th pull of an image in this pod, good or failed, is the n-th span of that image. */
function comparePulls(one: Case, node: NodeTruth): void {
  const pulls = one.trace.spans.filter(({ name }) => name === 'pull image')
  const images = new Set(pulls.map(imageOf))
  for (const image of images) {
    const mine = pulls.filter((span) => imageOf(span) === image)
    const theirs = node.pulls.filter((call) => call.image === image)
    if (mine.length !== theirs.length) continue
    mine.forEach((span, index) => comparePull(one, span, theirs[index]))
  }
}

function comparePull(one: Case, span: Span, call: RuntimeCall | undefined): void {
  if (isOpen(span)) return
  check(one, span.error === undefined ? pullRow(span) : 'pull failed', span, span.end, endOf(call))
  const transfer = one.trace.spans.find(
    ({ name, parentSpanId }) => name === 'transfer and unpack' && parentSpanId === span.spanId,
  )
  if (transfer && call) check(one, 'transfer began', transfer, transfer.start, at(call.span.start))
}

/** Beside other pulls, or on a busy machine, the kubelet hears late of the end; the interval says so. */
const pullRow = ({ end }: Span): string =>
  end.source === 'event-name' && end.best - end.earliest > BUSY_RUNTIME
    ? 'pull ended: busy runtime'
    : 'pull ended'
const BUSY_RUNTIME = milliseconds(15)

const imageOf = (span: Span): string => String(span.attributes['container.image.name'] ?? span.subject ?? '')

function compareCalls(one: Case, name: string, calls: readonly RuntimeCall[], boundary: string): void {
  const told = new Set<RuntimeCall>()
  for (const span of one.trace.spans.filter((each) => each.name === name)) {
    const container = String(span.attributes['k8s.container.name'] ?? span.subject ?? '')
    const attempt = restartCountOf(one.trace, span, container)
    if (isOpen(span) || attempt < 0) continue
    const call = calls.find((each) => each.container === container && each.attempt === attempt)
    if (call) told.add(call)
    check(one, rowName(boundary, span, attempt), span, span.end, endOf(call))
  }
  const end = rootOf(one.trace).end.best
  // A runtime that was started anew loses the span that says which container its kubelet's call was about.
  const named = calls.filter(({ container }) => container !== undefined)
  for (const call of named)
    if (!call.failed && call.span.end < end && !told.has(call)) one.judged.missed.push(boundary)
}

function rowName(boundary: string, span: Span, attempt: number): string {
  if (span.error !== undefined) return `${boundary}: failed`
  if (attempt > 0) return `${boundary}: later attempts`
  // The kubelet sends at most 25 events for a pod; what it did not report is known from the status, to the second.
  const isReported = span.end.stamps.some(({ source }) => source === 'event-name')
  return isReported ? boundary : `${boundary}: event dropped`
}

/** Attempts are numbered from 1 and count those before that never gave a container; -1 for one of these. */
function restartCountOf(trace: Trace, span: Span, container: string): number {
  const neverCreated = trace.spans.filter(
    (other) =>
      other.name === 'create container' &&
      other.error !== undefined &&
      other.attributes['k8s.container.name'] === container,
  )
  if (neverCreated.includes(span)) return -1
  if (span.attempt === undefined) return 0
  const before = neverCreated.filter(({ attempt }) => (attempt ?? 0) < (span.attempt ?? 0))
  return span.attempt - 1 - before.length
}

const isOpen = (span: Span): boolean => span.attributes['podspan.open'] === true

const at = (moment: UnixNano): Moment => ({ from: moment, to: moment })
const interval = (span: TruthSpan | undefined): Moment | undefined =>
  span && { from: span.start, to: span.end }
const endOf = (call: RuntimeCall | undefined): Moment | undefined => call && at(call.span.end)

function check(one: Case, boundary: string, span: Span, instant: Instant, truth: Moment | undefined): void {
  const { trace, scenario, judged } = one
  if (truth === undefined) {
    judged.untold.push(boundary)
    return
  }
  const { best, earliest, latest } = instant
  const error = best < truth.from ? best - truth.from : best > truth.to ? best - truth.to : 0n
  const inside = earliest <= truth.to && latest >= truth.from
  const subject = span.subject === undefined ? '' : ` ${span.subject}`
  const attempt = span.attempt === undefined ? '' : ` #${span.attempt}`
  const pod = `${trace.namespace}/${trace.name}`
  judged.comparisons.push({
    ...{ boundary, scenario, pod, span: `${span.name}${subject}${attempt}` },
    ...{ instant, truth, error, inside },
  })
}
