// Owns what a pod asks of its node: Kubernetes' quantities, and the rule by which those of its containers make one.
// Promises exact sums: they are made in whole billionths, the finest that a quantity can be, and become numbers once.
// Does not know a pod's overhead or pod-level requests, which are not kept of it.

import type { ContainerSpec, PodRecord } from '../base/record.ts'
import { toNumber } from '../base/time.ts'

/** By resource, in base units: cores, bytes, devices. */
export type Requests = Readonly<Record<string, number>>

const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,2})?$/
const LENGTH_MAX = 64
const NANO = 9

const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }
const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
}

/** Thousands of pods ask for the same few amounts. Forgotten as a whole, so that strange ones do not stay. */
const parsed = new Map<string, bigint | undefined>()
const PARSED_MAX = 1000

/** `100m`, `1Gi`, `1e3` in billionths, rounded up as the API server does; undefined where it is no quantity. */
export function parseQuantity(text: string): bigint | undefined {
  if (parsed.has(text)) return parsed.get(text)
  if (parsed.size >= PARSED_MAX) parsed.clear()
  const quantity = readQuantity(text)
  parsed.set(text, quantity)
  return quantity
}

function readQuantity(text: string): bigint | undefined {
  const match = text.length <= LENGTH_MAX ? QUANTITY.exec(text) : null
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', suffix = ''] = match
  if (whole === '' && fraction === '') return undefined
  const digits = BigInt(whole + fraction) << (BINARY[suffix] ?? 0n)
  const power = NANO - fraction.length + decimalOf(suffix)
  const nano = power >= 0 ? digits * 10n ** BigInt(power) : ceilDivide(digits, 10n ** BigInt(-power))
  return sign === '-' ? -nano : nano
}

function decimalOf(suffix: string): number {
  if (suffix.length > 1 && /^[eE]/.test(suffix) && BINARY[suffix] === undefined)
    return Number(suffix.slice(1))
  return DECIMAL[suffix] ?? 0
}

const ceilDivide = (value: bigint, by: bigint): bigint => (value + by - 1n) / by

const amountOf = (nano: bigint): number =>
  toNumber(nano / 1_000_000_000n) + toNumber(nano % 1_000_000_000n) / 1e9

type Nanos = Record<string, bigint>

/**
 * What the scheduler sets aside for a pod: its containers and sidecars together, or an init container with the sidecars that were started
 * before it, whichever is more. Undefined where nothing is requested.
 */
export function requestsOf({ containers, initContainers }: PodRecord): Requests | undefined {
  const running: Nanos = {}
  for (const container of containers) addTo(running, container)
  if (initContainers) addInit(running, initContainers)
  let found: Record<string, number> | undefined
  for (const resource in running) {
    const nano = running[resource] as bigint
    if (nano > 0n) (found ??= {})[resource] = amountOf(nano)
  }
  return found
}

function addInit(running: Nanos, initContainers: readonly ContainerSpec[]): void {
  const atOnce: Nanos = {}
  const sidecars: Nanos = {}
  for (const container of initContainers) {
    if (container.restartPolicy === 'Always') {
      addTo(running, container)
      addTo(sidecars, container)
      continue
    }
    const meanwhile = { ...sidecars }
    addTo(meanwhile, container)
    raiseTo(atOnce, meanwhile)
  }
  raiseTo(running, atOnce)
}

function addTo(sum: Nanos, { requests }: ContainerSpec): void {
  for (const resource in requests) {
    const nano = parseQuantity(requests[resource] as string)
    if (nano !== undefined) sum[resource] = (sum[resource] ?? 0n) + nano
  }
}

function raiseTo(sum: Nanos, other: Nanos): void {
  for (const resource in other) {
    const nano = other[resource] as bigint
    if (nano > (sum[resource] ?? 0n)) sum[resource] = nano
  }
}
