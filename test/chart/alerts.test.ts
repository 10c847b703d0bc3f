import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Definition, DEFINITIONS } from '../../src/metrics/definitions.ts'
import { attempt } from '../cluster/commands.ts'
import { at, noHelm, only, releaseNamespace, render, toolIfBuilt } from './render.ts'

const promtool = (await toolIfBuilt('prometheus'))?.['promtool']
const noPromtool: string | false =
  promtool === undefined && 'promtool is not built; `node test/cluster/build.ts prometheus` builds it'

const metrics: Readonly<Record<string, Definition | undefined>> = DEFINITIONS

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

async function groups(values: object = {}): Promise<readonly { readonly rules: readonly Alert[] }[]> {
  const metrics = { prometheusRule: { enabled: true, ...values } }
  return at(only(await render({ metrics }), 'PrometheusRule'), 'spec.groups')
}

const alerts = async (values: object = {}): Promise<readonly Alert[]> =>
  (await groups(values)).flatMap(({ rules }) => rules)

describe('the alerts of the chart', { skip: noHelm }, () => {
  test('name only metrics and labels that Podspan has', async () => {
    for (const { alert, expr } of await alerts()) {
      const names = [...expr.matchAll(/podspan_\w+/g)].map(([name]) => name)
      assert.ok(names.length > 0, alert)
      for (const name of names) {
        const definition = metrics[name]
        assert.ok(definition, `${alert}: ${name} is a metric`)
        const [, list = ''] = /by \(([^)]*)\)/.exec(expr) ?? []
        const grouped = list.split(', ').filter((label) => label !== '' && label !== 'pod')
        for (const label of grouped)
          assert.ok((definition.labels as readonly string[]).includes(label), `${name} has ${label}`)
      }
    }
  })

  test('say what happened and what that costs, and carry the labels that were asked for', async () => {
    for (const { labels, annotations } of await alerts({ alertLabels: { team: 'platform' } })) {
      assert.deepEqual(labels, { severity: 'warning', team: 'platform' })
      assert.match(annotations['summary'] ?? '', /\.$/)
      assert.match(annotations['description'] ?? '', /\.$/)
    }
  })

  test('ask for no leader where none is elected', async () => {
    const values = { metrics: { prometheusRule: { enabled: true } }, leaderElection: { enabled: false } }
    const rule = only(await render(values), 'PrometheusRule')
    assert.ok(!JSON.stringify(rule).includes('podspan_leader'))
  })

  test('fire on what they are about, and on nothing else', { skip: noPromtool }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'podspan-alerts-'))
    try {
      writeFileSync(join(directory, 'rules.json'), JSON.stringify({ groups: await groups() }))
      writeFileSync(join(directory, 'tests.json'), JSON.stringify(unitTests()))
      const { code, stdout, stderr } = await attempt(promtool ?? '', [
        'test',
        'rules',
        join(directory, 'tests.json'),
      ])
      assert.equal(code, 0, `${stdout}${stderr}`)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

const of = `namespace="${releaseNamespace}",pod="podspan-1"`
const healthy: Readonly<Record<string, string>> = {
  [`podspan_build_info{${of},version="1"}`]: '1x40',
  [`podspan_leader{${of}}`]: '1x40',
  [`podspan_leader{namespace="${releaseNamespace}",pod="podspan-2"}`]: '0x40',
  [`podspan_watch_live{${of},source="pods"}`]: '1x40',
  [`podspan_watch_lag_seconds{${of}}`]: '0.2x40',
  [`podspan_export_traces_dropped_total{${of},exporter="default",reason="refused"}`]: '7x40',
  [`podspan_export_queue_traces{${of},exporter="default"}`]: '3x40',
  [`podspan_export_traces_sent_total{${of},exporter="default"}`]: '0+5x40',
}

/** Each alert with the one series that differs from a healthy installation, absent where undefined. */
const TROUBLES: Readonly<Record<string, readonly [series: string, values: string | undefined]>> = {
  PodspanAbsent: [`podspan_build_info{${of},version="1"}`, undefined],
  PodspanWithoutLeader: [`podspan_leader{${of}}`, '0x40'],
  PodspanWatchDown: [`podspan_watch_live{${of},source="pods"}`, '0x40'],
  PodspanWatchLate: [`podspan_watch_lag_seconds{${of}}`, '30x40'],
  PodspanDropsTraces: [
    `podspan_export_traces_dropped_total{${of},exporter="default",reason="refused"}`,
    '0+1x40',
  ],
  PodspanExportStalled: [`podspan_export_traces_sent_total{${of},exporter="default"}`, '9x40'],
}

/** At 35 minutes, which alerts fire; by the expression over ALERTS, so that every one of them is compared. */
function unitTests(): object {
  const scene = (
    series: Readonly<Record<string, string | undefined>>,
    firing: readonly string[],
  ): object => ({
    interval: '1m',
    input_series: Object.entries(series)
      .filter(([, values]) => values !== undefined)
      .map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: '35m',
        exp_samples: firing.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
      },
    ],
  })
  return {
    rule_files: ['rules.json'],
    evaluation_interval: '1m',
    tests: [
      scene(healthy, []),
      ...Object.entries(TROUBLES).map(([alert, [series, values]]) =>
        scene({ ...healthy, [series]: values }, [alert]),
      ),
    ],
  }
}
