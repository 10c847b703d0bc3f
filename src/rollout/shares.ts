// Owns what the holds of a rollout come to: sums by what was waited for, in plain words, and the one sentence that says why it took so long.
// Promises that the sums add up to the rollout, and figures that its spans show too.
// Does not find holds: holds.ts does.

import { type DurationNano, durationNano, ZERO } from '../base/time.ts'
import { durationText } from '../trace/duration-text.ts'
import type { Span } from '../trace/trace.ts'
import type { Because, Hold, Rollout, RolloutPod, Share } from './rollout.ts'
import type { Limits, WorkloadKind } from './workload.ts'

const WORDS_MAX = 160

export function sumHolds(holds: readonly Hold[]): Share[] {
  const sums = new Map<string, Hold[]>()
  for (const hold of holds) {
    const key = `${hold.kind}/${hold.span ? `${hold.span.name}/${subjectOf(hold.span)}` : ''}`
    const same = sums.get(key)
    if (same) same.push(hold)
    else sums.set(key, [hold])
  }
  return [...sums.values()]
    .map(shareOf)
    .sort((a, b) => (a.length > b.length ? -1 : a.length < b.length ? 1 : 0))
}

function shareOf(holds: readonly Hold[]): Share {
  // The longest stands for the others where their reasons differ.
  const longest = holds.reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a))
  const pods = new Set(holds.flatMap(({ pod, old }) => pod?.name ?? old?.name ?? []))
  return {
    kind: longest.kind,
    ...(longest.span ? { operation: longest.span.name } : {}),
    words: wordsOf(longest),
    length: sum(holds),
    pods: [...pods],
  }
}

const sum = (holds: readonly Hold[]): DurationNano =>
  durationNano(holds.reduce((total, { from, to }) => total + (to - from), 0n))

/** Images and gates are the same for all pods of a rollout; the node that a pod came to is not. */
const subjectOf = ({ name, subject = '', attributes }: Span): string => {
  const container = attributes['k8s.container.name']
  return name === 'schedule' ? '' : `${typeof container === 'string' ? container : ''}/${subject}`
}

/** What was waited for, as the end of a sentence. */
export function wordsOf({ kind, span, message, actor }: Hold): string {
  switch (kind) {
    case 'start pod':
      return span ? operationWords(span) : 'starting'
    case 'wait for minReadySeconds':
      return 'ready, until minReadySeconds had passed'
    case 'run pod':
      return 'at work'
    case 'stop old pod':
      return 'stopping old pods'
    case 'creation refused':
      return `creating pods was refused${because(message)}`
    case 'back-off':
      return `backing off after a failed pod${because(message)}`
    case 'paused':
      return 'paused'
    case 'suspended':
      return 'suspended'
    case 'wait for deletion':
      return 'waiting for somebody to delete the old pods'
    case 'reconcile':
      return `until the ${actor} went on`
    case 'unaccounted':
      return 'unaccounted for'
  }
}

function operationWords(span: Span): string {
  const { name, subject = '', error, events, attributes } = span
  const container = attributes['k8s.container.name']
  const of = typeof container === 'string' ? container : subject
  const said =
    error ??
    events.map((event) => event.attributes['podspan.reason']).findLast((text) => typeof text === 'string')
  const why = because(typeof said === 'string' ? said : undefined)
  const words = OPERATIONS[name]?.(of, subject)
  return `${words ?? `in ${name}${subject === '' ? '' : ` ${subject}`}`}${why}`
}

const pulling = (of: string, subject: string): string => `pulling ${subject || of}`
const sandbox = (): string => 'preparing the pod and its sandbox'

/** By the name of the span; of others its name is said. */
const OPERATIONS: Readonly<Record<string, (of: string, subject: string) => string>> = {
  'wait at scheduling gate': (_, subject) => `waiting at scheduling gate ${subject}`,
  schedule: () => 'waiting to be scheduled',
  'provision node': () => 'waiting for a new node',
  'provision volume': (_, subject) => `waiting for volume ${subject}`,
  'attach volume': (_, subject) => `attaching volume ${subject}`,
  'mount volumes': () => 'mounting volumes',
  'prepare pod and create sandbox': sandbox,
  'prepare pod': sandbox,
  'create sandbox': sandbox,
  'pull image': pulling,
  'transfer and unpack': pulling,
  'wait for pull slot': (of, subject) => `waiting for the node's other pulls before ${subject || of}`,
  'create container': (of) => `creating container ${of}`,
  'start container': (of) => `starting container ${of}`,
  'run init container': (of) => `running init container ${of}`,
  'post-start hook': (of) => `in the post-start hook of ${of}`,
  'startup probe': (of) => `waiting for the startup probe of ${of}`,
  readiness: (of) => `waiting for ${of} to be ready`,
  'readiness gate': (_, subject) => `waiting for readiness gate ${subject}`,
  'report status': (_, subject) => `until the kubelet had reported ${subject || 'Ready'}`,
  'back-off': (of) => `backing off${of === '' ? '' : ` before ${of}`}`,
  unaccounted: (_, subject) => `unaccounted for between ${subject.replace(' → ', ' and ')}`,
}

const because = (reason: string | undefined): string => (reason ? ` (${clip(reason)})` : '')

function clip(text: string): string {
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/[\s:]+$/, '')
    .trim()
  return line.length > WORDS_MAX ? `${line.slice(0, WORDS_MAX - 1)}…` : line
}

/** From this share on it is said that pods waited for their turn. */
const TURNS = 0.25

export function tellVerdict(rollout: Omit<Rollout, 'verdict'>): string {
  const { length, shares, outcome, failure } = rollout
  const head = `${opening(rollout)}${failure && outcome === 'failed' ? ` (${clip(failure)})` : ''}`
  const longest = shares[0]
  if (!longest || length <= ZERO) return head
  const share = `${durationText(longest.length)} (${percent(longest.length, length)} %) ${whose(longest)}${longest.words}`
  return `${head}; ${share}${turns(rollout)}`
}

const percent = (part: DurationNano, whole: DurationNano): number =>
  Math.round((Number(part) * 100) / Number(whole))

const OPENINGS = {
  complete: 'Complete after',
  failed: 'Failed, not complete after',
  superseded: 'Superseded after',
  deleted: 'Deleted after',
  rolling: 'Rolling for',
} as const

function opening({ kind, outcome, length, end, pods, wanted }: Omit<Rollout, 'verdict'>): string {
  const head = `${OPENINGS[outcome]} ${durationText(length)}`
  if (outcome === 'complete') return head
  const isThere = ({ available, finished, failed, outcome: start }: RolloutPod): boolean => {
    const over = finished ?? available
    return over !== undefined && over.best <= end.best && !(finished && (failed ?? start === 'failed'))
  }
  const there = pods.filter(isThere).length
  return `${head}, ${there} of ${wanted ?? pods.length} ${kind === 'Job' ? 'pods succeeded' : 'pods there'}`
}

const OF_PODS: ReadonlySet<Share['kind']> = new Set(['start pod', 'wait for minReadySeconds', 'run pod'])

function whose({ kind, pods }: Share): string {
  if (!OF_PODS.has(kind)) return ''
  const [only] = pods
  return pods.length === 1 ? `pod ${only} ` : `${pods.length} pods, one after another, `
}

/** Said where pods spent a good part of the time waiting for others. */
function turns({ holds, length, atOnce, limits, kind, pods }: Omit<Rollout, 'verdict'>): string {
  const held = holds.filter(({ because: why }) => why !== undefined && why !== 'last')
  const total = sum(held)
  if (pods.length < 2 || Number(total) < Number(length) * TURNS) return ''
  const limit = limitWords(kind, limits, held[0]?.because)
  return `; ${durationText(total)} in which others waited for their turn (${limit}: ${atOnce} at a time)`
}

export function limitWords(kind: WorkloadKind, limits: Limits, why: Because | undefined): string {
  const { maxSurge, maxUnavailable, parallelism } = limits
  if (kind === 'Job') return `parallelism ${parallelism ?? 1}`
  if (why === 'ordered') return 'in order'
  if (why === 'Recreate') return 'strategy Recreate'
  const parts = [
    ...(maxSurge === undefined ? [] : [`maxSurge ${maxSurge}`]),
    ...(maxUnavailable === undefined ? [] : [`maxUnavailable ${maxUnavailable}`]),
  ]
  return parts.length === 0 ? 'limits unknown' : parts.join(', ')
}
