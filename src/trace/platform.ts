// Owns what a platform hides in a start: images that were streamed or there already, sidecars of a service mesh that held the app.
// Promises to say so only where figures of the components show it, each by a rule of docs/spans.md, "What the platform hides".
// Does not know any platform's API.

import { type DurationNano, durationNano, toMilliseconds, ZERO } from '../base/time.ts'
import type { Operation } from '../operations/operation.ts'
import type { Startup } from '../operations/startup.ts'
import type { CriticalPath } from './critical-path.ts'
import { durationText } from './duration-text.ts'
import type { AttributeValue } from './trace.ts'

/** Containers that meshes put in, by the names that their injectors give them. */
const MESHES: ReadonlyMap<string, string> = new Map([
  ['istio-proxy', 'istio'],
  ['istio-init', 'istio'],
  ['istio-validation', 'istio'],
  ['linkerd-proxy', 'linkerd'],
  ['linkerd-init', 'linkerd'],
  ['linkerd-network-validator', 'linkerd'],
  ['kuma-sidecar', 'kuma'],
  ['kuma-init', 'kuma'],
  ['consul-dataplane', 'consul'],
  ['consul-connect-inject-init', 'consul'],
])

export const isMesh = (container: string | undefined): boolean => MESHES.has(container ?? '')

export interface Hidden {
  readonly mesh: string | undefined
  /** How long the end waited for the mesh's own containers. */
  readonly held: DurationNano
  /** Images whose pull was faster than fetching and unpacking them can be. */
  readonly streamed: readonly Streamed[]
  readonly images: number
  /** Of these, how many were on the node when their container's turn came. */
  readonly cached: number
}

export interface Streamed {
  readonly image: string
  readonly bytes: number
  readonly took: DurationNano
}

/** 12 Gbit/s of compressed layers, which nodes neither fetch nor unpack: what reports more has not moved the bytes. */
const IMPLAUSIBLE_BYTES_PER_SECOND = 1.5e9
/** Of smaller ones the round trips to the registry are the most, and durations are cut to a millisecond. */
const STREAMED_MIN_BYTES = 50e6

export function findHidden({ histories, root }: Startup, path: CriticalPath): Hidden {
  const streamed: Streamed[] = []
  let images = 0
  let cached = 0
  for (const { spec, pulls, runs } of histories) {
    const first = runs.get(0)
    if (pulls.length > 0 || first) images++
    if (first?.cached && pulls.length === 0) cached++
    for (const { detail } of pulls) {
      const { bytes = 0, pull } = detail ?? {}
      if (pull !== undefined && isImplausible(bytes, pull))
        streamed.push({ image: detail?.image ?? spec.image, bytes, took: pull })
    }
  }
  images += volumeImages(root)
  const mesh = histories.map(({ spec }) => MESHES.get(spec.name)).find((one) => one !== undefined)
  return { mesh, held: mesh === undefined ? ZERO : heldBy(root, path), streamed, images, cached }
}

/** Those that were pulled to be mounted. */
const volumeImages = ({ children }: Operation): number =>
  new Set(
    children.flatMap(({ container, name, subject }) =>
      name === 'pull image' && container === undefined ? [subject] : [],
    ),
  ).size

const isImplausible = (bytes: number, pull: DurationNano): boolean =>
  bytes >= STREAMED_MIN_BYTES && bytes * 1e9 > IMPLAUSIBLE_BYTES_PER_SECOND * Math.max(Number(pull), 1e6)

function heldBy(operation: Operation, path: CriticalPath): DurationNano {
  let total = 0n
  if (isMesh(operation.container)) for (const { from, to } of path.get(operation) ?? []) total += to - from
  for (const child of operation.children) total += heldBy(child, path)
  return durationNano(total)
}

export function platformAttributes(hidden: Hidden): Record<string, AttributeValue> {
  const { cached, held, images, mesh, streamed } = hidden
  return {
    ...(images === 0 ? {} : { 'podspan.images': images, 'podspan.images.cached': cached }),
    ...(streamed.length === 0 ? {} : { 'podspan.images.streamed': streamed.map(({ image }) => image) }),
    ...(mesh === undefined ? {} : { 'podspan.mesh': mesh, 'podspan.mesh.held_ms': toMilliseconds(held) }),
  }
}

/** A mesh that held the app for less than this is not worth a word. */
const HELD_MIN = durationNano(100_000_000n)

/** What of it belongs into the verdict, as the end of a sentence. */
export function hiddenWords({ cached, held, images, mesh, streamed }: Hidden): string {
  const [first] = streamed
  const words = [
    ...(mesh !== undefined && held >= HELD_MIN ? [`${durationText(held)} held by the ${mesh} sidecar`] : []),
    ...(first
      ? [
          `${sizeText(first.bytes)} of ${first.image} in ${durationText(first.took)}: streamed, or layers were there`,
        ]
      : []),
    ...(images > 0 && cached === images ? [images === 1 ? 'image cached' : 'images cached'] : []),
  ]
  return words.map((each) => `; ${each}`).join('')
}

const sizeText = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`
