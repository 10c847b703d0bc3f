// Owns the starts that the page knows: the list once, then what the live stream says.
// Promises that a stream which broke is read again from the list, and that views are told once a frame at the most.
// Does not draw.

import type { StartRow } from '../row.ts'

export interface Store {
  readonly inFlight: readonly StartRow[]
  /** The newest first. */
  readonly finished: readonly StartRow[]
  readonly live: boolean
  /** What went wrong, in a sentence. */
  readonly trouble: string
}

const KEPT_MAX = 20_000
let store: Store = { inFlight: [], finished: [], live: false, trouble: '' }
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
    for (const listener of listeners) listener()
  })
}

async function readList(): Promise<void> {
  try {
    const answer = await fetch('api/starts')
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`)
    const { inFlight, finished } = (await answer.json()) as Pick<Store, 'inFlight' | 'finished'>
    change({ inFlight, finished: [...finished].sort((a, b) => b.created - a.created), trouble: '' })
  } catch (error) {
    change({ trouble: `The list could not be read: ${(error as Error).message}.` })
  }
}

export async function follow(): Promise<void> {
  await readList()
  const source = new EventSource('api/events')
  let broken = false
  source.addEventListener('open', () => {
    change({ live: true, trouble: '' })
    if (broken) void readList()
    broken = false
  })
  source.addEventListener('error', () => {
    broken = true
    change({ live: false, trouble: 'The connection to Podspan is lost; trying again.' })
  })
  source.addEventListener('flight', ({ data }) =>
    change({ inFlight: JSON.parse(String(data)) as StartRow[] }),
  )
  source.addEventListener('finished', ({ data }) => addFinished(JSON.parse(String(data)) as StartRow))
}

function addFinished(row: StartRow): void {
  const others = store.finished.filter(({ id }) => id !== row.id)
  change({
    finished: [row, ...others].slice(0, KEPT_MAX),
    inFlight: store.inFlight.filter(({ id }) => id !== row.id),
  })
}
