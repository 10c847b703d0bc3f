// Owns where a click leads: from a dashboard to the others, to Podspan's own page, to the documentation.
// Promises that the time range, the data sources and the cluster come along. Does not link exemplars: Grafana keeps that with the data source.

import { DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard'

/** Of the dashboards, for their addresses. */
export const UIDS = {
  fleet: 'podspan-fleet',
  workload: 'podspan-workload',
  node: 'podspan-node',
  itself: 'podspan-itself',
} as const

export const TAG = 'podspan'

const ALONG =
  '${datasource:queryparam}&${tempo:queryparam}&${jaeger:queryparam}&${cluster:queryparam}&${podspan:queryparam}&${__url_time_range}'

const to = (title: string, url: string): DashboardLinkBuilder =>
  new DashboardLinkBuilder(title).url(url).targetBlank(false)

const away = (title: string, url: string): DashboardLinkBuilder =>
  new DashboardLinkBuilder(title).url(url).targetBlank(true)

/** From a row of a table with these columns. */
export const toWorkload = to(
  'This workload',
  `/d/${UIDS.workload}?var-namespace=\${__data.fields.namespace}&var-workload_kind=\${__data.fields.kind}&var-workload=\${__data.fields.workload}&${ALONG}`,
)

export const toNode = to('This node', `/d/${UIDS.node}?var-node=\${__data.fields.node}&${ALONG}`)

/** The page knows a workload by its kind and name. */
export const workloadOnPage = away(
  'Its starts on Podspan’s page',
  '${podspan:raw}/#/workload/${__data.fields.kind}%2F${__data.fields.workload}?namespace=${__data.fields.namespace}',
)

export const nodeOnPage = away('Its starts on Podspan’s page', '${podspan:raw}/#/node/${__data.fields.node}')

/** From a row of a table of Tempo, which keeps the id in a column that is not shown. */
export const startOnPage = away(
  'This start on Podspan’s page',
  '${podspan:raw}/#/start/${__data.fields.traceIdHidden}',
)

/** From a row of a table of Jaeger. */
export const startFromJaeger = away(
  'This start on Podspan’s page',
  '${podspan:raw}/#/start/${__data.fields.traceID}',
)

export const operationsPage = away('What this operation is, and what to do', '${docs:raw}/operations.md')

export const runbook = away('Runbook', '${docs:raw}/runbooks/${__value.raw}.md')

export const pageLink = away('Podspan’s page', '${podspan:raw}/')

export const docsLink = away('What these dashboards say', '${docs:raw}/dashboards.md')

export const otherDashboards = new DashboardLinkBuilder('Podspan')
  .type(DashboardLinkType.Dashboards)
  .tags([TAG])
  .asDropdown(true)
  .includeVars(true)
  .keepTime(true)
