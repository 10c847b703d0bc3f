// Owns the variables above the dashboards: data sources, which cluster, namespace, workload and node, the window, the objective, and where links lead.
// Promises that a dashboard works where the `cluster` label, Tempo, Jaeger or the page are not there. Does not use them: see promql.ts and links.ts.

import {
  ConstantVariableBuilder,
  CustomVariableBuilder,
  DatasourceVariableBuilder,
  IntervalVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PAGE_PORT } from '../src/cli/options.ts'
import { START_BOUNDS } from '../src/metrics/definitions.ts'

const DOCS = 'https://github.com/podspan/podspan/blob/main/docs'

export const PROMETHEUS = { type: 'prometheus', uid: '${datasource}' }
export const TEMPO = { type: 'tempo', uid: '${tempo}' }
export const JAEGER = { type: 'jaeger', uid: '${jaeger}' }

export const datasource = new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus')

/** Only the closed rows at the end and the links need one of these. */
export const tempo = new DatasourceVariableBuilder('tempo').label('Tempo').type('tempo')
export const jaeger = new DatasourceVariableBuilder('jaeger').label('Jaeger').type('jaeger')

const ALL = { text: 'All', value: '$__all' }

export type Choice = 'one' | 'several'

/** The values of a label; `several` begins with all of them. */
export function labelValues(name: string, label: string, of: string, choice: Choice): QueryVariableBuilder {
  const query = `label_values(${of}, ${name})`
  const variable = new QueryVariableBuilder(name)
    .label(label)
    .datasource(PROMETHEUS)
    .query({ query, refId: name })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalCaseInsensitiveAsc)
  return choice === 'one'
    ? variable
    : variable
        .multi(true)
        .includeAll(true)
        .allValue('.*')
        .current({ selected: true, ...ALL })
}

export const cluster = labelValues('cluster', 'Cluster', 'podspan_build_info', 'several')

const WINDOWS = ['5m', '10m', '30m', '1h', '6h', '1d']

export const window = new IntervalVariableBuilder('window')
  .label('Window')
  .description('Rates, shares and quantiles are over this much time before each point.')
  .values(WINDOWS.join(','))
  .auto(true)
  .stepCount(30)
  .minInterval('10m')
  .current({ selected: true, text: 'auto', value: '$__auto_interval_window' })

/** Only bounds of buckets can be asked for. */
export const slo = new CustomVariableBuilder('slo')
  .label('Ready within (s)')
  .description('Starts that take longer, or never become ready, count as too slow.')
  .values(START_BOUNDS.join(','))
  .current({ selected: true, text: '60', value: '60' })

/** `podspan ui` and `--ui` say where the page is. */
export const page = new TextBoxVariableBuilder('podspan')
  .label('Podspan page')
  .description('Where links to Podspan’s own page lead: the address that `podspan watch --ui` prints.')
  .defaultValue(`http://localhost:${PAGE_PORT}`)

/** Constants are not shown. */
export const docs = new ConstantVariableBuilder('docs').value(DOCS)
