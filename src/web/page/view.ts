// Owns what every view of the page is: something to show, with a title and an end.
// Promises nothing more. Does not draw.

import { h, isolated } from './dom.ts'

export interface View {
  readonly title: string
  readonly element: HTMLElement
  /** What the top bar marks as current. */
  readonly section: Section
  close(): void
}

export type Section = 'starts' | 'workloads' | 'nodes' | 'rollouts' | 'sessions'

/** What scrolls: everything below the top bar. */
export const scroller = (): HTMLElement => document.getElementById('main') as HTMLElement

/** Where there is nothing to show: what that means, and what would bring something. */
export const empty = (title: string, ...more: readonly (Node | string)[]): HTMLElement =>
  h('div', { class: 'empty' }, h('p', { class: 'empty-title' }, title), h('p', {}, ...more))

/** The same where it is all that a view has to say. */
export const missing = (title: string, ...more: readonly (Node | string)[]): HTMLElement =>
  h('div', { class: 'empty' }, h('h1', { class: 'empty-title' }, title), h('p', {}, ...more))

/** What is wider than a small screen scrolls by itself, by keyboard, too. */
export const sideways = (label: string, ...content: readonly (Node | string | false)[]): HTMLElement =>
  h('div', { class: 'scroll-x', role: 'group', 'aria-label': label, tabindex: 0 }, ...content)

/** Of namespace and name the second one counts. */
export const podLink = (id: string, namespace: string, name: string): HTMLElement =>
  h(
    'a',
    { href: `#/start/${id}`, class: 'name' },
    isolated(`${namespace}/`, { class: 'soft' }),
    isolated(name),
  )

export const workloadAddress = (workload: string, namespace: string): string =>
  `#/workload/${encodeURIComponent(workload)}?namespace=${encodeURIComponent(namespace)}`

export const nodeAddress = (node: string): string => `#/node/${encodeURIComponent(node)}`
