// Owns what an open page does while pods start: from Pending to Ready without a click, and through a server that goes and comes back.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createPipeline, type Pipeline } from '../../src/trace/pipeline.ts'
import { uidOf } from '../../src/trace/identity.ts'
import type { PageSource } from '../../src/web/source.ts'
import { at, story, UID } from '../support/pods.ts'
import { sourceOf, type TestSource } from '../web/source.ts'
import { whyNoBrowser } from './find-browser.ts'
import { go, type Shown, type Stage, startStage } from './stage.ts'

const frames = story()
  .create(0)
  .bind(20)
  .admit(40)
  .event(60, 'Pulling', 'app', 'Pulling image "registry/app:1"')
  .event(
    4060,
    'Pulled',
    'app',
    'Successfully pulled image "registry/app:1" in 4s (4s including waiting). Image size: 1000 bytes.',
  )
  .event(4070, 'Created', 'app', 'Container created')
  .event(4080, 'Started', 'app', 'Container started')
  .ready(4300)
  .frames(20_000)

let pipeline: Pipeline
let made: TestSource
let source: PageSource
let stage: Stage
let shown: Shown
let next = 0
let toldMs = 0

/** What the watch shows until so many ms of the story have passed. */
function goOn(untilMs: number): void {
  toldMs = untilMs
  for (; next < frames.length && (frames[next] as Frame).t <= at(untilMs); next++)
    for (const trace of pipeline.push(frames[next] as Frame)) made.starts.add(trace)
}

describe('an open page', { skip: whyNoBrowser() ?? false }, () => {
  before(async () => {
    pipeline = createPipeline()
    made = sourceOf({ inFlight: () => pipeline.inFlight() })
    source = { ...made.source, get: (id) => made.starts.kept(id) ?? pipeline.traceOf(uidOf(id)) }
    // The story is told in a year to come: the page goes by the server's clock, not by its own.
    stage = await startStage(source, { ...systemClock(), now: () => at(Math.max(0, toldMs) + 2000) })
    shown = await stage.open('#/')
  })
  after(async () => {
    await shown.close()
    await stage.close()
  })

  const says = (selector: string, text: string): Promise<unknown> =>
    shown.page.waitForFunction(
      ([where, what]) => document.querySelector(where as string)?.textContent?.includes(what as string),
      [selector, text],
    )

  test('says that nothing is there yet, and how something would be', async () => {
    await says('.in-flight', 'Nothing is starting')
    await says('.nothing', 'No start has been seen yet')
  })

  test('shows a pod that waits to be scheduled, then what else it waits for, and for how long', async () => {
    goOn(15)
    await says('.in-flight h2', '1 starting')
    await says('.in-flight li', 'waiting to be scheduled')
    goOn(1000)
    await says('.in-flight li', 'pulling registry/app:1')
    assert.match((await shown.page.locator('.in-flight .age').textContent()) ?? '', /^[2-9] s old$/)
  })

  test('shows its waterfall as it grows, where zoom and choice stay', async () => {
    const { page } = shown
    await go(page, `#/start/${UID}`)
    await says('.verdict', 'pulling')
    await page.locator('[role=treeitem]', { hasText: 'schedule' }).click()
    const before = await page.locator('[role=treeitem]').count()
    goOn(4200)
    await page.waitForFunction((count) => document.querySelectorAll('[role=treeitem]').length > count, before)
    assert.match(
      (await page.locator('[role=treeitem][aria-selected="true"]').textContent()) ?? '',
      /schedule/,
    )
    assert.match((await page.locator('.span-name').textContent()) ?? '', /schedule/)
  })

  test('shows the end of it without a click: first that evidence settles, then the start', async () => {
    const { page } = shown
    await go(page, '#/')
    await says('.in-flight h2', '1 starting')
    goOn(4400)
    await says('.in-flight', 'its evidence settles')
    goOn(20_000)
    await says('.rows', 'shop/web')
    await says('.in-flight h2', 'Nothing is starting')
    assert.equal(await page.locator('.rows > .row').count(), 1)
  })

  test('says when the server has gone, keeps what it has, and goes on when there is one again', async () => {
    const { port } = stage
    await stage.closeServer()
    await says('.banner', 'The connection to Podspan is lost')
    assert.equal(await shown.page.locator('.rows > .row').count(), 1)
    assert.equal(await shown.page.locator('.connection').textContent(), 'lost')
    const [first] = source.finished()
    assert.ok(first)
    await stage.openServer(source, port)
    await shown.page.waitForFunction(() => document.querySelector('.connection')?.textContent === 'live')
    assert.equal(await shown.page.locator('.banner').isVisible(), false)
    made.starts.add({ ...first, traceId: 'b'.repeat(32), uid: 'after', name: 'came-after' })
    await says('.rows', 'came-after')
  })
})
