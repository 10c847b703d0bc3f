// Owns what the page says of one span: its boundaries, what each rests on, why that source won, and its attributes.
// Promises every stamp that contributed, with object, field, clock and raw value. Does not choose: the server's `source` does.

import { boundaryView } from './boundary-view.ts'
import { colourOf, colourOfService } from './colours.ts'
import { h, isolated, replace } from './dom.ts'
import type { Attributes, SpanJson } from './start.ts'
import { msAfter } from './start.ts'
import { lengthText, percentText, tickText } from './words.ts'

export interface Chosen {
  readonly span: SpanJson
  /** When the root began, ns since the epoch, and its length in ms. */
  readonly origin: bigint
  readonly whole: number
}

export function showEvidence(panel: HTMLElement, { span, origin, whole }: Chosen): void {
  const { actor, attributes, end, error, events, isNative, links, name, start, subject } = span
  replace(
    panel,
    h(
      'h2',
      { class: 'span-name' },
      h('i', {
        class: `swatch ${isNative ? colourOfService(actor) : colourOf(name)}`,
        'aria-hidden': 'true',
      }),
      name,
      subject !== undefined && ' ',
      subject !== undefined && isolated(subject, { class: 'subject' }),
    ),
    h('p', { class: 'span-facts' }, ...factsOf(span, whole)),
    error !== undefined && h('div', { class: 'error' }, isolated(error)),
    boundaryView('Began', start, origin),
    boundaryView('Ended', end, origin),
    events.length > 0 && section('Meanwhile', eventList(events, origin)),
    links.length > 0 && section('Linked', linkList(links)),
    attributesView(attributes),
  )
}

function factsOf(
  { actor, attempt, attributes, critical, durationMs, end, start }: SpanJson,
  whole: number,
): (Node | string)[] {
  const shortest = Math.max(0, durationMs - start.lateMs - end.earlyMs)
  const longest = durationMs + start.earlyMs + end.lateMs
  const range =
    longest - shortest > 0.1 ? ` (between ${lengthText(shortest)} and ${lengthText(longest)})` : ''
  const share = critical.reduce((sum, { from, to }) => sum + msAfter(to, 0n) - msAfter(from, 0n), 0)
  const isOpen = attributes['podspan.open'] === true
  return [
    h('strong', {}, `${lengthText(durationMs)}${isOpen ? ' so far' : ''}`),
    `${range} by `,
    isolated(actor),
    attempt === undefined ? '' : `, attempt ${attempt}`,
    share > 0
      ? `; the end waited for it for ${lengthText(share)}, ${percentText(share / whole)} of the whole`
      : '',
    '.',
  ]
}

const section = (title: string, content: HTMLElement): HTMLElement =>
  h('section', { class: 'part' }, h('h3', {}, title), content)

const eventList = (events: SpanJson['events'], origin: bigint): HTMLElement =>
  h(
    'ul',
    { class: 'happened' },
    ...events.map(({ attributes, name, time }) => {
      const count = attributes['podspan.count']
      const times = typeof count === 'number' && count > 1 ? ` ×${count}` : ''
      return h(
        'li',
        {},
        h('time', { class: 'num', title: time }, `+${tickText(Math.max(0, msAfter(time, origin)), 1)}`),
        h(
          'span',
          {},
          h('strong', {}, `${name}${times}`),
          ' ',
          isolated(String(attributes['podspan.reason'] ?? '')),
        ),
      )
    }),
  )

const LINKS_MAX = 20

function linkList(links: SpanJson['links']): HTMLElement {
  const shown = links.slice(0, LINKS_MAX).map(({ attributes, traceId }) => {
    const name = attributes['k8s.pod.name']
    return h(
      'li',
      {},
      h('a', { href: `#/start/${traceId}` }, isolated(String(name ?? traceId))),
      ' ',
      isolated(String(attributes['podspan.link'] ?? ''), { class: 'soft' }),
    )
  })
  const more = links.length - shown.length
  return h('ul', {}, ...shown, ...(more > 0 ? [h('li', { class: 'soft' }, `and ${more} more`)] : []))
}

/** The boundaries are shown above; here is the rest, as it is exported. */
function attributesView(attributes: Attributes): HTMLElement | undefined {
  const entries = Object.entries(attributes).filter(
    ([key]) => !/^podspan\.(start|end)\.(source|early|late)/.test(key),
  )
  if (entries.length === 0) return undefined
  const rows = entries.map(([key, value]) => [
    h('dt', {}, isolated(key)),
    h('dd', {}, isolated(typeof value === 'object' ? value.join(', ') : String(value))),
  ])
  return section('Attributes', h('dl', { class: 'attributes' }, ...rows.flat()))
}
