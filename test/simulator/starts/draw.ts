// Owns the drawing of one start's moments: each stage from the distribution that the recordings give, in the order of a life's rules.
// Promises the same moments for the same random numbers. Does not know what happens at a moment.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Life } from './life.ts'
import type { Distributions } from './measure.ts'
import { LIVES, LIFETIME, PLANS } from './shapes.ts'

const FILE = join(import.meta.dirname, 'distributions.json')
export const DISTRIBUTIONS = JSON.parse(readFileSync(FILE, 'utf8')) as Distributions

export interface DrawOptions {
  readonly random: () => number
  /** Stages that wait (not those of milliseconds) are so much shorter than recorded. */
  readonly compress: number
  /** From Ready to deletion, in ms; undefined: a pod stays. */
  readonly lifetimeMs: number | undefined
}

/** The last twentieth is not drawn from: there scenarios waited for minutes on purpose. */
const DRAWN = 19
/** A recorder's lag is what it is however fast time passes. */
const isLag = (stage: string): boolean => stage.startsWith('lag of ')

/** In ms after the pod was stored; a moment that never comes is infinite. */
export function drawMoments({ moments }: Life, options: DrawOptions): Float64Array {
  const times = new Float64Array(moments.length)
  moments.forEach(({ after, ms, notBefore, stage }, index) => {
    const begun = after < 0 ? 0 : (times[after] ?? 0)
    const least = notBefore < 0 ? Number.NEGATIVE_INFINITY : (times[notBefore] ?? 0) + 0.5
    times[index] = Math.max(begun + ms + (stage === undefined ? 0 : drawStage(stage, options)), least)
  })
  return times
}

function drawStage(stage: string, { compress, lifetimeMs, random }: DrawOptions): number {
  if (stage === LIFETIME) return lifetimeMs ?? Number.POSITIVE_INFINITY
  const quantiles = DISTRIBUTIONS.stages[stage]
  if (!quantiles) throw new Error(`the recordings say nothing of '${stage}'`)
  const place = random() * DRAWN
  const [low = 0, high = low] = quantiles.slice(Math.floor(place), Math.floor(place) + 2)
  const ms = low + (high - low) * (place % 1)
  return isLag(stage) ? ms : ms / compress
}

export function drawLife(random: () => number, without: readonly string[] = []): Life {
  const wanted = PLANS.map(({ name, share }) => (without.includes(name) ? 0 : share))
  let left = random() * wanted.reduce((sum, share) => sum + share, 0)
  for (const [index, share] of wanted.entries()) {
    left -= share
    if (left < 0) return LIVES[index] as Life
  }
  return LIVES[0] as Life
}
