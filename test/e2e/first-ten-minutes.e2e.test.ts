// Owns the proof that docs/first-ten-minutes.md works: the script that does what it says, on a real cluster with a real Jaeger.
// Promises that what Jaeger shows behind each link is what it was sent, span by span, and that the session says the same of it.
// Does not test what else the operator does: see operator.e2e.test.ts.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type TruthCursor, truthCursor } from '../accuracy/collector.ts'
import { buildTool } from '../cluster/build.ts'
import { kubectl, readCluster } from '../cluster/cluster.ts'
import { attempt, type CommandResult } from '../cluster/commands.ts'
import { Api } from '../scenarios/api.ts'
import { eventually, removeNamespace } from '../scenarios/namespaces.ts'
import { assertCounts, assertLengths, endingsOf, rootsByUid } from './agreement.ts'
import { asShown, byId, pushJaeger, tracePage } from './jaeger.ts'
import { get, list, pushPodspan } from './operator-support.ts'
import type { Session } from './operator-objects.ts'
import { noCluster } from './trace-support.ts'
import { CRD, wholeCluster, withoutCrd } from './whole-cluster.ts'

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'first-ten-minutes.sh')
const NAMESPACE = 'ten-minutes'
const DEMO = 'ten-minutes-demo'
const PORT = '26686'
/** Of examples/web.yaml. */
const PODS = 3

type Cleanup = () => Promise<unknown>

/** What the script is given, so that it finds everything in this cluster, and leaves it for the comparison. */
async function environment(cleanups: Cleanup[]): Promise<Readonly<Record<string, string>>> {
  const { binaries, kubeconfig, registry } = readCluster()
  const { helm = '' } = await buildTool('helm')
  const directory = await mkdtemp(join(tmpdir(), 'podspan-first-'))
  cleanups.unshift(() => rm(directory, { recursive: true, force: true }))
  return {
    ...{ KUBECONFIG: kubeconfig, KUBECTL: binaries['kubectl'] ?? '', HELM: helm },
    ...{ HELM_CACHE_HOME: directory, HELM_CONFIG_HOME: directory, HELM_DATA_HOME: directory },
    ...{ NAMESPACE, DEMO, PORT, KEEP: '1', WEB_IMAGE: `${registry}/pause:latest` },
    IMAGE: await pushPodspan(randomBytes(4).toString('hex')),
    JAEGER_IMAGE: await pushJaeger(),
  }
}

/** Neither namespace, no Podspan, no CRD: a cluster in its first minute. */
async function fromNothing(cleanups: Cleanup[]): Promise<void> {
  const letGo = await wholeCluster()
  cleanups.unshift(async () => letGo())
  const api = new Api()
  cleanups.unshift(async () => api.close())
  const target = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', name })
  for (const name of [NAMESPACE, DEMO]) {
    await removeNamespace(api, name)
    await eventually(`namespace ${name} is gone`, async () => !(await api.exists(target(name))))
    cleanups.unshift(() => removeNamespace(api, name))
  }
  await withoutCrd()
  cleanups.unshift(() => kubectl(['delete', 'crd', CRD, '--ignore-not-found', '--wait=false']))
}

/** As whoever follows the link has one open. */
async function forwardJaeger(env: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const args = ['port-forward', '-n', NAMESPACE, 'service/jaeger', `${PORT}:16686`]
  const child = spawn(env['KUBECTL'] ?? '', args, { env: { ...process.env, ...env }, stdio: 'ignore' })
  const answers = (): Promise<boolean> =>
    fetch(`http://localhost:${PORT}/`).then(
      ({ ok }) => ok,
      () => false,
    )
  await eventually('Jaeger answers here', answers, 20)
  return child
}

const sessionOf = async (): Promise<Session> => {
  const [one, ...more] = await list('tsn', '-n', DEMO)
  assert.equal(more.length, 0)
  return get<Session>('tsn', one?.metadata.name ?? '', '-n', DEMO)
}

describe('the first ten minutes', { skip: noCluster, timeout: 900_000 }, () => {
  const cleanups: Cleanup[] = []
  let env: Readonly<Record<string, string>>
  let sent: TruthCursor
  let told: CommandResult
  before(async () => {
    await fromNothing(cleanups)
    env = await environment(cleanups)
    sent = truthCursor(readCluster().podspanTracesFile)
    cleanups.unshift(() =>
      attempt(env['HELM'] ?? '', ['uninstall', 'podspan', '-n', NAMESPACE, '--ignore-not-found'], { env }),
    )
    told = await attempt('sh', [SCRIPT], { env })
  })
  after(async () => {
    for (const cleanup of cleanups) await cleanup()
  })

  test('the script does what the page says, from the installation to the trace behind its link', () => {
    assert.equal(told.code, 0, `${told.stdout}${told.stderr}`)
    assert.match(told.stdout, /All of it works\.\n$/)
  })

  test('each link leads to a page that shows what was sent, and the session says the same', async () => {
    const pods = await list('pods', '-n', DEMO, '-l', 'app=web')
    const endings = endingsOf(pods)
    assert.equal(endings.size, PODS)
    const session = await sessionOf()
    assertCounts(session, endings)
    const spans = sent.read()
    const roots = rootsByUid(spans, endings)
    assertLengths(session, roots, spans)
    assert.equal(session.status?.slowest?.length, PODS)
    const forwarding = await forwardJaeger(env)
    try {
      for (const { url = '', traceID } of session.status.slowest) {
        const shown = await tracePage(url)
        const expected = spans.filter(({ traceId }) => traceId === traceID).map(asShown)
        assert.ok(expected.length > 5, `${expected.length} spans`)
        assert.deepEqual(byId(shown ?? []), byId(expected))
        const services = new Set(shown?.map(({ service }) => service))
        for (const actor of ['podspan', 'kube-scheduler', 'kubelet', 'container-runtime'])
          assert.ok(services.has(actor), actor)
      }
      assert.equal(await tracePage(`http://localhost:${PORT}/trace/${'1'.repeat(32)}`), undefined)
    } finally {
      forwarding.kill()
    }
  })

  test('a second time it says that Podspan is there, and leaves that alone', async () => {
    const { code, stderr } = await attempt('sh', [SCRIPT], { env })
    assert.equal(code, 1)
    assert.match(stderr, /Podspan is in this cluster already/)
    const [deployment] = await list('deployments', '-n', NAMESPACE, '-l', 'app.kubernetes.io/name=podspan')
    assert.equal((deployment?.status as { readyReplicas?: number } | undefined)?.readyReplicas, 1)
  })
})
