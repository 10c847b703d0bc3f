// Owns the proof that every query of dashboards and alerts is answered by a real Prometheus, with the numbers that were counted.
// Promises to need no cluster: what is scraped are the starts of all recordings. What a live one gives is for operator.e2e.test.ts.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { readGroups, rulesOf } from '../chart/alert-rules.ts'
import { buildTool } from '../cluster/build.ts'
import { attempt } from '../cluster/commands.ts'
import { foreignKubeconfig } from '../cluster/foreign.ts'
import { eventually } from '../scenarios/namespaces.ts'
import { DEFINITIONS } from '../../src/metrics/definitions.ts'
import { MAY_BE_EMPTY, missingSeries, unansweredPanels, type Values } from '../support/answers.ts'
import { EVERYTHING, fillIn, promqlOfPanels } from '../support/grafana.ts'
import { type History, JOB, NAMESPACE, recordHistory, type Replica } from '../support/recorded-history.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'

const skip = foreignKubeconfig() !== undefined && 'this asks nothing of a cluster'

/** The chart's, with its default values. */
const groups = readGroups()

/** What Grafana fills in while a dashboard shows half an hour of them. */
const VALUES: Values = {
  ...{ __range: '30m', __rate_interval: '8m', window: '10m', slo: '10' },
  ...{ namespace: '.*', node: '.*' },
}
/** A recorded Deployment with forty starts, for the dashboard of one workload. */
const ONE: Values = { namespace: 'burst', workload_kind: 'Deployment', workload: 'many' }

/** Serves what a replica shows; the last numbers, again and again. */
async function serve({ metrics }: Replica, servers: Server[]): Promise<string> {
  const server = createServer((request, response) => {
    void metrics.expose(request.headers.accept).then(({ body, contentType }) => {
      response.setHeader('content-type', contentType).end(body)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const scrapeOf = async (replicas: readonly Replica[], servers: Server[]): Promise<object> => ({
  job_name: JOB,
  honor_labels: true,
  static_configs: await Promise.all(
    replicas.map(async (replica) => ({
      targets: [await serve(replica, servers)],
      labels: { instance: replica.instance, pod: replica.pod, namespace: NAMESPACE },
    })),
  ),
})

describe('a real Prometheus, of the starts of all recordings', { skip, timeout: 300_000 }, () => {
  const servers: Server[] = []
  let history: History
  let prometheus: Prometheus
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'podspan-history-'))
    history = await recordHistory(() => Date.now() / 1000)
    await writeFile(join(directory, 'history.txt'), history.text)
    const { promtool = '' } = await buildTool('prometheus')
    const blocks = ['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', 'history.txt', 'data']
    const { code, stdout, stderr } = await attempt(promtool, blocks, { cwd: directory })
    assert.equal(code, 0, `${stdout}${stderr}`)
    const scrapes = [await scrapeOf(history.replicas, servers)]
    prometheus = await startPrometheus({ scrapes, groups, data: join(directory, 'data') })
    const up = async (): Promise<boolean> => (await prometheus.query('count(up == 1)'))[0]?.value === 2
    await eventually('both replicas are scraped', up, 30)
    const fires = async (): Promise<boolean> => (await prometheus.query('ALERTS')).length > 0
    await eventually('the rules are evaluated', fires, 30)
  })
  after(async () => {
    await prometheus[Symbol.asyncDispose]()
    for (const server of servers) server.close()
    await rm(directory, { recursive: true, force: true })
  })

  test('every query of every panel has an answer', async () => {
    assert.deepEqual(await unansweredPanels(prometheus, { all: VALUES, one: ONE }), [])
  })

  test('what may be empty on a healthy cluster is a query that there is, with a reason', () => {
    const names = new Set(promqlOfPanels().map(({ name }) => name))
    for (const [name, reason] of Object.entries(MAY_BE_EMPTY)) {
      assert.ok(names.has(name) || name in DEFINITIONS, `${name} is a query`)
      assert.ok(reason.length > 10, name)
    }
  })

  test('every series that alerts ask for is there', async () => {
    const alerts = rulesOf(groups).map(({ expr }) => expr)
    assert.deepEqual(await missingSeries(prometheus, alerts), [])
  })

  const ask = async (name: string, values: Values = {}): Promise<number | undefined> => {
    const question = promqlOfPanels().find((one) => one.name === name) ?? assert.fail(`no query ${name}`)
    return (await prometheus.query(fillIn(question.expr, { ...EVERYTHING, ...VALUES, ...values })))[0]?.value
  }

  test('two replicas and a restart in the middle are no more and no fewer starts', async () => {
    assert.ok(history.traces.length > 200)
    const node = (await ask('node/Starts/A')) ?? 0
    const bound = history.traces.filter((trace) => trace.node !== undefined).length
    near(node, bound)
    const many = history.traces.filter(
      ({ namespace, workload }) => namespace === 'burst' && workload === 'Deployment/many',
    )
    near((await ask('workload/Starts/A', ONE)) ?? 0, many.length)
  })

  test('quantiles and shares are those of the starts', async () => {
    const lengths = history.traces
      .filter(({ namespace, outcome }) => namespace === 'burst' && outcome === 'ready')
      .map(({ startup }) => Number(startup) / 1e9)
    const p95 = (await ask('workload/p95/A', ONE)) ?? 0
    assert.ok(p95 >= 5 && p95 <= 10 && lengths.every((length) => length > 5 && length <= 10), `${p95} s`)
    assert.equal(await ask('workload/Too slow or never ready/A', ONE), 0)
    assert.equal(await ask('workload/Too slow or never ready/A', { ...ONE, slo: '5' }), 1)
  })

  test('exemplars lead to starts that were told', async () => {
    const told = new Set(history.traces.map(({ traceId }) => traceId))
    const asking = promqlOfPanels().filter(({ target }) => target.exemplar)
    assert.ok(asking.length >= 6)
    for (const { name, expr } of asking) {
      const one = name.startsWith('workload/') ? ONE : {}
      const found = await prometheus.exemplars(fillIn(expr, { ...EVERYTHING, ...VALUES, ...one }))
      assert.ok(found.length > 0, name)
      for (const traceId of found) assert.ok(told.has(traceId), `${name}: ${traceId}`)
    }
  })
})

/** increase() guesses what lies before the first and after the last sample. */
function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 0.15 * expected, `${actual} for ${expected}`)
}
