// Owns the proof that the operator works as a user installs it: by Helm, from a registry, into a namespace that takes restricted pods only.
// Promises that phase, conditions, columns, metrics and traces are compared to the pod, and that nothing is left but what is kept on purpose.
// Does not test failover and faults.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { expectedRights } from '../chart/expected-rights.ts'
import type { Values } from '../chart/render.ts'
import { kubectl, readCluster } from '../cluster/cluster.ts'
import { Api } from '../scenarios/api.ts'
import { eventually, freshNamespace, removeNamespace } from '../scenarios/namespaces.ts'
import { MAY_BE_EMPTY, missingSeries, unansweredPanels } from '../support/answers.ts'
import {
  assertColumns,
  assertCounts,
  assertLengths,
  countOf,
  endingsOf,
  rootsByUid,
  secondsOf,
} from './agreement.ts'
import { assertRevision, assertRollout, rolloutIds, rolloutOf, uidOfDeployment } from './operator-rollouts.ts'
import {
  home,
  leftOver,
  oneSlot,
  podNames,
  podsOf,
  session,
  sessionNamed,
  shop,
  spansOfAll,
  TOKEN,
  withoutSlots,
  withSlots,
  workload,
} from './operator-objects.ts'
import {
  apply,
  chart,
  type Collector,
  compressedBytes,
  createHelm,
  fetchMetrics,
  type Helm,
  installCollector,
  lintMetrics,
  list,
  may,
  pushPodspan,
  restrictedNamespace,
  rightsIn,
} from './operator-support.ts'
import { type Prometheus, scrapeOfPods, startPrometheus } from './prometheus.ts'
import { noCluster } from './trace-support.ts'
import { CRD, wholeCluster, withoutCrd } from './whole-cluster.ts'

const PODS = 20
/** Before the pipeline's own `startTimeout`, so that the verdict comes first and the trace after it. */
const NEVER_AFTER = '25s'

const VERDICTS = {
  meets: { phase: 'Passed', met: 'True' },
  misses: { phase: 'Failed', met: 'False' },
  never: { phase: 'Failed', met: 'False' },
} as const

const IMAGE_MAX = 60_000_000
/** `npm run bench -- idle` holds it to 90 MB. More than half are pages of the Node binary, of which the system maps more or fewer at once. */
const RSS_MAX = 105_000_000
/** Memory is given back when hardly anything has arrived for 10 s. */
const GIVEN_BACK_SECONDS = 40
/** From the start of the process until every list is read: 0.9 to 1.5 s on two cores, 7 s where twenty others want them. No wait of its own, which are of 30 s and more, is in it. */
const READY_MAX_MS = 20_000

interface RuleGroup {
  readonly rules: readonly { readonly expr: string }[]
}

interface Stage {
  readonly api: Api
  readonly helm: Helm & AsyncDisposable
  readonly collector: Collector
  readonly prometheus: Prometheus
  readonly alerts: readonly string[]
  readonly tag: string
}

/** Installed into nothing: no CRD, no namespace but an empty one, the Collector already there. */
async function install(cleanups: (() => PromiseLike<unknown>)[]): Promise<Stage> {
  const api = new Api()
  const later = (cleanup: () => PromiseLike<unknown>): unknown => cleanups.unshift(cleanup)
  later(async () => api.close())
  const letGo = await wholeCluster()
  later(async () => letGo())
  for (const name of [home, shop]) {
    await freshNamespace(api, name)
    later(() => removeNamespace(api, name))
  }
  await withoutCrd()
  later(() => kubectl(['delete', 'crd', CRD, '--ignore-not-found', '--wait=false']))
  await apply([home, shop].map(restrictedNamespace))
  await apply([token])
  const tag = randomBytes(4).toString('hex')
  const [collector, helm] = await Promise.all([installCollector(shop), createHelm(tag), pushPodspan(tag)])
  later(() => helm[Symbol.asyncDispose]())
  later(() => helm(['uninstall', 'podspan', '-n', home, '--ignore-not-found']))
  const args = ['install', 'podspan', chart, '-n', home, '--wait', '--timeout', '60s']
  const { code, stderr } = await helm(args, valuesFor(collector))
  assert.equal(code, 0, code === 0 ? '' : `${stderr}${await logs()}`)
  const groups = await rulesOf(helm)
  const prometheus = await startPrometheus({ scrapes: [scrapeOfPods(home)], groups })
  later(() => prometheus[Symbol.asyncDispose]())
  const alerts = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
  return { api, helm, collector, tag, prometheus, alerts }
}

/** The alerts that come with the chart, as they would be for this release. */
async function rulesOf(helm: Helm): Promise<readonly RuleGroup[]> {
  const args = ['template', 'podspan', chart, '-n', home, '--show-only', 'templates/prometheusrule.yaml']
  const { code, stdout, stderr } = await helm(args, { metrics: { prometheusRule: { enabled: true } } })
  assert.equal(code, 0, stderr)
  return (parse(stdout) as { readonly spec: { readonly groups: readonly RuleGroup[] } }).spec.groups
}

const logs = (): Promise<string> => kubectl(['logs', 'deployment/podspan', '-n', home]).catch(String)

/** A header of every export; the pod would not start without it, nor export where its file cannot be read. */
const token = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: TOKEN, namespace: home },
  stringData: { authorization: 'Bearer not-asked-for' },
}

const exporterFor = (collector: Collector, more: object = {}): object => ({
  default: {
    endpoint: collector.endpoint,
    headersFromSecrets: { authorization: { secret: TOKEN } },
    ...more,
  },
})

const valuesFor = (collector: Collector, more: Values = {}): Values => ({
  cluster: { name: 'test' },
  exporters: exporterFor(collector),
  // A start that never ends is told after this time, and not before.
  startTimeout: '40s',
  links: { traceURLTemplate: 'https://traces.example/{traceID}' },
  ...more,
})

describe('the operator, installed by Helm', { skip: noCluster, timeout: 600_000 }, () => {
  let stage: Stage
  const cleanups: (() => PromiseLike<unknown>)[] = []
  before(async () => {
    stage = await install(cleanups)
  })
  after(async () => {
    for (const cleanup of cleanups) await cleanup()
  })

  test('has a session of the whole cluster at once, although the CRD came with it', async () => {
    await eventually(
      'the standing session runs',
      async () => {
        const standing = await sessionNamed('standing', home).catch(() => undefined)
        return standing?.status?.phase === 'Running'
      },
      20,
    )
  })

  test('finds by itself that it may see what it needs', async () => {
    const args = ['test', 'podspan', '-n', home, '--timeout', '60s']
    const { code, stdout, stderr } = await stage.helm(args)
    assert.equal(code, 0, `${stdout}${stderr}`)
    assert.match(`${stdout}${stderr}`, /1 clock agrees/)
  })

  test('is small and quick: image, start and idle memory', async () => {
    const bytes = await compressedBytes('podspan', stage.tag)
    assert.ok(bytes > 1_000_000 && bytes <= IMAGE_MAX, `${bytes} bytes compressed`)
    let text = ''
    let rss = 0
    const isSmall = async (): Promise<boolean> => {
      text = (await fetchMetrics(home)).text
      rss = Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1])
      return rss > 0 && rss <= RSS_MAX
    }
    await eventually('the process is small', isSmall, GIVEN_BACK_SECONDS).catch(() =>
      assert.fail(`${rss} bytes resident`),
    )
    const started = Number(/^process_start_time_seconds (\S+)/m.exec(text)?.[1]) * 1000
    const lines = (await kubectl(['logs', 'deployment/podspan', '-n', home])).trim().split('\n')
    const ready = lines
      .map((line) => JSON.parse(line) as { time: string; message: string })
      .find(({ message }) => message === 'podspan is ready')
    const tookMs = Date.parse(ready?.time ?? '') - started
    assert.ok(tookMs > 0 && tookMs < READY_MAX_MS, `ready ${tookMs} ms after the process began`)
  })

  test('judges twenty pods that meet an objective, twenty that miss one, and twenty of which one never starts', async () => {
    await patchNode(withSlots(PODS - 1))
    cleanups.unshift(() => patchNode(withoutSlots))
    await apply([
      session('meets', { name: 'ready', percentile: 99, threshold: '5m' }),
      session('misses', { name: 'ready', percentile: 50, threshold: '50ms' }),
      blindSession,
    ])
    await apply([workload('meets', PODS), workload('misses', PODS)])
    // The others first, so that of these none but the one that has no slot is late even where the node is slow.
    for (const name of ['meets', 'misses'])
      await kubectl(['rollout', 'status', `deployment/${name}`, '-n', shop, '--timeout=90s'])
    const within = { startTimeout: NEVER_AFTER, completion: { timeout: NEVER_AFTER } }
    await apply([session('never', { name: 'ready', percentile: 99, threshold: '5m' }, within)])
    await apply([workload('never', PODS, { resources: oneSlot })])
    const flying = 'sum(podspan_pod_starts_in_flight{operation="schedule"})'
    // By the metrics: a status is at most every 10 s, and may pass over what is so for less.
    const waits = async (): Promise<boolean> => {
      const [[waiting], pods] = await Promise.all([stage.prometheus.query(flying), podsOf('never')])
      return waiting?.value === 1 && countOf(endingsOf(pods), 'ready') === PODS - 1
    }
    await eventually('all but one of the pods are ready, and one waits for its schedule', waits, 38)
    await completed('meets', 'misses', 'never')
    for (const [name, { phase, met }] of Object.entries(VERDICTS)) {
      const { status } = await sessionNamed(name)
      assert.equal(status?.phase, phase, name)
      const said = Object.fromEntries(status?.conditions?.map(({ type, status: is }) => [type, is]) ?? [])
      const all = { Accepted: 'True', Exporting: 'True', EvidenceComplete: 'True', Complete: 'True' }
      assert.deepEqual(said, { ...all, ObjectiveMet: met }, name)
      assert.equal(status?.objectives?.[0]?.met, met === 'True', name)
    }
  })

  test('sees from another namespace none of them', async () => {
    await kubectl(['wait', 'tsn/blind', '-n', home, '--for=condition=Complete', '--timeout=30s'])
    const { status } = await sessionNamed('blind', home)
    assert.equal(status?.phase, 'Inconclusive')
    assert.equal(status?.pods?.['matched'] ?? 0, 0)
    await kubectl(['delete', 'tsn', 'blind', '-n', home])
  })

  for (const name of Object.keys(VERDICTS))
    test(`counts, columns and traces agree to the pod: ${name}`, async () => {
      const pods = await podsOf(name)
      const endings = endingsOf(pods)
      assert.equal(countOf(endings, 'ready'), name === 'never' ? PODS - 1 : PODS)
      const spans = await spansOfAll(stage.collector, pods)
      const roots = rootsByUid(spans, endings)
      await eventually('the last trace is booked', () => isBooked(name), 20).catch(() => undefined)
      const said = await sessionNamed(name)
      assertCounts(said, endings)
      assertLengths(said, roots, spans)
      await assertColumns(said, shop)
      for (const { traceID, url } of said.status?.slowest ?? [])
        assert.equal(url, `https://traces.example/${traceID}`)
    })

  for (const name of ['meets', 'misses'])
    test(`the rollout is a trace of its own that agrees with its pods and with the session: ${name}`, async () => {
      const pods = await podsOf(name)
      const spans = await spansOfAll(stage.collector, pods)
      const roots = rootsByUid(spans, endingsOf(pods))
      const rollout = await rolloutOf(stage.collector, name)
      const { status } = await sessionNamed(name)
      assertRollout(rollout, roots)
      assertRevision(rollout, status?.revisions)
    })

  test('a rollout that goes on shows in the metrics, and has no trace yet', async () => {
    const under = await stage.prometheus.query('sum(podspan_rollouts_under_way{rollout_kind="Deployment"})')
    assert.equal(under[0]?.value, 1)
    const uid = await uidOfDeployment('never')
    const { traceId } = rolloutIds(uid, '1')
    assert.ok((await stage.collector.read()).every((span) => span.traceId !== traceId))
  })

  test('tells a real Prometheus the same numbers, in a form that promtool has nothing to say of', async () => {
    const { type, text } = await fetchMetrics(home)
    assert.match(type, /^(application\/openmetrics-text|text\/plain)/)
    assert.equal(await lintMetrics(text), '')
    const expected: Record<string, number> = {}
    for (const name of Object.keys(VERDICTS)) {
      const endings = endingsOf(await podsOf(name))
      for (const ending of new Set(endings.values())) expected[`${name} ${ending}`] = countOf(endings, ending)
    }
    let seen: Record<string, number> = {}
    const equal = async (): Promise<boolean> => {
      seen = await byWorkload('sum by (workload, outcome) (podspan_pod_starts_total', 'outcome')
      return isDeepStrictEqual(seen, expected)
    }
    // What a workload counts is shown a minute after its first start.
    await eventually('Prometheus has counted them', equal, 65).catch(() => assert.deepEqual(seen, expected))
    const lengths = await byWorkload('sum by (workload) (podspan_pod_start_duration_seconds_sum')
    for (const name of Object.keys(VERDICTS)) {
      const pods = await podsOf(name)
      const roots = rootsByUid(await spansOfAll(stage.collector, pods), endingsOf(pods))
      const ready = [...roots.values()].filter(({ attributes }) => attributes['podspan.outcome'] === 'ready')
      const sum = ready.reduce((all, root) => all + secondsOf(root), 0)
      assert.ok(
        Math.abs((lengths[name] ?? 0) - sum) < 0.001 * PODS,
        `${name}: ${lengths[name]} s for ${sum} s`,
      )
    }
    const [leader] = await stage.prometheus.query('sum(podspan_leader)')
    assert.equal(leader?.value, 1)
    const counts = { sent: 0, received: 0 }
    const agree = async (): Promise<boolean> => {
      const [sent] = await stage.prometheus.query('sum(podspan_export_traces_sent_total{exporter="default"})')
      const roots = (await stage.collector.read()).filter(({ name }) => /^(pod startup|rollout)$/.test(name))
      counts.sent = sent?.value ?? 0
      counts.received = new Set(roots.map(({ traceId }) => traceId)).size
      return counts.sent === counts.received
    }
    await eventually('as many are sent as have arrived', agree, 10).catch(() =>
      assert.equal(counts.sent, counts.received),
    )
  })

  test('answers every query of dashboards and alerts, and no alert is about what is well', async () => {
    const all = { __range: '10m', __rate_interval: '15s', window: '10m' }
    const one = { namespace: shop, workload_kind: 'Deployment', workload: 'meets' }
    let unanswered: string[] = []
    const answered = async (): Promise<boolean> => {
      unanswered = await unansweredPanels(stage.prometheus, { all, one, excused: MAY_BE_EMPTY })
      unanswered.push(...(await missingSeries(stage.prometheus, stage.alerts, MAY_BE_EMPTY)))
      return unanswered.length === 0
    }
    await eventually('all are answered', answered, 30).catch(() => assert.deepEqual(unanswered, []))
    const raised = (await stage.prometheus.query('ALERTS')).map(
      ({ metric }) => `${metric['alertname']} ${metric['alertstate']}`,
    )
    assert.ok(raised.includes('PodspanStartsTimedOut firing'), raised.join())
    assert.deepEqual(
      raised.filter((one) => !ABOUT_STARTS.test(one) && !WHERE_CORES_ARE_BUSY.has(one)),
      [],
    )
  })

  test('gives exemplars that lead to traces which the backend has', async () => {
    const bucket = `podspan_pod_start_duration_seconds_bucket{namespace="${shop}"}`
    const exemplars = await stage.prometheus.exemplars(bucket)
    const received = new Set((await stage.collector.read()).map(({ traceId }) => traceId))
    assert.ok(exemplars.length > 0)
    for (const traceId of exemplars) assert.ok(received.has(traceId), traceId)
  })

  test('says on the session what became of it', async () => {
    const reasons = async (name: string): Promise<string[]> =>
      (
        await list(
          'events',
          '-n',
          shop,
          '--field-selector',
          `involvedObject.name=${name},involvedObject.kind=TraceSession`,
        )
      ).map(({ reason }) => String(reason))
    assert.ok((await reasons('meets')).length >= 2, (await reasons('meets')).join())
    assert.ok(
      (await reasons('misses')).some((reason) => /objective/i.test(reason)),
      (await reasons('misses')).join(),
    )
  })

  test('may do what docs/security.md lists, and can read no Secret', async () => {
    const account = `${home}:podspan`
    const places = expectedRights({ own: home, namespaces: [], leaseName: 'podspan', off: [] })
    for (const namespace of [home, shop, 'kube-node-lease', 'kube-system']) {
      const expected = [...new Set([...(places['*'] ?? []), ...(places[namespace] ?? [])])].toSorted()
      assert.deepEqual((await rightsIn(namespace, account)).toSorted(), expected, namespace)
      assert.equal(await may(account, ['get', 'secrets', '-n', namespace]), false)
    }
    assert.equal(await may(account, ['list', 'pods', '--all-namespaces']), true)
  })

  test('lets a session elsewhere not select namespaces', async () => {
    const wide = {
      ...session('wide', { name: 'ready', percentile: 99, threshold: '1m' }),
      spec: { allPods: true, namespaceSelector: {} },
    }
    await assert.rejects(
      apply([wide]),
      /namespaceSelector is for sessions in Podspan's own namespace, podspan/,
    )
  })

  test('takes another exporter without a new pod, and any other change with one', async () => {
    const before = await podNames()
    const elsewhere = exporterFor(stage.collector, { spansPerMinute: 50_000 })
    await upgrade(valuesFor(stage.collector, { exporters: elsewhere }))
    assert.deepEqual(await podNames(), before)
    await upgrade(valuesFor(stage.collector, { settle: '4s' }))
    const after = await podNames()
    assert.equal(after.length, 1)
    assert.notDeepEqual(after, before)
    const { code, stderr } = await stage.helm([
      'rollback',
      'podspan',
      '1',
      '-n',
      home,
      '--wait',
      '--timeout',
      '60s',
    ])
    assert.equal(code, 0, stderr)
    assert.equal((await sessionNamed('standing', home)).status?.phase, 'Running')
  })

  test('leaves nothing behind but the CRD and the sessions of others', async () => {
    const { code, stderr } = await stage.helm([
      'uninstall',
      'podspan',
      '-n',
      home,
      '--wait',
      '--timeout',
      '60s',
    ])
    assert.equal(code, 0, stderr)
    await eventually(
      'everything of the release is gone',
      async () => (await leftOver()).length === 0,
      30,
    ).catch(async () => assert.deepEqual(await leftOver(), []))
    assert.equal((await sessionNamed('meets')).status?.phase, 'Passed', 'a verdict stays')
  })

  test('with listed namespaces works without any cluster-wide right', async () => {
    const args = ['install', 'podspan', chart, '-n', home, '--wait', '--timeout', '60s']
    const { code, stderr } = await stage.helm(args, valuesFor(stage.collector, { namespaces: [shop] }))
    assert.equal(code, 0, stderr)
    const wide = [
      ['list', 'pods'],
      ['watch', 'nodes'],
      ['list', 'tracesessions.podspan.dev'],
      ['get', 'namespaces'],
    ]
    for (const what of wide)
      assert.equal(await may(`${home}:podspan`, [...what, '--all-namespaces']), false, what.join(' '))
    await apply([session('tenant', { name: 'ready', percentile: 99, threshold: '5m' })])
    await apply([workload('tenant', 2)])
    await kubectl(['wait', 'tsn/tenant', '-n', shop, '--for=condition=Complete', '--timeout=60s'])
    const said = await sessionNamed('tenant')
    assert.equal(said.status?.phase, 'Passed')
    const pods = await podsOf('tenant')
    const endings = endingsOf(pods)
    assert.equal(countOf(endings, 'ready'), 2)
    assertCounts(said, endings)
    rootsByUid(await spansOfAll(stage.collector, pods), endings)
  })

  /** Of the shop's workloads but the Collector, by name and that label. */
  const byWorkload = async (query: string, label?: string): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await stage.prometheus.query(`${query}{namespace="${shop}",workload!="collector"})`))
        .filter(({ value }) => value > 0)
        .map(({ metric, value }) => [
          [metric['workload'], ...(label === undefined ? [] : [metric[label]])].join(' '),
          value,
        ]),
    )

  const upgrade = async (values: Values): Promise<void> => {
    const args = ['upgrade', 'podspan', chart, '-n', home, '--wait', '--timeout', '60s']
    const { code, stderr } = await stage.helm(args, values)
    assert.equal(code, 0, stderr)
  }
})

/** Of pods that do not start in time there is one at the least, and more where the node is slow. */
const ABOUT_STARTS = /^Podspan(Starts|Platform|Workload)/
const WHERE_CORES_ARE_BUSY = new Set(['PodspanWatchLate pending', 'PodspanEventLoopBlocked pending'])

const completed = (...names: readonly string[]): Promise<string> =>
  kubectl([
    'wait',
    ...names.map((name) => `tsn/${name}`),
    '-n',
    shop,
    '--for=condition=Complete',
    '--timeout=90s',
  ])

/** A trace that came after the verdict is counted as well. */
const isBooked = async (name: string): Promise<boolean> =>
  (await sessionNamed(name)).status?.traces?.['pending'] === 0

const patchNode = (patch: string): Promise<string> =>
  kubectl(['patch', 'node', readCluster().nodeName, '--subresource=status', '--type=json', '-p', patch])

/** Looks for the pods of the shop from where they are not. */
const blindSession = {
  apiVersion: 'podspan.dev/v1alpha1',
  kind: 'TraceSession',
  metadata: { name: 'blind', namespace: home },
  spec: {
    podSelector: { matchLabels: { app: 'meets' } },
    completion: { when: 'Duration', timeout: '25s' },
    objectives: [{ name: 'ready', percentile: 99, threshold: '5m' }],
  },
}
