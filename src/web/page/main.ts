// Owns the page: which view an address means, its head line, and what is said aloud.
// Promises one view at a time, the last one closed before the next. Does not draw starts.

import { h, replace } from './dom.ts'
import { readFilter } from './filter.ts'
import { nodeView, workloadView } from './group-view.ts'
import { listView, type View } from './list-view.ts'
import { startView } from './start-view.ts'
import { follow, onStarts, starts } from './starts.ts'

const main = document.getElementById('main') as HTMLElement
const top = document.getElementById('top') as HTMLElement
const said = document.getElementById('said') as HTMLElement
let view: View | undefined

function viewOf(hash: string): View {
  const [path = '/', query = ''] = hash.replace(/^#/, '').split('?')
  const [, kind = '', rest = ''] = /^\/([a-z]*)\/?(.*)$/.exec(path) ?? []
  const parameters = new URLSearchParams(query)
  const name = decode(rest)
  if (kind === 'start' && /^[0-9a-f-]{32,36}$/.test(name)) return startView(name)
  if (kind === 'workload' && name !== '') return workloadView(name, parameters.get('namespace') ?? '')
  if (kind === 'node' && name !== '') return nodeView(name)
  return listView(readFilter(parameters))
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

function show(): void {
  view?.close()
  view = viewOf(location.hash)
  replace(main, view.element)
  document.title = `${view.title} – Podspan`
}

function drawTop(): void {
  const { live, trouble } = starts()
  const state = trouble !== '' ? trouble : live ? 'live' : 'connecting…'
  replace(
    top,
    h('a', { href: '#/', class: 'brand' }, 'Podspan'),
    h('span', { class: trouble === '' ? 'state' : 'state trouble' }, state),
  )
  if (said.textContent !== trouble) said.textContent = trouble
}

addEventListener('hashchange', () => {
  show()
  main.focus()
})
onStarts(drawTop)
drawTop()
show()
// The filter's choices come with the first list.
void follow().then(() => {
  if (location.hash === '' || location.hash.startsWith('#/?') || location.hash === '#/') show()
})
