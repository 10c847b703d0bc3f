// Owns the critical path: at each moment of the root, the deepest operation for which the end was waiting.
// Promises a partition: the parts of all operations do not overlap and sum to the root.

import type { UnixNano } from '../base/time.ts'
import { earliest, latest } from '../base/time.ts'
import type { Operation } from '../operations/operation.ts'
import type { Part } from './trace.ts'

export type CriticalPath = ReadonlyMap<Operation, readonly Part[]>

/**
 * Walks back from the root's end: whatever ended last is what was waited for, and before its start, whatever ended with that start, or last
 * before it. What still went on when its root was over by itself (`isOver`) was waited for by nobody.
 */
export function findCriticalPath(root: Operation, isOver = false): CriticalPath {
  const parts = new Map<Operation, Part[]>()
  walk(root, root.start.best, root.end.best, parts, isOver)
  for (const list of parts.values()) list.reverse()
  return parts
}

function walk(
  operation: Operation,
  from: UnixNano,
  to: UnixNano,
  parts: Map<Operation, Part[]>,
  isOver: boolean,
): void {
  let cursor = to
  const children = lastFirst(isOver ? operation.children.filter(({ open }) => !open) : operation.children)
  for (let first = 0; ; ) {
    // The cursor only goes back, so what begins after it has had its turn.
    while (first < children.length && (children[first] as Operation).start.best >= cursor) first++
    const child = nextBack(children, first, cursor)
    if (!child) break
    const end = earliest(child.end.best, cursor)
    if (end <= from) break
    take(parts, operation, end, cursor)
    const start = latest(child.start.best, from)
    walk(child, start, end, parts, false)
    cursor = start
    if (cursor <= from) return
  }
  take(parts, operation, from, cursor)
}

/** What ended just then; else what ended last of all that had begun, which is the first. */
function nextBack(children: readonly Operation[], first: number, cursor: UnixNano): Operation | undefined {
  for (let index = first; index < children.length; index++) {
    const child = children[index] as Operation
    if (child.end.best < cursor) break
    if (child.end.best === cursor && child.start.best < cursor) return child
  }
  return children[first]
}

/** By end, last first; of those that end together the longest. */
const lastFirst = (operations: readonly Operation[]): readonly Operation[] =>
  operations.length < 2 ? operations : operations.toSorted(byEnd)

const byEnd = (a: Operation, b: Operation): number =>
  a.end.best !== b.end.best ? (a.end.best > b.end.best ? -1 : 1) : a.start.best < b.start.best ? -1 : 1

function take(parts: Map<Operation, Part[]>, operation: Operation, from: UnixNano, to: UnixNano): void {
  if (to <= from) return
  const list = parts.get(operation)
  if (list) list.push({ from, to })
  else parts.set(operation, [{ from, to }])
}
