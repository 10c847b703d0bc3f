// Owns the page: which view an address means, and the keys that count everywhere.
// Promises one view at a time, the last one closed before the next; that a list which is only filtered anew stays; and that who comes
// back finds his place. Does not draw starts.

import { replace } from './dom.ts'
import { readFilter } from './filter.ts'
import { nodesView, workloadsView } from './groups-view.ts'
import { type ListView, listView } from './list-view.ts'
import { nodeView } from './node-view.ts'
import { rolloutView } from './rollout-view.ts'
import { rolloutsView } from './rollouts-view.ts'
import { sessionsView, sessionView } from './sessions-view.ts'
import { startView } from './start-view.ts'
import { follow } from './starts.ts'
import { startTheme } from './theme.ts'
import { topBar } from './top-bar.ts'
import { scroller, type View } from './view.ts'
import { workloadView } from './workload-view.ts'

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement

startTheme()
const top = topBar(byId('top'), byId('said'))
const main = scroller()
let address = ''
let view: View | undefined
let list: ListView | undefined
/** How far down each address was read. */
const places = new Map<string, number>()

const COLLECTIONS: ReadonlyMap<string, () => View> = new Map([
  ['workloads', workloadsView],
  ['nodes', nodesView],
  ['rollouts', rolloutsView],
  ['sessions', sessionsView],
])

function viewOf(path: string, parameters: URLSearchParams): View {
  const [, kind = '', rest = ''] = /^\/([a-z]*)\/?(.*)$/.exec(path) ?? []
  const name = decode(rest)
  const span = parameters.get('span') ?? ''
  const isId = /^[0-9a-f-]{32,36}$/.test(name)
  if (kind === 'start' && isId) return startView(name, span)
  if (kind === 'rollout' && isId) return rolloutView(name, span)
  if (kind === 'session' && name !== '') return sessionView(name)
  if (kind === 'workload' && name !== '') return workloadView(name, parameters.get('namespace') ?? '')
  if (kind === 'node' && name !== '') return nodeView(name)
  const collection = COLLECTIONS.get(kind)
  if (collection) return collection()
  list = listView(readFilter(parameters))
  return list
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

function show(): void {
  const hash = location.hash.replace(/^#/, '')
  const [path = '/', query = ''] = hash.split('?')
  const parameters = new URLSearchParams(query)
  places.set(address, main.scrollTop)
  address = hash
  if (list && view === list && (path === '/' || path === '')) return list.setFilter(readFilter(parameters))
  view?.close()
  list = undefined
  view = viewOf(path, parameters)
  replace(main, view.element)
  top.mark(view.section)
  document.title = `${view.title} – Podspan`
  findPlace(hash)
}

/** When the rows are there; a view draws with the next frame. */
function findPlace(hash: string): void {
  main.scrollTop = 0
  const place = places.get(hash) ?? 0
  if (place > 0) requestAnimationFrame(() => requestAnimationFrame(() => (main.scrollTop = place)))
}

addEventListener('hashchange', () => {
  show()
  if (!main.contains(document.activeElement)) main.focus({ preventScroll: true })
})
addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  view?.element.dispatchEvent(new Event('find'))
})
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
show()
void follow()
