// Owns how rows of panels become a dashboard: its variables, links, alerts as annotations, ids and places.
// Promises ids that stay while the order does, and panels that lie side by side without gaps. Does not choose panels.

import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  type Panel,
  type RowPanel,
  RowBuilder,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { docsLink, otherDashboards, pageLink, TAG } from './links.ts'
import { datasource, docs, jaeger, page, PROMETHEUS, tempo } from './variables.ts'

export interface Story {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly Builder<VariableModel>[]
  /** From what one looks at first to what explains it. */
  readonly rows: Readonly<Record<string, readonly Builder<Panel>[]>>
  readonly closed: readonly Builder<RowPanel>[]
}

const WIDTH = 24

export function tell({ uid, title, description, variables, rows, closed }: Story): Dashboard {
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .editable()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-6h', to: 'now' })
    .refresh('1m')
    .timezone('browser')
    .variables([datasource, ...variables, page, tempo, jaeger, docs])
    .annotation(alerts)
    .links([otherDashboards, pageLink, docsLink])
    .build()
  return { ...dashboard, panels: placed(rows, closed) }
}

const alerts = new AnnotationQueryBuilder()
  .name('Alerts of Podspan')
  .datasource(PROMETHEUS)
  .enable(true)
  .iconColor('red')
  .expr('max by (alertname, severity) (ALERTS{alertname=~"Podspan.+", alertstate="firing"})')
  .titleFormat('{{alertname}}')
  .textFormat('{{severity}}')
  .step('60s')

type Placed = Panel | RowPanel

function placed(rows: Story['rows'], closed: Story['closed']): Placed[] {
  const made: Placed[] = []
  let y = 0
  for (const [title, panels] of Object.entries(rows)) {
    made.push(rowAt(new RowBuilder(title), y))
    const below = place(panels, y + 1)
    made.push(...below.panels)
    y = below.y
  }
  for (const row of closed) {
    const at = rowAt(row, y)
    made.push({
      ...at,
      panels: place(
        at.panels.map((panel) => ({ build: () => panel })),
        y + 1,
      ).panels,
    })
    y++
  }
  return numbered(made)
}

const rowAt = (row: Builder<RowPanel>, y: number): RowPanel => ({
  ...row.build(),
  gridPos: { x: 0, y, w: WIDTH, h: 1 },
})

/** Beside one another while there is room, then below the highest. */
function place(builders: readonly Builder<Panel>[], from: number): { panels: Panel[]; y: number } {
  const panels: Panel[] = []
  let [x, y, height] = [0, from, 0]
  for (const builder of builders) {
    const panel = builder.build()
    const { w, h } = panel.gridPos ?? { w: WIDTH, h: 8 }
    if (x + w > WIDTH) [x, y, height] = [0, y + height, 0]
    panels.push({ ...panel, gridPos: { x, y, w, h } })
    x += w
    height = Math.max(height, h)
  }
  return { panels, y: y + height }
}

function numbered(panels: readonly Placed[]): Placed[] {
  let id = 0
  return panels.map((panel) =>
    panel.type === 'row'
      ? {
          ...panel,
          id: ++id,
          panels: (panel as RowPanel).panels.map((inner) => ({ ...inner, id: ++id })),
        }
      : { ...panel, id: ++id },
  ) as Placed[]
}
