// Owns addresses: every view, filter and span can be linked to, by trace id and by the UID of a pod, and every download is what it says.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { sourceOf } from '../web/source.ts'
import { whyNoBrowser } from './find-browser.ts'
import { recorded, type Sample, traceNamed } from './samples.ts'
import { go, settle, type Shown, type Stage, startStage } from './stage.ts'

let sample: Sample
let stage: Stage
let shown: Shown

describe('an address', { skip: whyNoBrowser() ?? false }, () => {
  before(async () => {
    sample = await recorded(['crash-loop', 'rollout-budget', 'pulls'])
    const { source, starts } = sourceOf({
      about: () => ({ kind: 'cluster', title: 'test', version: '0', has: ['rollouts'] }),
      rollouts: () => sample.rollouts,
    })
    for (const trace of sample.traces) starts.add(trace)
    stage = await startStage(source)
    shown = await stage.open('#/')
  })
  after(async () => {
    await shown.close()
    await stage.close()
  })

  test('of a trace id and of a pod UID shows the same start', async () => {
    const { traceId, uid, verdict } = traceNamed(sample, 'crash')
    for (const id of [traceId, uid]) {
      await go(shown.page, `#/start/${id}`)
      assert.equal(await shown.page.locator('.verdict').textContent(), verdict)
      assert.match(await shown.page.title(), /^crash-loop\/crash – /)
    }
  })

  test('of a span has it chosen, with its evidence', async () => {
    const trace = traceNamed(sample, 'crash')
    const span = trace.spans.findLast(({ name }) => name === 'back-off')
    await go(shown.page, '#/')
    await go(shown.page, `#/start/${trace.traceId}?span=${span?.spanId}`)
    const chosen = shown.page.locator('[role=treeitem][aria-selected="true"]')
    assert.match((await chosen.textContent()) ?? '', /back-off/)
    const evidence = (await shown.page.locator('.evidence').textContent()) ?? ''
    for (const { evidence: from } of span?.start.stamps ?? []) {
      assert.ok(evidence.includes(from.object), from.object)
      assert.ok(evidence.includes(from.field), from.field)
    }
    assert.match(evidence, /won/)
  })

  test('of a filter shows what it says, and a choice changes it', async () => {
    const { page } = shown
    await go(page, '#/?namespace=crash-loop')
    const title = page.locator('#finished-title')
    assert.match((await title.textContent()) ?? '', /^1 of /)
    await page.selectOption('select[name=namespace]', 'rollout-budget')
    await settle(page)
    assert.equal(await page.evaluate(() => location.hash), '#/?namespace=rollout-budget')
    await page.fill('input[name=slower]', '5s')
    await page.keyboard.press('Enter')
    await settle(page)
    assert.match(await page.evaluate(() => location.hash), /slower=5s/)
    const lengths = await page.locator('.rows .took').allTextContents()
    assert.ok(lengths.length > 0 && lengths.every((text) => / s$|min/.test(text) && !text.endsWith(' ms')))
    await page.fill('input[name=slower]', 'soon')
    await page.keyboard.press('Enter')
    assert.match(await page.evaluate(() => location.hash), /slower=5s/, 'what is no duration changes nothing')
    await page.getByRole('link', { name: 'Show all' }).click()
    await settle(page)
    assert.match((await title.textContent()) ?? '', /^\d+ finished$/)
  })

  test('of the slowest first is reached by the head of its column', async () => {
    const { page } = shown
    await go(page, '#/')
    await page.getByRole('link', { name: 'Startup' }).click()
    await settle(page)
    assert.equal(await page.evaluate(() => location.hash), '#/?order=slowest')
    const slowest = sample.traces.reduce((a, b) => (b.startup > a.startup ? b : a))
    assert.equal(
      await page.locator('.rows .pod').first().textContent(),
      `${slowest.namespace}/${slowest.name}`,
    )
  })

  test('leads from a rollout to the starts of its pods, and on to workload and node', async () => {
    const { page } = shown
    const rollout = sample.rollouts.find(
      ({ namespace, revision }) => namespace === 'rollout-budget' && revision === '2',
    )
    await go(page, `#/rollout/${rollout?.traceId}`)
    assert.equal(await page.locator('.verdict').textContent(), rollout?.verdict)
    await page.locator('[role=treeitem]', { hasText: 'start pod' }).first().click()
    await page.locator('.evidence a[href^="#/start/"]').first().click()
    await settle(page)
    assert.match((await page.locator('h1').textContent()) ?? '', /^rollout-budget\/shop-/)
    await page.locator('.facts a[href^="#/workload/"]').click()
    await settle(page)
    assert.equal(
      await page.locator('.figures-table tbody tr').first().locator('th').textContent(),
      rollout?.hash,
    )
    await page.goBack()
    await settle(page)
    await page.locator('.facts a[href^="#/node/"]').click()
    await settle(page)
    assert.equal(await page.locator('h1').textContent(), 'node-1')
  })

  test('of a node shows its pulls, each with its wait', async () => {
    await go(shown.page, '#/node/node-1')
    await shown.page.locator('.node-picture [role=group]').focus()
    await shown.page.keyboard.press('0')
    await settle(shown.page)
    const pulled = sample.traces.flatMap(({ spans }) => spans.filter(({ name }) => name === 'pull image'))
    assert.ok(pulled.length > 1)
    assert.equal(await shown.page.locator('.node-picture a.label').count(), pulled.length)
  })

  test('that nobody knows says so and leads back', async () => {
    const { page } = shown
    await go(page, `#/start/${'ab'.repeat(16)}`)
    assert.match((await page.locator('.empty').textContent()) ?? '', /not here/)
    await page.getByRole('link', { name: 'All starts' }).click()
    await settle(page)
    assert.ok((await page.locator('.rows > .row').count()) > 0)
  })

  test('that is nonsense shows the starts', async () => {
    for (const nonsense of ['#/start/../../x', '#/workload/%E0%A4%A', '#/%00', '#/constructor', '#/start/']) {
      await go(shown.page, nonsense)
      assert.ok((await shown.page.locator('.rows > .row').count()) > 0, nonsense)
    }
    assert.deepEqual(
      shown.problems.filter((problem) => !problem.includes('404')),
      [],
    )
  })

  test('of each export is a file of its form', async () => {
    const { page } = shown
    await go(page, `#/start/${traceNamed(sample, 'crash').traceId}`)
    const EXPORTS = [
      ['Perfetto', 'crash-loop-crash.trace.json', 'traceEvents'],
      ['OTLP', 'crash-loop-crash.otlp.json', 'resourceSpans'],
      ['JSON', 'crash-loop-crash.start.json', 'podspan'],
    ] as const
    for (const [name, file, field] of EXPORTS) {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name, exact: true }).click(),
      ])
      assert.equal(download.suggestedFilename(), file)
      assert.ok(field in (JSON.parse(await readFile(await download.path(), 'utf8')) as object))
    }
  })
})
