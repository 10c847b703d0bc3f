// Owns the bench of the page: how long a browser takes until something, and until the starts, are painted, with 5,000 of them.
// Promises the whole way each time: a browser context of its own, every file and row asked of the server again.
// Does not say what it looks like: test/page does.

import { openBrowser } from '../test/page/browser.ts'
import { whyNoBrowser } from '../test/page/find-browser.ts'
import { many, recorded } from '../test/page/samples.ts'
import { inPage, startStage } from '../test/page/stage.ts'
import { sourceOf } from '../test/web/source.ts'
import type { Bench, Result } from './report.ts'

const STARTS = 5000

interface Paint {
  readonly first: number
  readonly rows: number
  readonly all: number
}

/** Runs in the page before anything else of it. */
const WATCH = `
  const seen = (name) => requestAnimationFrame(() => requestAnimationFrame(() => { globalThis[name] ??= performance.now() }))
  new MutationObserver(() => {
    if (document.querySelector('.rows > .row')) seen('rowsAt')
    if (document.querySelector('#finished-title')?.textContent === '5,000 finished') seen('allAt')
  }).observe(document, { childList: true, subtree: true, characterData: true })
`

export const bench: Bench = async ({ quick, say }) => {
  const reason = whyNoBrowser()
  if (reason !== undefined) {
    say(`  the page is not measured: ${reason}`)
    return []
  }
  const paints = await paint(quick ? 3 : 15)
  const result = (what: string, of: keyof Paint, atMost?: number): Result => ({
    what: `${what}, ${STARTS} starts`,
    unit: 'ms',
    ours: paints.map((one) => one[of]),
    ...(atMost === undefined ? {} : { target: { kind: 'value', atMost } }),
  })
  return [
    result('first paint of the page', 'first', 300),
    result('the newest starts painted', 'rows', 300),
    result('all starts there, summed up and painted', 'all'),
  ]
}

async function paint(times: number): Promise<Paint[]> {
  const { source, starts } = sourceOf()
  for (const trace of many(await recorded(['burst', 'crash-loop', 'pulls', 'node-shared']), STARTS))
    starts.add(trace)
  const [stage, browser] = await Promise.all([startStage(source), openBrowser()])
  const paints: Paint[] = []
  try {
    // The first one warms the server up, as whoever opened the page before has.
    for (let time = 0; time <= times; time++) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
      const page = await context.newPage()
      await page.addInitScript(WATCH)
      await page.goto(stage.url)
      await page.waitForFunction(inPage('globalThis.rowsAt && globalThis.allAt'))
      const found = await page.evaluate<Paint>(
        `({ first: performance.getEntriesByName('first-contentful-paint')[0].startTime, rows: rowsAt, all: allAt })`,
      )
      if (time > 0) paints.push(found)
      await context.close()
    }
  } finally {
    await Promise.all([browser.close(), stage.close()])
  }
  return paints
}
