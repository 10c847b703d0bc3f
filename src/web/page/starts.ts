// Owns the starts that the page knows: the newest of the list at once and the others after them, then what the live stream says.
// Promises that a stream which broke is read again from the list, that a start which is over stays in sight until it is told, and that
// views are told once a frame at the most. Does not draw.

import type { About, StartPage, StartRow } from '../row.ts'
import { after, now, setClock } from './now.ts'

export interface Store {
  /** The oldest first. */
  readonly inFlight: readonly StartRow[]
  /** Over, but not told yet: their evidence settles. */
  readonly settling: readonly StartRow[]
  /** The newest first. */
  readonly finished: readonly StartRow[]
  readonly about: About | undefined
  /** `loading` until the first rows are there. */
  readonly state: 'loading' | 'live' | 'lost'
  /** More of the list is still to come. */
  readonly isPartial: boolean
  /** What went wrong, in a sentence. */
  readonly trouble: string
}

const KEPT_MAX = 10_000
/** Of the first stretch: about what a screen shows, with some to scroll. */
const FIRST = 200
const STRETCH = 1000
/** Longer than evidence ever settles by default; then it was forgotten. */
const SETTLING_MAX_MS = 30_000

let store: Store = {
  inFlight: [],
  settling: [],
  finished: [],
  about: undefined,
  state: 'loading',
  isPartial: true,
  trouble: '',
}
const listeners = new Set<() => void>()
let told = false

export const starts = (): Store => store

export function onStarts(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function change(next: Partial<Store>): void {
  store = { ...store, ...next }
  if (told) return
  told = true
  requestAnimationFrame(() => {
    told = false
    takeArrivals()
    for (const listener of listeners) listener()
  })
}

export async function readJson<T>(path: string): Promise<T> {
  const answer = await fetch(path)
  if (!answer.ok) throw new Error((await answer.text()).trim() || `the server answered ${answer.status}`)
  return (await answer.json()) as T
}

const endOf = ({ created, startupMs = 0 }: StartRow): number => created + startupMs
const newestFirst = (a: StartRow, b: StartRow): number => endOf(b) - endOf(a)

/** Each start once; what came later counts. */
function merged(rows: readonly StartRow[], more: readonly StartRow[]): StartRow[] {
  const all = new Map(rows.map((row) => [row.id, row]))
  for (const row of more) all.set(row.id, row)
  return [...all.values()].sort(newestFirst).slice(0, KEPT_MAX)
}

let reading = 0

/** The newest, which are painted at once, then the rest; what was shown before goes when all is there. */
async function readList(): Promise<void> {
  const turn = ++reading
  try {
    const first = await readJson<StartPage>(`api/starts?from=0&count=${FIRST}`)
    if (turn !== reading) return
    let rows = merged([], first.finished)
    const isFirstTime = store.state === 'loading'
    if (isFirstTime || first.total <= FIRST)
      change({ finished: rows, state: 'live', isPartial: first.total > FIRST, trouble: '' })
    // Each stretch drawn by itself would cost more than all of them together.
    for (let from = FIRST; from < Math.min(first.total, KEPT_MAX); from += STRETCH) {
      const next = await readJson<StartPage>(`api/starts?from=${from}&count=${STRETCH}`)
      if (turn !== reading) return
      rows = merged(next.finished, rows)
    }
    if (first.total > FIRST) change({ finished: merged(rows, newest(rows)), isPartial: false })
  } catch (error) {
    change({ trouble: `The list could not be read: ${(error as Error).message}.` })
  }
}

/** Those that the stream told while the list was being read. */
const newest = (rows: readonly StartRow[]): StartRow[] => {
  const last = rows[0]
  return last === undefined ? [] : store.finished.filter((row) => endOf(row) > endOf(last))
}

async function readAbout(): Promise<void> {
  const about = await readJson<About>('api/about').catch(() => undefined)
  if (about) change({ about })
}

/** A tab that nobody looks at gives its connection back: browsers have six for one address. */
const HIDDEN_MAX_MS = 15_000
/** A browser gives a stream up that was refused, and tries again by itself only where it broke. */
const REFUSED_MS = 2000

let stream: EventSource | undefined

export async function follow(): Promise<void> {
  void readAbout()
  await readList()
  stream = listen(store.trouble === '' ? 'read' : 'unread')
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      stream ??= listen('unread')
      return
    }
    void after(HIDDEN_MAX_MS).then(() => {
      if (!document.hidden) return
      stream?.close()
      stream = undefined
    })
  })
}

/** `unread`: what happened before it opens is still to be read. */
function listen(list: 'read' | 'unread'): EventSource {
  const source = new EventSource('api/events')
  let mustRead = list === 'unread'
  source.addEventListener('open', () => {
    change({ state: 'live', trouble: '' })
    if (mustRead) void Promise.all([readAbout(), readList()])
    mustRead = false
  })
  source.addEventListener('error', () => {
    mustRead = true
    change({ state: 'lost', trouble: 'The connection to Podspan is lost; trying again.' })
    if (source.readyState === EventSource.CLOSED) void replaceStream(source)
  })
  source.addEventListener('clock', ({ data }) => setClock(Number(data)))
  source.addEventListener('flight', ({ data }) => setFlight(JSON.parse(String(data)) as StartRow[]))
  source.addEventListener('changes', ({ data }) => {
    const { set, gone } = JSON.parse(String(data)) as { set: StartRow[]; gone: string[] }
    changeFlight(set, gone)
  })
  source.addEventListener('finished', ({ data }) => addFinished(JSON.parse(String(data)) as StartRow))
  return source
}

async function replaceStream(refused: EventSource): Promise<void> {
  await after(REFUSED_MS)
  if (stream === refused) stream = listen('unread')
}

const oldestFirst = (a: StartRow, b: StartRow): number => a.created - b.created

function setFlight(rows: readonly StartRow[]): void {
  change({ inFlight: rows.toSorted(oldestFirst), settling: [] })
}

/** When each of those that settle was over. */
const overAt = new Map<string, number>()

function changeFlight(set: readonly StartRow[], gone: readonly string[]): void {
  const at = now()
  const rows = new Map(store.inFlight.map((row) => [row.uid, row]))
  const left = gone.flatMap((uid) => rows.get(uid) ?? [])
  for (const { uid } of left) overAt.set(uid, at)
  for (const uid of gone) rows.delete(uid)
  for (const row of set) rows.set(row.uid, row)
  const told = new Set(store.finished.slice(0, 1000).map(({ uid }) => uid))
  const settling = [...store.settling, ...left].filter(
    ({ uid }) => !rows.has(uid) && !told.has(uid) && at - (overAt.get(uid) ?? 0) < SETTLING_MAX_MS,
  )
  for (const uid of overAt.keys()) if (!settling.some((row) => row.uid === uid)) overAt.delete(uid)
  change({ inFlight: [...rows.values()].sort(oldestFirst), settling })
}

/** Taken in together with the next frame: a burst of a hundred is one change. */
let arrivals: StartRow[] = []

function addFinished(row: StartRow): void {
  arrivals.push(row)
  if (arrivals.length > KEPT_MAX) arrivals = arrivals.slice(-KEPT_MAX)
  change({})
}

function takeArrivals(): void {
  if (arrivals.length === 0) return
  const over = new Set(arrivals.map(({ uid }) => uid))
  const isOpen = ({ uid }: StartRow): boolean => !over.has(uid)
  store = {
    ...store,
    finished: merged(store.finished, arrivals),
    inFlight: store.inFlight.filter(isOpen),
    settling: store.settling.filter(isOpen),
  }
  arrivals = []
}
