// Owns where evidence stands: beside the picture where there is room, else a sheet over its lower half that can be closed.
// Promises that a sheet comes only when a span was chosen, and goes with Escape. Does not know what is in it.

import { h } from './dom.ts'

export interface EvidencePanel {
  readonly element: HTMLElement
  readonly content: HTMLElement
  open(): void
}

export function evidencePanel(): EvidencePanel {
  const content = h('div', { class: 'evidence-content' })
  const close = (): void => element.classList.remove('opened')
  const element = h(
    'aside',
    { class: 'evidence', 'aria-label': 'Evidence of the chosen span', tabindex: 0 },
    h(
      'button',
      { type: 'button', class: 'icon close', 'aria-label': 'Close the evidence', onclick: close },
      '✕',
    ),
    content,
  )
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close()
  })
  return { element, content, open: () => element.classList.add('opened') }
}
