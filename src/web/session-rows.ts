// Owns the short form of a TraceSession on the page: what it asks for, how it stands, and which of the kept starts are its own.
// Promises texts as they are: escaping is the page's. Does not judge: the session's status does.

import type { SessionLook } from '../session/book.ts'
import type { TraceSession } from '../session/schema.ts'
import type { Trace } from '../trace/trace.ts'
import type { SessionObjective, SessionRow } from './row.ts'

export function rowOfSession({ session, takes }: SessionLook, finished: readonly Trace[]): SessionRow {
  const { metadata, spec, status } = session
  const { completionTime, conditions = [], objective, phase = 'Pending', pods } = status ?? {}
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: metadata.name,
    phase,
    target: targetText(spec),
    created: Date.parse(metadata.creationTimestamp),
    ...(completionTime === undefined ? {} : { completed: Date.parse(completionTime) }),
    ...(objective === undefined ? {} : { objective }),
    objectives: objectivesOf(session),
    conditions: conditions.map(({ type, status: value, reason, message }) => [type, value, reason, message]),
    matched: pods?.matched ?? 0,
    starting: pods?.starting ?? 0,
    starts: finished.filter(takes).map(({ traceId }) => traceId),
  }
}

function targetText({ targetRef, podSelector, namespaceSelector }: TraceSession['spec']): string {
  const where = namespaceSelector === undefined ? '' : ' in the namespaces that its selector names'
  if (targetRef) return `${targetRef.kind}/${targetRef.name}`
  if (podSelector) return `pods with ${selectorText(podSelector)}${where}`
  return `all pods${where}`
}

function selectorText({
  matchLabels = {},
  matchExpressions = [],
}: NonNullable<TraceSession['spec']['podSelector']>): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`)
  const rules = matchExpressions.map(({ key, operator, values = [] }) =>
    [key, operator, values.join('|')].filter((word) => word !== '').join(' '),
  )
  return [...labels, ...rules].join(', ')
}

function objectivesOf({ spec, status }: TraceSession): SessionObjective[] {
  return (spec.objectives ?? []).map(({ name, operation, percentile, threshold }) => {
    const { met, value } = status?.objectives?.find((one) => one.name === name) ?? {}
    return {
      name,
      of: `P${percentile} of ${operation ?? 'the startup'}`,
      threshold,
      ...(value === undefined ? {} : { value }),
      ...(met === undefined ? {} : { met }),
    }
  })
}
