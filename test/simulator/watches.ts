// Owns all open watches: from where each begins, which changes it is shown and as what, its initial events, bookmarks and time-out.
// Promises what an API server's watch cache promises, the silence towards a version that is not there yet included.
// Does not answer lists.

import type { ServerResponse } from 'node:http'
import { refuse, type SeenRequest } from './faults.ts'
import { addedBytes, contentTypeOf, eventBytes, type Form, kindOf, statusObject } from './forms.ts'
import type { Obj } from './encode.ts'
import { sorted } from './lists.ts'
import { OpenWatch, type Wire } from './open-watch.ts'
import type { ServedResource } from './resources.ts'
import type { Wanted } from './selectors.ts'
import type { Change, Store } from './store.ts'

export interface WatchOptions extends Wire {
  /** Off as in 1.33 and before 1.32: 422. */
  readonly watchList?: boolean | undefined
  /** How a watch from a compacted version is refused: real servers use both. */
  readonly expiredAs?: 'frame' | 'status' | undefined
  /** Each change is shown so often more with this probability. */
  readonly repeats?: number | undefined
}

export interface WatchRequest {
  readonly seen: SeenRequest
  readonly resource: ServedResource
  readonly wanted: Wanted | undefined
  readonly form: Form
}

const EXPIRED = { code: 410, reason: 'Expired', message: 'too old resource version' }
const BEFORE_TIMEOUT_MS = 2000
const BOOKMARK_MS = 60_000

export class Watches {
  private readonly store: Store
  private readonly options: () => WatchOptions
  private readonly open = new Map<OpenWatch, WatchRequest>()

  constructor(store: Store, options: () => WatchOptions) {
    this.store = store
    this.options = options
  }

  of(resource: string): OpenWatch[] {
    return [...this.open.keys()].filter((watch) => resource === '*' || watch.resource === resource)
  }

  begin(request: WatchRequest, response: ServerResponse): void {
    const { seen, resource, form } = request
    const { query } = seen
    const initial = query.get('sendInitialEvents') === 'true'
    const problem = initial ? this.initialProblem(query) : undefined
    if (problem) return refuse(seen, response, { code: 422, reason: 'Invalid', message: problem })
    const version = query.get('resourceVersion') ?? ''
    const state = !initial && (version === '' || version === '0')
    const from = initial || state ? this.store.version : Number(version)
    const expired = from < this.store.compacted
    if (expired && this.options().expiredAs === 'status') return refuse(seen, response, EXPIRED)
    const stream = form.encoding === 'protobuf' ? ';stream=watch' : ''
    response.writeHead(200, { 'content-type': `${contentTypeOf(form)}${stream}` })
    response.flushHeaders()
    const watch = this.register(request, response, from)
    if (expired) {
      watch.send(eventBytes('ERROR', statusObject(EXPIRED), form))
      return watch.end()
    }
    if (initial || state) this.sendState(watch, request)
    if (initial) watch.send(this.bookmark(watch, resource, form, { 'k8s.io/initial-events-end': 'true' }))
    if (!initial && !state)
      for (const change of this.since(from))
        if (change.resource === watch.resource) this.show(watch, request, change)
  }

  private initialProblem(query: URLSearchParams): string | undefined {
    if (!this.options().watchList)
      return 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled'
    if (query.get('resourceVersionMatch') === 'NotOlderThan') return undefined
    return 'resourceVersionMatch is required for watch with sendInitialEvents'
  }

  private *since(version: number): Iterable<Change> {
    const { window } = this.store
    let [low, high] = [0, window.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((window[middle]?.version ?? 0) > version) high = middle
      else low = middle + 1
    }
    for (let at = low; at < window.length; at++) yield window[at] as Change
  }

  private register(request: WatchRequest, response: ServerResponse, from: number): OpenWatch {
    const { resource, seen } = request
    const seconds = Number(seen.query.get('timeoutSeconds') ?? 0)
    const stops: (() => void)[] = []
    const watch = new OpenWatch(resource.plural, from, response, this.options, () => {
      this.open.delete(watch)
      for (const stop of stops) stop()
    })
    this.open.set(watch, request)
    stops.push(this.store.subscribe(watch.resource, (change) => this.show(watch, request, change)))
    if (seconds > 0) stops.push(after(seconds * 1000, () => watch.end()))
    if (seen.query.get('allowWatchBookmarks') === 'true') {
      const mark = (): void => this.mark(watch)
      if (seconds * 1000 > BEFORE_TIMEOUT_MS) stops.push(after(seconds * 1000 - BEFORE_TIMEOUT_MS, mark))
      const timer = setInterval(mark, BOOKMARK_MS).unref()
      stops.push(() => clearInterval(timer))
    }
    return watch
  }

  private sendState(watch: OpenWatch, { form, resource, wanted }: WatchRequest): void {
    watch.begins()
    const kind = kindOf(resource, form)
    for (const stored of sorted(this.store, resource.plural, wanted))
      watch.send(addedBytes(stored, kind, form))
  }

  /** What a watch with a selector is shown of a change: what enters is added, what leaves is deleted. */
  private show(watch: OpenWatch, { form, wanted }: WatchRequest, change: Change): void {
    if (change.version <= watch.version) return
    watch.version = change.version
    const type = typeFor(change, wanted)
    if (!type) return
    const bytes = change.frame(type, form)
    watch.send(bytes)
    const { repeats = 0 } = this.options()
    if (repeats > 0 && Math.random() < repeats) watch.send(bytes)
  }

  /** What it was told already is not said again; a reader who is ahead of the store hears nothing. */
  private mark(watch: OpenWatch): void {
    const request = this.open.get(watch)
    if (!request || watch.marked >= this.store.version) return
    this.sendBookmark(watch, request)
  }

  bookmark(watch: OpenWatch, resource: ServedResource, form: Form, annotations: Obj): Buffer {
    watch.marked = this.store.version
    watch.version = Math.max(watch.version, watch.marked)
    const metadata = { resourceVersion: String(this.store.version), annotations }
    return eventBytes('BOOKMARK', { ...kindOf(resource, form), metadata }, { ...form, partial: false })
  }

  /** Whether it is time or not. */
  bookmarkAll(resource: string): void {
    for (const [watch, request] of this.open)
      if (watch.resource === resource) this.sendBookmark(watch, request)
  }

  private sendBookmark(watch: OpenWatch, { form, resource }: WatchRequest): void {
    watch.send(this.bookmark(watch, resource, form, {}))
  }

  errorAll(resource: string, status: Obj): void {
    for (const [watch, { form }] of this.open)
      if (watch.resource === resource) watch.send(eventBytes('ERROR', status, form))
  }

  endAll(resource: ServedResource): void {
    for (const watch of this.of(resource.plural)) watch.end()
  }
}

function typeFor(change: Change, wanted: Wanted | undefined): Change['type'] | undefined {
  const { before, type } = change
  if (!wanted) return type
  const was = before !== undefined && wanted(before.object)
  const is = type !== 'DELETED' && wanted(change.object)
  if (was) return is ? 'MODIFIED' : 'DELETED'
  return is ? 'ADDED' : undefined
}

function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms).unref()
  return () => clearTimeout(timer)
}
