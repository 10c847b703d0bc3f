// Owns the head of one start: its verdict on top, then whose pod it is, why there is one, and where all of it can be taken.
// Promises links to its workload and node, and beside its length that of others of its workload. Does not draw spans.

import type { StartRow } from '../row.ts'
import { copyButton } from './copy.ts'
import { h, isolated } from './dom.ts'
import { outcomeBadge } from './outcome.ts'
import type { SpanJson, StartJson } from './start.ts'
import { lengthsOf, quantilesOf } from './sums.ts'
import { nodeAddress, workloadAddress } from './view.ts'
import { clockText, dayText, lengthText, percentText } from './words.ts'

export function startHead(start: StartJson, others: readonly StartRow[]): HTMLElement {
  const { name, namespace, outcome, verdict } = start
  return h(
    'header',
    { class: 'lead' },
    h(
      'div',
      { class: 'title-line' },
      h('h1', {}, isolated(`${namespace}/`, { class: 'soft' }), isolated(name)),
      outcomeBadge(outcome),
      exportsOf(`api/starts/${start.traceId}`, start.traceId, start.uid),
    ),
    h('p', { class: `verdict v-${outcome}` }, isolated(verdict)),
    h('dl', { class: 'facts' }, ...factsOf(start, others)),
  )
}

export function exportsOf(api: string, traceId: string, uid?: string): HTMLElement {
  return h(
    'div',
    { class: 'exports' },
    h(
      'a',
      {
        class: 'button',
        href: `${api}/chrome`,
        download: true,
        title: "Chrome's trace events; ui.perfetto.dev opens the file",
      },
      'Perfetto',
    ),
    h(
      'a',
      {
        class: 'button',
        href: `${api}/otlp`,
        download: true,
        title: 'One OTLP ExportTraceServiceRequest as JSON',
      },
      'OTLP',
    ),
    h(
      'a',
      { class: 'button', href: `${api}/json`, download: true, title: 'start/v1 with all evidence' },
      'JSON',
    ),
    copyButton('trace id', traceId),
    ...(uid === undefined ? [] : [copyButton('pod UID', uid)]),
  )
}

type Fact = readonly [term: string, ...value: (Node | string)[]]

function factsOf(start: StartJson, others: readonly StartRow[]): HTMLElement[] {
  const { created, node, outcome, revision, startupMs, workload, namespace } = start
  const root = start.spans[0]
  const facts: (Fact | undefined)[] = [
    [outcome === 'starting' ? 'Starting for' : 'Startup', lengthText(startupMs)],
    usualOf(start, others),
    ['Created', h('time', { title: dayText(Date.parse(created)) }, clockText(Date.parse(created)))],
    ['Cause', start.cause],
    workload === undefined
      ? undefined
      : ['Workload', h('a', { href: workloadAddress(workload, namespace) }, isolated(workload))],
    revision === undefined ? undefined : ['Revision', isolated(revision)],
    node === undefined
      ? undefined
      : ['Node', h('a', { href: nodeAddress(node) }, isolated(node)), nodeWords(root)],
    ['Evidence', evidenceText(start)],
    ...beforeOf(start),
  ]
  return facts.flatMap((fact) => {
    if (!fact) return []
    const [term, ...value] = fact
    return [h('div', {}, h('dt', {}, term), h('dd', {}, ...value))]
  })
}

/** With fewer there is no usual. */
const USUAL_MIN = 3

function usualOf({ traceId, workload, namespace }: StartJson, others: readonly StartRow[]): Fact | undefined {
  if (workload === undefined) return undefined
  const same = others.filter(
    (row) => row.workload === workload && row.namespace === namespace && row.id !== traceId,
  )
  const found = quantilesOf(lengthsOf(same))
  if (!found || found.count < USUAL_MIN) return undefined
  return ['Others of it', `P50 ${lengthText(found.p50)} of ${found.count}`]
}

function nodeWords(root: SpanJson | undefined): string {
  const { attributes = {} } = root ?? {}
  const words = ['cloud.availability_zone', 'host.type'].flatMap((key) => {
    const value = attributes[key]
    return typeof value === 'string' ? [value] : []
  })
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}

function evidenceText({ evidenceComplete, explainedRatio, spans }: StartJson): string {
  const missing = spans[0]?.attributes['podspan.evidence.missing']
  const what = typeof missing === 'object' ? `: ${missing.join('; ')}` : ''
  return `${percentText(explainedRatio)} explained, ${evidenceComplete ? 'complete' : `incomplete${what}`}`
}

/** What lies before the pod: it waited longer than its own trace says. */
function beforeOf({ before = [] }: StartJson): Fact[] {
  return before.flatMap(({ spans }): Fact[] => {
    const [root] = spans
    return root ? [['Before that', `${root.name} for ${lengthText(root.durationMs)}`]] : []
  })
}
