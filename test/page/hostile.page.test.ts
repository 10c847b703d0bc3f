// Owns objects that mean harm: names, messages and labels with HTML, control characters, changes of direction and ten kilobytes of text.
// Whatever they hold, it is text: nothing runs, nothing is loaded, and nothing is pushed out of its place.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { InFlight } from '../../src/trace/in-flight.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { sourceOf } from '../web/source.ts'
import { whyNoBrowser } from './find-browser.ts'
import { hostile, recorded, traceNamed } from './samples.ts'
import { go, type Shown, type Stage, startStage } from './stage.ts'

let stage: Stage
let shown: Shown
let traces: readonly Trace[]

const inFlight = (trace: Trace): InFlight => ({
  ...{
    uid: trace.uid.replace(/^0/, 'f'),
    namespace: trace.namespace,
    name: trace.name,
    labels: {},
    owners: [],
  },
  ...{ cause: trace.cause, created: trace.created, since: trace.created, node: trace.node ?? '' },
  ...{
    operation: trace.name,
    waitsFor: trace.verdict,
    reason: trace.verdict,
    workload: trace.workload ?? '',
  },
})

describe('a hostile object', { skip: whyNoBrowser() ?? false }, () => {
  before(async () => {
    traces = hostile(traceNamed(await recorded(['crash-loop']), 'crash'))
    const { source, starts } = sourceOf({ inFlight: () => traces.map(inFlight) })
    for (const trace of traces) starts.add(trace)
    stage = await startStage(source)
    shown = await stage.open('#/')
  })
  after(async () => {
    await shown.close()
    await stage.close()
  })

  const addresses = (): string[] => [
    '#/',
    '#/workloads',
    '#/nodes',
    ...traces.flatMap(({ namespace, node = '', traceId, uid, workload = '' }) => [
      `#/start/${traceId}`,
      `#/start/${uid}`,
      `#/node/${encodeURIComponent(node)}`,
      `#/workload/${encodeURIComponent(workload)}?namespace=${encodeURIComponent(namespace)}`,
      `#/?text=${encodeURIComponent(workload)}&namespace=${encodeURIComponent(namespace)}`,
    ]),
  ]

  test('is text in every view, and moves nothing', async () => {
    const { page } = shown
    for (const address of addresses()) {
      await go(page, address)
      const found = await page.evaluate(() => ({
        harmed: 'harmed' in globalThis,
        foreign: document.querySelectorAll(
          'main img, main script, main iframe, main svg[onload], main object',
        ).length,
        handlers: [...document.querySelectorAll('*')].filter((element) =>
          [...element.attributes].some(({ name }) => name.startsWith('on')),
        ).length,
        isWide: document.documentElement.scrollWidth > innerWidth,
        // Nothing that turns or moves what stands beside it gets into the text.
        disturbing: /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028]/u.test(document.body.innerText),
        longest: Math.max(
          ...[...document.querySelectorAll('bdi')].map(({ textContent }) => (textContent ?? '').length),
          0,
        ),
      }))
      const { longest, ...rest } = found
      assert.deepEqual(
        rest,
        { harmed: false, foreign: 0, handlers: 0, isWide: false, disturbing: false },
        address.slice(0, 80),
      )
      assert.ok(longest < 2100, `${address.slice(0, 80)} shows ${longest} characters at once`)
    }
    assert.deepEqual(shown.problems, [])
  })

  test('is found by its own name, as it is', async () => {
    const { page } = shown
    const [first] = traces as [Trace]
    await go(page, '#/')
    await page.selectOption('select[name=namespace]', first.namespace)
    await page.waitForFunction(() =>
      document.querySelector('#finished-title')?.textContent?.startsWith('1 of'),
    )
    await page.locator('.rows a').first().click()
    await page.waitForSelector('.verdict')
    assert.equal(await page.locator('.verdict').textContent(), first.verdict)
  })

  test('is exported under a harmless name', async () => {
    const answers = await Promise.all(
      traces.flatMap(({ traceId }) =>
        ['otlp', 'chrome', 'json'].map((form) => fetch(`${stage.url}api/starts/${traceId}/${form}`)),
      ),
    )
    for (const answer of answers) {
      assert.equal(answer.status, 200)
      assert.match(
        answer.headers.get('content-disposition') ?? '',
        /^attachment; filename="[a-z0-9._-]{1,220}"$/i,
      )
      await answer.json()
    }
  })
})
