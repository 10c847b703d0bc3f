// Owns `make pictures`: the pictures of the page in README.md and docs/, taken of recorded starts as the tests see them.
// Promises the same pictures of the same page on a machine with the same fonts. Does not assert anything.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { systemClock } from '../../src/base/clock.ts'
import { unixNano } from '../../src/base/time.ts'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { framesOf } from '../rollout/replay.ts'
import { sourceOf } from '../web/source.ts'
import { recorded, type Sample, traceNamed } from './samples.ts'
import { go, inPage, settle, startStage } from './stage.ts'

const DIRECTORY = join(import.meta.dirname, '../../docs/images')
/** Of one evening: rollouts, quotas, gates, new nodes, volumes, preemption. */
const EVENING = [
  ...['rollout-budget', 'rollout-slower', 'rollout-quota', 'rollout-job', 'gate-late', 'kueue', 'scaled'],
  ...[
    'updated',
    'node-added',
    'preemption-two',
    'node-limit',
    'node-shared',
    'node-from-zero',
    'quota-freed',
  ],
  ...['volume-attach', 'volume-fails', 'volume-held', 'volume-refused', 'volume-waits', 'volume-immediate'],
] as const
/** Starts by themselves, of an earlier hour. */
const SINGLE = ['init-sidecar-readiness', 'pulls'] as const

const NOW = Date.parse('2026-11-22T23:54:00Z')

interface Picture {
  readonly name: string
  readonly theme: 'light' | 'dark'
  readonly height: number
  readonly address: (sample: Sample) => string
  readonly prepare?: (page: Page) => Promise<void>
}

const PICTURES: readonly Picture[] = [
  { name: 'starts', theme: 'light', height: 760, address: () => '#/' },
  {
    name: 'start',
    theme: 'dark',
    height: 860,
    address: (sample) => `#/start/${traceNamed(sample, 'web').traceId}`,
    prepare: (page) => page.locator('[role=treeitem]', { hasText: /^readiness/ }).click(),
  },
  {
    name: 'workload',
    theme: 'light',
    height: 820,
    address: () => '#/workload/Deployment%2Fshop?namespace=rollout-slower',
  },
  {
    name: 'rollout',
    theme: 'light',
    height: 900,
    address: ({ rollouts }) =>
      `#/rollout/${rollouts.find(({ namespace, revision }) => namespace === 'rollout-budget' && revision === '2')?.traceId}`,
  },
  {
    name: 'node',
    theme: 'dark',
    height: 860,
    address: () => '#/node/node-1',
    prepare: async (page) => {
      await page.waitForFunction(inPage("document.querySelectorAll('.node-picture a.label').length > 0"))
    },
  },
]

/** Starts that were under way in the middle of recordings, as old as they were then. */
async function underWay(): Promise<InFlight[]> {
  const found: InFlight[] = []
  for (const [name, share] of [
    ['image-missing', 0.5],
    ['gates', 0.3],
    ['init-sidecar-readiness', 0.8],
  ] as const) {
    const pipeline = createPipeline()
    const frames = await framesOf(name)
    const first = frames[0]?.t ?? 0n
    const end = first + BigInt(Math.round(Number((frames.at(-1)?.t ?? 0n) - first) * share))
    for (const frame of frames) if (frame.t <= end) pipeline.push(frame)
    const by = BigInt(NOW) * 1_000_000n - end
    for (const start of pipeline.inFlight())
      found.push({
        ...start,
        uid: start.uid.replace(/^./, 'f'),
        created: (start.created + by) as InFlight['created'],
        since: (start.since + by) as InFlight['since'],
      })
  }
  return found
}

mkdirSync(DIRECTORY, { recursive: true })
const [evening, single, flight] = await Promise.all([recorded(EVENING), recorded(SINGLE), underWay()])
for (const picture of PICTURES) {
  const shown = picture.name === 'node' || picture.name === 'start' ? single : evening
  const { source, starts } = sourceOf({
    about: () => ({
      ...{
        kind: 'operator',
        title: 'prod-1',
        version: '0.1.0',
        pod: 'podspan-7f9c6b5d8-x2x4p',
        role: 'leader',
      },
      has: ['rollouts', 'sessions'],
    }),
    inFlight: () => flight,
    rollouts: () => shown.rollouts,
    sessions: () => [],
  })
  for (const trace of shown.traces) starts.add(trace)
  const stage = await startStage(source, { ...systemClock(), now: () => unixNano(BigInt(NOW) * 1_000_000n) })
  const { page, close } = await stage.open('#/', {
    width: 1280,
    height: picture.height,
    theme: picture.theme,
  })
  await page.clock.setFixedTime(NOW)
  await page.reload()
  // The system's own font differs from machine to machine.
  await page.evaluate(`document.documentElement.style.setProperty('--font', 'Inter, sans-serif')`)
  await go(page, picture.address(shown))
  await picture.prepare?.(page)
  await page.mouse.move(0, 0)
  await settle(page)
  await page.screenshot({ path: join(DIRECTORY, `page-${picture.name}.png`), animations: 'disabled' })
  await close()
  await stage.close()
}
