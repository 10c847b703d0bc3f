// Owns the form by which a list is filtered: text, and one field for each thing that starts have in common.
// Promises that what is chosen is in the address at once, and that new choices come in while nobody is choosing. Does not filter.

import type { StartRow } from '../row.ts'
import { h, replace, visible } from './dom.ts'
import {
  type Field,
  FIELDS,
  type Filter,
  isAll,
  listAddress,
  parseLength,
  readFilter,
  valueOf,
  writeLength,
} from './filter.ts'
import { settled } from './now.ts'
import { clockText } from './words.ts'

export interface FilterBar {
  readonly element: HTMLElement
  /** The filter as the address has it, and the starts whose values can be chosen. */
  show(filter: Filter, rows: readonly StartRow[]): void
  focus(): void
}

const LABELS: Readonly<Record<Field, string>> = {
  namespace: 'Namespace',
  workload: 'Workload',
  node: 'Node',
  outcome: 'Outcome',
  cause: 'Created by',
  longest: 'Waited most for',
  responsible: 'Held by',
}

const TYPING_MS = 250
/** More are a list to type into rather than one to open. */
const CHOICES_MAX = 500

export function filterBar(): FilterBar {
  const search = h('input', {
    name: 'text',
    type: 'search',
    placeholder: 'Pod, reason, UID or trace id',
    'aria-label': 'Search',
    'aria-keyshortcuts': '/',
  })
  const slower = h('input', {
    name: 'slower',
    placeholder: '5s',
    size: 5,
    autocomplete: 'off',
    'aria-describedby': 'slower-hint',
  })
  const choices = FIELDS.map((field) => ({ field, select: h('select', { name: field }) }))
  const extra = h('span', { class: 'filter-extra' })
  const form = h(
    'form',
    { class: 'filter', 'aria-label': 'Filter' },
    search,
    ...choices.map(({ field, select }) => h('label', {}, h('span', {}, LABELS[field]), select)),
    h('label', {}, h('span', {}, 'Slower than'), slower),
    h('span', { id: 'slower-hint', class: 'unseen' }, 'A duration such as 800ms, 5s or 2m'),
    extra,
  )
  let filter = readFilter(new URLSearchParams())
  const go = (how: 'push' | 'replace'): void => navigate(form, filter, slower, how)
  for (const { select } of choices) select.addEventListener('change', () => go('push'))
  slower.addEventListener('change', () => go('push'))
  search.addEventListener(
    'input',
    settled(TYPING_MS, () => go('replace')),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    go('push')
  })
  return {
    element: form,
    focus: () => search.focus(),
    show: (next, rows) => {
      if (next !== filter || extra.childNodes.length === 0) {
        filter = next
        if (document.activeElement !== search) search.value = filter.text
        if (document.activeElement !== slower) slower.value = writeLength(filter.slower)
        slower.classList.toggle('chosen', filter.slower > 0)
        replace(extra, ...extrasOf(filter))
      }
      for (const { field, select } of choices) fill(select, field, filter, rows)
    },
  }
}

/** The address changes, and with it the list. What is typed is no step in the history of each letter. */
function navigate(
  form: HTMLFormElement,
  filter: Filter,
  slower: HTMLInputElement,
  how: 'push' | 'replace',
): void {
  const data = new FormData(form)
  const of = (name: string): string => String(data.get(name) ?? '')
  const isLength = of('slower').trim() === '' || parseLength(of('slower')) > 0
  slower.setCustomValidity(isLength ? '' : 'Expected a duration such as 800ms, 5s or 2m.')
  if (!isLength) return void slower.reportValidity()
  const fields = Object.fromEntries(FIELDS.map((field) => [field, of(field)]))
  const next = listAddress({ ...filter, ...fields, text: of('text'), slower: parseLength(of('slower')) })
  if (next === location.hash) return
  if (how === 'push') location.hash = next
  else location.replace(next)
}

function extrasOf(filter: Filter): HTMLElement[] {
  const { after, before } = filter
  const period = [
    after === 0 ? '' : `from ${clockText(after)}`,
    before === 0 ? '' : `to ${clockText(before)}`,
  ]
  const isPeriod = after !== 0 || before !== 0
  return [
    ...(isPeriod
      ? [
          h(
            'a',
            { class: 'chip', href: listAddress({ ...filter, after: 0, before: 0 }), title: 'Show all times' },
            `${period.filter((one) => one !== '').join(' ')} ✕`,
          ),
        ]
      : []),
    ...(isAll(filter) ? [] : [h('a', { href: '#/', class: 'button' }, 'Show all')]),
  ]
}

function fill(select: HTMLSelectElement, field: Field, filter: Filter, rows: readonly StartRow[]): void {
  if (document.activeElement === select) return
  const counts = new Map<string, number>()
  for (const row of rows) {
    const value = valueOf(row, field)
    if (value !== '') counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  if (filter[field] !== '') counts.set(filter[field], counts.get(filter[field]) ?? 0)
  const values = [...counts.keys()].sort().slice(0, CHOICES_MAX)
  const text = [filter[field], ...values].join('\n')
  if (select.dataset['values'] === text) return
  select.dataset['values'] = text
  replace(
    select,
    h('option', { value: '' }, 'all'),
    ...values.map((value) => option(value, value === filter[field])),
  )
  select.classList.toggle('chosen', filter[field] !== '')
}

/** Its value as it is; only what is read is made harmless. */
function option(value: string, selected: boolean): HTMLElement {
  const element = h('option', { selected }, visible(value).slice(0, 80))
  element.setAttribute('value', value)
  return element
}
