// Owns the largest status that a session can come to: every list full, every text longer than may be.
// Promises that it comes out of a book, as a real one does.

import type { TraceSessionStatus } from '../../src/session/schema.ts'
import { OPERATIONS } from '../../src/session/schema-spec.ts'
import { drive, session } from './made.ts'

export function fullStatus(): TraceSessionStatus {
  const driven = drive()
  const long = 'x'.repeat(2000)
  const objectives = Array.from({ length: 8 }, (_, index) => ({
    name: `${'o'.repeat(60)}-${index}`,
    percentile: 100,
    threshold: '1s',
  }))
  driven.apply(session({ allPods: true, objectives }))
  driven.backfilled()
  for (let pod = 0; pod < 300; pod += 1)
    driven.take({
      pod,
      name: `${'p'.repeat(240)}-${pod}`,
      took: 50 + pod / 100,
      revision: `${'r'.repeat(55)}-${pod}`,
      verdict: long,
      operations: OPERATIONS.map((name, index) => ({
        name,
        from: index,
        to: index + 1,
        attributes: { 'container.image.name': `${long}:${index}-${pod}`, 'podspan.image.cached': true },
      })),
    })
  driven.tick(
    60,
    Array.from({ length: 200 }, (_, pod) => ({
      pod: 1000 + pod,
      name: `${'q'.repeat(250)}${pod}`,
      reason: `${'ghijklmnop'[pod % 10]} ${long}`,
    })),
  )
  return driven.status()
}
