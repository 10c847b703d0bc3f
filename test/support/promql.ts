// Owns the reading of PromQL by Prometheus' own grammar, and its comparison with the metrics and labels that Podspan has.
// Promises a sentence for each thing that is wrong. Does not evaluate anything: a real Prometheus does.

import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'
import { type Definition, DEFINITIONS, PLACE_LABELS } from '../../src/metrics/definitions.ts'
import { LABELS, type LabelRule } from '../../src/metrics/labels.ts'
import { syntaxErrors } from './grammar.ts'

/** What the scrape adds, as the chart's monitors do it, and `cluster` where several share a Prometheus. */
const TARGET_LABELS = ['cluster', 'job', 'instance', 'namespace', 'pod', 'container', 'endpoint', 'service']
const ALERTS_LABELS = ['alertname', 'alertstate', 'severity']

const definitions: Readonly<Record<string, Definition | undefined>> = DEFINITIONS
const rules: Readonly<Record<string, LabelRule | undefined>> = LABELS

/** Labels of series that are no metric of Podspan: recording rules. */
export type Recorded = Readonly<Record<string, readonly string[]>>

/** What is wrong with an expression; nothing is best. */
export function problemsOf(expression: string, recorded: Recorded = {}): string[] {
  const broken = syntaxErrors(parser, expression, 'PromQL')
  if (broken.length > 0) return broken
  const selectors = selectorsOf(expression)
  const known = new Set(TARGET_LABELS)
  const problems = selectors.flatMap((selector) => {
    const labels = labelsOf(selector.metric, recorded)
    if (labels === undefined) return [`${selector.metric} is no metric`]
    for (const label of labels) known.add(label)
    return matcherProblems(selector, new Set([...TARGET_LABELS, ...labels]))
  })
  const grouped = textsOf(expression, 'GroupingLabels')
    .flatMap((text) => text.slice(1, -1).split(','))
    .map((label) => label.trim())
    .filter((label) => label !== '' && !known.has(label))
  return [...problems, ...grouped.map((label) => `none of the metrics has the label ${label}`)]
}

export interface Matcher {
  readonly label: string
  readonly operator: string
  readonly value: string
}

export interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

export function selectorsOf(expression: string): Selector[] {
  const found: Selector[] = []
  parser.parse(expression).iterate({
    enter: ({ name, node }) => {
      if (name === 'VectorSelector') found.push(selectorOf(expression, node))
    },
  })
  return found
}

function selectorOf(expression: string, node: SyntaxNode): Selector {
  const text = (child: SyntaxNode | null): string => (child ? expression.slice(child.from, child.to) : '')
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
  return {
    metric: text(node.getChild('Identifier')),
    matchers: matchers.map((matcher) => ({
      label: text(matcher.getChild('LabelName')),
      operator: text(matcher.getChild('MatchOp')),
      value: JSON.parse(text(matcher.getChild('StringLiteral'))) as string,
    })),
  }
}

function textsOf(expression: string, node: string): string[] {
  const texts: string[] = []
  parser.parse(expression).iterate({
    enter: ({ name, from, to }) => {
      if (name === node) texts.push(expression.slice(from, to))
    },
  })
  return texts
}

/** Undefined where there is no such metric. */
function labelsOf(series: string, recorded: Recorded): readonly string[] | undefined {
  if (series === 'ALERTS') return ALERTS_LABELS
  const whole = definitions[series]
  if (whole && whole.type !== 'histogram') return ownLabels(whole)
  const [, base = '', suffix] = /^(\w+)_(bucket|sum|count)$/.exec(series) ?? []
  const histogram = definitions[base]
  if (histogram?.type === 'histogram')
    return [...ownLabels(histogram), ...(suffix === 'bucket' ? ['le'] : [])]
  return recorded[series]
}

const ownLabels = ({ labels, per }: Definition): readonly string[] => [
  ...labels,
  ...(per ? PLACE_LABELS[per] : []),
]

function matcherProblems({ metric, matchers }: Selector, labels: ReadonlySet<string>): string[] {
  return matchers.flatMap(({ label, operator, value }) => {
    if (!labels.has(label)) return [`${metric} has no label ${label}`]
    if (label === 'le') return boundProblems(metric, value)
    const rule = rules[label]
    if (!rule || rule.max > rule.values.length || value === '.*') return []
    const values = operator.endsWith('~') ? value.split('|') : [value]
    return values
      .filter((one) => !rule.values.includes(one))
      .map((one) => `${metric}: ${label} is never ${one}`)
  })
}

/** `60`, `60.0` or `60(\.0)?`. */
function boundProblems(metric: string, value: string): string[] {
  const bounds: readonly number[] = definitions[metric.replace(/_bucket$/, '')]?.bounds ?? []
  const bound = Number(value.replace('(\\.0)?', ''))
  return bounds.includes(bound) ? [] : [`${metric}: ${value} is no bound of its buckets`]
}
