// Owns what the page's server answers: the page's own files, starts in stretches, one start or rollout whole and its exports, a node.
// Promises an answer for every path, also a hostile one, and no file of this machine. Does not listen (server.ts) and does not stream (events.ts).

import { toOtlpJson } from '../export/otlp-json.ts'
import { formatRollout } from '../rollout/rollout-json.ts'
import { traceOfRollout } from '../rollout/trace-of.ts'
import { traceIdOf } from '../trace/identity.ts'
import { formatTrace } from '../trace/start-json.ts'
import type { Trace } from '../trace/trace.ts'
import { formatChromeTrace } from './chrome-trace.ts'
import { pictureNode } from './node-picture.ts'
import type { StartPage } from './row.ts'
import { endOf, rowOf, rowOfRollout } from './rows.ts'
import { rowOfSession } from './session-rows.ts'
import type { PageSource } from './source.ts'

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  /** Saved under this name instead of shown. */
  readonly fileName?: string
}

export interface PageFile {
  readonly type: string
  readonly body: string
}

/** By path below `/`; the page itself is `index.html`. */
export type PageFiles = Readonly<Record<string, PageFile>>

const JSON_TYPE = 'application/json; charset=utf-8'
const text = (body: string): Answer => ({ status: 200, type: JSON_TYPE, body })
const json = (value: unknown): Answer => text(JSON.stringify(value))
const missing = (what: string): Answer => ({
  status: 404,
  type: 'text/plain; charset=utf-8',
  body: `${what}\n`,
})

/** Path and query as the request has them; decoded nowhere but where a name is expected. */
export function route(source: PageSource, files: PageFiles, target: string): Answer {
  const [path = '/', query = ''] = target.split('?')
  const [, collection = '', name, form] = /^\/api\/([a-z]+)(?:\/([^/]+)(?:\/([a-z]+))?)?$/.exec(path) ?? []
  if (collection !== '') return answer(source, { collection, name, form, query })
  const fileName = path === '/' ? 'index.html' : path.slice(1)
  const file = Object.hasOwn(files, fileName) ? files[fileName] : undefined
  return file ? { status: 200, ...file } : missing('not found; the page is at /')
}

interface Asked {
  readonly collection: string
  readonly name: string | undefined
  readonly form: string | undefined
  readonly query: string
}

function answer(source: PageSource, { collection, name, form, query }: Asked): Answer {
  switch (collection) {
    case 'about':
      return json(source.about())
    case 'starts':
      return name === undefined ? json(listStarts(source, query)) : answerStart(source, name, form)
    case 'rollouts':
      return name === undefined
        ? json((source.rollouts?.() ?? []).map(rowOfRollout))
        : answerRollout(source, name, form)
    case 'sessions': {
      const finished = [...source.finished()]
      return json((source.sessions?.() ?? []).map((session) => rowOfSession(session, finished)))
    }
    case 'nodes':
      return json(pictureNode(tracesOfNode(source, decode(name ?? ''))))
    default:
      return missing('not found; the page is at /')
  }
}

const COUNT_MAX = 1000

/** `from=0&count=250`: so many of the newest, or of those before them. */
export function listStarts(source: PageSource, query: string): StartPage {
  const asked = new URLSearchParams(query)
  const from = numberOf(asked.get('from'), 0)
  const count = Math.min(COUNT_MAX, numberOf(asked.get('count'), COUNT_MAX))
  const ends = [...source.finished()].map((trace) => ({ trace, end: endOf(trace) }))
  ends.sort((a, b) => (a.end > b.end ? -1 : a.end < b.end ? 1 : 0))
  return { total: ends.length, finished: ends.slice(from, from + count).map(({ trace }) => rowOf(trace)) }
}

const numberOf = (digits: string | null, otherwise: number): number =>
  digits !== null && /^\d{1,9}$/.test(digits) ? Number(digits) : otherwise

function answerStart(source: PageSource, id: string, form: string | undefined): Answer {
  if (!/^[0-9a-f-]{32,36}$/.test(id)) return missing('an id of a trace or the UID of a pod is expected')
  const trace = source.get(id) ?? source.get(traceIdOf(id))
  if (!trace) return missing(`no start ${id} is kept here`)
  return form === undefined ? text(formatTrace(trace)) : exportOf(trace, form)
}

/** The rollout as a trace, which the page draws as it draws a start, and as a rollout. */
function answerRollout(source: PageSource, id: string, form: string | undefined): Answer {
  const rollout = source.rollouts?.().find(({ traceId }) => traceId === id)
  if (!rollout) return missing('no such rollout is known here')
  const trace = traceOfRollout(rollout)
  if (form !== undefined) return exportOf(trace, form)
  return text(`{"rollout":${formatRollout(rollout)},"trace":${formatTrace(trace)}}`)
}

function exportOf(trace: Trace, form: string): Answer {
  const name = safeName(trace)
  if (form === 'otlp') return { ...text(toOtlpJson(trace)), fileName: `${name}.otlp.json` }
  if (form === 'chrome') return { ...text(formatChromeTrace(trace)), fileName: `${name}.trace.json` }
  if (form === 'json') return { ...text(formatTrace(trace)), fileName: `${name}.start.json` }
  return missing('the forms are otlp, chrome and json')
}

/** A header holds no quotes and no line ends, whatever a recording calls its pods. */
const safeName = ({ namespace, name }: Trace): string =>
  `${namespace}-${name}`.replace(/[^a-z0-9.-]/gi, '_').slice(0, 200)

function* tracesOfNode(source: PageSource, node: string): Generator<Trace> {
  for (const trace of source.finished()) if (trace.node === node) yield trace
  for (const start of source.inFlight()) {
    const trace = start.node === node ? source.get(traceIdOf(start.uid)) : undefined
    if (trace) yield trace
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
