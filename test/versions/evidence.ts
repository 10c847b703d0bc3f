// Owns what a recording shows of the evidence that a version of Kubernetes gives: one row per fact that versions differ in.
// Promises answers drawn from what components sent, never from the version's number. Does not judge traces: test/accuracy does.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { methodOf, pathOf, type TruthSpan } from '../accuracy/collector.ts'
import { RECORDINGS } from '../accuracy/offline.ts'
import { parseTruth } from '../accuracy/reduce.ts'

interface EventObject {
  readonly metadata: { readonly name: string }
  readonly reason: string
  readonly message: string
  readonly count?: number
  readonly eventTime?: string | null
  readonly firstTimestamp?: string | null
  readonly source?: { readonly component?: string }
  readonly involvedObject: { readonly name: string; readonly fieldPath?: string }
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly generation?: number }
  readonly status: {
    readonly observedGeneration?: number
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

interface Line {
  readonly t: string
  readonly resource: string
  readonly type: string
  readonly object: EventObject & PodObject
}

/** One version's recording, and the native spans of the same minute. */
export interface Shown {
  readonly kubernetes: string
  readonly lines: readonly Line[]
  readonly spans: readonly TruthSpan[]
}

export function readShown(name: string): Shown {
  const text = (file: string): string => gunzipSync(readFileSync(join(RECORDINGS, file))).toString()
  const [header = '', ...lines] = text(`${name}.jsonl.gz`).trimEnd().split('\n')
  return {
    kubernetes: (JSON.parse(header) as { kubernetes: string }).kubernetes,
    lines: lines.map((line) => JSON.parse(line) as Line),
    spans: parseTruth(text(`${name}.truth.json.gz`)),
  }
}

const objectsOf = ({ lines }: Shown, resource: string): readonly Line[] =>
  lines.filter((line) => line.resource === resource && (line.type === 'ADDED' || line.type === 'MODIFIED'))
const eventsOf = (shown: Shown, reason: string): readonly Line[] =>
  objectsOf(shown, 'events').filter(({ object }) => object.reason === reason)
const yes = (holds: boolean): string => (holds ? 'yes' : 'no')

/** What containers and images are called is not what a version says. */
const words = (messages: readonly string[]): string =>
  [
    ...new Set(
      messages.map((message) => message.replace(/"[^"]*"/, '"…"').replace(/\b(app|prepare|proxy)$/, '…')),
    ),
  ]
    .map((message) => `\`${message}\``)
    .join(', ')

const messagesOf = (shown: Shown, reason: string, having = ''): string =>
  words(
    eventsOf(shown, reason)
      .map(({ object }) => object.message)
      .filter((message) => message.includes(having)),
  )

/** Of the container that crashed once: whether its second start is an event of its own or a patch of the first. */
function secondStart(shown: Shown): string {
  const started = eventsOf(shown, 'Started').filter(({ object }) => object.involvedObject.name === 'crashes')
  if (started.some(({ object }) => (object.count ?? 1) > 1)) return 'the first event, patched'
  return started.length > 1 ? 'an event of its own' : 'none'
}

const SUFFIX = /\.([0-9a-f]{16})$/

/** Whole seconds of an event's name against its first stamp. */
function isNamedByTime({ object }: Line): boolean {
  const suffix = SUFFIX.exec(object.metadata.name)?.[1]
  if (suffix === undefined) return false
  const nanos = BigInt(`0x${suffix}`)
  const stamp = object.firstTimestamp ?? object.eventTime
  return typeof stamp === 'string' && nanos / 1_000_000_000n === BigInt(Math.floor(Date.parse(stamp) / 1000))
}

/** When a pod said that its sandbox was ready, against its first event of a container: where it pulled, that is seconds earlier. */
function sandboxSaid(shown: Shown): string {
  const before = ['pull-1', 'pull-2'].map((name) => {
    const said = objectsOf(shown, 'pods').find(
      ({ object }) =>
        object.metadata.name === name &&
        object.status.conditions?.some(
          ({ type, status }) => type === 'PodReadyToStartContainers' && status === 'True',
        ),
    )
    const pulled = eventsOf(shown, 'Pulled').find(({ object }) => object.involvedObject.name === name)
    return said !== undefined && pulled !== undefined && BigInt(said.t) < BigInt(pulled.t)
  })
  return before.every(Boolean) ? 'at once' : 'when its containers have started'
}

const requests = ({ spans }: Shown): readonly TruthSpan[] =>
  spans.filter((span) => span.service === 'apiserver' && methodOf(span) !== undefined)
const bindings = (shown: Shown): readonly TruthSpan[] =>
  requests(shown).filter((span) => pathOf(span)?.endsWith('/binding'))

function callsBelowSync({ spans }: Shown): string {
  const syncs = new Set(spans.filter(({ name }) => name === 'syncPod').map(({ spanId }) => spanId))
  const calls = spans.filter(({ name, service }) => service === 'kubelet' && name.endsWith('/StartContainer'))
  return yes(calls.length > 0 && calls.every(({ parentSpanId }) => syncs.has(parentSpanId ?? '')))
}

export interface Fact {
  readonly name: string
  readonly tell: (shown: Shown) => string
}

export const FACTS: readonly Fact[] = [
  {
    name: "names of the kubelet's and scheduler's events hold the nanosecond",
    tell: (shown) => yes(objectsOf(shown, 'events').every(isNamedByTime)),
  },
  {
    name: "the scheduler's events have a microsecond",
    tell: (shown) =>
      yes(eventsOf(shown, 'Scheduled').every(({ object }) => /\.\d{6}Z$/.test(object.eventTime ?? ''))),
  },
  {
    name: '`Pulled` says how long it waited, and how long the pull took',
    tell: (shown) => yes(messagesOf(shown, 'Pulled', 'including waiting').includes('including waiting')),
  },
  {
    name: '`Pulled` says how large the image is',
    tell: (shown) => yes(messagesOf(shown, 'Pulled', 'Image size').includes('Image size')),
  },
  {
    name: '`Pulled` of a cached image',
    tell: (shown) => messagesOf(shown, 'Pulled', 'already present'),
  },
  { name: '`Created`', tell: (shown) => messagesOf(shown, 'Created') },
  { name: '`Started`', tell: (shown) => messagesOf(shown, 'Started') },
  { name: 'the second start of a container is', tell: secondStart },
  { name: 'a pod says that its sandbox is ready', tell: sandboxSaid },
  {
    name: 'a pod has a `generation` when it is created',
    tell: (shown) => yes(objectsOf(shown, 'pods').every(({ object }) => object.metadata.generation === 1)),
  },
  {
    name: 'its status says which generation it is of',
    tell: (shown) =>
      yes(objectsOf(shown, 'pods').some(({ object }) => object.status.observedGeneration !== undefined)),
  },
  { name: "own spans: a kubelet's calls of the runtime stand below its `syncPod`", tell: callsBelowSync },
  {
    name: 'own spans: a binding at the API server is called',
    tell: (shown) => [...new Set(bindings(shown).map(({ name }) => `\`${name}\``))].join(', '),
  },
  {
    name: "own spans: a request's path is in",
    tell: (shown) =>
      [
        ...new Set(
          requests(shown).map(({ attributes }) =>
            attributes['url.path'] === undefined ? '`http.target`' : '`url.path`',
          ),
        ),
      ].join(', '),
  },
  {
    name: 'own spans: a request has its audit id',
    tell: (shown) => yes(requests(shown).every(({ attributes }) => attributes['audit-id'] !== undefined)),
  },
]
