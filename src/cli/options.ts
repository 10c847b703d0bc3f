// Owns how the values of options are read.
// Promises that a value out of range is refused with the option's own words for what it takes; commander adds the option's name.
// Does not declare options: see program.ts.

import { InvalidArgumentError } from 'commander'
import type { DurationNano } from '../base/time.ts'
import { parseSelector } from './session-selector.ts'
import { parseDuration } from './text.ts'

export function duration(text: string): DurationNano {
  const parsed = parseDuration(text)
  if (parsed === undefined)
    throw new InvalidArgumentError('Expected a duration such as 500ms, 5s, 2m or 1h30m.')
  return parsed
}

export function positiveDuration(text: string): DurationNano {
  const parsed = duration(text)
  if (parsed <= 0n) throw new InvalidArgumentError('Expected a duration longer than nothing.')
  return parsed
}

/** Other forms than a session can hold (`a>1`) are the API server's to judge. */
export function selector(text: string): string {
  if (parseSelector(text) === undefined && !/[<>]/.test(text))
    throw new InvalidArgumentError(
      'Expected a label selector as kubectl takes it, such as app=web,tier!=cache.',
    )
  return text
}

export function count(text: string): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 1 || number > 1_000_000) {
    throw new InvalidArgumentError('Expected a whole number from 1 to 1000000.')
  }
  return number
}

/** Where `--ui` serves the page unless another port is given. */
export const PAGE_PORT = 7676

export function port(text: string): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > 65_535) {
    throw new InvalidArgumentError('Expected a port from 1 to 65535, or 0 for any that is free.')
  }
  return number
}

export function width(text: string): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 40 || number > 240) {
    throw new InvalidArgumentError('Expected a number of columns from 40 to 240.')
  }
  return number
}

/** What Podspan can do without; the operator's configuration calls it by the same names. */
export const FEATURES = [
  'events',
  'nodes',
  'leases',
  'owners',
  'volumes',
  'nodeClaims',
  'workloads',
  'deviceClaims',
  'rollouts',
] as const
export type Feature = (typeof FEATURES)[number]

export function features(text: string): readonly Feature[] {
  return text.split(',').map((word) => {
    const feature = FEATURES.find((one) => one === word)
    if (feature === undefined)
      throw new InvalidArgumentError(`Expected some of ${FEATURES.join(', ')}, with commas between them.`)
    return feature
  })
}

/** For options that may be given several times. */
export const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

/** Where the chart mounts the controller's configuration. */
export const CONFIG_PATH = '/etc/podspan/config.yaml'
