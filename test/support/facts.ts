// Owns facts of one container made by hand: what an event or a status says, dated as each of them is.
// Promises that what is recorded finely has an event's name, and that a whole second was heard live, or listed. Does not order them.

import type { Stamp, StampSource } from '../../src/base/stamp.ts'
import { MICROSECOND, SECOND } from '../../src/base/time.ts'
import type { Detail, What } from '../../src/observe/observation.ts'
import { emptyClocks } from '../../src/timeline/clocks.ts'
import type { Clocks } from '../../src/timeline/combine.ts'
import type { Fact } from '../../src/timeline/facts.ts'
import { emptyLag } from '../../src/timeline/lag.ts'
import { emptyRevisions } from '../../src/timeline/revisions.ts'
import { deepFreeze } from './frames.ts'
import { at } from './pods.ts'

export const rightClocks = (): Clocks => ({
  clocks: emptyClocks(),
  lag: emptyLag(),
  revisions: emptyRevisions(),
  around: at(0),
})

interface Told {
  /** Which occurrence of its event, or which run by its status. */
  readonly index?: number
  /** The event, if it is not the only one of its kind. */
  readonly group?: string
  readonly detail?: Detail
  /** When the watch showed it; else a list did, a minute later if nothing says otherwise. */
  readonly heard?: number
  readonly listed?: number
}

const LISTED = 60_000

/** What an event says whose name keeps the moment. */
export const recorded = (what: What, ms: number, { group = what, ...told }: Told = {}): Fact =>
  factOf(what, { group, ...told }, [stamp('event-name', ms)])

/** What a repeat of an event says, or one without a fine stamp: the second of this moment. */
export const repeated = (
  what: What,
  ms: number,
  { group = what, heard, listed = LISTED, ...told }: Told = {},
): Fact =>
  factOf(what, { group, ...told }, [
    stamp('event-second', ms),
    heard === undefined ? stamp('list-receipt', listed) : stamp('event-receipt', heard),
  ])

/** What the status says of a run. */
export const shown = (what: What, ms: number, { heard, ...told }: Told = {}): Fact =>
  factOf(what, { ...told, group: '' }, [
    ...(what === 'waiting' ? [] : [stamp('state-second', ms)]),
    heard === undefined ? stamp('list-receipt', LISTED) : stamp('status-receipt', heard),
  ])

const factOf = (what: What, { index = 0, group = '', detail }: Told, stamps: readonly Stamp[]): Fact =>
  deepFreeze({ key: group || `app/${what}`, what, container: 'app', index, group, detail, stamps })

function stamp(source: StampSource, ms: number): Stamp {
  const isSecond = source.endsWith('-second')
  const isReceipt = source.endsWith('-receipt')
  return {
    source,
    at: at(isSecond ? Math.floor(ms / 1000) * 1000 : ms),
    clock: isReceipt ? 'observer' : 'node/node-1',
    resolution: isSecond ? SECOND : MICROSECOND,
    evidence: { object: 'x', resourceVersion: '1', field: 'f', raw: '' },
    ...(isReceipt ? { receivedAt: at(ms) } : {}),
  }
}
