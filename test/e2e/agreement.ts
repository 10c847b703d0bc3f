// Owns the comparison, to the pod, of all that is said of one rollout: the API server's pods, the session's status, its columns, the traces.
// Promises to compare with what the pods themselves say, not with what Podspan says elsewhere. Does not wait: ask when all is there.

import assert from 'node:assert/strict'
import type { TruthSpan } from '../accuracy/collector.ts'
import { kubectl } from '../cluster/cluster.ts'
import type { KubeObject } from '../scenarios/api.ts'
import type { Session } from './operator-objects.ts'
import { expectedIds } from './trace-support.ts'

const NONE = { starting: 0, ready: 0, completed: 0, failed: 0, unstable: 0, deleted: 0, timedOut: 0 }

type Ending = 'ready' | 'timeout'

/** How each pod's start ended, by its own conditions: those that are not ready now never were. */
export function endingsOf(pods: readonly KubeObject[]): Map<string, Ending> {
  return new Map(pods.map((pod) => [String(pod.metadata['uid']), isReady(pod) ? 'ready' : 'timeout']))
}

const isReady = ({ status }: KubeObject): boolean => {
  const { conditions = [] } = (status ?? {}) as { conditions?: readonly { type: string; status: string }[] }
  return conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')
}

export const countOf = (endings: ReadonlyMap<string, Ending>, ending: Ending): number =>
  [...endings.values()].filter((one) => one === ending).length

/** The counts of a status are those of the pods, and the fates of their traces sum up to them. */
export function assertCounts({ status }: Session, endings: ReadonlyMap<string, Ending>): void {
  assert.deepEqual(status?.pods, {
    ...NONE,
    matched: endings.size,
    ready: countOf(endings, 'ready'),
    timedOut: countOf(endings, 'timeout'),
  })
  assert.deepEqual(status?.traces, { exported: endings.size, sampledOut: 0, dropped: 0, pending: 0 })
}

/** Each pod has one root with its outcome; `spans` are all that arrived. */
export function rootsByUid(
  spans: readonly TruthSpan[],
  endings: ReadonlyMap<string, Ending>,
): Map<string, TruthSpan> {
  const roots = new Map<string, TruthSpan>()
  for (const [uid, ending] of endings) {
    const { traceId, rootId } = expectedIds(uid)
    const [root, ...more] = spans.filter((span) => span.traceId === traceId && !span.parentSpanId)
    assert.ok(root, `a trace of pod ${uid}`)
    assert.equal(more.length, 0, `one trace of pod ${uid}`)
    assert.equal(root.spanId, rootId)
    assert.equal(root.attributes['podspan.outcome'], ending)
    roots.set(uid, root)
  }
  return roots
}

export const secondsOf = ({ start, end }: TruthSpan): number => Number(end - start) / 1e9

/** What the status says of lengths and operations is what the traces hold. */
export function assertLengths(
  { status }: Session,
  roots: ReadonlyMap<string, TruthSpan>,
  spans: readonly TruthSpan[],
): void {
  const ready = [...roots.values()].filter(({ attributes }) => attributes['podspan.outcome'] === 'ready')
  const lengths = ready.map(secondsOf).toSorted((a, b) => a - b)
  // Three figures are written, and quantiles come from a sketch of 1 %.
  for (const [name, percent] of [
    ['p50', 50],
    ['p90', 90],
    ['p99', 99],
    ['max', 100],
  ] as const) {
    const rank = Math.ceil((percent * lengths.length) / 100)
    assertNear(status?.startup?.[name], lengths[rank - 1] ?? 0, 0.02, name)
  }
  for (const { traceID, startup } of status?.slowest ?? []) {
    const root = [...roots.values()].find(({ traceId }) => traceId === traceID)
    assert.ok(root, `the slowest pod ${traceID} is one of them`)
    assertNear(startup, secondsOf(root), 0.006, traceID)
  }
  assertOperations(status?.operations ?? [], roots, spans)
}

function assertOperations(
  operations: readonly { readonly name: string; readonly pods: number }[],
  roots: ReadonlyMap<string, TruthSpan>,
  spans: readonly TruthSpan[],
): void {
  const traces = new Set([...roots.values()].map(({ traceId }) => traceId))
  const counts = new Map<string, Set<string>>()
  for (const { name, traceId, parentSpanId } of spans)
    if (parentSpanId && traces.has(traceId)) counts.set(name, (counts.get(name) ?? new Set()).add(traceId))
  const said = Object.fromEntries(operations.map(({ name, pods }) => [name, pods]))
  assert.deepEqual(said, Object.fromEntries([...counts].map(([name, of]) => [name, of.size])))
}

export function assertNear(text: string | undefined, seconds: number, share: number, what: string): void {
  const said = durationSeconds(text ?? '')
  assert.ok(Math.abs(said - seconds) <= seconds * share + 0.0006, `${what}: ${text} for ${seconds} s`)
}

/** `1m4.5s`, `834ms`: what a status holds. */
function durationSeconds(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 }
  const parts = [...text.matchAll(/([\d.]+)(ms|h|m|s)/g)]
  assert.equal(parts.map(([part]) => part).join(''), text, `'${text}' is a duration`)
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? Number.NaN), 0)
}

const COLUMNS = ['NAME', 'PHASE', 'PODS', 'READY', 'P50', 'P99', 'LONGEST', 'OBJECTIVE', 'AGE']

/** The row of `kubectl get` is the status at a glance. */
export async function assertColumns(
  { metadata: { name }, status }: Session,
  namespace: string,
): Promise<void> {
  const table = await kubectl(['get', 'tsn', name, '-n', namespace])
  const [head = '', row = ''] = table.split('\n').map((line) => line.trim().split(/\s{2,}/))
  assert.deepEqual(head, COLUMNS)
  const { phase, pods, startup, longest, objective } = status ?? {}
  const cells = [
    name,
    phase,
    pods?.['matched'],
    pods?.['ready'],
    startup?.p50,
    startup?.p99,
    longest,
    objective,
  ]
  assert.deepEqual(row.slice(0, -1), cells.map(String))
  assert.match(row.at(-1) ?? '', /^\d+(s|m\d*s?)$/)
}
