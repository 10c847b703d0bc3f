// Owns the few messages whose exact form Podspan reads, with the versions that write them.
// Promises undefined for a message that does not match, never a guess. Names and containers are never taken from messages.

import { type DurationNano, durationNano } from '../base/time.ts'

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const GO_DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/
const GO_DURATION_PART = /(\d+)(?:\.(\d+))?(ns|us|µs|ms|s|m|h)/g

/** Parses what Go's `time.Duration.String()` prints, such as `1m2.345s`. */
export function parseGoDuration(text: string): DurationNano | undefined {
  if (text === '0s' || text === '0') return durationNano(0n)
  if (!GO_DURATION.test(text)) return undefined
  let total = 0n
  for (const [, whole = '0', fraction = '', unit = 's'] of text.matchAll(GO_DURATION_PART)) {
    const scale = UNITS[unit] ?? 0n
    total += BigInt(whole) * scale
    if (fraction) total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
  }
  return durationNano(total)
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
