// Owns the head of the page: the way to each view, where the starts come from, and whether they still do.
// Promises that trouble is said in words and aloud. Does not draw views.

import { h, isolated, replace, say, svg } from './dom.ts'
import { onStarts, starts } from './starts.ts'
import { themeButton } from './theme.ts'
import type { Section } from './view.ts'

interface Link {
  readonly section: Section
  readonly text: string
}

const LINKS: readonly Link[] = [
  { section: 'starts', text: 'Starts' },
  { section: 'workloads', text: 'Workloads' },
  { section: 'nodes', text: 'Nodes' },
  { section: 'rollouts', text: 'Rollouts' },
  { section: 'sessions', text: 'Sessions' },
]

const addressOf = (section: Section): string => (section === 'starts' ? '#/' : `#/${section}`)

export interface TopBar {
  mark(section: Section): void
}

export function topBar(element: HTMLElement, said: HTMLElement): TopBar {
  const nav = h('nav', { 'aria-label': 'Views' })
  const from = h('span', { class: 'from' })
  const state = h('span', { class: 'connection' })
  const trouble = h('p', { class: 'banner' })
  trouble.hidden = true
  let current: Section = 'starts'
  const draw = (): void => {
    const { about } = starts()
    const shown = LINKS.filter(({ section }) =>
      section === 'rollouts' || section === 'sessions' ? about?.has.includes(section) : true,
    )
    const key = `${current} ${shown.length}`
    if (nav.dataset['key'] !== key) replace(nav, ...shown.map((link) => linkOf(link, current)))
    nav.dataset['key'] = key
    replace(from, ...fromWords())
    drawState(state, trouble, said)
  }
  replace(
    element,
    h('a', { href: '#/', class: 'brand' }, mark(), 'podspan'),
    nav,
    h('span', { class: 'end' }, from, state, themeButton()),
  )
  element.after(trouble)
  onStarts(draw)
  draw()
  return {
    mark: (section) => {
      current = section
      draw()
    },
  }
}

const linkOf = ({ section, text }: Link, current: Section): HTMLElement =>
  h('a', { href: addressOf(section), 'aria-current': section === current ? 'page' : undefined }, text)

function fromWords(): (Node | string)[] {
  const { about } = starts()
  if (!about) return []
  const { pod, role, title, version } = about
  const words = [pod === undefined ? '' : `${pod}, ${role ?? ''}`, `version ${version}`]
  return [isolated(title, { title: words.filter((word) => word !== '').join('; ') })]
}

const STATES = {
  loading: ['connecting', 'Reading the list'],
  live: ['live', 'Starts appear by themselves'],
  lost: ['lost', 'The connection is lost; it is tried again'],
} as const

function drawState(state: HTMLElement, banner: HTMLElement, said: HTMLElement): void {
  const { about, state: now, trouble } = starts()
  const [word, title] = STATES[now]
  const isStill = now === 'live' && about?.kind === 'recordings'
  state.className = `connection s-${now}`
  state.title = isStill ? 'All of it is over' : title
  say(state, isStill ? 'recorded' : word)
  banner.hidden = trouble === ''
  say(banner, trouble)
  say(said, trouble)
}

/** Three spans, one after the other. */
function mark(): SVGElement {
  return svg(
    'svg',
    { viewBox: '0 0 20 16', 'aria-hidden': 'true', class: 'mark' },
    svg('rect', { x: 0, y: 1, width: 8, height: 3.6, rx: 1.8, class: 'm1' }),
    svg('rect', { x: 5, y: 6.2, width: 11, height: 3.6, rx: 1.8, class: 'm2' }),
    svg('rect', { x: 14, y: 11.4, width: 6, height: 3.6, rx: 1.8, class: 'm3' }),
  )
}
