// Owns the two faces of an Event: `v1`, in which it is stored here, and `events.k8s.io/v1`.
// Promises the fields that a client of either would look for. Does not know other kinds: these pass as they are.

import type { Obj } from './encode.ts'
import type { ServedResource } from './resources.ts'

const NAMES: readonly (readonly [core: string, grouped: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
]

const GROUPED = 'events.k8s.io'

function renamed(object: Obj, names: ReadonlyMap<string, string>, apiVersion: string): Obj {
  const entries = Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value] as const)
  return { ...Object.fromEntries(entries), apiVersion }
}

export const toCoreEvent = ({ group }: ServedResource, object: Obj): Obj =>
  group === GROUPED ? renamed(object, new Map(NAMES.map(([core, grouped]) => [grouped, core])), 'v1') : object

export const eventGroup = ({ group }: ServedResource, object: Obj): Obj =>
  group === GROUPED ? renamed(object, new Map(NAMES), `${GROUPED}/v1`) : object
