// Owns 5,000 starts on one page: all of them are there, few are drawn, and filtering, ordering and scrolling work on all.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { sourceOf } from '../web/source.ts'
import { violationsOf } from './axe.ts'
import { whyNoBrowser } from './find-browser.ts'
import { uidOfNumber } from './moved.ts'
import { many, recorded } from './samples.ts'
import { go, settle, type Shown, type Stage, startStage } from './stage.ts'

const COUNT = 5000

let stage: Stage
let shown: Shown

/** Three things that hundreds wait for. */
const waiting = (created: InFlight['created']): InFlight[] =>
  Array.from({ length: 600 }, (_, number) => ({
    ...{
      uid: uidOfNumber(90_000 + number),
      namespace: 'shop',
      name: `waits-${number}`,
      labels: {},
      owners: [],
    },
    ...{ cause: 'scale-up', created, since: created, waitsFor: 'waiting to be scheduled' },
    operation: number < 100 ? 'pull image' : 'schedule',
    ...(number < 400 ? { reason: 'Insufficient cpu' } : { reason: 'Insufficient memory' }),
  }))

describe('five thousand starts', { skip: whyNoBrowser() ?? false }, () => {
  before(async () => {
    const sample = await recorded(['burst', 'crash-loop', 'pulls', 'node-shared'])
    const traces = many(sample, COUNT)
    const flight = waiting(traces[0]?.created ?? (0n as InFlight['created']))
    const { source, starts } = sourceOf({ inFlight: () => flight })
    for (const trace of traces) starts.add(trace)
    stage = await startStage(source)
    shown = await stage.open('#/')
    await shown.page.waitForFunction(
      () => document.querySelector('#finished-title')?.textContent === '5,000 finished',
    )
  })
  after(async () => {
    assert.deepEqual(shown.problems, [])
    await shown.close()
    await stage.close()
  })

  test('are all counted, and only those in sight are drawn', async () => {
    const { page } = shown
    assert.equal(await page.locator('.table').getAttribute('aria-rowcount'), String(COUNT + 1))
    assert.ok((await page.locator('.rows > .row').count()) < 80)
  })

  test('are reached to the last by scrolling', async () => {
    const { page } = shown
    await page.evaluate(() => {
      const main = document.getElementById('main') as HTMLElement
      main.scrollTop = main.scrollHeight
    })
    await page.waitForFunction(
      (last) => document.querySelector(`[aria-rowindex="${last}"]`) !== null,
      COUNT + 1,
    )
    assert.ok((await page.locator('.rows > .row').count()) < 80)
    assert.equal(await page.locator('.rows > .row').first().isVisible(), true)
  })

  test('hundreds that wait stand in groups by what for, the largest first', async () => {
    const { page } = shown
    const groups = await page.locator('.groups > li summary').allTextContents()
    assert.deepEqual(
      groups.map((text) => /^\d+/.exec(text)?.[0]),
      ['300', '200', '100'],
    )
    assert.match(groups[0] ?? '', /scheduleInsufficient cpu/)
    await page.locator('.groups summary').first().click()
    await page.waitForFunction(() => document.querySelectorAll('.groups li li').length === 100)
    assert.match((await page.locator('.groups details').first().textContent()) ?? '', /and 200 more/)
  })

  test('are filtered and ordered as one', async () => {
    const { page } = shown
    await go(page, '#/?node=node-7&order=slowest')
    await page.waitForFunction(() =>
      document.querySelector('#finished-title')?.textContent?.startsWith('250 of'),
    )
    const lengths = await page.evaluate(() =>
      [...document.querySelectorAll('.rows .took')]
        .slice(0, 10)
        .map(({ textContent }) => Number.parseFloat(textContent ?? '')),
    )
    assert.deepEqual(
      lengths,
      lengths.toSorted((a, b) => b - a),
    )
  })

  test('are summed up by workload and by node', async () => {
    const { page } = shown
    await go(page, '#/workloads')
    assert.equal(await page.locator('.rows > .row').count(), 16)
    await go(page, '#/nodes')
    assert.equal(await page.locator('.rows > .row').count(), 20)
    await page.getByRole('button', { name: 'P90' }).click()
    await settle(page)
    await page.locator('.rows a').first().click()
    await settle(page)
    assert.equal(await page.locator('.figure dd').first().textContent(), '250')
    await go(page, '#/workload/Deployment%2Fcheckout?namespace=shop')
    await page.waitForFunction(() => document.querySelectorAll('.aligned .rows > .row').length > 10)
    assert.ok((await page.locator('.aligned .rows > .row').count()) < 80)
  })

  test('keep nobody out', async () => {
    await go(shown.page, '#/')
    assert.deepEqual(await violationsOf(shown.page), [])
  })
})
