// Owns the view of one rollout: its verdict, what held it, and the picture of its pods' starts and everything else that it waited for.
// Promises the same picture as of a start, with links to the starts. Does not draw spans.

import { h, isolated } from './dom.ts'
import { every } from './now.ts'
import { outcomeBadge } from './outcome.ts'
import { spanView } from './span-view.ts'
import type { RolloutJson, StartJson } from './start.ts'
import { exportsOf } from './start-head.ts'
import { onStarts, readJson } from './starts.ts'
import { colourOf } from './colours.ts'
import { missing, type View, workloadAddress } from './view.ts'
import { lengthText, percentText, plural } from './words.ts'

interface Answer {
  readonly rollout: RolloutJson
  readonly trace: StartJson
}

const AGAIN_MS = 2000

export function rolloutView(id: string, spanId: string): View {
  const view = spanView({
    ...{ address: `#/rollout/${id}`, spanId },
    label: 'What the rollout waited for',
    loading: 'Reading the rollout',
  })
  const show = (answer: Answer): void => {
    document.title = `${answer.rollout.kind}/${answer.rollout.name} – Podspan`
    view.show(headOf(answer), answer.trace)
  }
  const close = followRollout(id, show, ({ message }) =>
    view.sayInstead(
      missing('This rollout is not here', `${message}. `, h('a', { href: '#/rollouts' }, 'All rollouts')),
    ),
  )
  return { title: 'Rollout', section: 'rollouts', element: view.element, close }
}

function followRollout(id: string, show: (answer: Answer) => void, fail: (error: Error) => void): () => void {
  let shown = ''
  let isOver = false
  let isClosed = false
  const read = async (): Promise<void> => {
    const answer = await readJson<Answer>(`api/rollouts/${id}`).catch((error: Error) => error)
    if (isClosed) return
    if (answer instanceof Error) return fail(answer)
    isOver = answer.rollout.outcome !== 'rolling'
    const text = JSON.stringify(answer)
    if (text !== shown) show(answer)
    shown = text
  }
  void read()
  // One that is not there yet may be still to be read from a recording.
  const stops = [onStarts(() => shown === '' && void read()), every(AGAIN_MS, () => isOver || void read())]
  return () => {
    isClosed = true
    for (const stop of stops) stop()
  }
}

function headOf({ rollout, trace }: Answer): HTMLElement {
  const { kind, lengthMs, name, namespace, outcome, verdict } = rollout
  return h(
    'header',
    { class: 'lead' },
    h(
      'div',
      { class: 'title-line' },
      h('h1', {}, isolated(`${namespace}/`, { class: 'soft' }), isolated(`${kind}/${name}`)),
      outcomeBadge(outcome),
      exportsOf(`api/rollouts/${trace.traceId}`, trace.traceId),
    ),
    h('p', { class: 'verdict' }, isolated(verdict)),
    h('dl', { class: 'facts' }, fact('Length', lengthText(lengthMs)), ...factsOf(rollout)),
    heldList(rollout),
  )
}

const fact = (term: string, ...value: (Node | string)[]): HTMLElement =>
  h('div', {}, h('dt', {}, term), h('dd', {}, ...value))

const LIMITS: Readonly<Record<string, string>> = {
  strategy: '',
  maxSurge: 'surge',
  maxUnavailable: 'unavailable',
  parallelism: 'parallelism',
  minReadySeconds: 'minReadySeconds',
}

function factsOf(rollout: RolloutJson): HTMLElement[] {
  const {
    atOnce,
    cause,
    failure,
    hash,
    kind,
    limits,
    missing,
    name,
    namespace,
    pods,
    revision,
    wanted,
    waves,
  } = rollout
  const words = Object.entries(LIMITS).flatMap(([key, text]) => {
    const value = limits[key]
    return value === undefined || value === 0 ? [] : [`${text} ${value}`.trim()]
  })
  const changed = cause.differences.map(({ path, from, to }) =>
    to === undefined ? path : `${path}: ${from ?? ''} → ${to}`,
  )
  const workload = h('a', { href: workloadAddress(`${kind}/${name}`, namespace) }, 'Its starts')
  return [
    fact(
      'Pods',
      `${pods.length}${wanted === undefined ? '' : ` of ${wanted}`}, ${plural(waves, 'wave')}, ${atOnce} at once`,
    ),
    ...(revision === undefined
      ? []
      : [fact('Revision', isolated(revision), hash === undefined || hash === revision ? '' : ` (${hash})`)]),
    fact('Because', cause.kind, cause.by === undefined ? '' : `, by ${cause.by}`),
    ...(cause.words === undefined ? [] : [fact('Change cause', isolated(cause.words))]),
    ...(words.length === 0 ? [] : [fact('Limits', words.join(', '))]),
    ...(failure === undefined ? [] : [fact('Its controller says', isolated(failure))]),
    ...(missing.length === 0 ? [] : [fact('Not seen', isolated(missing.join('; ')))]),
    fact('Workload', workload),
    ...(changed.length === 0 ? [] : [fact('Changed', isolated(changed.join('; ')))]),
  ]
}

const HELD_MAX = 8

/** In words: what it waited for, and for how many pods. */
function heldList({ shares }: RolloutJson): HTMLElement {
  const items = shares
    .slice(0, HELD_MAX)
    .map(({ kind, lengthMs, operation, pods, share, words }) =>
      h(
        'li',
        {},
        h('i', { class: `swatch ${colourOf(operation ?? kind)}`, 'aria-hidden': 'true' }),
        h('span', { class: 'num' }, lengthText(lengthMs)),
        h('span', { class: 'num soft' }, percentText(share)),
        h(
          'span',
          {},
          isolated(words),
          pods.length > 0 && h('span', { class: 'soft' }, `, ${plural(pods.length, 'pod')}`),
        ),
      ),
    )
  return h('ol', { class: 'held-list', 'aria-label': 'What held it' }, ...items)
}
