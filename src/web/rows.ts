// Owns the making of rows (row.ts) from starts and rollouts.
// Promises numbers where the page computes (ms since the epoch, ms of length) and texts as they are: escaping is the page's.
// Does not hold spans: those come with one start, as `start/v1`.

import { toMilliseconds, type UnixNano } from '../base/time.ts'
import type { Rollout } from '../rollout/rollout.ts'
import { traceIdOf } from '../trace/identity.ts'
import type { InFlight } from '../trace/in-flight.ts'
import { rootOf, type Trace } from '../trace/trace.ts'
import type { PathPart, RolloutRow, StartRow } from './row.ts'

export const epochMs = (at: UnixNano): number => Number(at / 1000n) / 1000

/** Leaves out what is unknown. */
function known<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

export function rowOf(trace: Trace): StartRow {
  const { cause, created, name, namespace, node, outcome, revision, startup, uid, verdict, workload } = trace
  const responsible = rootOf(trace).attributes['podspan.responsible']
  const path = pathOf(trace)
  return known<StartRow>({
    ...{ id: trace.traceId, uid, namespace, name, workload, revision, node, cause, outcome, verdict, path },
    created: epochMs(created),
    startupMs: toMilliseconds(startup),
    responsible: typeof responsible === 'string' ? responsible : undefined,
    longest: longestOf(path),
  })
}

/** When it was over; what is newest stands first. */
export const endOf = ({ spans, created, startup }: Trace): UnixNano =>
  spans[0]?.end.best ?? ((created + startup) as UnixNano)

interface Stretch {
  readonly name: string
  readonly from: UnixNano
  readonly to: UnixNano
}

/** The root's own part is what no operation explains. */
function pathOf({ created, spans }: Trace): PathPart[] {
  const parts = spans.flatMap(({ name, critical }) =>
    critical.map(({ from, to }) => ({ name: name === 'pod startup' ? 'unaccounted' : name, from, to })),
  )
  return joinParts(parts, created)
}

/** In order, with neighbours of one name as one part. */
function joinParts(parts: readonly Stretch[], origin: UnixNano): PathPart[] {
  const path: PathPart[] = []
  for (const { name, from, to } of parts.toSorted((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = path.at(-1)
    const end = msBetween(origin, to)
    if (last?.[0] === name) path[path.length - 1] = [name, last[1], end]
    else path.push([name, msBetween(origin, from), end])
  }
  return path
}

const msBetween = (from: UnixNano, to: UnixNano): number => Math.round(Number(to - from) / 1e4) / 100

function longestOf(path: readonly PathPart[]): string | undefined {
  const sums = new Map<string, number>()
  for (const [name, from, to] of path) sums.set(name, (sums.get(name) ?? 0) + to - from)
  let longest: string | undefined
  for (const [name, ms] of sums) if (longest === undefined || ms > (sums.get(longest) ?? 0)) longest = name
  return longest
}

export function rowOfFlight(start: InFlight): StartRow {
  const { cause, name, namespace, node, operation, reason, revision, uid, waitsFor, workload } = start
  return known<StartRow>({
    ...{ uid, namespace, name, workload, revision, node, cause, operation, waitsFor, reason },
    id: traceIdOf(uid),
    created: epochMs(start.created),
    outcome: 'starting',
    since: epochMs(start.since),
  })
}

export function rowOfRollout(rollout: Rollout): RolloutRow {
  const { cause, hash, holds, key, kind, name, namespace, outcome, pods, revision, start, verdict, wanted } =
    rollout
  const parts = holds.map((hold) => ({ name: hold.span?.name ?? hold.kind, from: hold.from, to: hold.to }))
  return known<RolloutRow>({
    ...{ id: rollout.traceId, namespace, revision, hash, outcome, verdict, wanted },
    workload: `${kind}/${name || key.uid}`,
    cause: cause.kind,
    by: cause.by,
    began: epochMs(start.best),
    lengthMs: toMilliseconds(rollout.length),
    pods: pods.length,
    path: joinParts(parts, start.best),
  })
}
