// Owns the advice that an image should be on the node before the pod is: pulled ahead, part of the node's image, or cached near by.
// Promises the share of starts that found it there. A pull that asks the registry each time (imagePullPolicy Always) would remain, as long
// as the shortest one seen of that image. Does not know where images come from.

import { type DurationNano, durationNano, ZERO } from '../base/time.ts'
import { allTogether, type Counterfactual, type CutRange } from './advice.ts'
import type { Cuts } from './retime.ts'
import { durationOf, type Start, type Step } from './start.ts'

export function findCachedImages(starts: readonly Start[]): Counterfactual[] {
  const images = new Set(starts.flatMap(({ steps }) => steps.filter(isPull).map(imageOf)))
  const each = [...images].flatMap((image) => (image === undefined ? [] : cachedImage(starts, image)))
  const to = 'present on the node'
  return [...each, ...allTogether(each, { to, change: `all ${each.length} images ${to}` })]
}

const isPull = ({ name }: Step): boolean => name === 'pull image'
const imageOf = ({ attributes }: Step): string | undefined => {
  const image = attributes['container.image.name']
  return typeof image === 'string' ? image : undefined
}

function cachedImage(starts: readonly Start[], image: string): Counterfactual[] {
  const pulls = starts.flatMap(({ steps }) => steps.filter((step) => isPull(step) && imageOf(step) === image))
  const done = pulls.filter(({ failed, open }) => !failed && !open).map(durationOf)
  const least = done.reduce<DurationNano>((a, b) => (a < b ? a : b), done[0] ?? ZERO)
  const cuts = new Map<Start, CutRange>()
  for (const start of starts) {
    const range = rangeOf(start, image, least)
    if (range) cuts.set(start, range)
  }
  const { found, asked } = countFound(starts, image)
  return [
    {
      kind: 'image present',
      span: 'pull image',
      image,
      to: 'present on the node',
      change: `image ${image} present on the node`,
      note: `it was there on ${found} of ${asked} starts (${asked === 0 ? 0 : Math.round((found * 100) / asked)} %)`,
      cuts,
    },
  ]
}

function rangeOf({ steps }: Start, image: string, least: DurationNano): CutRange | undefined {
  const low = new Map<Step, DurationNano>()
  const high = new Map<Step, DurationNano>()
  let first: Step | undefined
  for (const step of steps) {
    if (!isOf(step, image) || step.open) continue
    first ??= step
    const always = step.attributes['podspan.image.pull_policy'] === 'Always'
    high.set(step, durationOf(step))
    low.set(step, always ? less(durationOf(step), least) : durationOf(step))
  }
  if (!first) return undefined
  const likely: Cuts = low
  return { low, likely, high, step: first }
}

/** A pull of the image, or the wait after one that failed. */
const isOf = (step: Step, image: string): boolean =>
  isPull(step)
    ? imageOf(step) === image
    : step.name === 'back-off' &&
      step.attributes['podspan.backoff.after'] === 'pull image' &&
      step.subject === image

const less = (by: DurationNano, least: DurationNano): DurationNano =>
  by > least ? durationNano(by - least) : ZERO

/** Starts whose first container of this image was made, and those of them that needed no pull for it. */
function countFound(
  starts: readonly Start[],
  image: string,
): { readonly found: number; readonly asked: number } {
  let found = 0
  let asked = 0
  for (const { steps } of starts) {
    const made = steps.find((step) => step.name === 'create container' && imageOf(step) === image)
    if (!made) continue
    asked++
    if (made.attributes['podspan.image.cached'] === true) found++
  }
  return { found, asked }
}
