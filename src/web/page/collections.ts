// Owns the rollouts and sessions that the page knows: read when a view wants them, and again now and then while it is open.
// Promises that nobody is asked for them while no view shows any. Does not draw.

import type { RolloutRow, SessionRow } from '../row.ts'
import { every } from './now.ts'
import { onStarts, readJson, starts } from './starts.ts'

const AGAIN_MS = 3000

/** Calls with all rollouts whenever they have changed; returns how to end it. */
export const followRollouts = (show: (rows: readonly RolloutRow[]) => void): (() => void) =>
  follow<RolloutRow>('rollouts', show)

export const followSessions = (show: (rows: readonly SessionRow[]) => void): (() => void) =>
  follow<SessionRow>('sessions', show)

function follow<Row>(what: 'rollouts' | 'sessions', show: (rows: readonly Row[]) => void): () => void {
  let shown: string | undefined
  let isReading = false
  const read = async (): Promise<void> => {
    const { about, state } = starts()
    if (isReading || state === 'lost' || about?.has.includes(what) !== true) return
    isReading = true
    const rows = await readJson<Row[]>(`api/${what}`).catch(() => undefined)
    isReading = false
    const text = JSON.stringify(rows)
    if (rows && text !== shown) show(rows)
    shown = text ?? shown
  }
  // Before the first answer the page may not know yet that there are any.
  const stops = [onStarts(() => shown === undefined && void read()), every(AGAIN_MS, () => void read())]
  void read()
  return () => {
    for (const stop of stops) stop()
  }
}
