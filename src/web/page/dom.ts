// Owns the making of elements, and lists of them that stay the same elements while their content changes.
// Promises that text stays text: nothing here takes HTML, and what could disturb a line (control characters, changes of direction) is
// made visible. Does not know starts.

type Child = Node | string | undefined | false
type Value = string | number | boolean | undefined | ((event: Event) => void)
export type Attributes = Readonly<Record<string, Value>>

/** An element: `on…` are listeners, everything else attributes; undefined and false are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  set(element, attributes)
  add(element, children)
  return element
}

const SVG = 'http://www.w3.org/2000/svg'

export function svg(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement {
  const element = document.createElementNS(SVG, tag)
  set(element, attributes)
  add(element, children)
  return element
}

/** Attributes that people read, or hear. */
const READ: ReadonlySet<string> = new Set(['title', 'aria-label'])

function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else
      element.setAttribute(
        name,
        value === true ? '' : READ.has(name) ? visible(String(value)) : String(value),
      )
  }
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

/** Only where it differs: a text that is set anew is a text that is selected no more. */
export function say(element: Element, text: string): void {
  const shown = visible(text)
  if (element.textContent !== shown) element.textContent = shown
}

/** Positions are set here, never by markup: the page's policy allows no style in it. */
export function place<E extends HTMLElement | SVGElement>(
  element: E,
  properties: Readonly<Record<string, string>>,
): E {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value)
  return element
}

const DISTURBING = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** Longer texts are cut: 10 kB in a message are no reason for a page of 10 kB a line. */
const TEXT_MAX = 2000

export function visible(text: string): string {
  const cut = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}… (${text.length} characters)` : text
  return cut.replace(DISTURBING, '\ufffd')
}

/** A name or message in its own direction, so that it cannot turn what stands beside it. */
export const isolated = (text: string, attributes: Attributes = {}): HTMLElement => h('bdi', attributes, text)

export interface Drawn<T> {
  readonly element: HTMLElement
  update(value: T): void
}

/** Children by key, in order: who keeps his key keeps his element, and with it focus and selection. */
export function keyedList<T>(
  parent: HTMLElement,
  keyOf: (value: T) => string,
  create: (value: T) => Drawn<T>,
): (values: readonly T[]) => void {
  let drawn = new Map<string, Drawn<T>>()
  return (values) => {
    const next = new Map<string, Drawn<T>>()
    for (const value of values) {
      const key = keyOf(value)
      const one = drawn.get(key) ?? create(value)
      one.update(value)
      next.set(key, one)
    }
    for (const [key, { element }] of drawn) if (!next.has(key)) element.remove()
    let at: ChildNode | null = parent.firstChild
    for (const { element } of next.values()) {
      if (element === at) at = at.nextSibling
      else parent.insertBefore(element, at)
    }
    drawn = next
  }
}
