// Owns what the starts of a list come to: how long they took, and what their ends waited for.
// Promises quantiles of those that became ready or completed, and that a click on an operation shows the starts which it held most.
// Does not filter.

import type { StartRow } from '../row.ts'
import { colourOf } from './colours.ts'
import { h, place, replace } from './dom.ts'
import { type Filter, listAddress } from './filter.ts'
import { isBad } from './outcome.ts'
import { fewest, lengthsOf, OTHERS, quantilesOf, type Share, sharesOf } from './sums.ts'
import { countText, lengthText, percentText } from './words.ts'

export interface SummaryPanel {
  readonly element: HTMLElement
  show(rows: readonly StartRow[], filter: Filter): void
}

const OPERATIONS_MAX = 9

export function summaryPanel(): SummaryPanel {
  const figures = h('dl', { class: 'figures' })
  const shares = h('div', { class: 'shares' })
  return {
    element: h('div', { class: 'summary' }, figures, shares),
    show: (rows, filter) => {
      replace(figures, ...figuresOf(rows))
      const found = sharesOf(rows.map(({ path = [] }) => path))
      replace(shares, ...sharesBar(found, (operation) => listAddress({ ...filter, longest: operation })))
    },
  }
}

export function figuresOf(rows: readonly StartRow[]): HTMLElement[] {
  const found = quantilesOf(lengthsOf(rows))
  const bad = rows.filter(({ outcome }) => isBad(outcome)).length
  const length = (ms: number | undefined): string => (ms === undefined ? '–' : lengthText(ms))
  return [
    figure('starts', countText(rows.length)),
    figure('P50', length(found?.p50)),
    figure('P90', length(found?.p90)),
    figure('P99', length(found?.p99)),
    figure('longest', length(found?.max)),
    figure('failed', countText(bad), bad > 0 ? 'bad' : ''),
  ]
}

export const figure = (name: string, value: string, look = ''): HTMLElement =>
  h('div', { class: `figure ${look}` }, h('dt', {}, name), h('dd', {}, value))

/** The whole as one bar, and each part by name: both the figure and the legend. */
export function sharesBar(
  shares: readonly Share[],
  addressOf: ((operation: string) => string) | undefined,
): HTMLElement[] {
  const shown = fewest(
    shares.filter(({ ms }) => ms > 0),
    OPERATIONS_MAX,
  )
  if (shown.length === 0) return []
  const bar = shown.map(({ operation, share }) =>
    place(h('i', { class: partColour(operation) }), { width: `${share * 100}%` }),
  )
  const parts = shown.map(({ operation, share }) =>
    h(
      'li',
      {},
      h('i', { class: `swatch ${partColour(operation)}`, 'aria-hidden': 'true' }),
      operation === OTHERS || addressOf === undefined
        ? operation
        : h('a', { href: addressOf(operation) }, operation),
      h('span', { class: 'num' }, percentText(share)),
    ),
  )
  const words = shown.map(({ operation, share }) => `${operation} ${percentText(share)}`).join(', ')
  return [
    h('span', { class: 'path whole', role: 'img', 'aria-label': `Where the time went: ${words}` }, ...bar),
    h('ul', { class: 'parts', 'aria-label': 'Where the time went' }, ...parts),
  ]
}

const partColour = (operation: string): string => (operation === OTHERS ? 'c-others' : colourOf(operation))
