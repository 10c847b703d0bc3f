// Owns what tests read of the generated dashboards: panels, queries, variables, links; and how Grafana puts values in the place of variables.
// Promises to fail where a variable has no value. Does not draw anything.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = join(import.meta.dirname, '..', '..', 'charts', 'podspan', 'dashboards')

export interface Target {
  readonly refId: string
  readonly expr?: string
  readonly query?: string
  readonly queryType?: string
  readonly legendFormat?: string
  readonly exemplar?: boolean
  readonly instant?: boolean
  readonly tags?: string
  readonly service?: string
  readonly operation?: string
  readonly minDuration?: string
}

interface Link {
  readonly title: string
  readonly url: string
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
  readonly panels?: readonly Panel[]
  readonly collapsed?: boolean
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly links?: readonly Link[] }
    readonly overrides: readonly {
      readonly properties: readonly { readonly id: string; readonly value?: unknown }[]
    }[]
  }
}

export interface Variable {
  readonly name: string
  readonly type: string
  readonly query?: string | { readonly query: string }
  readonly current?: { readonly value: string }
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly tags: readonly string[]
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
  readonly links: readonly Link[]
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] }
}

export function readDashboards(): Readonly<Record<string, Dashboard>> {
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'))
  return Object.fromEntries(
    files.map((file) => [
      file.replace('.json', ''),
      JSON.parse(readFileSync(join(directory, file), 'utf8')) as Dashboard,
    ]),
  )
}

/** All that are no rows, those of closed rows included. */
export const panelsOf = ({ panels }: Dashboard): readonly Panel[] =>
  panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]))

export interface Question {
  /** `fleet/Time to ready/A`. */
  readonly name: string
  readonly panel: Panel
  readonly target: Target
}

const questionsOf = (type: string): readonly Question[] =>
  Object.entries(readDashboards()).flatMap(([file, dashboard]) =>
    panelsOf(dashboard)
      .filter(({ datasource }) => datasource?.type === type)
      .flatMap((panel) =>
        (panel.targets ?? []).map((target) => ({
          name: `${file}/${panel.title}/${target.refId}`,
          panel,
          target,
        })),
      ),
  )

/** Every query of every panel that goes to Prometheus. */
export const promqlOfPanels = (): readonly (Question & { readonly expr: string })[] =>
  questionsOf('prometheus').map((question) => ({ ...question, expr: question.target.expr ?? '' }))

export const traceqlOfPanels = (): readonly (Question & { readonly query: string })[] =>
  questionsOf('tempo').map((question) => ({ ...question, query: question.target.query ?? '' }))

export const jaegerOfPanels = (): readonly Question[] => questionsOf('jaeger')

/** What the selections that Grafana fills in by itself are while a dashboard shows some minutes. */
export const EVERYTHING: Readonly<Record<string, string>> = {
  ...{ cluster: '.*', namespace: '.*', node: '.*', workload_kind: 'Deployment', workload: 'web' },
  ...{ slo: '60', window: '10m', podspan: 'http://localhost:7676', docs: 'https://docs.example' },
  ...{ __rate_interval: '1m', __range: '1h', __interval: '15s', __url_time_range: 'from=now-1h&to=now' },
  ...{ datasource: 'prometheus', tempo: 'tempo', jaeger: 'jaeger' },
}

/** `$name`, `${name}` and `${name:format}`; `${__data.…}` and the like are of a row, and stay. */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? ''
    const value = values[name]
    if (value === undefined) throw new Error(`the variable ${name} has no value in ${text}`)
    return value
  })
}

/** The names of variables that a text uses. */
export const variablesIn = (text: string): readonly string[] =>
  [...text.matchAll(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g)].map(([, braced, bare]) => braced ?? bare ?? '')
