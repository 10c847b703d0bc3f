// Owns what the page says of one span: its boundaries, what each rests on, why that source won, and its attributes.
// Promises every stamp that contributed, with object, field, clock and raw value. Does not choose: the server's `source` does.

import { h, isolated, replace } from './dom.ts'
import type { Boundary, Evidence, SpanJson } from './start.ts'
import { lengthText } from './words.ts'

export function showEvidence(panel: HTMLElement, span: SpanJson): void {
  const { actor, attempt, attributes, durationMs, end, error, events, links, name, start, subject } = span
  replace(
    panel,
    h(
      'h2',
      { id: 'span-name' },
      name,
      subject !== undefined && isolated(` ${subject}`, { class: 'subject' }),
    ),
    h(
      'p',
      {},
      `${lengthText(durationMs)} by `,
      isolated(actor),
      attempt !== undefined && `, attempt ${attempt}`,
    ),
    error !== undefined && isolated(error, { class: 'error' }),
    boundary('Began', start),
    boundary('Ended', end),
    events.length > 0 && h('h3', {}, 'Meanwhile'),
    events.length > 0 && eventList(events),
    links.length > 0 && h('h3', {}, 'Linked'),
    links.length > 0 && linkList(links),
    h('h3', {}, 'Attributes'),
    table(Object.entries(attributes).map(([key, value]) => [key, String(value)])),
  )
}

function boundary(title: string, at: Boundary): HTMLElement {
  const { clamped, conflict, earlyMs, evidence, lateMs, shiftedMs, source, time } = at
  const notes = [
    conflict && 'two stamps exclude each other: the finest is kept',
    clamped && 'moved so that the span lies inside its parent and does not end before it starts',
    shiftedMs !== undefined &&
      shiftedMs !== 0 &&
      `moved by ${lengthText(shiftedMs)}, since that clock is off`,
  ].filter((note) => typeof note === 'string')
  return h(
    'section',
    { class: 'boundary' },
    h('h3', {}, title),
    h('p', {}, h('time', {}, time), ` (${rangeText(earlyMs, lateMs)})`),
    h('p', {}, WHY[source] ?? source, ...notes.map((note) => `; ${note}`), '.'),
    evidence.length > 0 && evidenceList(evidence, source),
  )
}

const rangeText = (early: number, late: number): string =>
  early === 0 && late === 0
    ? 'exact'
    : `the truth is at most ${lengthText(early)} earlier and ${lengthText(late)} later`

/** Why a source won, as docs/spans.md has it. */
const WHY: Readonly<Record<string, string>> = {
  'event-name': "From an event's name, which holds nanoseconds of the component's own clock",
  'event-time': "From an event's own time, in microseconds",
  'event-second': "From an event's whole second",
  'event-receipt': 'From when the watch showed the event',
  'watch-receipt': 'From when the watch showed what the API server had stored',
  'status-receipt': "From when the watch showed the kubelet's status",
  'list-receipt': 'From a list: it had happened by then',
  'creation-second': 'From the whole second of its creation',
  'condition-second': 'From the whole second of a condition',
  'state-second': "From the whole second of a container's state",
  'start-second': 'From the whole second in which the kubelet took the pod',
  'deletion-second': 'From the whole second in which deletion was asked for',
  'field-manager-second': "From the second of the kubelet's last status write",
  'config-seen': 'From the moment at which the kubelet saw the manifest',
  'pull-duration': "From the pull's own duration, before its end",
  'native-span': "From the component's own span",
  order: 'From nothing of its own: from what must have come before and after',
}

/** One block a stamp: a table of seven columns has no room beside a picture. */
function evidenceList(evidence: readonly Evidence[], winner: string): HTMLElement {
  const items = evidence.map((one) => {
    const { clock, field, object, raw, resolutionMs, resourceVersion, source, time } = one
    const won = source === winner
    return h(
      'li',
      won ? { class: 'winner' } : {},
      h('strong', {}, source),
      won && h('em', {}, ' won'),
      h('span', { class: 'at' }, time),
      h('span', {}, `clock of ${clock}, fine to ${lengthText(resolutionMs)}`),
      h('span', {}, isolated(`${object} @${resourceVersion}`)),
      h('span', {}, isolated(field), raw !== '' && ' = ', raw !== '' && isolated(raw)),
    )
  })
  return h('ul', { class: 'stamps', 'aria-label': 'Evidence' }, ...items)
}

function table(entries: readonly (readonly [string, string])[]): HTMLElement {
  const rows = entries.map(([key, value]) => [h('dt', {}, isolated(key)), h('dd', {}, isolated(value))])
  return h('dl', {}, ...rows.flat())
}

const eventList = (events: SpanJson['events']): HTMLElement =>
  h(
    'ul',
    {},
    ...events.map(({ attributes, name, time }) =>
      h('li', {}, h('time', {}, time), ` ${name} `, isolated(String(attributes['podspan.reason'] ?? ''))),
    ),
  )

const linkList = (links: SpanJson['links']): HTMLElement =>
  h(
    'ul',
    {},
    ...links.map(({ attributes, traceId }) =>
      h(
        'li',
        {},
        h('a', { href: `#/start/${traceId}` }, isolated(String(attributes['podspan.link'] ?? traceId))),
      ),
    ),
  )
