// Owns light and dark: as the system has it, or as the reader has chosen.
// Promises that the choice outlives the page, and that what paints by itself is told of a change (`themechange`). Does not know colours.

import { h, replace, svg } from './dom.ts'

type Choice = 'system' | 'light' | 'dark'

const KEY = 'podspan-theme'
const ORDER: readonly Choice[] = ['system', 'light', 'dark']
const dark = matchMedia('(prefers-color-scheme: dark)')

function stored(): Choice {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}

function store(choice: Choice): void {
  try {
    if (choice === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, choice)
  } catch {
    // A browser that keeps nothing forgets the choice, too.
  }
}

let choice = stored()

function apply(): void {
  document.documentElement.dataset['theme'] = choice === 'system' ? (dark.matches ? 'dark' : 'light') : choice
  document.dispatchEvent(new Event('themechange'))
}

export function startTheme(): void {
  dark.addEventListener('change', apply)
  apply()
}

const NAMES: Readonly<Record<Choice, string>> = {
  system: 'as the system has it',
  light: 'light',
  dark: 'dark',
}

export function themeButton(): HTMLElement {
  const button = h('button', { type: 'button', class: 'icon', onclick: () => next() })
  const show = (): void => {
    button.title = `Colours: ${NAMES[choice]}`
    button.setAttribute('aria-label', button.title)
    replace(button, icon(choice))
  }
  const next = (): void => {
    choice = ORDER[(ORDER.indexOf(choice) + 1) % ORDER.length] ?? 'system'
    store(choice)
    apply()
    show()
  }
  show()
  return button
}

const RAYS =
  'M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1'

function icon(of: Choice): SVGElement {
  const shape = {
    system: [
      svg('circle', { cx: 8, cy: 8, r: 5.5 }),
      svg('path', { d: 'M8 2.5a5.5 5.5 0 0 1 0 11z', class: 'full' }),
    ],
    light: [svg('circle', { cx: 8, cy: 8, r: 3.2 }), svg('path', { d: RAYS })],
    dark: [svg('path', { d: 'M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z' })],
  }[of]
  return svg('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true' }, ...shape)
}
