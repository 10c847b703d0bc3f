// Owns what the page's server answers: the page's own files, starts as rows, one start whole, and its exports.
// Promises an answer for every path, also a hostile one, and no file of this machine. Does not listen (server.ts) and does not stream (events.ts).

import { toOtlpJson } from '../export/otlp-json.ts'
import { traceIdOf } from '../trace/identity.ts'
import { formatTrace } from '../trace/start-json.ts'
import type { Trace } from '../trace/trace.ts'
import { formatChromeTrace } from './chrome-trace.ts'
import type { StartRow } from './row.ts'
import { rowOf, rowOfFlight } from './rows.ts'
import type { Starts } from './starts.ts'

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
const json = (value: unknown): Answer => ({ status: 200, type: JSON_TYPE, body: JSON.stringify(value) })
const missing = (what: string): Answer => ({
  status: 404,
  type: 'text/plain; charset=utf-8',
  body: `${what}\n`,
})

export interface Listing {
  readonly inFlight: readonly StartRow[]
  /** The newest first. */
  readonly finished: readonly StartRow[]
}

export function listStarts(starts: Starts): Listing {
  const finished = [...starts.finished()].map(rowOf).reverse()
  return { inFlight: starts.inFlight().map(rowOfFlight), finished }
}

/** `path` without its query; decoded nowhere but where an id is expected. */
export function route(starts: Starts, files: PageFiles, path: string): Answer {
  if (path === '/api/starts') return json(listStarts(starts))
  const [, id = '', form] = /^\/api\/starts\/([0-9a-f-]{32,36})(?:\/(otlp|chrome))?$/.exec(path) ?? []
  if (id !== '') return answerStart(starts, id, form)
  const name = path === '/' ? 'index.html' : path.slice(1)
  const file = Object.hasOwn(files, name) ? files[name] : undefined
  if (file) return { status: 200, ...file }
  return missing('not found; the page is at /')
}

function answerStart(starts: Starts, id: string, form: string | undefined): Answer {
  const trace = starts.get(id) ?? starts.get(traceIdOf(id))
  if (!trace) return missing(`no start ${id} is kept here`)
  if (form === undefined) return { status: 200, type: JSON_TYPE, body: formatTrace(trace) }
  const fileName = `${safeName(trace)}.${form === 'otlp' ? 'otlp' : 'trace'}.json`
  const body = form === 'otlp' ? toOtlpJson(trace) : formatChromeTrace(trace)
  return { status: 200, type: JSON_TYPE, body, fileName }
}

/** A header holds no quotes and no line ends, whatever a recording calls its pods. */
const safeName = ({ namespace, name }: Trace): string =>
  `${namespace}-${name}`.replace(/[^a-z0-9.-]/gi, '_').slice(0, 200)
