// Owns what tests read of the chart's alerts: as Helm renders them, and as files with the default values, which need no Helm.
// Promises rules by group, and alerts by name. Does not assert anything.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { at, only, render } from './render.ts'

export const alertsDirectory = join(import.meta.dirname, '..', 'alerts')

/** The file of each group; its scenes load no other, which would only take time. */
export const FILES: Readonly<Record<string, string>> = {
  'podspan-slo': join(alertsDirectory, 'slo.rules.yaml'),
  'podspan-starts': join(alertsDirectory, 'starts.rules.yaml'),
  podspan: join(alertsDirectory, 'health.rules.yaml'),
}

export interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Group {
  readonly name: string
  readonly rules: readonly Rule[]
}

export async function renderGroups(values: object = {}, more: object = {}): Promise<readonly Group[]> {
  const metrics = { prometheusRule: { enabled: true, ...values } }
  return at(only(await render({ metrics, ...more }), 'PrometheusRule'), 'spec.groups')
}

/** With the default values. */
export const readGroups = (): readonly Group[] =>
  Object.values(FILES)
    .filter((file) => existsSync(file))
    .flatMap((file) => (parse(readFileSync(file, 'utf8')) as { groups: Group[] }).groups)

export const rulesOf = (groups: readonly Group[]): readonly Rule[] => groups.flatMap(({ rules }) => rules)

export const alertsOf = (groups: readonly Group[]): readonly Rule[] =>
  rulesOf(groups).filter(({ alert }) => alert !== undefined)

export const namesOf = (groups: readonly Group[]): string[] =>
  [...new Set(alertsOf(groups).map(({ alert = '' }) => alert))].toSorted()
