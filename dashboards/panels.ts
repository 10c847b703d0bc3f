// Owns what the panels of all dashboards look like: one form each for a number, a time series, a heat map, a ranking and a table.
// Promises that each has a title, a description that says what it means and what to do, a unit, and exemplars where there are any.
// Does not know what is asked: queries come from the dashboards.

import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge'
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  AxisPlacement,
  BarGaugeDisplayMode,
  BigValueColorMode,
  GraphDrawStyle,
  GraphGradientMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type DashboardLink,
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard'
import {
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  HeatmapTooltipBuilder,
  PanelBuilder as Heatmap,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries'
import { PROMETHEUS } from './variables.ts'

/** What its legend says, and the query. */
export type Queries = Readonly<Record<string, string>>

export interface Described {
  readonly title: string
  /** For whoever is woken: what it means, and what to do about it. */
  readonly means: string
  readonly then: string
  /** As Grafana names it. */
  readonly unit: string
  readonly decimals?: number
  /** Where it becomes orange, and where red. */
  readonly limits?: readonly [orange: number, red: number]
  readonly links?: readonly Builder<DashboardLink>[]
}

export interface Sized {
  /** Of 24. */
  readonly width: number
  readonly height: number
}

export type MadePanel = Builder<Panel>

/** As Grafana shows it, in Markdown. */
export const described = ({ means, then }: Pick<Described, 'means' | 'then'>): string =>
  `${means}\n\n**What next:** ${then}`

const letter = (index: number): string => String.fromCharCode(65 + index)

const range = (query: string, legend: string, index: number): DataqueryBuilder =>
  new DataqueryBuilder().refId(letter(index)).expr(query).legendFormat(legend).range()

/** Of our histograms those of starts have exemplars, in their buckets. */
const withExemplars = (query: string, legend: string, index: number): DataqueryBuilder =>
  range(query, legend, index).exemplar(/podspan_\w+_bucket\{/.test(query))

const instant = (query: string, legend: string, index: number): DataqueryBuilder =>
  new DataqueryBuilder().refId(letter(index)).expr(query).legendFormat(legend).instant()

export function thresholdsOf(limits: Described['limits']): Builder<ThresholdsOf> {
  const steps: Threshold[] = [{ value: null, color: 'green' }]
  if (limits) steps.push({ value: limits[0], color: 'orange' }, { value: limits[1], color: 'red' })
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps)
}
type ThresholdsOf = ReturnType<ThresholdsConfigBuilder['build']>

interface Common<P> {
  title(text: string): P
  description(text: string): P
  unit(unit: string): P
  decimals(count: number): P
  datasource(ref: typeof PROMETHEUS): P
  span(width: number): P
  height(height: number): P
  thresholds(thresholds: Builder<ThresholdsOf>): P
  dataLinks(links: Builder<DashboardLink>[]): P
}

function dress<P extends Common<P>>(panel: P, given: Described, { width, height }: Sized): P {
  const { title, unit, decimals, limits, links = [] } = given
  panel
    .title(title)
    .description(described(given))
    .unit(unit)
    .datasource(PROMETHEUS)
    .span(width)
    .height(height)
  panel.thresholds(thresholdsOf(limits)).dataLinks([...links])
  return decimals === undefined ? panel : panel.decimals(decimals)
}

const number = (given: Described, target: DataqueryBuilder, width: number): MadePanel =>
  dress(new Stat(), given, { width, height: 4 })
    .colorMode(given.limits ? BigValueColorMode.Value : BigValueColorMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .noValue('–')
    .withTarget(target)

/** One number of now, with where it came from as a line below. */
export const stat = (given: Described, query: string, width = 4): MadePanel =>
  number(given, range(query, '', 0), width)

/** One number of the whole range. */
export const total = (given: Described, query: string, width = 4): MadePanel =>
  number(given, instant(query, '', 0), width)

export interface Drawn extends Sized {
  /** Amounts that add up are stacked; everything else is lines. */
  readonly stacked?: true
  readonly max?: number
}

export function lines(given: Described, queries: Queries, drawn: Drawn): MadePanel {
  const panel = dress(new TimeSeries(), given, drawn)
    .min(0)
    .lineWidth(drawn.stacked ? 1 : 2)
    .fillOpacity(drawn.stacked ? 40 : 0)
    .gradientMode(GraphGradientMode.None)
    .drawStyle(GraphDrawStyle.Line)
    .showPoints(VisibilityMode.Auto)
    .axisPlacement(AxisPlacement.Auto)
    .stacking(new StackingConfigBuilder().mode(drawn.stacked ? StackingMode.Normal : StackingMode.None))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(drawn.width > 12 ? LegendPlacement.Right : LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max'])
        .sortBy('Last *')
        .sortDesc(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
  if (drawn.max !== undefined) panel.max(drawn.max)
  if (given.limits)
    panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
  Object.entries(queries).forEach(([legend, query], index) =>
    panel.withTarget(withExemplars(query, legend, index)),
  )
  return panel
}

export const heatmap = (given: Described, buckets: string, size: Sized): MadePanel =>
  dress(new Heatmap(), given, size)
    .calculate(false)
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Oranges').steps(64))
    .yAxis(new YAxisConfigBuilder().unit(given.unit))
    .tooltip(new HeatmapTooltipBuilder().mode(TooltipDisplayMode.Single).yHistogram(true))
    .exemplarsColor('rgba(255,0,255,0.7)')
    .showLegend()
    .withTarget(withExemplars(buckets, '{{le}}', 0).format(PromQueryFormat.Heatmap))

/** The largest on top. */
export const ranking = (given: Described, query: string, legend: string, size: Sized): MadePanel =>
  dress(new BarGauge(), given, size)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .min(0)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .noValue('–')
    .withTarget(instant(`sort_desc(${query})`, legend, 0))

export interface Column {
  readonly name: string
  readonly query: string
  readonly unit: string
  readonly decimals?: number
  readonly limits?: Described['limits']
}

export interface Tabled extends Omit<Described, 'unit' | 'limits' | 'links'> {
  /** The labels that tell rows apart, by what their columns are called. */
  readonly rows: Readonly<Record<string, string>>
  readonly columns: readonly Column[]
  readonly sortedBy: string
  /** On the cells of one of the rows' columns. */
  readonly linksOn: string
  readonly links: readonly Builder<DashboardLink>[]
}

/** One row for each combination of labels, with the answers to several queries beside one another. */
export function table(tabled: Tabled, size: Sized): MadePanel {
  const { title, rows, columns, sortedBy, links, linksOn } = tabled
  const panel = new Table()
    .title(title)
    .description(described(tabled))
    .datasource(PROMETHEUS)
    .span(size.width)
    .height(size.height)
    .unit('none')
    .filterable(true)
    .noValue('–')
    .sortBy([new TableSortByFieldStateBuilder().displayName(sortedBy).desc(true)])
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'organize', options: organized(rows, columns) })
    .overrideByName(linksOn, [{ id: 'links', value: links.map((link) => link.build()) }])
  columns.forEach((column, index) => {
    panel.withTarget(instant(column.query, '', index).format(PromQueryFormat.Table))
    panel.overrideByName(column.name, formatOf(column))
  })
  return panel
}

const organized = (rows: Tabled['rows'], columns: readonly Column[]): object => ({
  excludeByName: { Time: true },
  renameByName: {
    ...rows,
    ...Object.fromEntries(columns.map(({ name }, index) => [valueField(columns, index), name])),
  },
  indexByName: Object.fromEntries(
    [...Object.keys(rows), ...columns.map((_, index) => valueField(columns, index))].map((name, index) => [
      name,
      index,
    ]),
  ),
})

/** As Grafana names the value of a query in a table; where there is one query alone, it has no letter. */
const valueField = (columns: readonly Column[], index: number): string =>
  columns.length === 1 ? 'Value' : `Value #${letter(index)}`

const formatOf = ({ unit, decimals, limits }: Column): DynamicConfigValue[] => [
  { id: 'unit', value: unit },
  ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
  ...(limits === undefined
    ? []
    : [
        { id: 'custom.cellOptions', value: { type: 'color-text' } },
        { id: 'thresholds', value: thresholdsOf(limits).build() },
      ]),
]
