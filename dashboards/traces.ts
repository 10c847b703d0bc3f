// Owns the closed rows at the end of a dashboard: the slowest starts behind its figures, from Tempo by TraceQL, and from Jaeger.
// Promises that they ask nothing before they are opened, and that every row leads to its trace. Needs traces to be exported to one of the two.

import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import { type Panel, type RowPanel, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table'
import {
  DataqueryBuilder,
  MetricsQueryType,
  SearchTableType,
  TempoQueryType,
} from '@grafana/grafana-foundation-sdk/tempo'
import { startFromJaeger, startOnPage } from './links.ts'
import { described, type Described } from './panels.ts'
import { JAEGER, TEMPO } from './variables.ts'

/** What a start says about itself, beside its duration. */
const SAID =
  'select(resource.k8s.namespace.name, resource.k8s.pod.name, span.podspan.outcome, span.podspan.verdict)'

export type Asked = Pick<Described, 'title' | 'means' | 'then'>

/** The rows that are spans themselves: a start is its root. */
export const tempoTable = (asked: Asked, traceql: string): Builder<Panel> =>
  new Table()
    .title(asked.title)
    .description(described(asked))
    .datasource(TEMPO)
    .span(24)
    .height(10)
    .noValue('–')
    .overrideByRegexp('.*podspan\\.verdict', [
      { id: 'links', value: [startOnPage.build()] },
      { id: 'custom.minWidth', value: 500 },
    ])
    .withTarget(
      new DataqueryBuilder()
        .refId('A')
        .queryType(TempoQueryType.Traceql)
        .metricsQueryType(MetricsQueryType.Range)
        .query(traceql)
        .tableType(SearchTableType.Spans)
        .limit(50)
        .spss(3),
    )

/** Starts of this selection that took longer than the objective, or did not become ready. */
export const slowStarts = (selection: string): string =>
  `{ name = "pod startup"${selection} && (duration > \${slo}s || span.podspan.outcome =~ "unstable|failed|timeout") } | ${SAID}`

/** What Grafana's data source for Jaeger takes; the SDK has no builder for it. */
export interface JaegerQuery {
  readonly refId: string
  readonly queryType: 'search'
  readonly service: string
  readonly operation: string
  /** logfmt, of the span or its process. */
  readonly tags: string
  readonly minDuration: string
  readonly limit: number
}

const jaegerTarget = (tags: string): Builder<Dataquery> => ({
  build: () => {
    const query: JaegerQuery = {
      refId: 'A',
      queryType: 'search',
      service: 'podspan',
      operation: 'pod startup',
      tags,
      minDuration: '${slo}s',
      limit: 50,
    }
    return { ...query, _implementsDataqueryVariant: () => undefined }
  },
})

const jaegerTable = (asked: Asked, tags: string): Builder<Panel> =>
  new Table()
    .title(asked.title)
    .description(described(asked))
    .datasource(JAEGER)
    .span(24)
    .height(10)
    .noValue('–')
    .overrideByName('Trace name', [{ id: 'links', value: [startFromJaeger.build()] }])
    .withTarget(jaegerTarget(tags))

export const tempoRow = (...panels: readonly Builder<Panel>[]): Builder<RowPanel> =>
  closed('The traces behind this, in Tempo (open to ask)', panels)

/** Jaeger finds by equality only: `tags` as logfmt. */
export const jaegerRow = (whose: string, tags: string): Builder<RowPanel> =>
  closed('The traces behind this, in Jaeger (open to ask)', [
    jaegerTable(
      {
        title: `Slow starts ${whose}, in Jaeger`,
        means:
          'Starts that took longer than the objective above the dashboard, the newest first. A click on the id opens the trace in Jaeger, one on its name Podspan’s own page. ' +
          'Empty though there are slow starts: Jaeger finds by equality alone, so choose one value above and not All; or nothing is exported to this Jaeger, or `serviceName` is not `actor` and the service another.',
        then: 'Open the longest; Jaeger colours it by who did the work.',
      },
      tags,
    ),
  ])

function closed(title: string, panels: readonly Builder<Panel>[]): Builder<RowPanel> {
  const row = new RowBuilder(title).collapsed(true)
  for (const panel of panels) row.withPanel(panel)
  return row
}
