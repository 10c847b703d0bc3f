// Owns the finished starts of rollouts that are under way, within a bound of bytes.
// Promises that the oldest goes first, and that what went is counted: its pod is then told from its status alone.
// Does not decide when a rollout needs them no more.

import type { Trace } from '../trace/trace.ts'
import { bytesOf } from '../trace/trace-bytes.ts'
import type { Starts } from './book.ts'

export interface BoundedStarts extends Starts {
  /** How many made room for later ones. */
  left(): number
}

export function createBoundedStarts(maxBytes: number): BoundedStarts {
  const starts = new Map<string, { readonly trace: Trace; readonly bytes: number }>()
  let [total, left] = [0, 0]
  const remove = (uid: string): void => {
    total -= starts.get(uid)?.bytes ?? 0
    starts.delete(uid)
  }
  return {
    get: (uid) => starts.get(uid)?.trace,
    set(uid, trace) {
      remove(uid)
      const bytes = bytesOf(trace)
      starts.set(uid, { trace, bytes })
      total += bytes
      for (const oldest of starts.keys()) {
        if (total <= maxBytes) break
        remove(oldest)
        left += 1
      }
    },
    delete: remove,
    left: () => left,
  }
}
