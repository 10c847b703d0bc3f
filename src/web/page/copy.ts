// Owns buttons that copy an id.
// Promises to say that it was copied, or to show it where the browser does not let us. Does not know what it copies.

import { h, say } from './dom.ts'
import { after } from './now.ts'

const SHOWN_MS = 1500

export function copyButton(what: string, text: string): HTMLElement {
  const label = `Copy ${what}`
  const button = h('button', { type: 'button', class: 'button', title: text }, label)
  const tell = async (words: string): Promise<void> => {
    say(button, words)
    await after(SHOWN_MS)
    say(button, label)
  }
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(text).then(
      () => tell('Copied'),
      () => prompt(`${what}:`, text),
    )
  })
  return button
}
