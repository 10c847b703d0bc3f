// Owns the few messages whose exact form Podspan reads, with the versions that write them.
// Promises undefined for a message that does not match, never a guess. Names and containers are never taken from messages.

import { type DurationNano, durationNano } from '../base/time.ts'

/** Nanoseconds in a unit of Go's durations. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['µs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 60e9],
  ['h', 3600e9],
])
const ZERO_CODE = 48
const POINT_CODE = 46
const isDigit = (code: number): boolean => code >= ZERO_CODE && code <= ZERO_CODE + 9

/** Parses what Go's `time.Duration.String()` prints, such as `1m2.345s`. Undefined also for more than 104 days, which no pull takes. */
export function parseGoDuration(text: string): DurationNano | undefined {
  if (text === '0') return durationNano(0n)
  let total = 0
  let at = 0
  do {
    const from = at
    while (isDigit(text.charCodeAt(at))) at++
    const point = at
    if (text.charCodeAt(at) === POINT_CODE) at++
    while (isDigit(text.charCodeAt(at))) at++
    const digits = at
    while (at < text.length && !isDigit(text.charCodeAt(at))) at++
    const scale = UNITS.get(text.slice(digits, at))
    if (scale === undefined || point === from || digits === point + 1) return undefined
    const fraction = point === digits ? 0 : nanosOf(text.slice(point + 1, digits), scale)
    total += Number(text.slice(from, point)) * scale + fraction
  } while (at < text.length)
  return Number.isSafeInteger(total) ? durationNano(BigInt(total)) : undefined
}

/** The digits behind the point, in whole nanoseconds; Go prints no finer ones. */
function nanosOf(digits: string, scale: number): number {
  const kept = digits.slice(0, 9)
  return Math.floor((Number(kept) * scale) / 10 ** kept.length)
}

export interface PulledMessage {
  readonly image: string
  /** CRI PullImage (from 1.30 with GetImageSize), truncated to 1 ms. */
  readonly pull: DurationNano
  /** Since the `Pulling` event, truncated to 1 ms. */
  readonly withWaiting: DurationNano
  /** From 1.30. */
  readonly bytes?: number
}

const PULLED =
  /^Successfully pulled image "(.*)" in (\S+) \((\S+) including waiting\)(?:\. Image size: (\d+) bytes\.)?$/

/** `Successfully pulled image "I" in D1 (D2 including waiting). Image size: N bytes.` (pkg/kubelet/images/image_manager.go). */
export function parsePulled(message: string): PulledMessage | undefined {
  const match = PULLED.exec(message)
  if (!match) return undefined
  const [, image = '', pullText = '', waitingText = '', bytes] = match
  const pull = parseGoDuration(pullText)
  const withWaiting = parseGoDuration(waitingText)
  if (pull === undefined || withWaiting === undefined) return undefined
  return { image, pull, withWaiting, ...(bytes === undefined ? {} : { bytes: Number(bytes) }) }
}

const QUOTED_IMAGE = /\bimage "([^"]+)"/

/** The image that an image event names, as it is written in the spec. */
export const imageInMessage = (message: string): string | undefined => QUOTED_IMAGE.exec(message)?.[1]

export const isAlreadyPresent = (message: string): boolean => message.includes('already present on machine')
export const isPullFailure = (message: string): boolean => message.startsWith('Failed to pull image')
/** The kubelet's second, shorter report of a failed pull; the first may have been dropped. */
export const isPullError = (message: string): boolean =>
  /^Error: (ErrImagePull|RegistryUnavailable|SignatureValidationFailed|ErrImageNeverPull)$/.test(message)

const FIELD_PATH = /^spec\.(containers|initContainers|ephemeralContainers)\{(.+)\}$/

/** The container that an event's `involvedObject.fieldPath` names (pkg/kubelet/container/ref.go). */
export const containerInFieldPath = (fieldPath: string | undefined): string | undefined =>
  fieldPath === undefined ? undefined : FIELD_PATH.exec(fieldPath)?.[2]
