// Owns the page against a live cluster, as a browser shows it: pods from Pending to Ready without a click, by `podspan watch --ui` and by
// the operator's page through a port-forward, who may open that, and what becomes of it when the operator's pod is replaced.
// Promises that Podspan is installed by its chart, into a namespace of restricted pods, and removed again.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { kubectl, readCluster } from '../cluster/cluster.ts'
import { openBrowser } from './browser.ts'
import { whyNoBrowser } from './find-browser.ts'
import { openPage, settle, type Shown } from './stage.ts'
import { Api } from '../scenarios/api.ts'
import { eventually, freshNamespace, newNamespace, removeNamespace } from '../scenarios/namespaces.ts'
import { violationsOf } from './axe.ts'
import { type Account, makeAccount } from '../e2e/account.ts'
import {
  apply,
  chart,
  createHelm,
  type Helm,
  list,
  pushPodspan,
  restrictedNamespace,
} from '../e2e/operator-support.ts'
import { expectedIds, noCluster, type Running, startPodspan } from '../e2e/trace-support.ts'
import { CRD, wholeCluster, withoutCrd } from '../e2e/whole-cluster.ts'

const home = 'podspan-page'
const skip = noCluster || (whyNoBrowser() ?? false)
const timeout = 240_000

const deployment = (namespace: string, name: string, replicas: number, delaySeconds = 2): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            ...{ name: 'app', image: 'localhost:5000/busybox:latest', command: ['sleep', '3600'] },
            readinessProbe: {
              exec: { command: ['true'] },
              initialDelaySeconds: delaySeconds,
              periodSeconds: 1,
            },
          },
        ],
      },
    },
  },
})

/** The address that a command has said, once it has. */
async function addressOf(running: Running): Promise<string> {
  let address = ''
  await eventually('the page is said to be somewhere', () => {
    address = /at (http:\S+?)(#\S*)?; Ctrl-C/.exec(running.said())?.slice(1, 3).join('') ?? ''
    return Promise.resolve(address !== '')
  })
  return address
}

const says = (shown: Shown, selector: string, text: string): Promise<unknown> =>
  shown.page.waitForFunction(
    ([where, what]) =>
      [...document.querySelectorAll(where as string)].some((one) =>
        one.textContent?.includes(what as string),
      ),
    [selector, text],
    { timeout: 60_000 },
  )

/** What is not there yet is answered with 404, and a server that goes is a request that fails: the browser says both. */
const worthTelling = ({ problems }: Shown): string[] =>
  problems.filter((problem) => !/404|ERR_(CONNECTION|EMPTY|INCOMPLETE|NETWORK)/.test(problem))

describe('the page on a live cluster', { skip, timeout }, () => {
  let api: Api
  let browser: Browser
  let namespace: string
  let done: () => void
  let helm: Helm & AsyncDisposable
  let viewer: Account

  before(async () => {
    done = await wholeCluster()
    const { kubeconfig } = readCluster()
    api = new Api()
    browser = await openBrowser()
    namespace = await newNamespace(api, 'podspan-e2e-page')
    const tag = randomBytes(4).toString('hex')
    helm = await createHelm(tag)
    await pushPodspan(tag)
    await withoutCrd()
    await freshNamespace(api, home)
    await apply([restrictedNamespace(home)])
    await install()
    viewer = await makeAccount(api, kubeconfig, [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      { apiGroups: [''], resources: ['pods/portforward'], verbs: ['get', 'create'] },
    ])
  })

  after(async () => {
    await browser?.close()
    await viewer?.[Symbol.asyncDispose]()
    await helm?.(['uninstall', 'podspan', '--namespace', home, '--wait'])
    await helm?.[Symbol.asyncDispose]()
    await kubectl(['delete', 'crd', CRD, '--ignore-not-found', '--wait=false'])
    await removeNamespace(api, home)
    if (namespace !== undefined) await removeNamespace(api, namespace)
    api.close()
    done?.()
  })

  async function install(): Promise<void> {
    const values = { cluster: { name: 'page-test' }, replicas: 2 }
    const args = ['upgrade', '--install', 'podspan', chart, '--namespace', home, '--wait', '--timeout', '90s']
    const { code, stdout, stderr } = await helm(args, values)
    assert.equal(code, 0, `${stdout}${stderr}`)
    assert.match(stdout, /podspan ui --namespace podspan-page/)
  }

  const uidOf = async (app: string): Promise<string> => {
    const [pod] = await list('pods', '--namespace', namespace, '--selector', `app=${app}`)
    return String(pod?.metadata['uid'])
  }

  test('of watch shows a pod from Pending to Ready, its start with evidence, and its rollout', async () => {
    const running = startPodspan(
      ['watch', '-n', namespace, '--ui', '0', '--no-open'],
      readCluster().kubeconfig,
    )
    try {
      const shown = await openPage(browser, await addressOf(running), '#/', {})
      await eventually('it watches', () => Promise.resolve(/watching namespace/.test(running.said())))
      await apply([deployment(namespace, 'first', 1)])
      await says(shown, '.in-flight li', 'first-')
      await says(shown, '.in-flight', 'waiting for app to be ready')
      await says(shown, '.rows .pod', 'first-')
      const uid = await uidOf('first')
      await shown.page.evaluate((hash) => (location.hash = hash), `#/start/${expectedIds(uid).traceId}`)
      await says(shown, '.verdict', 'waiting for app to be ready')
      await shown.page.locator('[role=treeitem]', { hasText: 'readiness' }).click()
      await says(shown, '.evidence', 'status.conditions[Ready]')
      assert.deepEqual(await violationsOf(shown.page), [])
      await shown.page.evaluate(() => (location.hash = '#/rollouts'))
      await says(shown, '.of-rollouts .row', 'Deployment/first')
      await says(shown, '.of-rollouts .row', 'complete')
      assert.deepEqual(worthTelling(shown), [])
      await shown.close()
    } finally {
      await running.stop()
    }
  })

  test('of trace opens at the start that was asked for, and follows it', async () => {
    await apply([deployment(namespace, 'traced', 1, 6)])
    const running = startPodspan(
      ['trace', 'deploy/traced', '-n', namespace, '--ui', '0', '--no-open'],
      readCluster().kubeconfig,
    )
    try {
      const address = await addressOf(running)
      assert.match(address, /#\/start\/[0-9a-f]{32}$/)
      const [url = '', hash = ''] = address.split('#')
      const shown = await openPage(browser, url, `#${hash}`, {})
      await says(shown, '.outcome', 'ready')
      assert.deepEqual(worthTelling(shown), [])
      await shown.close()
    } finally {
      await running.stop()
    }
  })

  test('of the operator is opened by who may forward a port, and shows pods as they start', async () => {
    const running = startPodspan(['ui', '--port', '0', '--no-open'], viewer.kubeconfig)
    try {
      const shown = await openPage(browser, await addressOf(running), '#/', {})
      await says(shown, '.from', 'page-test')
      await apply([deployment(namespace, 'second', 3)])
      await says(shown, '.in-flight h2', '3 starting')
      await says(shown, '.rows .pod', 'second-')
      await shown.page.evaluate(() => (location.hash = '#/workloads'))
      await says(shown, '.of-groups .row', 'Deployment/second')
      await shown.page.evaluate(() => (location.hash = '#/sessions'))
      await says(shown, '.empty', 'There is no TraceSession')
      assert.deepEqual(worthTelling(shown), [])
      await shown.close()
    } finally {
      await running.stop()
    }
  })

  test('of the operator goes on when the pod behind it is replaced', async () => {
    const running = startPodspan(['ui', '--port', '0', '--no-open', '-n', home], viewer.kubeconfig)
    try {
      const shown = await openPage(browser, await addressOf(running), '#/', {})
      await says(shown, '.connection', 'live')
      const [, first = ''] = /the page of \S+\/(\S+) /.exec(running.said()) ?? []
      await kubectl(['delete', 'pod', first, '-n', home, '--wait=false'])
      await says(shown, '.banner', 'The connection to Podspan is lost')
      await says(shown, '.connection', 'live')
      await apply([deployment(namespace, 'third', 1)])
      await says(shown, '.rows .pod', 'third-')
      await settle(shown.page)
      assert.match(running.said(), /now through podspan-page\/podspan-/)
      await shown.close()
    } finally {
      await running.stop()
    }
  })

  test('of the operator is closed to who may not forward a port, and to everybody in the cluster', async () => {
    await using reader = await makeAccount(api, readCluster().kubeconfig, [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
    ])
    const { code, stderr } = await startPodspan(['ui', '--port', '0', '--no-open'], reader.kubeconfig).ended
    assert.equal(code, 3, stderr)
    assert.match(stderr, /It needs get and create on pods\/portforward in namespace podspan-page/)
    const [pod] = await list('pods', '--namespace', home)
    const { podIP } = (pod?.['status'] ?? {}) as { podIP?: string }
    await assert.rejects(fetch(`http://${podIP}:7676/`), /fetch failed/)
    assert.equal((await fetch(`http://${podIP}:8080/livez`)).status, 200)
  })
})
