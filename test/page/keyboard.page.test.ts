// Owns what can be done without a mouse: to find, to go through lists, to walk, zoom and pan a waterfall, and to come back.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { sourceOf } from '../web/source.ts'
import { whyNoBrowser } from './find-browser.ts'
import { many, recorded, type Sample, traceNamed } from './samples.ts'
import { go, settle, type Shown, type Stage, startStage } from './stage.ts'

let sample: Sample
let stage: Stage
let shown: Shown

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')
const press = async (page: Page, ...keys: readonly string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key)
  await settle(page)
}
const rowOf = (page: Page): Promise<number> =>
  page.evaluate(() =>
    Number(document.activeElement?.closest('[aria-rowindex]')?.getAttribute('aria-rowindex')),
  )
const hash = (page: Page): Promise<string> => page.evaluate(() => location.hash)

describe('by keyboard', { skip: whyNoBrowser() ?? false }, () => {
  before(async () => {
    sample = await recorded(['crash-loop', 'many-events', 'burst', 'with-native-spans'])
    const { source, starts } = sourceOf()
    for (const trace of [...many(sample, 300), ...sample.traces]) starts.add(trace)
    stage = await startStage(source)
    shown = await stage.open('#/')
  })
  after(async () => {
    assert.deepEqual(shown.problems, [])
    await shown.close()
    await stage.close()
  })

  test('the first Tab offers to skip what stands above', async () => {
    const { page } = shown
    await press(page, 'Tab')
    assert.equal(await focused(page), 'Skip to the content')
    await press(page, 'Enter')
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main')
    assert.equal(await hash(page), '#/', 'and the view stays')
  })

  test('/ goes to the search, and what is typed filters while the focus stays', async () => {
    const { page } = shown
    await press(page, '/')
    await page.keyboard.type('crash')
    await page.waitForFunction(() => location.hash.includes('text=crash'))
    await page.waitForFunction(() =>
      document.querySelector('#finished-title')?.textContent?.startsWith('1 of'),
    )
    assert.equal(await page.evaluate(() => (document.activeElement as HTMLInputElement).value), 'crash')
  })

  test('↓ goes from start to start, Enter opens one, and back leads to where it was', async () => {
    const { page } = shown
    await go(page, '#/')
    await page.locator('.rows a').first().focus()
    const first = await focused(page)
    await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown')
    const fourth = await focused(page)
    assert.notEqual(fourth, first)
    await press(page, 'ArrowUp')
    assert.notEqual(await focused(page), fourth)
    await press(page, 'Enter')
    assert.match(await hash(page), /^#\/start\//)
    await page.goBack()
    await settle(page)
    assert.equal(await hash(page), '#/')
  })

  test('↓ reaches far more than is in sight, and no row is drawn that is not', async () => {
    const { page } = shown
    await go(page, '#/')
    await page.locator('.rows a').first().focus()
    for (let step = 0; step < 80; step++) await page.keyboard.press('ArrowDown')
    await settle(page)
    assert.equal(await rowOf(page), 82)
    assert.ok((await page.locator('.rows > .row').count()) < 80)
  })

  test('the focus stays on its row while the wheel goes elsewhere, and goes on from there', async () => {
    const { page } = shown
    await go(page, '#/')
    await page.locator('.rows a').nth(2).focus()
    const third = await focused(page)
    const before = await rowOf(page)
    await page.evaluate(() => {
      const main = document.getElementById('main') as HTMLElement
      main.scrollTop = main.scrollHeight
    })
    await settle(page)
    assert.equal(await focused(page), third)
    await press(page, 'ArrowDown')
    assert.equal(await rowOf(page), before + 1)
    assert.equal(await page.locator('.rows a:focus').isVisible(), true)
  })

  test('a waterfall is walked, folded and opened by the arrows, and the evidence follows', async () => {
    const { page } = shown
    const { traceId } = traceNamed(sample, 'crash')
    await go(page, `#/start/${traceId}`)
    await page.locator('[role=treeitem][tabindex="0"]').focus()
    await press(page, 'ArrowDown')
    assert.match(await focused(page), /^schedule/)
    assert.match((await page.locator('.span-name').textContent()) ?? '', /^schedule/)
    assert.match(await hash(page), new RegExp(`^#/start/${traceId}\\?span=[0-9a-f]{16}$`))
    const lines = await page.locator('[role=treeitem]').count()
    await press(page, 'ArrowDown', 'ArrowDown')
    assert.match(await focused(page), /app/)
    await press(page, 'ArrowLeft')
    assert.ok((await page.locator('[role=treeitem]').count()) < lines)
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-expanded')), 'false')
    await press(page, 'ArrowRight')
    assert.equal(await page.locator('[role=treeitem]').count(), lines)
    await press(page, 'End')
    assert.match(await focused(page), /report status/)
  })

  test('W zooms in, D and A pan, F fits the chosen span, and 0 shows all again', async () => {
    const { page } = shown
    await go(page, `#/start/${traceNamed(sample, 'crash').traceId}`)
    await page.locator('[role=treeitem][tabindex="0"]').focus()
    const ticks = (): Promise<string[]> => page.locator('.axis span').allTextContents()
    const all = await ticks()
    await press(page, 'w', 'w', 'w')
    const near = await ticks()
    assert.notDeepEqual(near, all)
    await press(page, 'd')
    assert.notDeepEqual(await ticks(), near)
    await press(page, 'Shift+ArrowLeft')
    assert.deepEqual(await ticks(), near)
    await press(page, 'ArrowDown', 'f')
    assert.notDeepEqual(await ticks(), near)
    await press(page, '0')
    assert.deepEqual(await ticks(), all)
  })

  test('the colours are changed and stay', async () => {
    const { page } = shown
    const theme = (): Promise<string | undefined> =>
      page.evaluate(() => document.documentElement.dataset['theme'])
    const button = page.locator('button[aria-label^="Colours"]')
    await button.focus()
    await press(page, 'Enter', 'Enter')
    assert.equal(await theme(), 'dark')
    await page.reload()
    assert.equal(await theme(), 'dark')
    await page.locator('button[aria-label^="Colours"]').click()
    assert.equal(await theme(), 'light')
  })

  test('→ opens what other components told below an operation, and Enter shows who said it', async () => {
    const { page } = shown
    await go(page, `#/start/${traceNamed(sample, 'fails-once').traceId}`)
    const lanes = page.locator('.line.lane').filter({ hasText: /\d+ spans? of/ })
    const line = (): Promise<string> => page.locator('[role=treeitem][aria-selected=true]').innerText()
    assert.ok((await lanes.count()) > 0)
    await page.locator('[role=treeitem]').first().focus()
    for (let n = 0; n < 100 && !/\d+ spans? of/.test(await line()); n++) await press(page, 'ArrowDown')
    const before = await page.locator('[role=treeitem]').count()
    await press(page, 'ArrowRight', 'ArrowRight', 'Enter')
    assert.ok((await page.locator('[role=treeitem]').count()) > before)
    assert.match(await page.locator('.evidence').innerText(), /From the component's own span/)
  })
})
