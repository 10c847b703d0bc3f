// Owns the rewriting of a recording as if one node's clock had been wrong: every stamp that this clock wrote, and none other.
// Promises that whole seconds are truncated anew from a moment that could have been the true one: within the recorded second, and
// not after the first frame that shows it or the first thing that must have followed. Does not touch the observer's times.

import { formatRfc3339, parseRfc3339, unixNano } from '../../src/base/time.ts'
import { parsePulled } from '../../src/observe/messages.ts'

type Json = Record<string, unknown>

/** How far the node's clock is off at a true moment, in nanoseconds. */
export type Skew = (at: bigint) => bigint

interface Line {
  readonly t: string
  readonly resource: string
  readonly type: string
  readonly object: Json
}

const SECOND = 1_000_000_000n
const KUBELET_CONDITIONS = ['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready']
const STATIC_SEEN = 'kubernetes.io/config.seen'

/** The lines of the recording with the clocks of all its nodes wrong by `skew`. */
export function skewLines(lines: readonly string[], skew: Skew): string[] {
  const [header = '', ...rest] = lines
  const parsed = rest.map((line) => JSON.parse(line) as Line)
  const truth = new Truth(parsed, skew)
  return [header, ...parsed.map((line) => JSON.stringify({ ...line, object: rewrite(line, truth) }))]
}

/** What the kubelet recorded of a pod. */
interface Told {
  readonly reason: string
  readonly container: string
  readonly at: bigint
  /** When the image that has come was asked for, by its message. */
  readonly asked: bigint | undefined
}

/** For each whole second a moment that may have been meant, the same wherever that second stands. */
class Truth {
  readonly #skew: Skew
  readonly #first = new Map<string, bigint>()
  readonly #events = new Map<string, Told[]>()

  constructor(lines: readonly Line[], skew: Skew) {
    this.#skew = skew
    for (const { t, resource, object } of lines) {
      if (resource === 'events') this.#noteEvent(object)
      if (resource === 'pods') for (const key of secondsOf(object)) this.#noteFirst(key, BigInt(t))
      if (resource === 'events') this.#noteFirst(lastSeenKey(object), BigInt(t))
    }
  }

  #noteFirst(key: string, t: bigint): void {
    const known = this.#first.get(key)
    if (known === undefined || t < known) this.#first.set(key, t)
  }

  #noteEvent(object: Json): void {
    const at = suffixOf(object)
    const { uid } = child(object, 'involvedObject') as { uid?: string }
    if (at === undefined || uid === undefined || !isKubelets(object)) return
    const { pull, withWaiting = pull } = parsePulled(text(object, 'message')) ?? {}
    const asked = withWaiting === undefined ? undefined : at - withWaiting
    this.#events.set(uid, [
      ...(this.#events.get(uid) ?? []),
      { reason: text(object, 'reason'), container: containerOf(object), at, asked },
    ])
  }

  fine(at: bigint): bigint {
    return at + this.#skew(at)
  }

  /** The second as the wrong clock would have written it. `before`: what came after the moment, if that is known. */
  second(rfc3339: unknown, key: string, before: readonly bigint[] = []): unknown {
    const floor = parseRfc3339(rfc3339)
    if (floor === undefined) return rfc3339
    const receipt = (this.#first.get(key) ?? floor + SECOND) - 1_000_000n
    const limits = [floor + SECOND - 1n, receipt, ...before].filter((limit) => limit >= floor)
    const meant = limits.reduce((a, b) => (a < b ? a : b), floor + SECOND - 1n)
    return formatRfc3339(unixNano(this.fine(meant)), 0)
  }

  /** When the kubelet recorded anything of the pod. */
  events(uid: string): bigint[] {
    return (this.#events.get(uid) ?? []).map(recordedAt)
  }

  /** What of a container came after it had started. */
  afterStart(uid: string, container: string): bigint[] {
    return this.#of(uid, container)
      .filter(({ reason }) => AFTER_START.has(reason))
      .map(recordedAt)
  }

  /** What of a container came when a run of it had ended: the next one's image and creation, more than a second after its own start. */
  afterEnd(uid: string, container: string, started: unknown): bigint[] {
    const begun = parseRfc3339(started)
    // One that could not be started has the epoch there.
    if (begun === undefined || begun === 0n) return []
    return this.#of(uid, container)
      .filter(({ reason, at }) => OF_NEXT.has(reason) && at >= begun + SECOND)
      .map(recordedAt)
  }

  #of(uid: string, container: string): Told[] {
    return (this.#events.get(uid) ?? []).filter((one) => one.container === container)
  }

  /** When images of the container that came were asked for. */
  asked(uid: string, container: string): bigint[] {
    return this.#of(uid, container).flatMap(({ asked }) => asked ?? [])
  }
}

const AFTER_START = new Set(['Started', 'FailedPostStartHook'])
const OF_NEXT = new Set(['Pulling', 'Pulled', 'Created'])
const recordedAt = ({ at }: Told): bigint => at - 100_000n

function containerOf(event: Json): string {
  const { fieldPath = '' } = child(event, 'involvedObject') as { fieldPath?: string }
  return /\{(.+)\}/.exec(fieldPath)?.[1] ?? ''
}

function rewrite({ resource, object }: Line, truth: Truth): Json {
  if (resource === 'pods') return rewritePod(object, truth)
  if (resource === 'events' && isKubelets(object)) return rewriteEvent(object, truth)
  if (resource === 'leases' && text(child(object, 'metadata'), 'namespace') === 'kube-node-lease')
    return { ...object, spec: rewriteLease(child(object, 'spec'), truth) }
  if (resource === 'otlp')
    return { ...object, resourceSpans: list(object, 'resourceSpans').map((one) => rewriteSpans(one, truth)) }
  return object
}

const NODE_SERVICES = ['kubelet', 'containerd']

function rewriteSpans(resourceSpans: Json, truth: Truth): Json {
  const service = list(child(resourceSpans, 'resource'), 'attributes').find(
    (one) => text(one, 'key') === 'service.name',
  )
  if (!service || !NODE_SERVICES.includes(text(child(service, 'value'), 'stringValue'))) return resourceSpans
  const fine = (at: unknown): string => String(truth.fine(BigInt(String(at))))
  const scopeSpans = list(resourceSpans, 'scopeSpans').map((scoped) => ({
    ...scoped,
    spans: list(scoped, 'spans').map((span) => ({
      ...span,
      startTimeUnixNano: fine(span['startTimeUnixNano']),
      endTimeUnixNano: fine(span['endTimeUnixNano']),
    })),
  }))
  return { ...resourceSpans, scopeSpans }
}

function rewriteLease(spec: Json, truth: Truth): Json {
  const at = parseRfc3339(spec['renewTime'])
  return at === undefined ? spec : { ...spec, renewTime: formatRfc3339(unixNano(truth.fine(at)), 6) }
}

function rewriteEvent(object: Json, truth: Truth): Json {
  const at = suffixOf(object)
  if (at === undefined) return object
  const skewed = truth.fine(at)
  const metadata = child(object, 'metadata')
  const name = text(metadata, 'name').slice(0, -16) + skewed.toString(16)
  const first = formatRfc3339(unixNano(skewed), 0)
  const repeated = Number(object['count'] ?? 1) > 1
  const { uid = '' } = child(object, 'involvedObject') as { uid?: string }
  const came = text(object, 'reason') === 'Pulling' ? truth.asked(uid, containerOf(object)) : []
  const lastTimestamp = repeated ? truth.second(object['lastTimestamp'], lastSeenKey(object), came) : first
  return { ...object, metadata: { ...metadata, name }, firstTimestamp: first, lastTimestamp }
}

function rewritePod(object: Json, truth: Truth): Json {
  const status = child(object, 'status')
  const metadata = child(object, 'metadata')
  const uid = text(metadata, 'uid')
  const key = (field: string, value: unknown): string => `${uid}/${field}/${value}`
  const startTime = truth.second(status['startTime'], key('start', status['startTime']), truth.events(uid))
  const conditions = list(status, 'conditions').map((one) => {
    if (!KUBELET_CONDITIONS.includes(text(one, 'type'))) return one
    const at = one['lastTransitionTime']
    return { ...one, lastTransitionTime: truth.second(at, key(text(one, 'type') + text(one, 'status'), at)) }
  })
  return {
    ...object,
    metadata: rewriteSeen(metadata, truth),
    status: {
      ...status,
      ...(startTime === undefined ? {} : { startTime }),
      ...(conditions.length > 0 ? { conditions } : {}),
      ...rewriteStatuses(status, 'containerStatuses', uid, truth),
      ...rewriteStatuses(status, 'initContainerStatuses', uid, truth),
    },
  }
}

function rewriteSeen(metadata: Json, truth: Truth): Json {
  const annotations = child(metadata, 'annotations')
  const at = parseRfc3339(annotations[STATIC_SEEN])
  if (at === undefined) return metadata
  const seen = formatRfc3339(unixNano(truth.fine(at)), 9)
  return { ...metadata, annotations: { ...annotations, [STATIC_SEEN]: seen } }
}

function rewriteStatuses(status: Json, field: string, uid: string, truth: Truth): Json {
  const statuses = list(status, field)
  if (statuses.length === 0) return {}
  return {
    [field]: statuses.map((one) => ({
      ...one,
      state: rewriteState(child(one, 'state'), uid, text(one, 'name'), truth),
      lastState: rewriteState(child(one, 'lastState'), uid, text(one, 'name'), truth),
    })),
  }
}

function rewriteState(state: Json, uid: string, container: string, truth: Truth): Json {
  const at = (value: unknown, field: string, before: readonly bigint[] = []): unknown =>
    truth.second(value, `${uid}/${container}/${field}/${value}`, before)
  const rewritten: Json = {}
  for (const [kind, value] of Object.entries(state)) {
    const run = value as Json
    const { startedAt, finishedAt } = run
    rewritten[kind] = {
      ...run,
      ...(startedAt ? { startedAt: at(startedAt, 'started', truth.afterStart(uid, container)) } : {}),
      ...(finishedAt
        ? { finishedAt: at(finishedAt, 'finished', truth.afterEnd(uid, container, startedAt)) }
        : {}),
    }
  }
  return rewritten
}

/** A key for every whole second that a pod's status carries, by which its first receipt is found. */
function secondsOf(object: Json): string[] {
  const status = child(object, 'status')
  const uid = text(child(object, 'metadata'), 'uid')
  const keys = [`${uid}/start/${status['startTime']}`]
  for (const one of list(status, 'conditions'))
    keys.push(`${uid}/${text(one, 'type')}${text(one, 'status')}/${one['lastTransitionTime']}`)
  for (const one of [...list(status, 'containerStatuses'), ...list(status, 'initContainerStatuses')]) {
    for (const state of [...Object.values(child(one, 'state')), ...Object.values(child(one, 'lastState'))]) {
      const { startedAt, finishedAt } = state as Json
      keys.push(
        `${uid}/${text(one, 'name')}/started/${startedAt}`,
        `${uid}/${text(one, 'name')}/finished/${finishedAt}`,
      )
    }
  }
  return keys
}

const lastSeenKey = (event: Json): string =>
  `${text(child(event, 'metadata'), 'uid')}/${event['count']}/${event['lastTimestamp']}`

const isKubelets = (event: Json): boolean => text(child(event, 'source'), 'component') === 'kubelet'

function suffixOf(event: Json): bigint | undefined {
  const hex = /\.([0-9a-f]{16})$/.exec(text(child(event, 'metadata'), 'name'))?.[1]
  return hex === undefined ? undefined : BigInt(`0x${hex}`)
}

const child = (from: Json, key: string): Json => (from[key] ?? {}) as Json
const list = (from: Json, key: string): Json[] => (from[key] ?? []) as Json[]
const text = (from: Json, key: string): string => String(from[key] ?? '')
