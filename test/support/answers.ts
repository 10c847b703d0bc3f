// Owns which queries of dashboards and alerts may have no answer on a cluster on which all is well, each with the reason.
// Promises that everything else is answered there, and these by what was recorded (test/e2e/dashboards.e2e.test.ts).

import { EVERYTHING, fillIn, promqlOfPanels } from './grafana.ts'
import { selectorsOf } from './promql.ts'

export interface Asks {
  query(expression: string): Promise<readonly { readonly value: number }[]>
}

/** By the dashboard's file, the panel's title and the query's letter; series that alerts ask for by their metric. */
export const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  'fleet/In flight, by what they wait for/A': 'nothing is starting',
  'fleet/Stuck, by what they wait for/A': 'nothing is stuck',
  'fleet/Memory that waited/A': 'no pod requests memory',
  'node/Starting now, the ten fullest/A': 'nothing is starting',
  'node/One pull, mean, the ten slowest/A': 'all images were on the nodes',
  'node/Throughput of a pull, the ten slowest/A': 'all images were on the nodes',
  'node/Behind other pulls, share of pulling/A': 'all images were on the nodes',
  'node/Back-offs/A': 'nothing failed',
  'itself/Alerts that fire/A': 'no alert fires',
  'itself/Lists made again/A': 'no watch needed another list',
  'itself/Requests that failed, gaps/A': 'no request failed',
  'itself/Requests that failed, gaps/B': 'no watch had a gap',
  'itself/Requests that failed, gaps/C': 'every object could be read',
  'itself/Limits reached, garbage/A': 'no limit was reached',
  'itself/Limits reached, garbage/B': 'no record held what cannot be',
  'itself/Limits reached, garbage/C': 'every value has series of its own',
  podspan_watch_relists_total: 'no watch needed another list',
  podspan_session_status_writes_total: 'no write failed',
}

export type Values = Readonly<Record<string, string>>

/** The panels' queries that have no answer, but for those that may have none. `one` is the workload of its dashboard. */
export async function unansweredPanels(
  asks: Asks,
  { all, one, excused = {} }: { readonly all: Values; readonly one: Values; readonly excused?: Values },
): Promise<string[]> {
  const questions = promqlOfPanels().filter(({ name }) => excused[name] === undefined)
  const answers = await Promise.all(
    questions.map(async ({ name, expr }) => {
      const filled = fillIn(expr, { ...EVERYTHING, ...all, ...(name.startsWith('workload/') ? one : {}) })
      return (await asks.query(filled)).some(({ value }) => Number.isFinite(value))
        ? []
        : [`${name}: ${filled}`]
    }),
  )
  return answers.flat()
}

/** The series that alerts ask for and that are not there: an alert that does not fire has no answer of its own. */
export async function missingSeries(
  asks: Asks,
  expressions: readonly string[],
  excused: Values = {},
): Promise<string[]> {
  const selectors = new Set(
    expressions.flatMap(selectorsOf).flatMap(({ metric, matchers }) => {
      if (excused[metric] !== undefined) return []
      const text = matchers.map(({ label, operator, value }) => `${label}${operator}${JSON.stringify(value)}`)
      return `${metric}{${text.join(', ')}}`
    }),
  )
  const answers = await Promise.all(
    [...selectors].map(async (selector) => ((await asks.query(selector)).length > 0 ? [] : [selector])),
  )
  return answers.flat()
}
