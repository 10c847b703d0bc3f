// Owns chance: draws from a seed.
// Promises the same draws for the same seed. Does not know what is drawn for.

import { randomFrom } from '../support/frames.ts'

export interface Random {
  chance(probability: number): boolean
  /** At least the first, less than the second. */
  between(from: number, to: number): number
  /** Both included. */
  whole(from: number, to: number): number
  pick<T>(of: readonly T[]): T
  /** 1, 2, … so many, drawn between the bounds. */
  many(from: number, to: number): number[]
}

export function randomOf(seed: number): Random {
  const next = randomFrom(seed)
  const between = (from: number, to: number): number => from + next() * (to - from)
  const whole = (from: number, to: number): number => Math.floor(between(from, to + 1))
  return {
    chance: (probability) => next() < probability,
    between,
    whole,
    pick: <T>(of: readonly T[]) => of[whole(0, of.length - 1)] as T,
    many: (from, to) => Array.from({ length: whole(from, to) }, (_, index) => index + 1),
  }
}
