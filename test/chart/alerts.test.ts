import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { attempt } from '../cluster/commands.ts'
import { problemsOf, type Recorded } from '../support/promql.ts'
import {
  alertsDirectory,
  alertsOf,
  FILES,
  namesOf,
  readGroups,
  renderGroups,
  rulesOf,
} from './alert-rules.ts'
import { noHelm, toolIfBuilt } from './render.ts'

const promtool = (await toolIfBuilt('prometheus'))?.['promtool']
const noPromtool: string | false =
  promtool === undefined && 'promtool is not built; `node test/cluster/build.ts prometheus` builds it'

const root = join(import.meta.dirname, '..', '..')
/** Of a file that promtool tests. */
interface Scene {
  readonly promql_expr_test: readonly unknown[]
}

const DEFAULTS = readGroups()

describe('the alerts of the chart', { skip: noHelm }, () => {
  test('carry the labels that were asked for', async () => {
    for (const { labels } of alertsOf(await renderGroups({ alertLabels: { team: 'platform' } })))
      assert.ok(labels['team'] === 'platform' && /^(warning|critical)$/.test(labels['severity'] ?? ''))
    for (const { labels } of alertsOf(await renderGroups({ alertLabels: { severity: 'info' } })))
      assert.equal(labels['severity'], 'info')
  })

  test('lead to runbooks, wherever they are kept', async () => {
    for (const { alert, annotations } of alertsOf(
      await renderGroups({ runbookURL: 'https://wiki.example/{alert}' }),
    ))
      assert.equal(annotations['runbook_url'], `https://wiki.example/${alert}`)
  })

  test('are left out by name, and a group without any too', async () => {
    const all = namesOf(await renderGroups())
    const starts = ['PodspanWorkloadTooSlow', 'PodspanStartsStuck', 'PodspanStartsTimedOut']
    const fewer = await renderGroups({ disabled: starts, slo: { enabled: false } })
    assert.deepEqual(
      fewer.map(({ name }) => name),
      ['podspan'],
    )
    const gone = [...starts, 'PodspanStartsTooSlow', 'PodspanPlatformTooSlow']
    assert.deepEqual(
      namesOf(fewer),
      all.filter((name) => !gone.includes(name)),
    )
  })

  test('ask for no leader where none is elected', async () => {
    const found = namesOf(await renderGroups({}, { leaderElection: { enabled: false } }))
    assert.ok(!found.includes('PodspanWithoutLeader'))
  })

  test('take their limits from the values', async () => {
    const found = rulesOf(
      await renderGroups({
        slo: { ready: { threshold: 30, objective: 99.5 }, platform: { threshold: 0.5 }, minStarts: 7 },
        thresholds: { watchLagSeconds: 1.5, memoryPercent: 75, stuckFor: '8m', workloadTooSlowPercent: 12.5 },
      }),
    )
    const text = (name: string): string => JSON.stringify(found.filter(({ alert }) => alert === name))
    const recorded = JSON.stringify(found.filter(({ record }) => record !== undefined))
    assert.match(recorded, /le=~\\"30\(/)
    assert.match(recorded, /le=~\\"0.5\(/)
    // 14.4 times half a percent.
    assert.match(text('PodspanStartsTooSlow'), /ratio_rate1h > 0\.072 .*>= 7/)
    assert.match(text('PodspanWatchLate'), /> 1\.5"/)
    assert.match(text('PodspanMemoryNearLimit'), /> 0\.75"/)
    assert.match(text('PodspanStartsStuck'), /"for":"8m"/)
    assert.match(text('PodspanWorkloadTooSlow'), /> 0\.125/)
  })

  test('can fire whatever the objective: where its multiple is more than everything, 90 % is enough', async () => {
    const [critical] = alertsOf(await renderGroups({ slo: { ready: { objective: 80 } } }))
    assert.match(critical?.expr ?? '', /ratio_rate1h > 0\.9 /)
  })

  const refused: readonly (readonly [string, object, RegExp])[] = [
    ['a threshold that is no bound of a bucket', { slo: { ready: { threshold: 45 } } }, /threshold/],
    ['an objective that cannot be missed', { slo: { platform: { objective: 100 } } }, /objective/],
    ['an alert by a name that none has', { disabled: ['stuck'] }, /disabled/],
    ['a runbook without its alert', { runbookURL: 'https://wiki.example' }, /runbookURL/],
    ['a misspelt limit', { thresholds: { watchLag: 1 } }, /'watchLag' not allowed/],
  ]
  for (const [what, values, message] of refused)
    test(`refuse ${what}`, async () => {
      await assert.rejects(renderGroups(values), message)
    })
})

describe('each alert', () => {
  const recorded: Recorded = Object.fromEntries(
    rulesOf(DEFAULTS).map(({ record = '' }) => [record, ['cluster']]),
  )
  const names = namesOf(DEFAULTS)

  test('there are some', () => assert.ok(names.length >= 20, names.join()))

  for (const rule of rulesOf(DEFAULTS))
    test(`names only metrics and labels that Podspan has: ${rule.alert ?? rule.record}`, () => {
      assert.deepEqual(problemsOf(rule.expr, recorded), [])
    })

  test('says what happened and what that costs', () => {
    for (const { annotations, labels } of alertsOf(DEFAULTS)) {
      assert.match(annotations['summary'] ?? '', /[.]$/)
      assert.match(annotations['description'] ?? '', /[.]$/)
      assert.match(labels['severity'] ?? '', /^(warning|critical)$/)
    }
  })

  test('has a runbook, and each runbook an alert', () => {
    const runbooks = readdirSync(join(root, 'docs', 'runbooks'))
    assert.deepEqual(
      runbooks.toSorted(),
      names.map((name) => `${name}.md`),
    )
  })

  test('is tested by a scene in which it does not fire yet, and then does', () => {
    const scenes = globSync('*.test.yaml', { cwd: alertsDirectory })
      .map((file) => parse(readFileSync(join(alertsDirectory, file), 'utf8')) as { tests: readonly Scene[] })
      .flatMap(({ tests }) =>
        tests.map(({ promql_expr_test: moments }) => moments.map((moment) => JSON.stringify(moment))),
      )
    for (const name of names) {
      const fires = (moment: string): boolean => moment.includes(`alertname=\\"${name}\\"`)
      assert.ok(
        scenes.some((moments) => moments.some(fires) && moments.some((moment) => !fires(moment))),
        name,
      )
    }
  })

  test('fires on what it is about, and on nothing else', { skip: noPromtool }, async () => {
    const files = globSync('*.test.yaml', { cwd: alertsDirectory }).map((file) => join(alertsDirectory, file))
    assert.ok(files.length >= 2)
    const checked = await attempt(promtool ?? '', ['check', 'rules', ...Object.values(FILES)])
    assert.equal(checked.code, 0, `${checked.stdout}${checked.stderr}`)
    const answers = await Promise.all(files.map((file) => attempt(promtool ?? '', ['test', 'rules', file])))
    for (const { code, stdout, stderr } of answers) assert.equal(code, 0, `${stdout}${stderr}`)
  })
})
