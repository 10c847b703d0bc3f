// Owns the groups of pods that wait for the same thing.
// Promises that what differs from pod to pod (names, hashes, addresses, counts of nodes) does not make groups of its own,
// and that lengths are said in steps, so that a status does not change each time it is looked at.

import { SECOND, seconds, type UnixNano } from '../base/time.ts'
import { type InFlight, stuckSince } from '../trace/in-flight.ts'
import { formatDuration } from './duration.ts'
import { LISTS } from './schema-status.ts'

const STUCK_AFTER = seconds(30)
const REASON_MAX = 200

export interface StuckGroup {
  in: string
  reason?: string
  pods: number
  nodes: number
  oldest: string
  example: string
}

export function groupStuck(
  starts: Iterable<InFlight>,
  now: UnixNano,
  nameOf: (start: InFlight) => string,
): StuckGroup[] {
  const groups = new Map<string, InFlight[]>()
  for (const start of starts) {
    if (now - stuckSince(start) < STUCK_AFTER) continue
    const key = `${start.operation}/${reasonOf(start) ?? ''}`
    const group = groups.get(key)
    if (group) group.push(start)
    else groups.set(key, [start])
  }
  return [...groups.values()]
    .toSorted((a, b) => b.length - a.length || compareAge(oldestOf(a), oldestOf(b)))
    .slice(0, LISTS.stuck)
    .map((group) => groupOf(group, now, nameOf))
}

function groupOf(
  starts: readonly InFlight[],
  now: UnixNano,
  nameOf: (start: InFlight) => string,
): StuckGroup {
  const oldest = oldestOf(starts)
  const reason = oldest && reasonOf(oldest)
  return {
    in: oldest?.operation ?? '',
    ...(reason === undefined ? {} : { reason }),
    pods: starts.length,
    nodes: new Set(starts.flatMap(({ node }) => (node === undefined ? [] : [node]))).size,
    oldest: stepText(oldest === undefined ? 0n : now - oldest.created),
    example: oldest === undefined ? '' : nameOf(oldest),
  }
}

const oldestOf = (starts: readonly InFlight[]): InFlight | undefined =>
  starts.reduce<InFlight | undefined>((a, b) => (a && compareAge(a, b) <= 0 ? a : b), undefined)

const compareAge = (a: InFlight | undefined, b: InFlight | undefined): number =>
  a === undefined || b === undefined
    ? 0
    : a.created !== b.created
      ? a.created < b.created
        ? -1
        : 1
      : a.uid < b.uid
        ? -1
        : 1

const STEPS_SECONDS = [30, 60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 7200, 14_400, 28_800, 86_400]

/** The last step that has passed. */
function stepText(age: bigint): string {
  const passed = STEPS_SECONDS.findLast((step) => age >= BigInt(step) * SECOND) ?? STEPS_SECONDS[0] ?? 30
  return formatDuration(seconds(passed))
}

/** The reason without what is of one pod only. */
export function reasonOf({ operation, reason, name, uid }: InFlight): string | undefined {
  if (reason === undefined || reason === '') return undefined
  const said = operation === 'schedule' ? schedulerReason(reason) : reason
  const plain = said
    .replaceAll(uid, 'UID')
    .replaceAll(name, 'POD')
    .replace(/\b[0-9a-f]{12,}\b\u2026?/g, '…')
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, 'ADDRESS')
    .replace(/\s+/g, ' ')
    .trim()
  return plain.length > REASON_MAX ? `${plain.slice(0, REASON_MAX - 1)}…` : plain
}

/** `0/5 nodes are available: 3 Insufficient cpu, 2 node(s) had untolerated taint {a: b}. preemption: …` without its counts. */
function schedulerReason(message: string): string {
  const [, reasons] = /^\d+\/\d+ nodes are available: (.*?)(?:\. .*|\.)?$/s.exec(message) ?? []
  if (reasons === undefined) return message
  const parts = reasons.split(/, (?=\d+ )/).map((part) => part.replace(/^\d+ /, '').replace(/\.$/, ''))
  return [...new Set(parts)].sort().join('; ')
}
