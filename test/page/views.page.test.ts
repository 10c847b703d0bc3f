// Owns what holds for every view of the page: at three widths and in both themes nothing goes wrong, nothing sticks out, and nobody is
// kept out.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { sourceOf } from '../web/source.ts'
import { violationsOf } from './axe.ts'
import { whyNoBrowser } from './find-browser.ts'
import { recorded, type Sample, traceNamed, USUAL } from './samples.ts'
import { sessionsOf } from './sessions.ts'
import { go, type Shown, type Stage, startStage, type View } from './stage.ts'

const LOOKS: readonly Required<Pick<View, 'width' | 'theme'>>[] = [
  { width: 1440, theme: 'light' },
  { width: 1440, theme: 'dark' },
  { width: 1024, theme: 'light' },
  { width: 1024, theme: 'dark' },
  { width: 390, theme: 'light' },
  { width: 390, theme: 'dark' },
]

/** axe takes seconds for a view: by default each view is judged in one look, and each look with some view. */
const isAll = process.env['PODSPAN_PAGE'] === 'all'

let sample: Sample
let stage: Stage

/** By name of the view: its address. */
const ADDRESSES: Readonly<Record<string, () => string>> = {
  starts: () => '#/',
  'starts, filtered to none': () => '#/?namespace=nowhere',
  'a start with failures': () => `#/start/${traceNamed(sample, 'crash').traceId}`,
  'a start of many containers': () => `#/start/${traceNamed(sample, 'many').traceId}`,
  'a start with spans of other components': () => `#/start/${traceNamed(sample, 'fails-once').traceId}`,
  'no start': () => `#/start/${'0'.repeat(32)}`,
  workloads: () => '#/workloads',
  'a workload': () => '#/workload/Deployment%2Fshop?namespace=rollout-slower',
  nodes: () => '#/nodes',
  'a node': () => '#/node/node-1',
  rollouts: () => '#/rollouts',
  'a rollout': () =>
    `#/rollout/${sample.rollouts.find(({ namespace }) => namespace === 'rollout-budget')?.traceId}`,
  sessions: () => '#/sessions',
  'a session': () => '#/session/5e551071-0000-4000-8000-000000000001',
}

describe('every view', { skip: whyNoBrowser() ?? false }, () => {
  before(async () => {
    sample = await recorded([...USUAL, 'with-native-spans'])
    const { source, starts } = sourceOf({
      about: () => ({
        ...{ kind: 'operator', title: 'prod-1', version: '0.1.0', pod: 'podspan-0', role: 'leader' },
        has: ['rollouts', 'sessions'],
      }),
      rollouts: () => sample.rollouts,
      sessions: () => sessionsOf(sample.traces),
    })
    for (const trace of sample.traces) starts.add(trace)
    stage = await startStage(source)
  })
  after(() => stage.close())

  for (const [turn, look] of LOOKS.entries())
    describe(`${look.width} wide, ${look.theme}`, () => {
      let shown: Shown
      before(async () => {
        shown = await stage.open('#/', look)
      })
      after(() => shown.close())
      for (const [index, [name, address]] of Object.entries(ADDRESSES).entries())
        test(name, async () => {
          const { page, problems } = shown
          await go(page, address())
          assert.deepEqual(await stickingOut(page), [])
          if (isAll || index % LOOKS.length === turn) assert.deepEqual(await violationsOf(page), [])
          // What is not there is answered with 404, and the browser says so.
          assert.deepEqual(
            problems.filter((problem) => !problem.includes('404')),
            [],
          )
        })
    })
})

/** Elements beyond the right edge, but in boxes that scroll. */
const stickingOut = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const isScrolled = (element: Element | null): boolean => {
      for (let at = element; at && at.id !== 'main'; at = at.parentElement)
        if (getComputedStyle(at).overflowX !== 'visible') return true
      return false
    }
    const found = [...document.querySelectorAll('body *')].filter((element) => {
      const { right, width } = element.getBoundingClientRect()
      return width > 0 && right > innerWidth + 1 && !isScrolled(element)
    })
    const main = document.getElementById('main') as HTMLElement
    const isWide = main.scrollWidth > main.clientWidth + 1 ? ['the page scrolls sideways'] : []
    return [...isWide, ...found.slice(0, 5).map((element) => element.outerHTML.slice(0, 120))]
  })
