// Owns the kinds of value that the configuration is made of: durations, counts, names, addresses, each with its range in words.
// Promises that a refusal says what was expected, and that the bounds in the words are the bounds that are checked.
// Does not know which settings exist: config-schema.ts does.

import { z } from 'zod'
import type { DurationNano } from '../base/time.ts'

const UNITS = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 } as const
// The escape keeps the bundle ASCII: of anything else V8 would hold the whole source in two bytes a letter.
const PART = /(\d+(?:\.\d+)?)(ns|us|\u00b5s|ms|s|m|h)/gy

/** A duration as Go writes it, such as `500ms`, `10s` or `1h30m`; undefined where it is none. */
export function parseDuration(text: string): DurationNano | undefined {
  const parts = [...text.matchAll(PART)]
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== text) return undefined
  const sum = parts.reduce(
    (total, [, count, unit]) => total + Number(count) * UNITS[unit as keyof typeof UNITS],
    0,
  )
  return BigInt(Math.round(sum)) as DurationNano
}

/** What a value has to be, both where it is checked and where it is documented. */
const expecting = (expected: string): { error: string } => ({ error: expected })

const described = (description: string, expected: string): { description: string; expected: string } => ({
  description,
  expected,
})

export function duration(description: string, least: string, most: string) {
  const expected = `a duration from ${least} to ${most}`
  const [from, to] = [parseDuration(least) ?? 0n, parseDuration(most) ?? 0n]
  return z
    .string(expecting(expected))
    .refine(
      (text) => {
        const parsed = parseDuration(text)
        return parsed !== undefined && parsed >= from && parsed <= to
      },
      { error: expected, abort: true },
    )
    .transform((text): DurationNano => parseDuration(text) ?? (0n as DurationNano))
    .meta(described(description, expected))
}

export function whole(description: string, least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`
  const error = expecting(expected)
  return z.int(error).min(least, error).max(most, error).meta(described(description, expected))
}

export const flag = (description: string) =>
  z.boolean(expecting('true or false')).meta(described(description, 'true or false'))

export function text(description: string, expected: string, form: RegExp) {
  const error = expecting(expected)
  return z.string(error).regex(form, error).meta(described(description, expected))
}

export function oneOf<const T extends readonly [string, ...string[]]>(description: string, values: T) {
  const expected = `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
  return z.enum(values, expecting(expected)).meta(described(description, expected))
}

export const IP_ADDRESS = /^[0-9a-fA-F.:]{2,45}$/
export const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
export const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
export const ABSOLUTE_PATH = /^\/[^\0]{0,4095}$/
