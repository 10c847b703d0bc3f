import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { dashboardFiles } from '../../scripts/generate-dashboards.ts'
import { assertGolden } from '../support/golden-file.ts'
import {
  EVERYTHING,
  fillIn,
  type Panel,
  panelsOf,
  promqlOfPanels,
  readDashboards,
  variablesIn,
} from '../support/grafana.ts'
import { problemsOf } from '../support/promql.ts'

const root = join(import.meta.dirname, '..', '..')

test('the dashboards of the chart are what would be generated now', () => {
  for (const [path, text] of Object.entries(dashboardFiles())) assertGolden(join(root, path), text)
})

const dashboards = Object.entries(readDashboards())
const GRID_WIDTH = 24

describe('the dashboards', () => {
  test('are four, each with an address of its own', () => {
    const uids = dashboards.map(([, { uid }]) => uid)
    assert.deepEqual(uids.toSorted(), ['podspan-fleet', 'podspan-itself', 'podspan-node', 'podspan-workload'])
    for (const [, { tags, title }] of dashboards) {
      assert.deepEqual(tags, ['podspan'])
      assert.match(title, /^Podspan \/ /)
    }
  })

  for (const [name, dashboard] of dashboards) {
    test(`every panel says what it means, in which unit, and what to do: ${name}`, () => {
      for (const panel of panelsOf(dashboard)) {
        const [means = '', then = ''] = (panel.description ?? '').split('\n\n**What next:** ')
        assert.ok(means.length > 20 && then.length > 20, `${panel.title}: ${panel.description}`)
        for (const text of [means, then]) assert.match(text, /^[A-Z`“0-9].*[.?]$/s, panel.title)
        assert.ok((panel.targets ?? []).length > 0, `${panel.title} asks something`)
        if (panel.datasource?.type === 'prometheus')
          assert.ok(panel.fieldConfig?.defaults.unit, `${panel.title} has a unit`)
      }
    })

    test(`panels lie side by side without a gap, and have ids of their own: ${name}`, () => {
      assertPlaced(dashboard.panels)
      const ids = dashboard.panels.flatMap((panel) => [panel.id, ...(panel.panels ?? []).map(({ id }) => id)])
      assert.equal(new Set(ids).size, ids.length)
      const titles = panelsOf(dashboard).map(({ title }) => title)
      assert.deepEqual(
        titles.filter((title, index) => titles.indexOf(title) !== index),
        [],
        'titles tell panels apart',
      )
    })

    test(`every variable that is used is defined, and every one that is defined is used: ${name}`, () => {
      const defined = dashboard.templating.list.map((variable) => variable.name)
      const { templating, ...rest } = dashboard
      const given = new Set([
        ...defined,
        '__rate_interval',
        '__range',
        '__url_time_range',
        '__data',
        '__value',
      ])
      const used = new Set([
        ...variablesIn(JSON.stringify(rest)),
        ...variablesIn(JSON.stringify(templating.list.map(({ query, ...more }) => [query, more]))),
      ])
      used.delete('__auto_interval_window')
      used.delete('__all')
      assert.deepEqual(
        [...used].filter((one) => !given.has(one)),
        [],
      )
      // The sources of traces are for links and closed rows; where there are neither, the choice goes along to where there are.
      const along = new Set(['tempo', 'jaeger', 'cluster', 'slo'])
      assert.deepEqual(
        defined.filter((one) => !used.has(one) && !along.has(one)),
        [],
      )
    })

    test(`quantiles and heat maps of starts carry exemplars: ${name}`, () => {
      for (const panel of panelsOf(dashboard))
        if (panel.type === 'timeseries' || panel.type === 'heatmap')
          for (const { expr = '', exemplar } of panel.targets ?? [])
            if (/podspan_\w+_bucket/.test(expr)) assert.equal(exemplar, true, panel.title)
    })

    test(`its variables and annotations ask for what there is: ${name}`, () => {
      for (const { query } of dashboard.templating.list)
        if (typeof query === 'object') {
          const [, series = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query.query) ?? []
          assert.deepEqual(problemsOf(`count by (${label}) (${fillIn(series, EVERYTHING)})`), [])
        }
      const [alerts] = dashboard.annotations.list
      assert.deepEqual(problemsOf(alerts?.expr ?? ''), [])
    })
  }
})

/** Left to right, then down; a row of its own between. Those of closed rows lie below their row. */
function assertPlaced(panels: readonly Panel[]): void {
  let [x, y, height] = [0, 0, 0]
  for (const { gridPos, title, type } of panels) {
    if (type === 'row' || x === GRID_WIDTH) [x, y, height] = [0, y + height, 0]
    assert.deepEqual([gridPos.x, gridPos.y], [x, y], title)
    x += gridPos.w
    height = Math.max(height, gridPos.h)
    assert.ok(x <= GRID_WIDTH, `${title} fits`)
    if (type !== 'row' && x < GRID_WIDTH)
      assert.equal(gridPos.h, height, `${title} is as high as its neighbours`)
  }
}

describe('every PromQL of the dashboards', () => {
  for (const { name, expr } of promqlOfPanels())
    test(`parses, and names metrics and labels that Podspan has: ${name}`, () => {
      assert.deepEqual(problemsOf(fillIn(expr, EVERYTHING)), [])
    })

  test('chooses the cluster, so that several may share a Prometheus', () => {
    for (const { name, expr } of promqlOfPanels()) {
      const selectors = expr.match(/podspan_\w+\{[^}]*\}/g) ?? []
      const bare = expr.match(/podspan_\w+(?![\w{])/g) ?? []
      assert.deepEqual(bare, [], name)
      for (const selector of selectors) assert.match(selector, /cluster=~"\$cluster"/, name)
    }
  })
})

test('what is wrong with PromQL is said', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['sum(rate(podspan_pod_starts_total[5m])', /not PromQL/],
    ['podspan_pod_stars_total', /no metric/],
    ['podspan_pod_start_duration_seconds', /no metric/],
    ['podspan_leader{outcome="ready"}', /no label outcome/],
    ['podspan_pod_starts_total{outcome=~"ready|steady"}', /never steady/],
    ['podspan_pod_start_duration_seconds_bucket{le="7"}', /no bound/],
    ['sum by (operation) (podspan_pod_starts_total)', /none of the metrics has the label operation/],
  ]
  for (const [expression, problem] of cases) assert.match(problemsOf(expression).join(), problem, expression)
})
