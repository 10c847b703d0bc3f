// Owns the making of rows (row.ts) from starts.
// Promises numbers where the page computes (ms since the epoch, ms of length) and texts as they are: escaping is the page's.
// Does not hold spans: those come with one start, as `start/v1`.

import { toMilliseconds, type UnixNano } from '../base/time.ts'
import type { InFlight } from '../trace/pipeline.ts'
import { rootOf, type Trace } from '../trace/trace.ts'
import { traceIdOf } from '../trace/identity.ts'
import type { PathPart, StartRow } from './row.ts'

const epochMs = (at: UnixNano): number => Number(at / 1000n) / 1000

export function rowOf(trace: Trace): StartRow {
  const { cause, created, name, namespace, node, outcome, revision, startup, uid, verdict, workload } = trace
  const responsible = rootOf(trace).attributes['podspan.responsible']
  return {
    id: trace.traceId,
    uid,
    namespace,
    name,
    ...(workload === undefined ? {} : { workload }),
    ...(revision === undefined ? {} : { revision }),
    ...(node === undefined ? {} : { node }),
    created: epochMs(created),
    cause,
    outcome,
    startupMs: toMilliseconds(startup),
    verdict,
    ...(typeof responsible === 'string' ? { responsible } : {}),
    path: pathOf(trace),
  }
}

/** The root's own part is what no operation explains. Neighbours of one name are one part. */
function pathOf({ created, spans }: Trace): PathPart[] {
  const parts = spans.flatMap(({ name, critical }) =>
    critical.map(({ from, to }) => ({ name: name === 'pod startup' ? 'unaccounted' : name, from, to })),
  )
  parts.sort((a, b) => (a.from < b.from ? -1 : 1))
  const path: PathPart[] = []
  for (const { name, from, to } of parts) {
    const last = path.at(-1)
    const end = msBetween(created, to)
    if (last?.[0] === name) path[path.length - 1] = [name, last[1], end]
    else path.push([name, msBetween(created, from), end])
  }
  return path
}

const msBetween = (from: UnixNano, to: UnixNano): number => Math.round(Number(to - from) / 1e4) / 100

export function rowOfFlight(start: InFlight): StartRow {
  const {
    cause,
    created,
    name,
    namespace,
    node,
    operation,
    reason,
    revision,
    since,
    uid,
    waitsFor,
    workload,
  } = start
  return {
    id: traceIdOf(uid),
    uid,
    namespace,
    name,
    ...(workload === undefined ? {} : { workload }),
    ...(revision === undefined ? {} : { revision }),
    ...(node === undefined ? {} : { node }),
    created: epochMs(created),
    cause,
    outcome: 'starting',
    operation,
    since: epochMs(since),
    waitsFor,
    ...(reason === undefined ? {} : { reason }),
  }
}
