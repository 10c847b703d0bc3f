// Owns the making of elements.
// Promises that text stays text: nothing here takes HTML, and what could disturb a line (control characters, changes of direction) is
// made visible. Does not know starts.

type Child = Node | string | undefined | false
type Value = string | number | boolean | undefined | ((event: Event) => void)

/** An element: `on…` are listeners, `class` and everything else attributes; undefined and false are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Value>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  add(element, children)
  return element
}

export function add(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue
    element.append(typeof child === 'string' ? visible(child) : child)
  }
}

export function replace(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren()
  add(element, children)
}

/** Positions are set here, never by markup: the page's policy allows no style in it. */
export function place(element: HTMLElement, properties: Readonly<Record<string, string>>): HTMLElement {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value)
  return element
}

const DISTURBING = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu

/** Longer texts are cut: 10 kB in a message are no reason for a page of 10 kB a line. */
const TEXT_MAX = 2000

function visible(text: string): string {
  const cut = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}… (${text.length} characters)` : text
  return cut.replace(DISTURBING, '\ufffd')
}

/** A name or message in its own direction, so that it cannot turn what stands beside it. */
export const isolated = (text: string, attributes: Readonly<Record<string, Value>> = {}): HTMLElement =>
  h('bdi', attributes, text)
